//! `config diff`: what another configuration changes, key by key. Pure.

use std::collections::BTreeMap;

use serde_json::json;

use super::Loaded;
use super::answer::Answer;
use super::show::{leaves, render_value, to_json};
use super::tree::Node;

/// Every key whose value differs, with both values and the place of the new one (of the old one, when it is gone).
pub fn diff(old: &Loaded, new: &Loaded) -> Answer {
    let before: BTreeMap<String, &Node> = leaves(&old.tree.root, "").into_iter().collect();
    let after: BTreeMap<String, &Node> = leaves(&new.tree.root, "").into_iter().collect();
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut text = String::new();
    let mut changes = Vec::new();
    for key in keys {
        let (was, is) = (before.get(key), after.get(key));
        let shown = |node: Option<&&Node>| node.map(|node| render_value(key, node));
        if shown(was) == shown(is) {
            continue;
        }
        let origin = match (was, is) {
            (_, Some(is)) => new.tree.origin(is),
            (Some(was), None) => old.tree.origin(was),
            (None, None) => continue,
        };
        text.push_str(&match (shown(was), shown(is)) {
            (Some(was), Some(is)) => format!("~ {key}: {was} -> {is}  ({origin})\n"),
            (None, Some(is)) => format!("+ {key} = {is}  ({origin})\n"),
            (Some(was), None) => format!("- {key} = {was}  (was {origin})\n"),
            (None, None) => String::new(),
        });
        let value = |node: Option<&&Node>| node.map(|node| to_json(key, node));
        changes.push(json!({ "key": key, "old": value(was), "new": value(is), "origin": origin }));
    }
    if changes.is_empty() {
        text.push_str("no difference\n");
    }
    Answer { text, json: json!({ "schema": "hostkeeper.config-diff/1", "changes": changes }), good: true }
}
