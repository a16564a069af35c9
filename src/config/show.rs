//! `config show`: every value that is written, with `--effective` every value in force, each with the place it comes from, as
//! TOML that can be read again. Pure.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Loaded;
use super::answer::Answer;
use super::draw::{is_hostile, is_secret_key};
use super::tree::{Node, Tree, Value};

const HIDDEN: &str = "•••";

/// What is written in the files; with `effective` also what holds without being written.
pub fn show(loaded: &Loaded, effective: bool) -> Answer {
    let tree = &loaded.tree;
    let head = if effective { "Everything in force" } else { "What is written; --effective adds the defaults" };
    let mut text = format!("# {head}. Behind each value: where it is set.\n");
    let mut values = Vec::new();
    let written = if effective { None } else { keep_written(&tree.root) };
    let nothing = Node { value: Value::Table(BTreeMap::new()), at: Vec::new() };
    let root = if effective { &tree.root } else { written.as_ref().unwrap_or(&nothing) };
    render_table(tree, root, "", &mut text);
    list_values(tree, root, "", &mut values);
    Answer { text, json: json!({ "schema": "hostkeeper.config/1", "values": values }), good: true }
}

/// The part of `node` that a file sets; `None` when there is none.
fn keep_written(node: &Node) -> Option<Node> {
    let here = node.at.iter().any(|origin| origin.file > 0);
    let Some(table) = node.table() else { return here.then(|| node.clone()) };
    let kept: BTreeMap<_, _> =
        table.iter().filter_map(|(name, node)| Some((name.clone(), keep_written(node)?))).collect();
    (here || !kept.is_empty()).then(|| Node { value: Value::Table(kept), at: node.at.clone() })
}

/// Scalars first, then the tables below: TOML's own order.
fn render_table(tree: &Tree, node: &Node, path: &str, text: &mut String) {
    let Some(table) = node.table() else { return };
    let is_table = |node: &Node| matches!(node.value, Value::Table(_));
    if !path.is_empty() && (table.is_empty() || table.values().any(|node| !is_table(node))) {
        text.push_str(&format!("\n[{path}]\n"));
    }
    for (name, node) in table.iter().filter(|(_, node)| !is_table(node)) {
        text.push_str(&format!("{} = {}  # {}\n", render_key(name), render_value(name, node), tree.origin(node)));
    }
    for (name, node) in table.iter().filter(|(_, node)| is_table(node)) {
        let name = render_key(name);
        let below = if path.is_empty() { name } else { format!("{path}.{name}") };
        render_table(tree, node, &below, text);
    }
}

fn list_values(tree: &Tree, node: &Node, path: &str, values: &mut Vec<Json>) {
    for (key, node) in leaves(node, path) {
        let place = node.at.first().filter(|origin| origin.file > 0);
        let file = place.and_then(|origin| tree.files.get(origin.file));
        let place = file.zip(place).map(|(file, origin)| file.place(&origin.value));
        values.push(json!({
            "key": key,
            "value": to_json(&key, node),
            "origin": tree.origin(node),
            "file": file.map(|file| file.name.as_str()),
            "line": place.as_ref().map(|place| place.line + 1),
            "column": place.as_ref().map(|place| place.from + 1),
        }));
    }
}

/// Every key with a value that is no table; tables without keys too, where they declare something (a project).
pub fn leaves<'a>(node: &'a Node, path: &str) -> Vec<(String, &'a Node)> {
    let Some(table) = node.table() else { return vec![(path.to_owned(), node)] };
    if table.is_empty() && path.contains('.') {
        return vec![(path.to_owned(), node)];
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    table.iter().flat_map(|(name, node)| leaves(node, &below(name))).collect()
}

/// A value as JSON; what sounds secret is hidden.
pub fn to_json(key: &str, node: &Node) -> Json {
    if is_secret_key(key.rsplit('.').next().unwrap_or(key)) {
        return HIDDEN.into();
    }
    match &node.value {
        Value::Table(table) => table.iter().map(|(name, node)| (name.clone(), to_json(name, node))).collect(),
        Value::List(list) => list.iter().map(|node| to_json("", node)).collect(),
        Value::Text(text) | Value::Moment(text) => text.as_str().into(),
        Value::Whole(number) => json!(number),
        Value::Number(number) => json!(number.parse::<f64>().ok()),
        Value::Truth(truth) => json!(truth),
    }
}

/// A value as TOML on one line; what sounds secret is hidden.
pub fn render_value(key: &str, node: &Node) -> String {
    if is_secret_key(key.rsplit('.').next().unwrap_or(key)) {
        return format!("\"{HIDDEN}\"");
    }
    match &node.value {
        Value::Table(table) => {
            let pairs: Vec<String> = table
                .iter()
                .map(|(name, node)| format!("{} = {}", render_key(name), render_value(name, node)))
                .collect();
            if pairs.is_empty() { "{}".into() } else { format!("{{ {} }}", pairs.join(", ")) }
        }
        Value::List(list) => {
            format!("[{}]", list.iter().map(|node| render_value("", node)).collect::<Vec<_>>().join(", "))
        }
        Value::Text(text) => render_text(text),
        Value::Whole(number) => number.unwrap_or(i64::MAX).to_string(),
        Value::Number(text) | Value::Moment(text) => text.clone(),
        Value::Truth(truth) => truth.to_string(),
    }
}

/// A bare key where TOML allows it.
pub fn render_key(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if bare { key.into() } else { render_text(key) }
}

/// A basic string: whatever is in the text, the result is one line that reads back as the same text.
pub fn render_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_hostile(c) => quoted.push_str(&format!("\\u{:04X}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
