//! What the targets share: an input's first byte says which parser gets the rest. Small letters count from zero, so
//! that kept inputs can be read and written by hand.

/// Which of `count` parsers, and its input; `None` for an empty input.
pub fn choose(data: &[u8], count: usize) -> Option<(usize, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((usize::from(first.wrapping_sub(b'a')) % count, rest))
}

/// The input as two: before and after the first NUL byte.
pub fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    (&data[..at], data.get(at + 1..).unwrap_or_default())
}

/// The input as the text it is, or as near to it as bytes come.
pub fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}
