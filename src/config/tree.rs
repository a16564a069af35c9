//! The merged configuration: every value with the place it comes from. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeInteger, DeTable, DeValue};

use super::source::{Origin, Text};
use crate::values::one_line;

/// Tables within tables; what is deeper is refused.
pub const DEPTH: usize = 12;

/// A value and every place it is written at: one for a scalar, each header for a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub value: Value,
    pub at: Vec<Origin>,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Table(BTreeMap<String, Node>),
    List(Vec<Node>),
    Text(String),
    /// `None`: beyond 64 bits.
    Whole(Option<i64>),
    /// As written.
    Number(String),
    Truth(bool),
    /// A date or a time, as written.
    Moment(String),
}

/// The whole: a table of tables, and the texts that its places point into.
#[derive(Clone, Debug)]
pub struct Tree {
    pub root: Node,
    pub files: Vec<Text>,
}

impl Tree {
    /// The node under a dotted key.
    pub fn find(&self, key: &str) -> Option<&Node> {
        find(&self.root, key)
    }

    /// `hostkeeper.toml:3:8`, or `default`.
    pub fn origin(&self, node: &Node) -> String {
        let place = node.at.first().filter(|origin| origin.file > 0);
        let Some((file, origin)) = place.and_then(|origin| Some((self.files.get(origin.file)?, origin))) else {
            return "default".into();
        };
        let place = file.place(&origin.value);
        format!("{}:{}:{}", one_line(&file.name, 120), place.line + 1, place.from + 1)
    }
}

/// The node under a dotted key. Names need no quotes: those with dots are tried too.
pub fn find<'a>(root: &'a Node, key: &str) -> Option<&'a Node> {
    let segments: Vec<&str> = key.split('.').take(DEPTH).collect();
    find_below(root, &segments)
}

fn find_below<'a>(node: &'a Node, segments: &[&str]) -> Option<&'a Node> {
    if segments.is_empty() {
        return Some(node);
    }
    (1..=segments.len()).find_map(|count| {
        let (name, rest) = segments.split_at_checked(count)?;
        find_below(node.child(&name.join("."))?, rest)
    })
}

/// The node under `key` that a file sets, else the nearest one above it.
pub fn nearest<'a>(root: &'a Node, key: &str) -> &'a Node {
    let mut key = key;
    loop {
        match (find(root, key), key.rsplit_once('.')) {
            (Some(node), _) if node.at.iter().any(|origin| origin.file > 0) => return node,
            (_, Some((above, _))) => key = above,
            (_, None) => return root,
        }
    }
}

impl Node {
    /// The node of a table under `name` (`name[2]` for an element of a list).
    pub fn child(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(table) => {
                match (table.get(name), name.strip_suffix(']').and_then(|name| name.rsplit_once('['))) {
                    (None, Some((list, index))) => match &table.get(list)?.value {
                        Value::List(nodes) => nodes.get(index.parse::<usize>().ok()?),
                        _ => None,
                    },
                    (found, _) => found,
                }
            }
            _ => None,
        }
    }

    pub fn table(&self) -> Option<&BTreeMap<String, Node>> {
        if let Value::Table(table) = &self.value { Some(table) } else { None }
    }

    pub fn empty_table() -> Node {
        Node { value: Value::Table(BTreeMap::new()), at: Vec::new() }
    }
}

/// A parsed file as a tree. `Err` is the place of what nests too deep.
pub fn parse_tree(file: usize, table: &DeTable<'_>) -> Result<Node, Range<usize>> {
    let mut root = Node::empty_table();
    root.value = Value::Table(tables(file, table, 0)?);
    Ok(root)
}

fn tables(file: usize, table: &DeTable<'_>, depth: usize) -> Result<BTreeMap<String, Node>, Range<usize>> {
    let mut nodes = BTreeMap::new();
    for (key, value) in table {
        let at = Origin { file, key: key.span(), value: value.span() };
        nodes.insert(key.get_ref().to_string(), node(value.get_ref(), at, depth + 1)?);
    }
    Ok(nodes)
}

fn node(value: &DeValue<'_>, at: Origin, depth: usize) -> Result<Node, Range<usize>> {
    if depth > DEPTH {
        return Err(at.key);
    }
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Whole(whole(number)),
        DeValue::Float(number) => Value::Number(number.as_str().into()),
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Datetime(moment) => Value::Moment(moment.to_string()),
        DeValue::Table(table) => Value::Table(tables(at.file, table, depth)?),
        DeValue::Array(array) => {
            let element = |element: &toml::Spanned<DeValue<'_>>| {
                let at = Origin { value: element.span(), ..at.clone() };
                node(element.get_ref(), at, depth + 1)
            };
            Value::List(array.iter().map(element).collect::<Result<_, _>>()?)
        }
    };
    Ok(Node { value, at: vec![at] })
}

fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
