//! The text writer. One `Page` is one answer to one scrape: each family once, no sample twice, at most `cap` series.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use super::{Group, Heading};

/// The exact content type of the text format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Room for the page of one host with a few projects, so that it need not be moved while it grows.
const USUAL_BYTES: usize = 96 * 1024;
const USUAL_FAMILIES: usize = 512;

/// A sample's value. Integers are written exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl From<u64> for Number {
    fn from(value: u64) -> Number {
        Number::Unsigned(value)
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Number {
        Number::Unsigned(value.into())
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Number {
        Number::Signed(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Number {
        Number::Float(value)
    }
}

impl From<bool> for Number {
    fn from(value: bool) -> Number {
        Number::Unsigned(value.into())
    }
}

/// What a scrape asked for: `collect[]` keeps only what it names, `exclude[]` drops. A word is a group (`node`) or a
/// collector (`meminfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub collect: Vec<String>,
    pub exclude: Vec<String>,
    /// Groups switched off by `[metrics] compat`.
    pub off: Vec<Group>,
}

impl Filter {
    /// Whether the families of `collector` in `group` are wanted.
    pub fn wants(&self, group: Group, collector: &str) -> bool {
        let names = |words: &[String]| words.iter().any(|word| word == group.as_str() || word == collector);
        !self.off.contains(&group) && (self.collect.is_empty() || names(&self.collect)) && !names(&self.exclude)
    }
}

/// The page being written.
pub struct Page {
    text: Vec<u8>,
    filter: Filter,
    cap: usize,
    series: usize,
    dropped_over_cap: u64,
    dropped_twice: u64,
    hasher: RandomState,
    families: HashSet<u64, foldhash::fast::RandomState>,
    /// Where in `text` the labels of the open family's samples stand, by their hash.
    samples: HashMap<u64, usize, foldhash::fast::RandomState>,
    name: String,
    head_from: usize,
    head_to: usize,
    open: bool,
}

impl Page {
    /// An empty page that holds at most `cap` series.
    pub fn new(filter: Filter, cap: usize) -> Page {
        Page {
            text: Vec::with_capacity(USUAL_BYTES),
            filter,
            cap,
            series: 0,
            dropped_over_cap: 0,
            dropped_twice: 0,
            hasher: RandomState::default(),
            families: HashSet::with_capacity_and_hasher(USUAL_FAMILIES, Default::default()),
            samples: HashMap::default(),
            name: String::new(),
            head_from: 0,
            head_to: 0,
            open: false,
        }
    }

    /// Whether this scrape wants `collector` of `group`. Ask before doing work for it.
    pub fn wants(&self, group: Group, collector: &str) -> bool {
        self.filter.wants(group, collector)
    }

    /// Opens `family`: the samples that follow belong to it. Its HELP and TYPE lines appear with the first sample, so
    /// that a family without samples leaves no trace. A family opened a second time is ignored with its samples.
    pub fn family<'h>(&mut self, heading: impl Into<Heading<'h>>) {
        self.open_family(&heading.into());
    }

    fn open_family(&mut self, heading: &Heading<'_>) {
        self.close_head();
        self.samples.clear();
        self.name.clear();
        heading.name.iter().for_each(|part| self.name.push_str(part));
        self.open = self.families.insert(self.hasher.hash_one(self.name.as_bytes()));
        debug_assert!(self.open, "family {} written twice", self.name);
        if !self.open {
            return;
        }
        self.head_from = self.text.len();
        self.text.extend_from_slice(b"# HELP ");
        self.text.extend_from_slice(self.name.as_bytes());
        self.text.push(b' ');
        heading.help.iter().for_each(|part| push_escaped(&mut self.text, part, false));
        self.text.extend_from_slice(b"\n# TYPE ");
        self.text.extend_from_slice(self.name.as_bytes());
        self.text.push(b' ');
        self.text.extend_from_slice(heading.kind.as_str().as_bytes());
        self.text.push(b'\n');
        self.head_to = self.text.len();
    }

    /// Writes one sample of the open family. A label set already written in this family is dropped and counted.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Into<Number>) {
        self.sample_after("", labels, value);
    }

    /// As `sample`, with labels that were rendered before by [`Page::render_labels`] in front.
    pub fn sample_after(&mut self, rendered: &str, labels: &[(&str, &str)], value: impl Into<Number>) {
        if !self.open {
            self.dropped_twice += 1;
            return;
        }
        if self.series >= self.cap {
            self.dropped_over_cap += 1;
            return;
        }
        let start = self.text.len();
        self.text.extend_from_slice(self.name.as_bytes());
        let brace = self.text.len();
        push_labels(&mut self.text, rendered, labels);
        if self.is_written(brace) {
            self.text.truncate(start);
            self.dropped_twice += 1;
            return;
        }
        self.text.push(b' ');
        push_number(&mut self.text, value.into());
        self.text.push(b'\n');
        self.series += 1;
    }

    /// Whether the labels that stand at the end of the text, from `from` on, were written in this family before; they are
    /// known from now on. Labels are hashed, and told apart by their bytes where hashes meet: nobody who chooses labels
    /// can have another's sample dropped.
    fn is_written(&mut self, from: usize) -> bool {
        let labels = self.text.get(from..).unwrap_or_default();
        let before = match self.samples.entry(self.hasher.hash_one(labels)) {
            Entry::Vacant(unknown) => {
                unknown.insert(from);
                return false;
            }
            Entry::Occupied(known) => self.text.get(*known.get()..).unwrap_or_default(),
        };
        // A blank follows the labels of a sample; within labels it stands only between quotes.
        before.strip_prefix(labels).is_some_and(|after| after.starts_with(b" "))
    }

    /// A family with a single sample without labels.
    pub fn single<'h>(&mut self, family: impl Into<Heading<'h>>, value: impl Into<Number>) {
        self.family(family);
        self.sample(&[], value);
    }

    /// Labels escaped once, to be written many times with [`Page::sample_after`]: `a="1",b="2"`.
    pub fn render_labels(labels: &[(&str, &str)]) -> String {
        let mut text = Vec::new();
        push_pairs(&mut text, labels);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Makes room for `more` series beyond the cap: for the families that say that the cap was reached.
    pub fn raise_cap(&mut self, more: usize) {
        self.cap = self.cap.saturating_add(more);
    }

    /// Series written so far.
    pub fn series(&self) -> usize {
        self.series
    }

    /// Samples left out because of the cap.
    pub fn dropped_over_cap(&self) -> u64 {
        self.dropped_over_cap
    }

    /// Samples left out because they were written before.
    pub fn dropped_twice(&self) -> u64 {
        self.dropped_twice
    }

    /// The finished text.
    pub fn finish(mut self) -> Vec<u8> {
        self.close_head();
        self.text
    }

    /// Takes the HELP and TYPE lines back when no sample followed them.
    fn close_head(&mut self) {
        if self.head_to > self.head_from && self.text.len() == self.head_to {
            self.text.truncate(self.head_from);
        }
        self.head_from = 0;
        self.head_to = 0;
    }
}

/// Writes `word` with its backslashes and line ends escaped, and its quotes where it stands between quotes.
fn push_escaped(text: &mut Vec<u8>, word: &str, quoted: bool) {
    let special = |byte: u8| byte == b'\\' || byte == b'\n' || (byte == b'"' && quoted);
    // Nearly no word needs it; this way of asking is one that the compiler does many bytes at a time.
    if !word.bytes().fold(false, |any, byte| any | special(byte)) {
        return text.extend_from_slice(word.as_bytes());
    }
    for byte in word.bytes() {
        if special(byte) {
            text.push(b'\\');
        }
        text.push(if byte == b'\n' { b'n' } else { byte });
    }
}

fn push_labels(text: &mut Vec<u8>, rendered: &str, labels: &[(&str, &str)]) {
    if rendered.is_empty() && labels.is_empty() {
        return;
    }
    text.push(b'{');
    text.extend_from_slice(rendered.as_bytes());
    if !rendered.is_empty() && !labels.is_empty() {
        text.push(b',');
    }
    push_pairs(text, labels);
    text.push(b'}');
}

fn push_pairs(text: &mut Vec<u8>, labels: &[(&str, &str)]) {
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"=\"");
        push_escaped(text, value, true);
        text.push(b'"');
    }
}

fn push_number(text: &mut Vec<u8>, number: Number) {
    match number {
        Number::Unsigned(value) => text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Number::Signed(value) => text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Number::Float(value) if value.is_nan() => text.extend_from_slice(b"NaN"),
        Number::Float(value) if value.is_infinite() => {
            text.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
        }
        Number::Float(value) => {
            let mut buffer = ryu::Buffer::new();
            let shortest = buffer.format_finite(value);
            text.extend_from_slice(shortest.strip_suffix(".0").unwrap_or(shortest).as_bytes());
        }
    }
}
