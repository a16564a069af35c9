//! What is wrong with a value, in words, with what to write instead. Pure.

use super::reference::{entries, words_of};
use super::tree::{Node, Value};
use super::value::What;

/// The sections, in the order of the reference.
pub const SECTIONS: [&str; 12] = [
    "host",
    "guard",
    "metrics",
    "vitals",
    "storage",
    "limits",
    "reclaim",
    "isolation",
    "project",
    "api",
    "web",
    "ledger",
];

/// What is said of a wrong value under `key`, and its cure.
pub fn render_words(what: &What, key: &str, node: &Node) -> (String, String) {
    match what {
        What::Said(said) => {
            let (what, cure) = said.split_once('\n').unwrap_or((said, ""));
            let cure = if cure.is_empty() { example(key) } else { cure.into() };
            (what.into(), cure)
        }
        What::Unknown { known } => unknown_key(key, known),
        What::Missing(field) => {
            let cure = match words_of(&format!("{key}.{field}")) {
                Some(entry) => format!("add a line such as {field} = {}", entry.value),
                None => example(key),
            };
            (format!("\"{field}\" is missing"), cure)
        }
        What::Type { expected } => {
            (format!("{} where {} is expected", kind(node), expectation(expected)), example(key))
        }
        What::Range { expected } => ("out of range".into(), format!("use {}", expectation(expected))),
        What::Word { found, known } => {
            let found = crate::values::one_line(found, 40);
            (format!("unknown word \"{found}\""), near_or_all(&found, known, "\"", "use"))
        }
    }
}

/// A key that no one reads.
pub fn unknown_key(key: &str, known: &[&str]) -> (String, String) {
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    let what = if table.is_empty() { "unknown key".to_owned() } else { format!("unknown key in [{table}]") };
    if super::draw::is_secret_key(name) {
        return (what, "secrets never stand in the configuration: remove it".into());
    }
    if nearest(name, known).is_none()
        && let Some(other) = entries().iter().find(|entry| entry.path.last().is_some_and(|last| last == name))
        && let Some((_, above)) = other.path.split_last()
        && !above.is_empty()
    {
        return (what, format!("\"{name}\" belongs in [{}]", above.join(".")));
    }
    (what, near_or_all(name, known, "\"", "known here:"))
}

/// A table that no one reads.
pub fn unknown_section(name: &str, node: &Node) -> (String, String) {
    let only = node.table().filter(|table| table.len() == 1).and_then(|table| table.iter().next());
    let below = only.filter(|(_, node)| node.table().is_some()).map_or(String::new(), |(name, _)| format!(".{name}"));
    let cure = match nearest(name, &SECTIONS) {
        Some(near) => format!("did you mean [{near}{below}]?"),
        None => format!("known tables: [{}]", SECTIONS.join("], [")),
    };
    ("unknown table".into(), cure)
}

fn near_or_all(word: &str, known: &[&str], quote: &str, lead: &str) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean {quote}{near}{quote}?"),
        None => {
            let all: Vec<String> = known.iter().map(|known| format!("{quote}{known}{quote}")).collect();
            format!("{lead} {}", all.join(", "))
        }
    }
}

/// The known word that is so near that it was probably meant.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.len() > 200 {
        return None;
    }
    let folded = word.to_lowercase().replace('-', "_");
    let distance = |known: &str| strsim::damerau_levenshtein(&folded, &known.to_lowercase().replace('-', "_"));
    let best = known.iter().map(|known| (distance(known), *known)).min_by_key(|(distance, _)| *distance);
    best.filter(|(distance, known)| *distance <= known.chars().count().max(word.chars().count()).div_ceil(4))
        .map(|(_, known)| known)
}

fn kind(node: &Node) -> &'static str {
    match &node.value {
        Value::Table(_) => "a table",
        Value::List(_) => "a list",
        Value::Text(_) => "text",
        Value::Whole(_) => "a number",
        Value::Number(_) => "a fraction",
        Value::Truth(_) => "true or false",
        Value::Moment(_) => "a date",
    }
}

fn expectation(serde: &str) -> String {
    match serde {
        "a string" | "path string" => "text in quotes".into(),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "u64" | "usize" => "a whole number, not negative".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list in [ ]".into(),
        "a map" => "a table".into(),
        other if other.starts_with("struct ") => "a table".into(),
        other => other.into(),
    }
}

/// `write interval = "10s"`, taken from the reference.
fn example(key: &str) -> String {
    match words_of(key) {
        Some(entry) if entry.table => format!("write [{}] and its keys below it", entry.path.join(".")),
        Some(entry) => {
            format!("write it as in {} = {}", entry.path.last().map(String::as_str).unwrap_or(key), entry.value)
        }
        None => {
            match entries().iter().find(|entry| entry.table && entry.path.join(".").starts_with(&format!("{key}."))) {
                Some(entry) => format!("write [{}] and its keys below it", entry.path.join(".")),
                None => "see the reference".into(),
            }
        }
    }
}
