//! Layers over layers: tables are merged, what is set in two files is a problem, defaults may be set again. Pure.

use std::collections::btree_map::{BTreeMap, Entry};

use super::located::{Located, Point, of_node};
use super::source::Text;
use super::tree::{Node, Value};

/// Lays `upper` over `lower`. Values of file 0 (the defaults) give way; others may not be set twice.
pub fn merge_over(lower: &mut Node, upper: Node, path: &str, files: &[Text], problems: &mut Vec<Located>) {
    let defaults = lower.at.iter().all(|origin| origin.file == 0);
    match (&mut lower.value, upper.value) {
        (Value::Table(below), Value::Table(above)) => {
            if defaults {
                lower.at.splice(0.., upper.at);
            } else {
                lower.at.extend(upper.at);
            }
            merge_tables(below, above, path, files, problems);
        }
        (_, value) if defaults => *lower = Node { value, at: upper.at },
        (_, value) => problems.push(set_twice(lower, &Node { value, at: upper.at }, path, files)),
    }
}

fn merge_tables(
    below: &mut BTreeMap<String, Node>,
    above: BTreeMap<String, Node>,
    path: &str,
    files: &[Text],
    problems: &mut Vec<Located>,
) {
    for (name, node) in above {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match below.entry(name) {
            Entry::Vacant(empty) => {
                empty.insert(node);
            }
            Entry::Occupied(mut taken) => merge_over(taken.get_mut(), node, &key, files, problems),
        }
    }
}

fn set_twice(first: &Node, second: &Node, key: &str, files: &[Text]) -> Located {
    let place = of_node(files, first, key, Point::Key).position();
    let located = of_node(files, second, key, Point::Key);
    let text = format!("set twice: first in {place}");
    Located { text, cure: format!("keep it in one of the two files, or remove it from {}", located.file), ..located }
}
