//! `/proc/meminfo` and `/proc/vmstat`: fields with numbers.

use super::text::{lines, number, text, words};

/// A named number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As the kernel writes it.
    pub name: String,
    pub value: u64,
    /// Whether the kernel gave kibibytes; `value` is in bytes then.
    pub is_bytes: bool,
}

/// Parses `/proc/meminfo`.
pub fn parse_meminfo(bytes: &[u8]) -> Option<Vec<Field>> {
    let field = |line: &[u8]| {
        let mut fields = words(line);
        let name = text(fields.next()?.strip_suffix(b":")?);
        let value = number(fields.next()?)?;
        let is_bytes = fields.next() == Some(b"kB");
        let value = if is_bytes { value.checked_mul(1024)? } else { value };
        Some(Field { name, value, is_bytes })
    };
    let mut fields = Vec::with_capacity(64);
    fields.extend(lines(bytes).filter_map(field));
    (!fields.is_empty()).then_some(fields)
}

/// Parses those lines of `/proc/vmstat` whose name is `wanted`.
pub fn parse_vmstat(bytes: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<Field>> {
    let field = |line: &[u8]| {
        let mut fields = words(line);
        let name = fields.next().filter(|name| wanted(name))?;
        Some(Field { value: number(fields.next()?)?, name: text(name), is_bytes: false })
    };
    (lines(bytes).next().is_some_and(|line| !line.is_empty())).then(|| lines(bytes).filter_map(field).collect())
}
