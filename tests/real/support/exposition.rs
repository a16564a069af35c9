//! A strict reader of the text format: what it does not accept, Prometheus might not either. Names what is wrong.

use std::collections::{BTreeMap, HashMap, HashSet};

/// Samples by series (`name{a="1"}`, labels sorted), and the type of each family.
#[derive(Debug, Default)]
pub struct Exposition {
    pub samples: BTreeMap<String, f64>,
    pub types: HashMap<String, String>,
}

impl Exposition {
    /// Reads a page; panics with the line that is wrong.
    pub fn read(text: &[u8]) -> Exposition {
        let text = std::str::from_utf8(text).expect("UTF-8");
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
        let mut page = Exposition::default();
        let mut helped = HashSet::new();
        let mut current = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let name = rest.split(' ').next().unwrap();
                assert!(helped.insert(name.to_owned()), "HELP twice: {line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(["counter", "gauge", "untyped"].contains(&kind), "{line}");
                assert!(page.types.insert(name.to_owned(), kind.to_owned()).is_none(), "TYPE twice: {line}");
                current = name.to_owned();
            } else {
                let (series, value) = read_sample(line);
                assert_eq!(series.split('{').next(), Some(current.as_str()), "outside of its family: {line}");
                assert!(page.samples.insert(series, value).is_none(), "sample twice: {line}");
            }
        }
        page
    }

    /// The samples of a family whose labels hold all of `labels` (as `a="1"`).
    pub fn find(&self, family: &str, labels: &[&str]) -> Vec<(&str, f64)> {
        let of_family = |series: &str| series == family || series.starts_with(&format!("{family}{{"));
        let fits = |series: &str| of_family(series) && labels.iter().all(|label| series.contains(label));
        self.samples
            .iter()
            .filter(|(series, _)| fits(series))
            .map(|(series, value)| (series.as_str(), *value))
            .collect()
    }

    /// The only sample that fits.
    pub fn only(&self, family: &str, labels: &[&str]) -> f64 {
        let found = self.find(family, labels);
        assert_eq!(found.len(), 1, "{family} {labels:?}: {found:?}");
        found[0].1
    }
}

fn read_sample(line: &str) -> (String, f64) {
    let name_end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(name_end);
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    assert!(name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit()), "name: {line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while let Some((label, value, after)) = read_label(rest, line) {
            assert!(labels.insert(label, value).is_none(), "label twice: {line}");
            rest = after;
        }
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("not closed: {line}"));
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no space: {line}"));
    let value: f64 = value.parse().unwrap_or_else(|_| panic!("value: {line}"));
    let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    let series = if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) };
    (series, value)
}

fn read_label<'a>(rest: &'a str, line: &str) -> Option<(String, String, &'a str)> {
    if rest.starts_with('}') {
        return None;
    }
    let (label, after) = rest.split_once('=').unwrap_or_else(|| panic!("label: {line}"));
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    assert!(!label.is_empty() && label.chars().all(fits), "label name {label:?}: {line}");
    let mut escaped = false;
    assert!(after.starts_with('"'), "no quote: {line}");
    for (at, c) in after.char_indices().skip(1) {
        match c {
            _ if escaped => {
                assert!(['\\', '"', 'n'].contains(&c), "escape: {line}");
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => {
                let (value, rest) = after.split_at(at + 1);
                return Some((label.to_owned(), value.to_owned(), rest.strip_prefix(',').unwrap_or(rest)));
            }
            _ => {}
        }
    }
    panic!("no end of a label: {line}");
}
