//! Paths into the tree, step by step. Pure.

use super::tree::{Node, Value};
use super::value::Step;

/// Puts `stand_in` in the place of an entry, or takes the entry out.
pub fn replace(parent: &mut Value, step: &Step, stand_in: Option<Node>) {
    match (parent, step, stand_in) {
        (Value::Table(table), Step::Key(key), Some(node)) => {
            table.insert(key.clone(), node);
        }
        (Value::Table(table), Step::Key(key), None) => {
            table.remove(key);
        }
        (Value::List(list), Step::Index(index), _) if *index < list.len() => {
            list.remove(*index);
        }
        _ => {}
    }
}

/// The node at the end of a path.
pub fn node_at<'a>(root: &'a Node, path: &[Step]) -> Option<&'a Node> {
    path.iter().try_fold(root, |node, step| match (&node.value, step) {
        (Value::Table(table), Step::Key(key)) => table.get(key),
        (Value::List(list), Step::Index(index)) => list.get(*index),
        _ => None,
    })
}

/// The node at the end of a path, to be changed.
pub fn node_at_mut<'a>(root: &'a mut Node, path: &[Step]) -> Option<&'a mut Node> {
    path.iter().try_fold(root, |node, step| match (&mut node.value, step) {
        (Value::Table(table), Step::Key(key)) => table.get_mut(key),
        (Value::List(list), Step::Index(index)) => list.get_mut(*index),
        _ => None,
    })
}

/// The path as people write it: `project.athena.maintenance_windows[0].cron`.
pub fn key_of(path: &[Step]) -> String {
    let mut key = String::new();
    for step in path {
        match step {
            Step::Index(index) => key.push_str(&format!("[{index}]")),
            Step::Key(name) => {
                key.push_str(if key.is_empty() { "" } else { "." });
                key.push_str(&crate::values::one_line(name, 80));
            }
        }
    }
    key
}
