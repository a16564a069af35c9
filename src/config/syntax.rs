//! One file to a tree: every syntax error of it in plain words, and as much of the tree as can be trusted. Pure.

use std::ops::Range;

use toml::de::DeTable;

use super::damage::Damage;
use super::depth::{LIMIT, parse_depth};
use super::located::{Located, MOST};
use super::source::{Source, Text, parse_text};
use super::tree::{DEPTH, Node, parse_tree};

/// One file after parsing. `text` is kept also when nothing could be parsed, so that numbers of files hold.
pub struct Parsed {
    pub text: Text,
    pub root: Node,
    pub problems: Vec<Located>,
    pub damage: Damage,
}

/// Parses one file; `file` is its number.
pub fn parse_source(file: usize, source: &Source) -> Parsed {
    let text = match parse_text(source) {
        Ok(text) => text,
        Err(problem) => return Parsed::nothing(file, Text::new(&source.name, ""), problem),
    };
    if let Some(at) = parse_depth(&text.text) {
        let what = format!("nests deeper than {LIMIT} levels");
        let problem = Located::at(&text, text.place(&(at..at + 1)), &what, "no key needs more: look for a missing ]");
        return Parsed::nothing(file, text, problem);
    }
    let (table, errors) = DeTable::parse_recoverable(&text.text);
    let root = match parse_tree(file, table.get_ref()) {
        Ok(root) => root,
        Err(span) => {
            let what = format!("nests deeper than {DEPTH} levels");
            let problem = Located::at(&text, text.place(&span), &what, "no key needs more");
            return Parsed::nothing(file, text, problem);
        }
    };
    let mut parsed = Parsed { text, root, problems: Vec::new(), damage: Damage::default() };
    for error in errors {
        if parsed.problems.len() > MOST {
            parsed.damage.whole = true;
            break;
        }
        let end = parsed.text.text.len();
        let span = error.span().unwrap_or(end..end);
        parsed.add(file, span, error.message());
    }
    parsed
}

impl Parsed {
    fn nothing(file: usize, text: Text, problem: Located) -> Parsed {
        let damage = Damage { whole: true, lines: Vec::new() };
        Parsed { text, root: Node::empty_table(), problems: vec![Located { order: file, ..problem }], damage }
    }

    /// One mistake makes several errors; the first of a line is the one that tells.
    fn add(&mut self, file: usize, span: Range<usize>, message: &str) {
        let span = self.whole_word(span);
        let line = self.text.line_of(span.start);
        if self.damage.touches(line) {
            return;
        }
        self.damage.add(&self.text, line);
        let (what, cure) = plain(&self.text, &span, message);
        let place = self.text.place(&span);
        let key = key_at(&self.text, line);
        let located = Located { order: file, key, ..Located::at(&self.text, place, &what, &cure) };
        self.problems.push(located);
    }

    /// An error at the end of a line is shown on that line, not on the next one.
    fn whole_word(&self, span: Range<usize>) -> Range<usize> {
        let before = self.text.text.get(..span.start).unwrap_or_default();
        let at_end = span.start > 0 && span.start >= self.text.text.len() && before.ends_with('\n');
        if at_end {
            let end = before.trim_end().len();
            return end..end;
        }
        span
    }
}

/// What the parser says, in words, with what to write.
fn plain(text: &Text, span: &Range<usize>, message: &str) -> (String, String) {
    let line = text.line(text.line_of(span.start));
    let word = text.slice(span).trim();
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let known: Option<(&str, String)> = match what {
        "string values must be quoted" => Some(("text must stand in quotes", format!("write \"{word}\""))),
        "duplicate key" => return twice(text, span),
        "unexpected leading zero" => {
            Some(("a number does not begin with 0", format!("write it in quotes: \"{}\"", number(line))))
        }
        "key with no value" => Some(("a key without a value", format!("write {} = and a value", line.trim()))),
        "missing value" | "missing value for key" => Some(("the value is missing", "write a value after the =".into())),
        "unclosed table" | "unclosed array table" => Some(("the table's name is not closed", "close it with ]".into())),
        "unclosed array" => Some(("the list is not closed", "close it with ]".into())),
        "unclosed inline table" => Some(("the table is not closed", "close it with }".into())),
        "missing comma between array elements" => {
            Some(("a comma is missing in the list", "put a comma between elements".into()))
        }
        "missing comma between key-value pairs" => {
            Some(("a comma is missing in the table", "put a comma between keys".into()))
        }
        "cannot recurse further; max recursion depth met" | "recursion limit" => {
            Some(("nests too deep", "no key needs more: look for a missing ]".into()))
        }
        "carriage return must be followed by newline" => {
            Some(("a carriage return without a newline", "end lines with \\n or \\r\\n".into()))
        }
        _ => None,
    };
    if let Some((what, cure)) = known {
        return (what.into(), cure);
    }
    if what.contains("string") && expected.contains(['"', '\'']) {
        return ("the text's quotes are not closed".into(), format!("close it with {}", expected.trim_matches('`')));
    }
    let cure =
        if expected.is_empty() { "write key = value, one on each line".into() } else { format!("expected {expected}") };
    (what.into(), cure)
}

fn number(line: &str) -> &str {
    let value = line.split_once('=').map_or(line, |(_, value)| value);
    value.split(['#', ',']).next().unwrap_or(value).trim()
}

/// A key or a table that is there already: where it is first.
fn twice(text: &Text, span: &Range<usize>) -> (String, String) {
    let at = text.line_of(span.start);
    let head = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let wanted = head(text.line(at));
    let is_table = wanted.starts_with('[');
    let above = (0..at).rev();
    let first = if is_table {
        above.map(|line| (line, head(text.line(line)))).find(|(_, found)| *found == wanted)
    } else {
        let mut within =
            above.map(|line| (line, head(text.line(line)))).take_while(|(_, found)| !found.starts_with('['));
        within.find(|(_, found)| key(found) == key(&wanted))
    };
    let what = if is_table { "this table is there twice" } else { "this key is set twice" };
    let cure = match first {
        Some((line, _)) => format!("the first is on line {}: keep one of them", line + 1),
        None => "keep one of them".into(),
    };
    (what.into(), cure)
}

/// The dotted key that a line is about: the table's header above it and its own key.
pub fn key_at(text: &Text, line: usize) -> String {
    let header = |line: &str| {
        let line = line.trim().trim_start_matches('[');
        line.split([']', '#', '=']).next().unwrap_or_default().trim().to_owned()
    };
    let own = text.line(line).trim();
    if own.starts_with('[') {
        return header(own);
    }
    let own = match own.split_once('=') {
        Some((key, _)) => key.trim(),
        None => own.split_whitespace().next().unwrap_or_default(),
    };
    let own = crate::values::one_line(own, 60);
    let above = (0..line).rev().map(|number| text.line(number).trim()).find(|line| line.starts_with('['));
    match above.map(header) {
        Some(above) if own.is_empty() => above,
        Some(above) => format!("{above}.{own}"),
        None => own,
    }
}
