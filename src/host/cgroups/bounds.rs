//! What a group may use and what it holds of memory, as the kernel has it now: read for decisions, not for every scrape.

use std::path::{Path, PathBuf};

use super::find::{Cgroups, Layout, Place, read_small};
use super::parse::{parse_cpu_max, parse_keyed, parse_number};
use crate::values::Limit;

/// v1 writes "no limit" as the largest number of whole pages.
const LEGACY_MAX: u64 = 1 << 62;

/// The bounds of a group. `None`: the kernel has no such bound here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes.
    pub memory_max: Option<Limit>,
    /// Bytes; v2 only.
    pub memory_high: Option<Limit>,
    /// Bytes that are protected; v2 only.
    pub memory_low: Option<Limit>,
    /// Bytes of swap alone.
    pub swap_max: Option<Limit>,
    /// Thousandths of a core.
    pub cpus: Option<Limit>,
    /// 1 to 10000; v2 only.
    pub cpu_weight: Option<u64>,
    /// Tasks.
    pub pids_max: Option<Limit>,
    /// v2 only.
    pub io: Vec<IoBound>,
    /// Bytes in use.
    pub used: u64,
    /// Bytes in use without the cache that is dropped first: what a lower limit must leave room for.
    pub needed: u64,
}

/// Bytes per second of one block device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoBound {
    pub major: u32,
    pub minor: u32,
    pub read: Limit,
    pub write: Limit,
}

impl Cgroups {
    /// The bounds of a group; `None`: there is no such group.
    pub fn read_bounds(&self, place: &Place) -> Option<Bounds> {
        match self.layout() {
            Layout::Unified => read_unified(&self.directory_of("", place)?),
            Layout::Hybrid | Layout::Legacy => {
                let of = |controller: &str| self.directory_of(controller, place);
                read_legacy(&of("memory")?, of("cpu"), of("pids"))
            }
            Layout::Absent => None,
        }
    }
}

fn read_unified(directory: &Path) -> Option<Bounds> {
    let text = |name: &str| read_small(&directory.join(name));
    let bound = |name: &str| parse_bound(&text(name)?);
    // Every group but the root has it, whatever controllers there are.
    text("cgroup.events")?;
    let used = text("memory.current").and_then(|text| parse_number(&text)).unwrap_or_default();
    let inactive = text("memory.stat").and_then(|text| find_key(&text, b"inactive_file")).unwrap_or_default();
    Some(Bounds {
        memory_max: bound("memory.max"),
        memory_high: bound("memory.high"),
        memory_low: bound("memory.low"),
        swap_max: bound("memory.swap.max"),
        cpus: text("cpu.max").and_then(|text| parse_cpu_max(&text)).map(|(quota, period)| cores_of(quota, period)),
        cpu_weight: text("cpu.weight").and_then(|text| parse_number(&text)),
        pids_max: bound("pids.max"),
        io: text("io.max").map(|text| parse_io_max(&text)).unwrap_or_default(),
        used,
        needed: used.saturating_sub(inactive),
    })
}

fn read_legacy(memory: &Path, cpu: Option<PathBuf>, pids: Option<PathBuf>) -> Option<Bounds> {
    let number = |directory: &Path, name: &str| parse_bound(&read_small(&directory.join(name))?);
    let limit =
        |name: &str| number(memory, name).map(|limit| if limit >= Limit::At(LEGACY_MAX) { Limit::Max } else { limit });
    let used = limit("memory.usage_in_bytes")?.at().unwrap_or_default();
    let stat = read_small(&memory.join("memory.stat"));
    let inactive = stat.and_then(|text| find_key(&text, b"total_inactive_file")).unwrap_or_default();
    let memory_max = limit("memory.limit_in_bytes");
    let both = limit("memory.memsw.limit_in_bytes");
    let cpu_number = |name: &str| cpu.as_deref().and_then(|cpu| read_small(&cpu.join(name)));
    let quota = cpu_number("cpu.cfs_quota_us");
    let period = cpu_number("cpu.cfs_period_us").and_then(|text| parse_number(&text));
    Some(Bounds {
        memory_max,
        swap_max: both.map(|both| match (both, memory_max) {
            (Limit::At(both), Some(Limit::At(memory))) => Limit::At(both.saturating_sub(memory)),
            _ => Limit::Max,
        }),
        // -1 is no number: no quota.
        cpus: quota.zip(period).map(|(quota, period)| cores_of(parse_number(&quota), period)),
        pids_max: pids.as_deref().and_then(|pids| number(pids, "pids.max")),
        used,
        needed: used.saturating_sub(inactive),
        ..Bounds::default()
    })
}

fn cores_of(quota: Option<u64>, period: u64) -> Limit {
    match quota {
        Some(quota) if period > 0 => Limit::At(quota.saturating_mul(1000).div_ceil(period)),
        _ => Limit::Max,
    }
}

/// `max` or a number.
pub fn parse_bound(text: &[u8]) -> Option<Limit> {
    if text.trim_ascii() == b"max" { Some(Limit::Max) } else { parse_number(text).map(Limit::At) }
}

fn find_key(text: &[u8], key: &[u8]) -> Option<u64> {
    parse_keyed(text).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// `253:0 rbps=max wbps=5242880 riops=max wiops=max`, one line for each device.
pub fn parse_io_max(text: &[u8]) -> Vec<IoBound> {
    let text = String::from_utf8_lossy(text);
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (major, minor) = words.next()?.split_once(':')?;
        let mut bound =
            IoBound { major: major.parse().ok()?, minor: minor.parse().ok()?, read: Limit::Max, write: Limit::Max };
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            match key {
                "rbps" => bound.read = parse_bound(value.as_bytes())?,
                "wbps" => bound.write = parse_bound(value.as_bytes())?,
                _ => {}
            }
        }
        Some(bound)
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_numbers_or_none() {
        assert_eq!(parse_bound(b"max\n"), Some(Limit::Max));
        assert_eq!(parse_bound(b"1048576\n"), Some(Limit::At(1 << 20)));
        for wrong in [&b""[..], b"-1\n", b"maximum"] {
            assert_eq!(parse_bound(wrong), None, "{wrong:?}");
        }
        assert_eq!(cores_of(Some(50_000), 100_000), Limit::At(500));
        assert_eq!(cores_of(None, 100_000), Limit::Max);
        assert_eq!(cores_of(Some(1), 0), Limit::Max);
    }

    #[test]
    fn devices_have_their_own_bounds() {
        let text = b"253:0 rbps=max wbps=5242880 riops=max wiops=max\n8:16 rbps=1000 wbps=max\nbroken\n";
        let [one, two] = parse_io_max(text)[..] else { panic!() };
        assert_eq!(one, IoBound { major: 253, minor: 0, read: Limit::Max, write: Limit::At(5_242_880) });
        assert_eq!((two.major, two.read, two.write), (8, Limit::At(1000), Limit::Max));
    }

    #[test]
    fn both_kinds_of_trees_are_read() {
        let scratch = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = scratch.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        for (name, text) in [
            ("cgroup.events", "populated 1\n"),
            ("memory.current", "1000\n"),
            ("memory.stat", "anon 10\ninactive_file 400\n"),
            ("memory.max", "5000\n"),
            ("memory.high", "max\n"),
            ("memory.low", "0\n"),
            ("memory.swap.max", "0\n"),
            ("cpu.max", "150000 100000\n"),
            ("cpu.weight", "100\n"),
            ("pids.max", "max\n"),
        ] {
            write(&format!("v2/{name}"), text);
        }
        let bounds = read_unified(&scratch.path().join("v2")).unwrap();
        assert_eq!((bounds.used, bounds.needed), (1000, 600));
        assert_eq!((bounds.memory_max, bounds.memory_high), (Some(Limit::At(5000)), Some(Limit::Max)));
        assert_eq!((bounds.swap_max, bounds.cpus), (Some(Limit::At(0)), Some(Limit::At(1500))));
        assert_eq!((bounds.cpu_weight, bounds.pids_max), (Some(100), Some(Limit::Max)));
        assert_eq!(read_unified(&scratch.path().join("nothing")), None);

        for (name, text) in [
            ("memory.usage_in_bytes", "1000\n"),
            ("memory.stat", "inactive_file 1\ntotal_inactive_file 400\n"),
            ("memory.limit_in_bytes", "4096\n"),
            ("memory.memsw.limit_in_bytes", "6144\n"),
        ] {
            write(&format!("v1/memory/{name}"), text);
        }
        write("v1/cpu/cpu.cfs_quota_us", "-1\n");
        write("v1/cpu/cpu.cfs_period_us", "100000\n");
        let at = |name: &str| scratch.path().join("v1").join(name);
        let bounds = read_legacy(&at("memory"), Some(at("cpu")), None).unwrap();
        assert_eq!((bounds.memory_max, bounds.swap_max), (Some(Limit::At(4096)), Some(Limit::At(2048))));
        assert_eq!((bounds.cpus, bounds.pids_max, bounds.needed), (Some(Limit::Max), None, 600));
        write("v1/memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("v1/memory/memory.memsw.limit_in_bytes", "9223372036854771712\n");
        let bounds = read_legacy(&at("memory"), None, None).unwrap();
        assert_eq!((bounds.memory_max, bounds.swap_max, bounds.cpus), (Some(Limit::Max), Some(Limit::Max), None));
    }
}
