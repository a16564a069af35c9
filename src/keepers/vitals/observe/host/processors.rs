//! Processors: time spent, queues, frequency, throttling, load and pressure.

use std::collections::BTreeSet;
use std::time::Duration;

use super::SHORTEST_SPAN;
use super::scene::{Scene, Source};
use crate::host::Roots;
use crate::host::procfs::{
    CpuTimes, Pressure, RunQueue, Softnet, Stat, parse_loadavg, parse_pressure, parse_schedstat, parse_softnet_stat,
    parse_stat,
};
use crate::host::sysfs::{Class, Member};

/// An idle counter that falls by more than this (ticks) tells of a processor that was replugged.
const REPLUGGED: u64 = 300;

/// What was seen of the processors.
#[derive(Clone, Debug, Default)]
pub struct Processors {
    /// `/proc/stat`; no counter in `cpus` falls between two looks, as the kernel's iowait does.
    pub stat: Option<Stat>,
    /// Ticks per second of `stat`.
    pub ticks_per_second: f64,
    /// Share of all processors' time that was busy since the last look, 0 to 1.
    pub busy_share: Option<f64>,
    pub throttles: Throttles,
    pub frequencies: Vec<CpuFrequency>,
    pub queues: Option<Vec<RunQueue>>,
    pub softnet: Option<Vec<Softnet>>,
    pub load: Option<[f64; 3]>,
    pub pressure: Option<PressureSeen>,
}

/// How often processors were slowed down because of heat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Throttles {
    /// Package, core, count.
    pub cores: Vec<(u64, u64, u64)>,
    /// Package, count.
    pub packages: Vec<(u64, u64)>,
}

/// A processor's frequencies, kHz.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuFrequency {
    pub cpu: String,
    pub current: Option<u64>,
    pub lowest: Option<u64>,
    pub highest: Option<u64>,
    pub scaling_current: Option<u64>,
    pub scaling_lowest: Option<u64>,
    pub scaling_highest: Option<u64>,
}

/// Pressure stall information by resource.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PressureSeen {
    pub cpu: Option<Pressure>,
    pub io: Option<Pressure>,
    pub memory: Option<Pressure>,
}

/// How processors are looked at.
pub struct Look {
    stat: Source<Stat>,
    ticks_per_second: f64,
    last_total: Option<(Duration, CpuTimes)>,
    busy_share: Option<f64>,
    shown: Vec<(u32, CpuTimes)>,
    throttles: Class,
    frequencies: Class,
    schedstat: Source<Vec<RunQueue>>,
    softnet: Source<Vec<Softnet>>,
    load: Source<[f64; 3]>,
    pressure: [Source<Pressure>; 3],
}

const FREQUENCIES: [&str; 6] = [
    "cpufreq/cpuinfo_cur_freq",
    "cpufreq/cpuinfo_min_freq",
    "cpufreq/cpuinfo_max_freq",
    "cpufreq/scaling_cur_freq",
    "cpufreq/scaling_min_freq",
    "cpufreq/scaling_max_freq",
];
const PACKAGE: &str = "topology/physical_package_id";
const CORE: &str = "topology/core_id";
const CORE_THROTTLES: &str = "thermal_throttle/core_throttle_count";
const PACKAGE_THROTTLES: &str = "thermal_throttle/package_throttle_count";

impl Look {
    pub fn new(roots: &Roots) -> Look {
        let proc = |path: &str| roots.procfs.join(path);
        let cpus = || roots.sysfs.join("devices/system/cpu");
        let with = |part: &'static str, files: &'static [&'static str]| {
            let choose = move |dir: &std::path::Path| {
                let present = dir.join(part).is_dir();
                files.iter().filter(|_| present).map(|file| (*file).to_owned()).collect()
            };
            Class::choosing(cpus(), is_cpu, choose)
        };
        let pressure = |resource: &str| Source::piece(proc("pressure").join(resource), parse_pressure);
        let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
        Look {
            stat: Source::piece(proc("stat"), parse_stat),
            ticks_per_second: ticks as f64,
            last_total: None,
            busy_share: None,
            shown: Vec::new(),
            throttles: with("thermal_throttle", &[PACKAGE, CORE, CORE_THROTTLES, PACKAGE_THROTTLES]),
            frequencies: with("cpufreq", &FREQUENCIES),
            schedstat: Source::new(proc("schedstat"), parse_schedstat),
            softnet: Source::rows(roots.net().join("softnet_stat"), parse_softnet_stat),
            load: Source::piece(proc("loadavg"), parse_loadavg),
            pressure: [pressure("cpu"), pressure("io"), pressure("memory")],
        }
    }

    pub fn look(&mut self, scene: &mut Scene<'_>) -> Processors {
        if scene.list {
            self.throttles.list_devices();
            self.frequencies.list_devices();
        }
        let cpu = scene.run("cpu", |reader| {
            let stat = self.stat.look(reader)?;
            Ok(stat.map(|stat| (stat, parse_throttles(&self.throttles.read(reader).unwrap_or_default()))))
        });
        let (stat, throttles) = cpu.unzip();
        let now = scene.now.up;
        let stat = scene.run("stat", |_| {
            Ok(stat.map(|stat| {
                self.take_busy_share(now, stat.total);
                self.never_back(stat)
            }))
        });
        let frequencies = |members: Vec<Member>| members.iter().filter_map(parse_frequency).collect();
        let [cpu_pressure, io_pressure, memory_pressure] = &mut self.pressure;
        Processors {
            ticks_per_second: self.ticks_per_second,
            busy_share: self.busy_share,
            stat,
            throttles: throttles.unwrap_or_default(),
            frequencies: scene
                .run("cpufreq", |reader| Ok(Some(self.frequencies.read(reader).map(frequencies).unwrap_or_default())))
                .unwrap_or_default(),
            queues: scene.run("schedstat", |reader| self.schedstat.look(reader)),
            softnet: scene.run("softnet", |reader| self.softnet.look(reader)),
            load: scene.run("loadavg", |reader| self.load.look(reader)),
            pressure: scene.run("pressure", |reader| {
                let cpu = cpu_pressure.look(reader)?;
                let (io, memory) = (io_pressure.look(reader)?, memory_pressure.look(reader)?);
                let any = cpu.is_some() || io.is_some() || memory.is_some();
                Ok(any.then_some(PressureSeen { cpu, io, memory }))
            }),
        }
    }

    /// The busy share since the last look that was long enough ago to tell.
    fn take_busy_share(&mut self, now: Duration, total: CpuTimes) {
        if let Some((then, last)) = self.last_total {
            let all = total.all().saturating_sub(last.all());
            if now.saturating_sub(then) < SHORTEST_SPAN || all == 0 {
                return;
            }
            let busy = total.busy().saturating_sub(last.busy());
            self.busy_share = Some((busy as f64 / all as f64).min(1.0));
        }
        self.last_total = Some((now, total));
    }

    /// Holds counters that fell at their highest value.
    fn never_back(&mut self, mut stat: Stat) -> Stat {
        for (number, times) in &mut stat.cpus {
            let shown = self.shown.iter().find(|(shown, _)| shown == number);
            if let Some((_, shown)) = shown.filter(|(_, shown)| shown.idle < times.idle + REPLUGGED) {
                *times = highest(times, shown);
            }
        }
        self.shown.clone_from(&stat.cpus);
        stat
    }
}

fn highest(a: &CpuTimes, b: &CpuTimes) -> CpuTimes {
    CpuTimes {
        user: a.user.max(b.user),
        nice: a.nice.max(b.nice),
        system: a.system.max(b.system),
        idle: a.idle.max(b.idle),
        iowait: a.iowait.max(b.iowait),
        irq: a.irq.max(b.irq),
        softirq: a.softirq.max(b.softirq),
        steal: a.steal.max(b.steal),
        guest: a.guest.max(b.guest),
        guest_nice: a.guest_nice.max(b.guest_nice),
    }
}

fn is_cpu(name: &str) -> bool {
    name.strip_prefix("cpu").is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

fn parse_frequency(member: &Member) -> Option<CpuFrequency> {
    let [current, lowest, highest, scaling_current, scaling_lowest, scaling_highest] =
        FREQUENCIES.map(|file| member.number(file));
    let cpu = member.name.strip_prefix("cpu")?.to_owned();
    Some(CpuFrequency { cpu, current, lowest, highest, scaling_current, scaling_lowest, scaling_highest })
}

/// Threads of one core, and cores of one package, show the same counter: each is taken once.
fn parse_throttles(members: &[Member]) -> Throttles {
    let mut throttles = Throttles::default();
    let mut taken = BTreeSet::new();
    for member in members {
        let (Some(package), Some(core)) = (member.number::<u64>(PACKAGE), member.number::<u64>(CORE)) else { continue };
        if let Some(count) = member.number(CORE_THROTTLES).filter(|_| taken.insert((package, Some(core)))) {
            throttles.cores.push((package, core, count));
        }
        if let Some(count) = member.number(PACKAGE_THROTTLES).filter(|_| taken.insert((package, None))) {
            throttles.packages.push((package, count));
        }
    }
    throttles
}
