//! Lines, words and numbers in the kernel's text, without copies.

/// The lines that end with a newline.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    bytes.get(..end).unwrap_or_default().split(|byte| *byte == b'\n')
}

/// The words of a line, between blanks and tabs.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b' ' || *byte == b'\t').filter(|word| !word.is_empty())
}

/// A decimal number without sign; `None` for anything else and for what does not fit.
pub(super) fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() || word.len() > 20 {
        return None;
    }
    word.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(digit.into())
    })
}

/// A decimal number with a sign.
pub(super) fn signed(word: &[u8]) -> Option<i64> {
    match word.split_first() {
        Some((b'-', digits)) => number(digits).and_then(|value| 0_i64.checked_sub_unsigned(value)),
        _ => number(word).and_then(|value| i64::try_from(value).ok()),
    }
}

/// A hexadecimal number without prefix.
pub(super) fn hex(word: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(word).ok().filter(|text| !text.starts_with('+'))?;
    u64::from_str_radix(text, 16).ok()
}

/// All numbers of a line, up to the first word that is none.
pub(super) fn numbers(line: &[u8]) -> impl Iterator<Item = u64> {
    words(line).map_while(number)
}

pub(super) fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// The value of a file that holds one number, such as `/proc/sys/kernel/random/entropy_avail`.
pub fn parse_number(bytes: &[u8]) -> Option<u64> {
    number(bytes.trim_ascii())
}

/// The numbers of a file that holds one line of them, such as `/proc/sys/fs/file-nr`.
pub fn parse_numbers(bytes: &[u8]) -> Option<Vec<u64>> {
    let numbers: Vec<u64> = lines(bytes).next().map(numbers)?.collect();
    (!numbers.is_empty()).then_some(numbers)
}
