//! YAML into a tree with places: mappings, lists and scalars; no aliases, one document, bounded depth. Pure.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::fault::{Fault, Spot};

/// A web configuration is small: is this another file?
pub const FILE_LIMIT: usize = 64 * 1024;
const MOST_DEPTH: usize = 8;
/// YAML's core tag of text.
const TEXT_TAG: &str = "str";

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub spot: Spot,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    /// Text, and whether it was written without quotes.
    Text(String, bool),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping and what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub spot: Spot,
    pub node: Node,
}

impl Value {
    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Text(..) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// A list or mapping that is not finished.
enum Open {
    List(Spot, Vec<Node>),
    /// With the key whose value comes next.
    Map(Spot, Vec<Entry>, Option<(String, Spot)>),
}

/// The tree of `text`. The first fault ends it: what comes after one may be read wrongly.
pub fn parse_yaml(text: &str) -> Result<Node, Fault> {
    let mut parser = Parser::new_from_str(text);
    let mut tree = Tree { open: Vec::new(), root: None };
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| broken(&error))?;
        tree.take(event, spot_of(&span))?;
    }
    Ok(tree.root.unwrap_or(Node { spot: Spot { line: 1, column: 1, length: 1 }, value: Value::Null }))
}

fn spot_of(span: &Span) -> Spot {
    Spot {
        line: span.start.line(),
        column: span.start.col() + 1,
        length: span.end.index().saturating_sub(span.start.index()),
    }
}

fn broken(error: &ScanError) -> Fault {
    let spot = Spot { line: error.marker().line(), column: error.marker().col() + 1, length: 1 };
    let cure = "one key and value on a line, two blanks deeper for what belongs to it, quotes around odd text";
    Fault::hidden(spot, format!("this is no YAML: {}", error.info()), cure)
}

struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, spot: Spot) -> Result<(), Fault> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(Fault::new(spot, "a second document begins", "one file holds one document: remove the rest"))
            }
            Event::Alias(_) => {
                Err(Fault::new(spot, "aliases (*name) are not read here", "write the value out where it is used"))
            }
            Event::Scalar(text, style, _, tag) => {
                let quoted = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == TEXT_TAG);
                self.scalar(text.into_owned(), quoted, spot)
            }
            Event::SequenceStart(..) => self.open(Open::List(spot, Vec::new()), spot),
            Event::MappingStart(..) => self.open(Open::Map(spot, Vec::new(), None), spot),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, text: String, quoted: bool, spot: Spot) -> Result<(), Fault> {
        if let Some(Open::Map(_, entries, key @ None)) = self.open.last_mut() {
            if entries.iter().any(|entry| entry.name == text) {
                return Err(Fault::new(spot, "this key is there twice", "keep one of the two"));
            }
            *key = Some((text, spot));
            return Ok(());
        }
        let empty = !quoted && ["", "~", "null", "Null", "NULL"].contains(&text.as_str());
        let value = if empty { Value::Null } else { Value::Text(text, !quoted) };
        self.add(Node { spot, value })
    }

    fn open(&mut self, open: Open, spot: Spot) -> Result<(), Fault> {
        if matches!(self.open.last(), Some(Open::Map(_, _, None))) {
            return Err(Fault::new(spot, "a key must be plain text", "write key: value"));
        }
        if self.open.len() >= MOST_DEPTH {
            return Err(Fault::new(spot, "nested too deeply", "nothing in this file is deeper than four levels"));
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        match self.open.pop() {
            Some(Open::List(spot, nodes)) => self.add(Node { spot, value: Value::List(nodes) }),
            Some(Open::Map(spot, entries, _)) => self.add(Node { spot, value: Value::Map(entries) }),
            None => Ok(()),
        }
    }

    fn add(&mut self, node: Node) -> Result<(), Fault> {
        match self.open.last_mut() {
            Some(Open::List(_, nodes)) => nodes.push(node),
            Some(Open::Map(_, entries, key)) => match key.take() {
                Some((name, spot)) => entries.push(Entry { name, spot, node }),
                None => return Err(Fault::new(node.spot, "a key must be plain text", "write key: value")),
            },
            None => self.root = Some(node),
        }
        Ok(())
    }
}
