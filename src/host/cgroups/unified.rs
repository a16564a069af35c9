//! The files of a cgroup v2 group.

use std::path::Path;

use super::group::{Gone, Reader, ask, count_lines, only_if_whole};
use super::memory::{Key, MemoryFiles};
use super::parse::{parse_cpu_max, parse_cpu_stat, parse_io_stat, parse_limit, parse_number, parse_pressure};
use super::{Counters, Limits, Pressure};
use crate::host::kept::{Budget, Kept};

const MEMORY_KEYS: &[Key] = &[
    (b"anon", |memory, bytes| memory.rss = Some(bytes)),
    (b"file", |memory, bytes| memory.cache = Some(bytes)),
    (b"file_mapped", |memory, bytes| memory.mapped_file = Some(bytes)),
    (b"inactive_file", |memory, bytes| memory.inactive_file = bytes),
    (b"active_file", |memory, bytes| memory.active_file = Some(bytes)),
    (b"pgfault", |memory, count| memory.page_faults = Some(count)),
    (b"pgmajfault", |memory, count| memory.major_page_faults = Some(count)),
];

#[derive(Debug)]
pub(super) struct UnifiedFiles {
    cpu_stat: Option<Kept>,
    memory: MemoryFiles,
    io_stat: Option<Kept>,
    pids_current: Option<Kept>,
    procs: Option<Kept>,
    pressure: [Option<Kept>; 3],
}

impl UnifiedFiles {
    pub fn open(directory: &Path, budget: &Budget) -> UnifiedFiles {
        let open = |name: &str| Kept::of_group(directory.join(name), budget);
        UnifiedFiles {
            cpu_stat: open("cpu.stat"),
            memory: MemoryFiles {
                usage: open("memory.current"),
                stat: open("memory.stat"),
                peak: open("memory.peak"),
                events: open("memory.events"),
                swap: open("memory.swap.current"),
                failcnt: None,
                keys: MEMORY_KEYS,
            },
            io_stat: open("io.stat"),
            pids_current: open("pids.current"),
            procs: open("cgroup.procs"),
            pressure: ["cpu.pressure", "memory.pressure", "io.pressure"].map(open),
        }
    }

    /// The file that shows whether the group was removed.
    pub fn sign(&self) -> Option<&Kept> {
        self.cpu_stat.as_ref()
    }

    pub fn read(&self, buffer: &mut Vec<u8>) -> Result<Counters, Gone> {
        let (cpu, throttle) = ask(&self.cpu_stat, buffer, |text| Some(parse_cpu_stat(text)))?.unwrap_or_default();
        let pressure = |file: &Option<Kept>, buffer: &mut Vec<u8>| -> Result<Option<Pressure>, Gone> {
            ask(file, buffer, |text| Some(parse_pressure(text)))
        };
        let [cpu_pressure, memory_pressure, io_pressure] = &self.pressure;
        let tasks = ask(&self.pids_current, buffer, parse_number)?;
        Ok(Counters {
            cpu,
            throttle,
            memory: self.memory.read(buffer)?,
            io: ask(&self.io_stat, buffer, |text| Some(parse_io_stat(text)))?.unwrap_or_default(),
            tasks,
            processes: only_if_whole(ask(&self.procs, buffer, count_lines)?, tasks),
            cpu_pressure: pressure(cpu_pressure, buffer)?,
            memory_pressure: pressure(memory_pressure, buffer)?,
            io_pressure: pressure(io_pressure, buffer)?,
        })
    }
}

pub(super) fn read_limits(text: Reader<'_>) -> Limits {
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

/// cAdvisor's way from v2's weight (1 to 10000) to v1's shares (2 to 262144).
fn shares_of_weight(weight: u64) -> Option<u64> {
    (1..=10_000).contains(&weight).then(|| (weight - 1) * 262_142 / 9_999 + 2)
}
