//! A problem with its place: file, line, column, key, what is wrong, what to write instead. Pure.

use std::fmt;

use serde_json::{Value, json};

use super::draw;
use super::source::{Origin, Text};
use super::tree::Node;
use crate::values::one_line;

/// Problems beyond this number are not looked for.
pub const MOST: usize = 200;

/// Whether the configuration can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
}

/// A place in a file: line and character from 0, the characters underlined, and the line without its first `skipped`
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub from: usize,
    pub length: usize,
    pub shown: String,
    pub skipped: usize,
}

/// One problem. `file` is the name of its source; empty when no file is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub level: Level,
    pub file: String,
    /// The number of the file in reading order: the order in which problems are listed.
    pub order: usize,
    pub place: Option<Place>,
    /// A dotted path; empty when the file as a whole is wrong.
    pub key: String,
    /// The key and its value as they are written, for the headline: `memory = "16Gb"`.
    pub written: String,
    pub text: String,
    pub cure: String,
}

impl Located {
    /// A file that is wrong as a whole.
    pub fn of_file(name: &str, text: impl Into<String>, cure: &str) -> Located {
        Located {
            level: Level::Error,
            file: name.into(),
            order: 0,
            place: None,
            key: String::new(),
            written: String::new(),
            text: text.into(),
            cure: cure.into(),
        }
    }

    /// A place of a file.
    pub fn at(file: &Text, place: Place, text: &str, cure: &str) -> Located {
        Located { place: Some(place), ..Located::of_file(&file.name, text, cure) }
    }

    pub fn warning(self) -> Located {
        Located { level: Level::Warning, ..self }
    }

    /// Line from 1, when the problem has a place.
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.line + 1)
    }

    /// Column in characters from 1, when the problem has a place.
    pub fn column(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.from + 1)
    }

    /// `conf.d/athena.toml:7:10`, or as much of it as there is.
    pub fn position(&self) -> String {
        match (self.line(), self.column()) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", self.file),
            _ => self.file.clone(),
        }
    }

    /// One object of the JSON form.
    pub fn to_json(&self) -> Value {
        json!({
            "file": self.file,
            "line": self.line(),
            "column": self.column(),
            "key": self.key,
            "text": self.text,
            "cure": self.cure,
        })
    }
}

/// The drawn form of one problem, without a newline at the end.
impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&draw::render_problem(self))
    }
}

/// All problems of a configuration: never empty when it is returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    pub problems: Vec<Located>,
    /// There are more than are listed.
    pub more: bool,
    /// What was found besides, and does not hinder.
    pub warnings: Vec<Located>,
}

impl Problems {
    /// Sorted by place, each once, at most `MOST`.
    pub fn of(mut problems: Vec<Located>, warnings: Vec<Located>) -> Problems {
        let place = |located: &Located| (located.order, located.line(), located.column());
        problems.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.key.cmp(&b.key)));
        problems.dedup_by(|a, b| place(a) == place(b) && a.file == b.file && a.text == b.text);
        let more = problems.len() > MOST;
        problems.truncate(MOST);
        Problems { problems, more, warnings }
    }

    /// `3 problems in 2 files`.
    pub fn count(&self) -> String {
        draw::render_count(&self.problems, self.more)
    }

    /// The JSON form, schema `hostkeeper.config-problems/1`.
    pub fn to_json(&self) -> Value {
        let list = |located: &[Located]| located.iter().map(Located::to_json).collect::<Vec<_>>();
        json!({
            "schema": "hostkeeper.config-problems/1",
            "problems": list(&self.problems),
            "warnings": list(&self.warnings),
            "more": self.more,
        })
    }
}

/// The drawn form: problems apart by an empty line, at the end the count; without a newline at the end.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for located in self.warnings.iter().chain(&self.problems) {
            write!(f, "{located}\n\n")?;
        }
        f.write_str(&self.count())
    }
}

impl std::error::Error for Problems {}

/// How a problem points: at the value, or at the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    Key,
    Value,
}

/// A problem of `node`, found under `key`. Without a file of its own (a default) it has no place.
pub fn of_node(files: &[Text], node: &Node, key: &str, point: Point) -> Located {
    let mut located = Located { key: key.into(), ..Located::of_file("", "", "") };
    let Some((file, origin)) = node.at.iter().find_map(|origin| Some((files.get(origin.file)?, origin))) else {
        return located;
    };
    if origin.file == 0 {
        located.written = last(key).into();
        return located;
    }
    let span = if point == Point::Key { &origin.key } else { &origin.value };
    located.file = file.name.clone();
    located.order = origin.file;
    located.place = Some(file.place(span));
    located.written = written(file, origin, key, point);
    located
}

fn written(file: &Text, origin: &Origin, key: &str, point: Point) -> String {
    let line = file.line(file.line_of(origin.key.start)).trim();
    if line.starts_with('[') && !line.contains('=') {
        return one_line(line.split('#').next().unwrap_or(line).trim(), 60);
    }
    let name = file.slice(&origin.key);
    let name = if name.is_empty() { last(key) } else { name };
    let between = file.slice(&(origin.key.end..origin.value.start));
    if point == Point::Key || between.trim() != "=" || draw::is_secret(line) {
        return one_line(name, 40);
    }
    format!("{} = {}", one_line(name, 40), one_line(file.slice(&origin.value), 50))
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
