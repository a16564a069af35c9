//! Which lines of a broken file say nothing reliable any more, so that one mistake is one problem. Pure.

use std::ops::Range;

use super::source::Text;

/// What a file with syntax errors cannot be held to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Nothing of the file could be read.
    pub whole: bool,
    /// Lines, from 0, that are not read: each range begins with the line of an error.
    pub lines: Vec<Range<usize>>,
}

impl Damage {
    /// A syntax error on `line` that spoils `count` lines from there; below a broken header, all up to the next one.
    pub fn add(&mut self, text: &Text, line: usize, count: usize) {
        let is_header = |line: usize| text.line(line).trim_start().starts_with('[');
        let mut end = line + count;
        if count > 0 && is_header(line) {
            let last = text.line_of(text.text.len());
            while end <= last && !is_header(end) {
                end += 1;
            }
        }
        self.lines.push(line..end);
    }

    /// Whether an error on `line` was noted already.
    pub fn begins_at(&self, line: usize) -> bool {
        self.lines.iter().any(|lines| lines.start == line)
    }

    /// Whether something may be missing only because it could not be read.
    pub fn any(&self) -> bool {
        self.whole || !self.lines.is_empty()
    }

    /// The text with the spoilt lines as spaces: every other byte stays where it is.
    pub fn blank(&self, text: &Text) -> String {
        let mut bytes = text.text.clone().into_bytes();
        for lines in &self.lines {
            let spoilt = text.start(lines.start)..text.start(lines.end);
            for byte in bytes.get_mut(spoilt).unwrap_or_default() {
                if !matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
        }
        String::from_utf8(bytes).unwrap_or_default()
    }
}
