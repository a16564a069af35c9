//! The files of a cgroup v1 group, spread over one directory per controller.

use std::collections::HashMap;
use std::path::PathBuf;

use super::group::{Gone, Reader, ask, count_lines, only_if_whole};
use super::memory::{Key, MemoryFiles};
use super::parse::{merge_blkio, parse_cpu_stat, parse_key, parse_limit, parse_number};
use super::{Counters, Cpu, Limits};
use crate::host::kept::{Budget, Kept};

/// The clock tick of `cpuacct.stat`: 100 per second on every Linux that runs Docker.
const TICK_NS: u64 = 10_000_000;

const MEMORY_KEYS: &[Key] = &[
    (b"total_rss", |memory, bytes| memory.rss = Some(bytes)),
    (b"total_cache", |memory, bytes| memory.cache = Some(bytes)),
    (b"total_mapped_file", |memory, bytes| memory.mapped_file = Some(bytes)),
    (b"total_inactive_file", |memory, bytes| memory.inactive_file = bytes),
    (b"total_active_file", |memory, bytes| memory.active_file = Some(bytes)),
    (b"total_swap", |memory, bytes| memory.swap = Some(bytes)),
    (b"pgfault", |memory, count| memory.page_faults = Some(count)),
    (b"pgmajfault", |memory, count| memory.major_page_faults = Some(count)),
];

#[derive(Debug)]
pub(super) struct LegacyFiles {
    usage: Option<Kept>,
    acct_stat: Option<Kept>,
    cpu_stat: Option<Kept>,
    memory: MemoryFiles,
    io_bytes: Option<Kept>,
    io_operations: Option<Kept>,
    pids_current: Option<Kept>,
    procs: Option<Kept>,
}

impl LegacyFiles {
    pub fn open(directories: &HashMap<&str, PathBuf>, budget: &Budget) -> LegacyFiles {
        let nowhere = PathBuf::new();
        let of = |controller: &str| directories.get(controller).unwrap_or(&nowhere).clone();
        let open = |controller: &str, name: &str| Kept::of_group(of(controller).join(name), budget);
        let recursive = |plain: &str| open("blkio", &format!("{plain}_recursive")).or_else(|| open("blkio", plain));
        LegacyFiles {
            usage: open("cpuacct", "cpuacct.usage"),
            acct_stat: open("cpuacct", "cpuacct.stat"),
            cpu_stat: open("cpu", "cpu.stat"),
            memory: MemoryFiles {
                usage: open("memory", "memory.usage_in_bytes"),
                stat: open("memory", "memory.stat"),
                peak: open("memory", "memory.max_usage_in_bytes"),
                events: open("memory", "memory.oom_control"),
                swap: None,
                failcnt: open("memory", "memory.failcnt"),
                keys: MEMORY_KEYS,
            },
            io_bytes: recursive("blkio.throttle.io_service_bytes"),
            io_operations: recursive("blkio.throttle.io_serviced"),
            pids_current: open("pids", "pids.current"),
            procs: open("cpuacct", "cgroup.procs"),
        }
    }

    /// The file that shows whether the group was removed.
    pub fn sign(&self) -> Option<&Kept> {
        self.usage.as_ref()
    }

    pub fn read(&self, buffer: &mut Vec<u8>) -> Result<Counters, Gone> {
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
            memory: self.memory.read(buffer)?,
            io: io.unwrap_or_default(),
            tasks,
            processes: only_if_whole(ask(&self.procs, buffer, count_lines)?, tasks),
            ..Counters::default()
        })
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
