//! What each key means: read from the comments of `defaults.toml`, so that there is one place to write it. Pure.

use std::sync::LazyLock;

/// The built-in defaults, with their comments.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// A key or a table of the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// `NAME` stands for a name of the user's choice.
    pub path: Vec<String>,
    pub help: String,
    pub table: bool,
    /// The default, or an example when there is none; as TOML.
    pub value: String,
    pub has_default: bool,
}

static ENTRIES: LazyLock<Vec<Words>> = LazyLock::new(|| parse_entries(DEFAULTS));

/// Every key and table, in the order of `defaults.toml`.
pub fn entries() -> &'static [Words] {
    &ENTRIES
}

/// What is known of `key`, a dotted path in which names stand where the reference has `NAME`.
pub fn words_of(key: &str) -> Option<&'static Words> {
    let key = key.strip_suffix(']').and_then(|key| key.rsplit_once('[')).map_or(key, |(list, _)| list);
    let segments: Vec<&str> = key.split('.').collect();
    ENTRIES.iter().find(|words| {
        words.path.len() == segments.len()
            && words.path.iter().zip(&segments).all(|(known, given)| known == "NAME" || known == given)
    })
}

/// The keys directly below a table of the reference.
pub fn children(path: &[String]) -> impl Iterator<Item = &'static Words> {
    let depth = path.len();
    let path = path.to_vec();
    ENTRIES.iter().filter(move |words| {
        words.path.len() == depth + 1
            && words.path.iter().zip(&path).all(|(known, given)| known == given || known == "NAME")
    })
}

fn parse_entries(text: &str) -> Vec<Words> {
    let (mut entries, mut help, mut table) = (Vec::new(), String::new(), Vec::new());
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            help.push_str(if help.is_empty() { "" } else { " " });
            help.push_str(comment);
            continue;
        }
        let (line, has_default) = line.strip_prefix('#').map_or((line, true), |line| (line, false));
        let words = |path: Vec<String>, value: &str, table| Words {
            path,
            help: help.clone(),
            table,
            value: value.into(),
            has_default,
        };
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            table = header.split('.').map(str::to_owned).collect::<Vec<_>>();
            entries.push(words(table.clone(), "", true));
        } else if let Some((key, value)) = line.split_once(" = ") {
            let path = table.iter().cloned().chain([key.to_owned()]).collect();
            entries.push(words(path, value, false));
        }
        help.clear();
    }
    entries
}

/// The reference as Markdown, one heading for each table.
pub fn reference() -> String {
    let mut text = String::new();
    for words in entries() {
        if words.table {
            text.push_str(&format!("\n### `[{}]`\n{}\n\n", words.path.join("."), words.help));
            let keys: Vec<&Words> =
                children(&words.path).filter(|key| !key.table && key.path.starts_with(&words.path)).collect();
            if !keys.is_empty() {
                text.push_str("| key | default | meaning |\n|---|---|---|\n");
            }
            for key in keys {
                let name = key.path.last().map(String::as_str).unwrap_or_default();
                let value = key.value.replace('|', "\\|");
                let value = if key.has_default { format!("`{value}`") } else { format!("none; such as `{value}`") };
                text.push_str(&format!("| `{name}` | {value} | {} |\n", key.help.replace('|', "\\|")));
            }
        }
    }
    text.trim_start().into()
}
