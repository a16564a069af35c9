//! The files of a cgroup v1 group, spread over one directory per controller.

use std::collections::HashMap;
use std::path::PathBuf;

use super::group::{Gone, Reader, ask, count_lines, only_if_whole};
use super::kept::{Budget, Kept};
use super::parse::{merge_blkio, parse_cpu_stat, parse_key, parse_keyed, parse_limit, parse_number};
use super::{Counters, Cpu, Limits, Memory};

/// The clock tick of `cpuacct.stat`: 100 per second on every Linux that runs Docker.
const TICK_NS: u64 = 10_000_000;

#[derive(Debug)]
pub(super) struct LegacyFiles {
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

impl LegacyFiles {
    pub fn open(directories: &HashMap<&str, PathBuf>, budget: &Budget) -> LegacyFiles {
        let nowhere = PathBuf::new();
        let of = |controller: &str| directories.get(controller).unwrap_or(&nowhere).clone();
        let open = |controller: &str, name: &str| Kept::open(&of(controller), name, budget);
        let recursive = |plain: &str| {
            let kept = open("blkio", &format!("{plain}_recursive"));
            if kept.exists() { kept } else { open("blkio", plain) }
        };
        LegacyFiles {
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
        }
    }

    pub fn read(&self, buffer: &mut Vec<u8>) -> Result<Counters, Gone> {
        if self.usage.removed() {
            return Err(Gone);
        }
        let usage = ask(&self.usage, buffer, parse_number)?;
        let (user_ns, system_ns) = ask(&self.acct_stat, buffer, |text| {
            let ticks = |key: &[u8]| parse_key(text, key).map(|ticks| ticks.saturating_mul(TICK_NS));
            Some((ticks(b"user"), ticks(b"system")))
        })?
        .unwrap_or_default();
        let (_, throttle) = ask(&self.cpu_stat, buffer, |text| Some(parse_cpu_stat(text)))?.unwrap_or_default();
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
        memory.oom_kills = ask(&self.oom_control, buffer, |text| parse_key(text, b"oom_kill"))?;
        Ok(Some(memory))
    }
}

pub(super) fn read_limits(cpu: Reader<'_>, memory: Reader<'_>) -> Limits {
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
