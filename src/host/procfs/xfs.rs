//! `/sys/fs/xfs/DEVICE/stats/stats`: what an XFS filesystem did.

use super::text::{lines, number, words};

/// Values of those lines that are known by name, in the kernel's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XfsStats {
    lines: Vec<(String, Vec<u64>)>,
}

impl XfsStats {
    /// The value at `index` of the line `name`.
    pub fn value(&self, name: &str, index: usize) -> Option<u64> {
        let (_, values) = self.lines.iter().find(|(line, _)| line == name)?;
        values.get(index).copied()
    }
}

/// Parses the file: lines of a name and numbers.
pub fn parse_xfs(bytes: &[u8]) -> Option<XfsStats> {
    let line = |line: &[u8]| {
        let mut fields = words(line);
        let name = String::from_utf8(fields.next()?.to_vec()).ok()?;
        Some((name, fields.map_while(number).collect::<Vec<u64>>()))
    };
    let stats = XfsStats { lines: lines(bytes).filter_map(line).collect() };
    (!stats.lines.is_empty()).then_some(stats)
}
