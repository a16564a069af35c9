//! One open cgroup: its files, kept, and what they say.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::kept::{Budget, Got, Kept};
use super::parse::{merge_blkio, parse_cpu_max, parse_io_stat, parse_keyed, parse_limit, parse_number, parse_pressure};
use super::{Counters, Cpu, Limits, Memory, Pressure, Throttle};

/// The group was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// v1's clock tick in `cpuacct.stat`: 100 per second on every Linux that runs Docker.
const TICK_NS: u64 = 10_000_000;

/// An open group.
#[derive(Debug)]
pub struct Group {
    files: Files,
    limits_from: Vec<PathBuf>,
}

#[derive(Debug)]
enum Files {
    Unified(Box<UnifiedFiles>),
    Legacy(Box<LegacyFiles>),
}

#[derive(Debug)]
struct UnifiedFiles {
    cpu_stat: Kept,
    memory_current: Kept,
    memory_stat: Kept,
    memory_peak: Kept,
    memory_events: Kept,
    swap_current: Kept,
    io_stat: Kept,
    pids_current: Kept,
    procs: Kept,
    pressure: [Kept; 3],
}

#[derive(Debug)]
struct LegacyFiles {
    usage: Kept,
    acct_stat: Kept,
    cpu_stat: Kept,
    memory_usage: Kept,
    memory_stat: Kept,
    memory_peak: Kept,
    failcnt: Kept,
    oom_control: Kept,
    io_bytes: Kept,
    io_operations: Kept,
    pids_current: Kept,
    procs: Kept,
}

impl Group {
    pub(super) fn unified(directory: &Path, budget: &Budget) -> Group {
        let open = |name: &str| Kept::open(directory, name, budget);
        let files = UnifiedFiles {
            cpu_stat: open("cpu.stat"),
            memory_current: open("memory.current"),
            memory_stat: open("memory.stat"),
            memory_peak: open("memory.peak"),
            memory_events: open("memory.events"),
            swap_current: open("memory.swap.current"),
            io_stat: open("io.stat"),
            pids_current: open("pids.current"),
            procs: open("cgroup.procs"),
            pressure: ["cpu.pressure", "memory.pressure", "io.pressure"].map(open),
        };
        Group { files: Files::Unified(Box::new(files)), limits_from: vec![directory.to_owned()] }
    }

    pub(super) fn legacy(directories: &HashMap<&str, PathBuf>, budget: &Budget) -> Group {
        let nowhere = PathBuf::new();
        let of = |controller: &str| directories.get(controller).unwrap_or(&nowhere).clone();
        let open = |controller: &str, name: &str| Kept::open(&of(controller), name, budget);
        let recursive = |plain: &str| {
            let kept = open("blkio", &format!("{plain}_recursive"));
            if kept.exists() { kept } else { open("blkio", plain) }
        };
        let files = LegacyFiles {
            usage: open("cpuacct", "cpuacct.usage"),
            acct_stat: open("cpuacct", "cpuacct.stat"),
            cpu_stat: open("cpu", "cpu.stat"),
            memory_usage: open("memory", "memory.usage_in_bytes"),
            memory_stat: open("memory", "memory.stat"),
            memory_peak: open("memory", "memory.max_usage_in_bytes"),
            failcnt: open("memory", "memory.failcnt"),
            oom_control: open("memory", "memory.oom_control"),
            io_bytes: recursive("blkio.throttle.io_service_bytes"),
            io_operations: recursive("blkio.throttle.io_serviced"),
            pids_current: open("pids", "pids.current"),
            procs: open("cpuacct", "cgroup.procs"),
        };
        Group { files: Files::Legacy(Box::new(files)), limits_from: vec![of("cpu"), of("memory")] }
    }

    /// Reads everything, through `buffer`. A file that this kernel lacks is a `None`; a removed group is `Gone`.
    pub fn read(&self, buffer: &mut Vec<u8>) -> Result<Counters, Gone> {
        match &self.files {
            Files::Unified(files) => files.read(buffer),
            Files::Legacy(files) => files.read(buffer),
        }
    }

    /// Reads the limits in force. They change seldom: their files are not kept open.
    pub fn read_limits(&self) -> Limits {
        let text = |at: usize, name: &str| {
            let directory = self.limits_from.get(at)?;
            super::find::read_small(&directory.join(name))
        };
        match &self.files {
            Files::Unified(_) => decide_unified_limits(&|name| text(0, name)),
            Files::Legacy(_) => decide_legacy_limits(&|name| text(0, name), &|name| text(1, name)),
        }
    }
}

/// A file's text by name.
type Reader<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

fn decide_unified_limits(text: Reader<'_>) -> Limits {
    let cpu = text("cpu.max").and_then(|text| parse_cpu_max(&text));
    let limit = |name: &str| text(name).and_then(|text| parse_limit(&text));
    Limits {
        cpu_quota_us: cpu.and_then(|(quota, _)| quota),
        cpu_period_us: cpu.map(|(_, period)| period),
        cpu_shares: limit("cpu.weight").and_then(shares_of_weight),
        memory: limit("memory.max"),
        swap: limit("memory.swap.max"),
        reservation: limit("memory.min").filter(|bytes| *bytes > 0),
    }
}

fn decide_legacy_limits(cpu: Reader<'_>, memory: Reader<'_>) -> Limits {
    let of = |text: Option<Vec<u8>>| text.and_then(|text| parse_limit(&text));
    let bytes = |name: &str| of(memory(name));
    Limits {
        cpu_quota_us: of(cpu("cpu.cfs_quota_us")),
        cpu_period_us: of(cpu("cpu.cfs_period_us")),
        cpu_shares: of(cpu("cpu.shares")),
        memory: bytes("memory.limit_in_bytes"),
        swap: bytes("memory.memsw.limit_in_bytes"),
        reservation: bytes("memory.soft_limit_in_bytes"),
    }
}

/// cAdvisor's way from v2's weight (1 to 10000) to v1's shares (2 to 262144).
fn shares_of_weight(weight: u64) -> Option<u64> {
    (1..=10_000).contains(&weight).then(|| (weight - 1) * 262_142 / 9_999 + 2)
}

/// Reads one file and gives its text to `take`; a removed group ends everything.
fn ask<T>(file: &Kept, buffer: &mut Vec<u8>, take: impl FnOnce(&[u8]) -> Option<T>) -> Result<Option<T>, Gone> {
    match file.read(buffer) {
        Got::Text => Ok(take(buffer)),
        Got::Nothing => Ok(None),
        Got::Gone => Err(Gone),
    }
}

fn count_lines(text: &[u8]) -> Option<u64> {
    Some(text.iter().filter(|byte| **byte == b'\n').count() as u64)
}

/// A group with tasks but no process of its own holds sub-groups: the count would be wrong, so there is none.
fn only_if_whole(processes: Option<u64>, tasks: Option<u64>) -> Option<u64> {
    processes.filter(|count| *count > 0 || tasks == Some(0))
}

impl UnifiedFiles {
    fn read(&self, buffer: &mut Vec<u8>) -> Result<Counters, Gone> {
        if self.cpu_stat.removed() {
            return Err(Gone);
        }
        let (cpu, throttle) = ask(&self.cpu_stat, buffer, |text| Some(read_cpu_stat(text)))?.unwrap_or_default();
        let pressure = |file: &Kept, buffer: &mut Vec<u8>| -> Result<Option<Pressure>, Gone> {
            ask(file, buffer, |text| Some(parse_pressure(text)))
        };
        let [cpu_pressure, memory_pressure, io_pressure] = &self.pressure;
        let tasks = ask(&self.pids_current, buffer, parse_number)?;
        Ok(Counters {
            cpu,
            throttle,
            memory: self.read_memory(buffer)?,
            io: ask(&self.io_stat, buffer, |text| Some(parse_io_stat(text)))?.unwrap_or_default(),
            tasks,
            processes: only_if_whole(ask(&self.procs, buffer, count_lines)?, tasks),
            cpu_pressure: pressure(cpu_pressure, buffer)?,
            memory_pressure: pressure(memory_pressure, buffer)?,
            io_pressure: pressure(io_pressure, buffer)?,
        })
    }

    fn read_memory(&self, buffer: &mut Vec<u8>) -> Result<Option<Memory>, Gone> {
        let Some(usage) = ask(&self.memory_current, buffer, parse_number)? else { return Ok(None) };
        let mut memory = Memory { usage, ..Memory::default() };
        let stat = ask(&self.memory_stat, buffer, |text| {
            for (key, number) in parse_keyed(text) {
                match key {
                    b"anon" => memory.rss = Some(number),
                    b"file" => memory.cache = Some(number),
                    b"file_mapped" => memory.mapped_file = Some(number),
                    b"inactive_file" => memory.inactive_file = number,
                    b"active_file" => memory.active_file = Some(number),
                    b"pgfault" => memory.page_faults = Some(number),
                    b"pgmajfault" => memory.major_page_faults = Some(number),
                    _ => {}
                }
            }
            Some(())
        })?;
        if stat.is_none() {
            return Ok(None);
        }
        memory.peak = ask(&self.memory_peak, buffer, parse_number)?;
        memory.swap = ask(&self.swap_current, buffer, parse_number)?;
        memory.oom_kills = ask(&self.memory_events, buffer, |text| read_key(text, b"oom_kill"))?;
        Ok(Some(memory))
    }
}

impl LegacyFiles {
    fn read(&self, buffer: &mut Vec<u8>) -> Result<Counters, Gone> {
        if self.usage.removed() {
            return Err(Gone);
        }
        let usage = ask(&self.usage, buffer, parse_number)?;
        let (user_ns, system_ns) = ask(&self.acct_stat, buffer, |text| {
            let ticks = |key: &[u8]| read_key(text, key).map(|ticks| ticks.saturating_mul(TICK_NS));
            Some((ticks(b"user"), ticks(b"system")))
        })?
        .unwrap_or_default();
        let (_, throttle) = ask(&self.cpu_stat, buffer, |text| Some(read_cpu_stat(text)))?.unwrap_or_default();
        let tasks = ask(&self.pids_current, buffer, parse_number)?;
        let bytes = ask(&self.io_bytes, buffer, |text| Some(text.to_vec()))?.unwrap_or_default();
        let io = ask(&self.io_operations, buffer, |text| Some(merge_blkio(&bytes, text)))?;
        Ok(Counters {
            cpu: usage.map(|usage_ns| Cpu { usage_ns, user_ns, system_ns }),
            throttle,
            memory: self.read_memory(buffer)?,
            io: io.unwrap_or_default(),
            tasks,
            processes: only_if_whole(ask(&self.procs, buffer, count_lines)?, tasks),
            ..Counters::default()
        })
    }

    fn read_memory(&self, buffer: &mut Vec<u8>) -> Result<Option<Memory>, Gone> {
        let Some(usage) = ask(&self.memory_usage, buffer, parse_number)? else { return Ok(None) };
        let mut memory = Memory { usage, ..Memory::default() };
        let stat = ask(&self.memory_stat, buffer, |text| {
            for (key, number) in parse_keyed(text) {
                match key {
                    b"total_rss" => memory.rss = Some(number),
                    b"total_cache" => memory.cache = Some(number),
                    b"total_mapped_file" => memory.mapped_file = Some(number),
                    b"total_inactive_file" => memory.inactive_file = number,
                    b"total_active_file" => memory.active_file = Some(number),
                    b"total_swap" => memory.swap = Some(number),
                    b"pgfault" => memory.page_faults = Some(number),
                    b"pgmajfault" => memory.major_page_faults = Some(number),
                    _ => {}
                }
            }
            Some(())
        })?;
        if stat.is_none() {
            return Ok(None);
        }
        memory.peak = ask(&self.memory_peak, buffer, parse_number)?;
        memory.failcnt = ask(&self.failcnt, buffer, parse_number)?;
        memory.oom_kills = ask(&self.oom_control, buffer, |text| read_key(text, b"oom_kill"))?;
        Ok(Some(memory))
    }
}

fn read_key(text: &[u8], key: &[u8]) -> Option<u64> {
    parse_keyed(text).find(|(name, _)| *name == key).map(|(_, number)| number)
}

/// `cpu.stat` of v2 (usage in microseconds) and of v1 (only the throttle, in nanoseconds).
fn read_cpu_stat(text: &[u8]) -> (Option<Cpu>, Option<Throttle>) {
    let mut usage = None;
    let mut cpu = Cpu::default();
    let mut throttle = Throttle::default();
    let mut throttled = false;
    for (key, number) in parse_keyed(text) {
        let ns = number.saturating_mul(1000);
        match key {
            b"usage_usec" => usage = Some(ns),
            b"user_usec" => cpu.user_ns = Some(ns),
            b"system_usec" => cpu.system_ns = Some(ns),
            b"nr_periods" => (throttle.periods, throttled) = (number, true),
            b"nr_throttled" => throttle.throttled_periods = number,
            b"throttled_usec" => throttle.throttled_ns = ns,
            b"throttled_time" => throttle.throttled_ns = number,
            _ => {}
        }
    }
    let cpu = usage.map(|usage_ns| Cpu { usage_ns, ..cpu });
    (cpu, throttled.then_some(throttle))
}
