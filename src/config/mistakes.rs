//! What the TOML parser complains about, in words, with what to write, and where the mistake really is: where a quote
//! or a list was opened, not where the file ends. Pure.

use std::ops::Range;

use super::source::Text;
use crate::values::one_line;

/// A syntax error for people.
pub struct Mistake {
    pub span: Range<usize>,
    pub what: String,
    pub cure: String,
    /// How many lines from the mistake on cannot be read.
    pub lines: usize,
    /// What follows was taken for something else and is parsed again.
    pub again: bool,
}

/// The mistake behind the parser's `message` at `span`.
pub fn parse_mistake(text: &Text, span: Range<usize>, message: &str) -> Mistake {
    let (said, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    if said.contains("string")
        && expected.contains(['"', '\''])
        && let Some(mistake) = open_quote(text, &span)
    {
        return mistake;
    }
    if let Some(mistake) = open_list(text, &span, said) {
        return mistake;
    }
    if said == "duplicate key" {
        return twice(text, span);
    }
    let word = one_line(text.slice(&span).trim(), 40);
    let line = text.line(text.line_of(span.start));
    let (what, cure) = match plain(said, &word, line) {
        Some((what, cure)) => (what.to_owned(), cure),
        None if expected.is_empty() => (said.to_owned(), "write key = value, one on each line".into()),
        None => (said.to_owned(), format!("expected {expected}")),
    };
    Mistake { span, what, cure, lines: 1, again: false }
}

fn plain(said: &str, word: &str, line: &str) -> Option<(&'static str, String)> {
    Some(match said {
        "string values must be quoted" if word.is_empty() => {
            ("the value is missing", "write a value after the =".into())
        }
        "missing value" | "missing value for key" => ("the value is missing", "write a value after the =".into()),
        "string values must be quoted" => ("text must stand in quotes", format!("write \"{word}\"")),
        "invalid boolean" => ("neither true nor false", format!("text must stand in quotes: \"{word}\"")),
        "unexpected leading zero" => {
            ("a number does not begin with 0", format!("write it in quotes: \"{}\"", value_of(line)))
        }
        "key with no value" if line.contains('=') => {
            let key = line.split('=').next().unwrap_or_default().trim();
            (
                "a space within the key",
                format!("write {}, or put the key in quotes", one_line(&key.replace(' ', "_"), 40)),
            )
        }
        "key with no value" => ("a key without a value", format!("write {} = and a value", one_line(line.trim(), 40))),
        "invalid unquoted key" => ("a character that no key has", "use letters, digits, _ and -".into()),
        "unquoted keys cannot be empty" => ("a value without a key", "write the key before the =".into()),
        "unclosed table" | "unclosed array table" => ("the table's name is not closed", "close it with ]".into()),
        "unclosed inline table" => ("the table is not closed", "close it with }".into()),
        "missing comma between array elements" => {
            ("a comma is missing in the list", "put a comma between elements".into())
        }
        "missing comma between key-value pairs" => {
            ("a comma is missing in the table", "put a comma between keys".into())
        }
        "extra `=`" => ("an = too much", "keep one".into()),
        "unexpected key or value" => {
            ("something stands behind the value", "put it on its own line, or behind a #".into())
        }
        "missing escaped value" => {
            ("this backslash begins no escape", "write \\\\ for a backslash, or use '…' for quotes".into())
        }
        "invalid basic string" | "invalid literal string" => ("a character that no text may hold", "remove it".into()),
        "cannot recurse further; max recursion depth met" | "recursion limit" => {
            ("nests too deep", "no key needs more: look for a missing ]".into())
        }
        _ => return None,
    })
}

fn value_of(line: &str) -> String {
    let value = line.split_once('=').map_or(line, |(_, value)| value);
    one_line(value.split(['#', ',', '}', ']']).next().unwrap_or(value).trim(), 40)
}

/// The quote that is never closed: on this line, else the long one above.
fn open_quote(text: &Text, span: &Range<usize>) -> Option<Mistake> {
    let number = text.line_of(span.start.saturating_sub(1));
    let mistake = |line: usize, at: usize, quote: &str, again| Mistake {
        span: text.start(line) + at..text.start(line) + text.line(line).trim_end().len(),
        what: "the text's quotes are not closed".into(),
        cure: format!("close it with {quote}"),
        lines: 1,
        again,
    };
    if let Some((at, quote)) = unclosed(text.line(number)) {
        return Some(mistake(number, at, if quote == '"' { "\"" } else { "'" }, false));
    }
    (0..=number).rev().find_map(|line| {
        let long = ["\"\"\"", "'''"].into_iter().find(|quote| text.line(line).matches(quote).count() % 2 == 1)?;
        Some(mistake(line, text.line(line).find(long)?, long, true))
    })
}

/// Where a one-line text begins that does not end on this line.
fn unclosed(line: &str) -> Option<(usize, char)> {
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    if line.contains("\"\"\"") || line.contains("'''") {
        return None;
    }
    for (at, c) in line.char_indices() {
        match open {
            Some((_, '"')) if escaped => escaped = false,
            Some((_, '"')) if c == '\\' => escaped = true,
            Some((_, quote)) if c == quote => open = None,
            Some(_) => {}
            None if c == '#' => return None,
            None if c == '"' || c == '\'' => open = Some((at, c)),
            None => {}
        }
    }
    open
}

/// A list that swallows the keys or tables after it: it was opened further up.
fn open_list(text: &Text, span: &Range<usize>, said: &str) -> Option<Mistake> {
    let number = text.line_of(span.start);
    let line = text.line(number).trim_start();
    let swallowed = match said {
        "missing comma between array elements" | "unexpected `=` in array" => {
            line.starts_with('[') || line.contains('=')
        }
        "unclosed array" => true,
        _ => false,
    };
    let opens = |line: &&str| line.contains('=') && line.matches('[').count() > line.matches(']').count();
    let last = if said == "unclosed array" { number + 1 } else { number };
    let first = (0..last).rev().take(200).find(|line| swallowed && opens(&text.line(*line)))?;
    let at = text.line(first).find('[')?;
    Some(Mistake {
        span: text.start(first) + at..text.start(first) + at + 1,
        what: "the list is not closed".into(),
        cure: "close it with ]".into(),
        lines: (number - first).max(1),
        again: true,
    })
}

/// A key or a table that is there already: where it is first.
fn twice(text: &Text, span: Range<usize>) -> Mistake {
    let at = text.line_of(span.start);
    let head = |line: usize| text.line(line).split('#').next().unwrap_or_default().trim().to_owned();
    let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let wanted = head(at);
    let is_table = wanted.starts_with('[');
    let first = if is_table {
        (0..at).rev().find(|line| head(*line) == wanted)
    } else {
        let within = (0..at).rev().take_while(|line| !head(*line).starts_with('['));
        within.into_iter().find(|line| key(&head(*line)) == key(&wanted))
    };
    let what = if is_table { "this table is there twice" } else { "this key is set twice" };
    let cure = match first {
        Some(line) => format!("the first is on line {}: keep one of them", line + 1),
        None => "keep one of them".into(),
    };
    // The keys of a second table belong to the first: they are read.
    Mistake { span, what: what.into(), cure, lines: usize::from(!is_table), again: false }
}

/// The dotted key that a line is about: the table's header above it and its own key.
pub fn key_at(text: &Text, line: usize) -> String {
    let header = |line: &str| {
        let line = line.trim().trim_start_matches('[');
        one_line(line.split([']', '#', '=']).next().unwrap_or_default().trim(), 80)
    };
    let own = text.line(line).trim();
    if own.starts_with('[') {
        return header(own);
    }
    let own = match own.split_once('=') {
        Some((key, _)) => key.trim(),
        None => own.split_whitespace().next().unwrap_or_default(),
    };
    let own = one_line(own, 60);
    let above = (0..line).rev().map(|number| text.line(number).trim()).find(|line| line.starts_with('['));
    match above.map(header) {
        Some(above) if own.is_empty() => above,
        Some(above) => format!("{above}.{own}"),
        None => own,
    }
}
