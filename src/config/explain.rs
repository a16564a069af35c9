//! `config explain KEY`: the value, where it is set, the default, what it means, what is below it. Pure.

use serde_json::json;

use super::Loaded;
use super::answer::Answer;
use super::reference::{Words, children, entries, words_of};
use super::show::{render_value, to_json};
use super::tree::{Node, Value};
use super::words::nearest;

/// What is known of a key, set or not.
pub fn explain(loaded: &Loaded, key: &str) -> Answer {
    let key = key.trim().trim_matches(['[', ']']);
    let node = loaded.tree.find(key).filter(|_| !key.is_empty());
    let words = words_of(key);
    if node.is_none() && words.is_none() {
        return unknown(loaded, key);
    }
    let origin = node.map(|node| loaded.tree.origin(node));
    let is_table = words.is_some_and(|words| words.table) || node.is_some_and(|node| node.table().is_some());
    let below = below(loaded, key, node);
    let mut text = head(key, node, is_table);
    if let Some(origin) = origin.as_ref().filter(|_| !is_table) {
        text.push_str(&format!("  set in   {origin}\n"));
    }
    if let Some(words) = words.filter(|words| !words.table) {
        let label = if words.has_default { "default " } else { "such as " };
        text.push_str(&format!("  {label} {}\n", words.value));
    }
    if let Some(words) = words.filter(|words| !words.help.is_empty()) {
        text.push_str(&format!("  meaning  {}\n", words.help));
    }
    for (name, value) in &below {
        text.push_str(&format!("  {name}{value}\n"));
    }
    let json = json!({
        "schema": "hostkeeper.config-key/1",
        "key": key,
        "value": node.map(|node| to_json(key, node)),
        "origin": origin,
        "default": words.filter(|words| words.has_default && !words.table).map(|words| words.value.as_str()),
        "help": words.map(|words| words.help.as_str()),
        "children": below.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    });
    Answer { text, json, good: true }
}

fn head(key: &str, node: Option<&Node>, is_table: bool) -> String {
    match node {
        _ if is_table => format!("[{key}]\n"),
        Some(node) => format!("{key} = {}\n", render_value(key, node)),
        None => format!("{key} is not set\n"),
    }
}

/// What stands below a table, and what could stand there.
fn below(loaded: &Loaded, key: &str, node: Option<&Node>) -> Vec<(String, String)> {
    let path: Vec<String> = key.split('.').map(str::to_owned).collect();
    let mut below: Vec<(String, String)> = Vec::new();
    for (name, node) in node.and_then(Node::table).into_iter().flatten() {
        let origin = loaded.tree.origin(node);
        let value = match &node.value {
            Value::Table(_) => " (table)".to_owned(),
            _ => format!(" = {}  ({origin})", render_value(name, node)),
        };
        below.push((name.clone(), value));
    }
    for words in children(&path) {
        let Some(name) = words.path.last().filter(|name| *name != "NAME") else { continue };
        if !below.iter().any(|(known, _)| known == name) {
            below.push((name.clone(), " (not set)".into()));
        }
    }
    below
}

fn unknown(loaded: &Loaded, key: &str) -> Answer {
    let set = super::show::leaves(&loaded.tree.root, "");
    let candidates: Vec<String> = set
        .iter()
        .map(|(key, _)| key.clone())
        .chain(entries().iter().map(|words: &Words| words.path.join(".")))
        .filter(|candidate| !candidate.contains("NAME"))
        .collect();
    let list: Vec<&str> = candidates.iter().map(String::as_str).collect();
    let last = key.rsplit('.').next().unwrap_or(key);
    let same_end = || list.iter().find(|candidate| candidate.rsplit('.').next() == Some(last)).copied();
    let near = nearest(key, &list).or_else(same_end);
    let shown = crate::values::one_line(key, 80);
    let cure = near.map_or("config show lists all".into(), |near| format!("did you mean {near}?"));
    let json = json!({ "schema": "hostkeeper.config-key/1", "key": key, "error": "unknown key", "nearest": near });
    Answer { text: format!("unknown key {shown}: {cure}\n"), json, good: false }
}
