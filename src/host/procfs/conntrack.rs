//! `/proc/net/stat/nf_conntrack`: what the connection tracker did, summed over the processors.

use super::text::{hex, lines, words};

/// Sums over all processors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conntrack {
    pub found: u64,
    pub invalid: u64,
    pub ignored: u64,
    pub inserted: u64,
    pub insert_failed: u64,
    pub dropped: u64,
    pub early_dropped: u64,
    pub search_restarted: u64,
}

/// Parses the file: a line of names, a line of hexadecimal values per processor.
pub fn parse_conntrack_stat(bytes: &[u8]) -> Option<Conntrack> {
    let mut all = lines(bytes);
    let names: Vec<&[u8]> = words(all.next()?).collect();
    names.contains(&&b"search_restart"[..]).then_some(())?;
    let mut sums = Conntrack::default();
    for line in all {
        for (name, value) in names.iter().zip(words(line).map_while(hex)) {
            let sum = match *name {
                b"found" => &mut sums.found,
                b"invalid" => &mut sums.invalid,
                b"ignore" => &mut sums.ignored,
                b"insert" => &mut sums.inserted,
                b"insert_failed" => &mut sums.insert_failed,
                b"drop" => &mut sums.dropped,
                b"early_drop" => &mut sums.early_dropped,
                b"search_restart" => &mut sums.search_restarted,
                _ => continue,
            };
            *sum = sum.saturating_add(value);
        }
    }
    Some(sums)
}
