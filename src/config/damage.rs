//! Which lines of a broken file say nothing reliable any more, so that one mistake is one problem. Pure.

use std::ops::Range;

use super::source::Text;

/// What a file with syntax errors cannot be held to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Nothing of the file could be read.
    pub whole: bool,
    /// Lines, from 0: those with an error; after a broken header, all up to the next one.
    pub lines: Vec<Range<usize>>,
}

impl Damage {
    /// A syntax error on `line`.
    pub fn add(&mut self, text: &Text, line: usize) {
        let is_header = |line: usize| text.line(line).trim_start().starts_with('[');
        let mut end = line + 1;
        if is_header(line) {
            let last = text.line_of(text.text.len());
            while end <= last && !is_header(end) {
                end += 1;
            }
            // The lines below are unreliable for typed reading, yet their own syntax is still looked at.
        }
        self.lines.push(line..end);
    }

    /// Whether `line` has a syntax error already.
    pub fn touches(&self, line: usize) -> bool {
        self.lines.iter().any(|lines| lines.start == line)
    }

    /// Whether what is said about `line` may be a consequence only.
    pub fn covers(&self, line: usize) -> bool {
        self.whole || self.lines.iter().any(|lines| lines.contains(&line))
    }

    /// Whether something may be missing only because it could not be read.
    pub fn any(&self) -> bool {
        self.whole || !self.lines.is_empty()
    }
}
