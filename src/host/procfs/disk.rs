//! `/proc/diskstats`, and what udev wrote down of a block device.

use std::collections::BTreeMap;

use super::text::{lines, number, text, words};

/// A block device's counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    pub major: u32,
    pub minor: u32,
    pub name: String,
    /// In the kernel's order: reads, merged, sectors, ms; the same of writes; in flight, ms busy, ms weighted; the same
    /// four of discards (Linux 4.18); flushes, ms (5.5). Sectors of 512 bytes.
    pub counts: Vec<u64>,
}

/// Parses `/proc/diskstats`.
pub fn parse_diskstats(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Option<Vec<Disk>> {
    let disk = |line: &[u8]| {
        let mut fields = words(line);
        let major = u32::try_from(number(fields.next()?)?).ok()?;
        let minor = u32::try_from(number(fields.next()?)?).ok()?;
        let name = std::str::from_utf8(fields.next()?).ok().filter(|name| wanted(name))?;
        let mut counts = Vec::with_capacity(17);
        counts.extend(fields.map_while(number).take(17));
        (counts.len() >= 11).then(|| Disk { major, minor, name: name.to_owned(), counts })
    };
    let mut disks = Vec::with_capacity(8);
    disks.extend(lines(bytes).filter_map(disk));
    lines(bytes).next().is_some().then_some(disks)
}

/// Properties of a device by udev's names, such as `ID_MODEL`.
pub type UdevProperties = BTreeMap<String, String>;

/// Parses `/run/udev/data/bMAJOR:MINOR`: the lines `E:NAME=VALUE`.
pub fn parse_udev_properties(bytes: &[u8]) -> UdevProperties {
    let property = |line: &[u8]| {
        let line = text(line.strip_prefix(b"E:")?);
        line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    lines(bytes).filter_map(property).collect()
}
