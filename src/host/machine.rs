//! How big this machine is: asked once, it does not change.

use std::fs;

use super::Roots;
use super::cgroups::parse_keyed;

/// CPUs online, from `0-3,8` in `/sys/devices/system/cpu/online`; 0 when that cannot be read.
pub fn read_cpu_cores(roots: &Roots) -> u32 {
    let text = fs::read_to_string(roots.sysfs.join("devices/system/cpu/online")).unwrap_or_default();
    parse_cpu_list(&text).unwrap_or_default()
}

/// Memory of the machine, bytes.
pub fn read_memory_bytes(roots: &Roots) -> Option<u64> {
    let text = fs::read(roots.procfs.join("meminfo")).ok()?;
    parse_keyed(&text).find(|(key, _)| *key == b"MemTotal:").and_then(|(_, kib)| kib.checked_mul(1024))
}

/// The name of a block device by its numbers: the last part of the link `/sys/dev/block/8:0`.
pub fn read_device_name(roots: &Roots, major: u32, minor: u32) -> Option<String> {
    let link = fs::read_link(roots.sysfs.join(format!("dev/block/{major}:{minor}"))).ok()?;
    Some(link.file_name()?.to_str()?.to_owned())
}

/// How many numbers a list such as `0-3,8` names.
pub fn parse_cpu_list(text: &str) -> Option<u32> {
    let mut count: u32 = 0;
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(parse_cpu_list("0-27\n"), Some(28));
        assert_eq!(parse_cpu_list("0-3,8,10-11"), Some(7));
        for wrong in ["", "x", "3-1", "0-4294967295", "1-"] {
            assert_eq!(parse_cpu_list(wrong), None, "{wrong}");
        }
    }
}
