//! Files as text: where a byte is in lines and columns, and what is not text at all. Pure.

use std::ops::Range;

use super::draw::secret_from;
use super::located::{Located, Place};

/// So many characters before and after a place are kept.
const WINDOW: usize = 200;

/// The most that is read of one file, and of all files together.
pub const FILE_LIMIT: usize = 1 << 20;
pub const TOTAL_LIMIT: usize = 8 << 20;

/// One file as it was read. `name` is how problems call it: `hostkeeper.toml`, `conf.d/athena.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Where a value is written: a file by number (0 are the defaults), its key and its value in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub file: usize,
    pub key: Range<usize>,
    pub value: Range<usize>,
}

/// A file that is text, without its byte order mark.
#[derive(Clone, Debug)]
pub struct Text {
    pub name: String,
    pub text: String,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Text {
    pub fn new(name: &str, text: &str) -> Text {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Text { name: name.into(), text: text.into(), lines: std::iter::once(0).chain(ends).collect() }
    }

    /// The number of the line, from 0, that holds byte `at`.
    pub fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Line `number`, from 0, without its end.
    pub fn line(&self, number: usize) -> &str {
        let start = self.lines.get(number).copied().unwrap_or(self.text.len());
        let end = self.lines.get(number + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end).unwrap_or_default();
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line)
    }

    pub fn start(&self, number: usize) -> usize {
        self.lines.get(number).copied().unwrap_or(self.text.len())
    }

    /// The text between two bytes; empty when they are not at characters.
    pub fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Line, column and length in characters of `span`, cut at the end of its first line. Secrets are left out, and of
    /// a long line all but the part around the place.
    pub fn place(&self, span: &Range<usize>) -> Place {
        let line = self.line_of(span.start);
        let shown = self.line(line);
        let from = span.start.saturating_sub(self.start(line)).min(shown.len());
        let to = span.end.saturating_sub(self.start(line)).clamp(from, shown.len());
        let chars = |bytes: usize| shown.char_indices().take_while(|(at, _)| *at < bytes).count();
        let (from, to) = (chars(from), chars(to));
        let open = shown.get(..secret_from(shown).unwrap_or(shown.len())).unwrap_or_default();
        let hidden = if open.len() < shown.len() { " •••" } else { "" };
        let skipped = from.saturating_sub(WINDOW);
        let part: String = open.chars().chain(hidden.chars()).skip(skipped).take(2 * WINDOW).collect();
        Place { line, from, length: to.saturating_sub(from).max(1), shown: part, skipped }
    }
}

/// Text, or why it is none.
pub fn parse_text(source: &Source) -> Result<Text, Box<Located>> {
    let name = &source.name;
    let bytes = source.bytes.as_slice();
    let whole = |text: &str, cure: &str| Err(Box::new(Located::of_file(name, text, cure)));
    if bytes.len() > FILE_LIMIT {
        let cure = "a configuration is small: is this another file? Split it in conf.d";
        return whole("larger than 1 MiB, the limit for one file", cure);
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return whole("written in UTF-16", "save it as UTF-8");
    }
    let good = std::str::from_utf8(bytes).map_err(|error| error.valid_up_to());
    let end = good.err().unwrap_or(bytes.len());
    let good = bytes.get(..end).and_then(|good| std::str::from_utf8(good).ok()).unwrap_or_default();
    let text = Text::new(name, good);
    let at =
        |at: usize, what: &str, cure: &str| Err(Box::new(Located::at(&text, text.place(&(at..at + 1)), what, cure)));
    if let Some(nul) = text.text.find('\0') {
        return at(nul, "a NUL byte: this is no text file", "write the file again as text");
    }
    if let Some(byte) = bytes.get(end) {
        let what = format!("not UTF-8: the byte 0x{byte:02x} is no character");
        return at(text.text.len(), &what, "save the file as UTF-8");
    }
    if let Some(lone) = lone_return(&text.text) {
        let cure = "end lines with a newline: is this an old Mac file?";
        return at(lone, "a carriage return without a newline", cure);
    }
    Ok(text)
}

/// The first carriage return that ends no line. The parser takes quadratic time over many of them.
fn lone_return(text: &str) -> Option<usize> {
    text.match_indices('\r').map(|(at, _)| at).find(|at| text.as_bytes().get(at + 1) != Some(&b'\n'))
}
