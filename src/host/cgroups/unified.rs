//! The files of a cgroup v2 group.

use std::path::Path;

use super::group::{Gone, Reader, ask, count_lines, only_if_whole};
use super::kept::{Budget, Kept};
use super::parse::{
    parse_cpu_max, parse_cpu_stat, parse_io_stat, parse_key, parse_keyed, parse_limit, parse_number, parse_pressure,
};
use super::{Counters, Limits, Memory, Pressure};

#[derive(Debug)]
pub(super) struct UnifiedFiles {
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

impl UnifiedFiles {
    pub fn open(directory: &Path, budget: &Budget) -> UnifiedFiles {
        let open = |name: &str| Kept::open(directory, name, budget);
        UnifiedFiles {
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
        }
    }

    pub fn read(&self, buffer: &mut Vec<u8>) -> Result<Counters, Gone> {
        if self.cpu_stat.removed() {
            return Err(Gone);
        }
        let (cpu, throttle) = ask(&self.cpu_stat, buffer, |text| Some(parse_cpu_stat(text)))?.unwrap_or_default();
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
        memory.oom_kills = ask(&self.memory_events, buffer, |text| parse_key(text, b"oom_kill"))?;
        Ok(Some(memory))
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
