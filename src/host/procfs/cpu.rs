//! `/proc/stat`, `/proc/schedstat`, `/proc/net/softnet_stat`: what the processors did.

use super::text::{hex, lines, number, words};

/// Ticks of `USER_HZ` that a processor spent, by what it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTimes {
    pub user: u64,
    pub nice: u64,
    pub system: u64,
    pub idle: u64,
    pub iowait: u64,
    pub irq: u64,
    pub softirq: u64,
    pub steal: u64,
    /// Part of `user`.
    pub guest: u64,
    /// Part of `nice`.
    pub guest_nice: u64,
}

impl CpuTimes {
    /// Ticks in which it did something for somebody here.
    pub fn busy(&self) -> u64 {
        [self.user, self.nice, self.system, self.irq, self.softirq]
            .iter()
            .fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// All ticks.
    pub fn all(&self) -> u64 {
        [self.idle, self.iowait, self.steal].iter().fold(self.busy(), |sum, part| sum.saturating_add(*part))
    }
}

/// `/proc/stat`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    pub total: CpuTimes,
    /// By the number of the processor.
    pub cpus: Vec<(u32, CpuTimes)>,
    /// Unix time of boot, seconds.
    pub boot_time: Option<u64>,
    pub interrupts: Option<u64>,
    pub context_switches: Option<u64>,
    pub forks: Option<u64>,
    pub running: Option<u64>,
    pub blocked: Option<u64>,
}

/// Parses `/proc/stat`; `None` when it has no line of a processor.
pub fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    let mut stat = Stat::default();
    let mut found = false;
    for line in lines(bytes) {
        let mut fields = words(line);
        let Some(key) = fields.next() else { continue };
        let slot = match key {
            b"cpu" => {
                stat.total = cpu_times(fields).unwrap_or_default();
                found = true;
                continue;
            }
            b"btime" => &mut stat.boot_time,
            b"intr" => &mut stat.interrupts,
            b"ctxt" => &mut stat.context_switches,
            b"processes" => &mut stat.forks,
            b"procs_running" => &mut stat.running,
            b"procs_blocked" => &mut stat.blocked,
            _ => {
                let cpu = key.strip_prefix(b"cpu").and_then(number).and_then(|cpu| u32::try_from(cpu).ok());
                stat.cpus.extend(cpu.zip(cpu_times(fields)));
                continue;
            }
        };
        *slot = fields.next().and_then(number);
    }
    found.then_some(stat)
}

/// Kernels before 2.6.33 have fewer columns: those that lack are 0.
fn cpu_times<'f>(fields: impl Iterator<Item = &'f [u8]>) -> Option<CpuTimes> {
    let mut ticks = fields.map_while(number);
    let mut times = CpuTimes { user: ticks.next()?, nice: ticks.next()?, system: ticks.next()?, ..CpuTimes::default() };
    times.idle = ticks.next()?;
    for slot in [
        &mut times.iowait,
        &mut times.irq,
        &mut times.softirq,
        &mut times.steal,
        &mut times.guest,
        &mut times.guest_nice,
    ] {
        *slot = ticks.next().unwrap_or(0);
    }
    Some(times)
}

/// A processor's line of `/proc/schedstat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunQueue {
    pub cpu: u32,
    pub running_nanoseconds: u64,
    pub waiting_nanoseconds: u64,
    pub timeslices: u64,
}

/// Parses `/proc/schedstat`.
pub fn parse_schedstat(bytes: &[u8]) -> Option<Vec<RunQueue>> {
    let queue = |line: &[u8]| {
        let mut fields = words(line);
        let cpu = number(fields.next()?.strip_prefix(b"cpu")?)?;
        let mut last = fields.skip(6).map_while(number);
        Some(RunQueue {
            cpu: u32::try_from(cpu).ok()?,
            running_nanoseconds: last.next()?,
            waiting_nanoseconds: last.next()?,
            timeslices: last.next()?,
        })
    };
    Some(lines(bytes).filter_map(queue).collect())
}

/// A processor's line of `/proc/net/softnet_stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softnet {
    pub cpu: u32,
    pub processed: u64,
    pub dropped: u64,
    pub squeezed: u64,
}

/// Parses `/proc/net/softnet_stat`. Since Linux 5.14 the 13th column names the processor; before, the line does.
pub fn parse_softnet_stat(bytes: &[u8]) -> Option<Vec<Softnet>> {
    let mut line_number = 0;
    let queue = |line: &[u8]| {
        let mut fields = words(line).map_while(hex);
        let (processed, dropped, squeezed) = (fields.next()?, fields.next()?, fields.next()?);
        let named = fields.nth(9).and_then(|cpu| u32::try_from(cpu).ok());
        let cpu = named.unwrap_or(line_number);
        line_number = line_number.saturating_add(1);
        Some(Softnet { cpu, processed, dropped, squeezed })
    };
    let queues: Vec<Softnet> = lines(bytes).filter_map(queue).collect();
    (!queues.is_empty()).then_some(queues)
}
