//! A strict parser of the Prometheus text format, version 0.0.4: stricter than Prometheus itself, so that what passes here
//! passes everywhere. Shared by integration tests, and on purpose none of the program's own code: it judges that.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeMap;

/// A sample's labels, sorted.
pub type Labels = BTreeMap<String, String>;

/// A family as it stood on the page.
#[derive(Clone, Debug, Default)]
pub struct Family {
    pub name: String,
    pub help: String,
    pub kind: String,
    /// By the sample's own name (differs in summaries and histograms) and labels.
    pub samples: BTreeMap<(String, Labels), f64>,
}

/// A whole page by family.
pub type Exposition = BTreeMap<String, Family>;

/// The samples of a family as series (`name{a="1"}`, labels sorted) whose text holds all of `parts` (as `a="1"`).
pub fn find(page: &Exposition, family: &str, parts: &[&str]) -> Vec<(String, f64)> {
    let samples = page.get(family).into_iter().flat_map(|family| &family.samples);
    let mut found: Vec<(String, f64)> = samples.map(|((name, labels), value)| (series(name, labels), *value)).collect();
    found.retain(|(series, _)| parts.iter().all(|part| series.contains(part)));
    found
}

/// The only sample that fits.
pub fn only(page: &Exposition, family: &str, parts: &[&str]) -> f64 {
    let found = find(page, family, parts);
    assert_eq!(found.len(), 1, "{family} {parts:?}: {found:?}");
    found[0].1
}

fn series(name: &str, labels: &Labels) -> String {
    let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

/// Parses a page; the error names the line and what is wrong with it.
pub fn parse(page: &[u8]) -> Result<Exposition, String> {
    let text = std::str::from_utf8(page).map_err(|error| format!("not UTF-8: {error}"))?;
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("does not end with a newline".into());
    }
    let mut families = Exposition::new();
    let mut open = Family::default();
    for (number, line) in text.lines().enumerate() {
        take_line(line, &mut open, &mut families).map_err(|what| format!("line {}: {what}: {line}", number + 1))?;
    }
    close(open, &mut families)?;
    Ok(families)
}

fn take_line(line: &str, open: &mut Family, families: &mut Exposition) -> Result<(), String> {
    if let Some(rest) = line.strip_prefix("# HELP ") {
        let (name, help) = rest.split_once(' ').ok_or("HELP without text")?;
        close(std::mem::take(open), families)?;
        check_name(name)?;
        (open.name, open.help) = (name.to_owned(), unescape(help, false)?);
        return Ok(());
    }
    if let Some(rest) = line.strip_prefix("# TYPE ") {
        let (name, kind) = rest.split_once(' ').ok_or("TYPE without type")?;
        if open.name != name || !open.kind.is_empty() || !open.samples.is_empty() {
            return Err("TYPE does not follow the HELP of its family".into());
        }
        if !["counter", "gauge", "untyped", "summary", "histogram"].contains(&kind) {
            return Err(format!("no such type {kind}"));
        }
        open.kind = kind.to_owned();
        return Ok(());
    }
    if line.is_empty() || line.starts_with('#') {
        return Err("empty line or comment".into());
    }
    take_sample(line, open)
}

fn take_sample(line: &str, open: &mut Family) -> Result<(), String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    let suffix = name.strip_prefix(open.name.as_str()).ok_or("sample outside of its family")?;
    let many = matches!(open.kind.as_str(), "summary" | "histogram");
    if open.kind.is_empty() || !(suffix.is_empty() || many && ["_sum", "_count", "_bucket"].contains(&suffix)) {
        return Err("sample outside of its family".into());
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => take_labels(inner)?,
        None => (Labels::new(), rest),
    };
    let value = rest.strip_prefix(' ').ok_or("no blank before the value")?;
    if value.contains(' ') {
        return Err("carries a time".into());
    }
    let value = parse_value(value)?;
    if open.kind == "counter" && (value < 0.0 || value.is_nan()) {
        return Err("counter below zero".into());
    }
    match open.samples.insert((name.to_owned(), labels), value) {
        Some(_) => Err("sample written twice".into()),
        None => Ok(()),
    }
}

fn take_labels(text: &str) -> Result<(Labels, &str), String> {
    let mut labels = Labels::new();
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("label without value")?;
        check_name(name)?;
        if name.contains(':') {
            return Err(format!("no label name: {name}"));
        }
        let mut end = None;
        let mut escaped = false;
        for (at, c) in after.char_indices() {
            if c == '"' && !escaped {
                end = Some(at);
                break;
            }
            escaped = c == '\\' && !escaped;
        }
        let end = end.ok_or("label value without end")?;
        if labels.insert(name.to_owned(), unescape(&after[..end], true)?).is_some() {
            return Err(format!("label {name} twice"));
        }
        let after = &after[end + 1..];
        if let Some(after) = after.strip_prefix('}') {
            return Ok((labels, after));
        }
        rest = after.strip_prefix(',').ok_or("no comma between labels")?;
    }
}

fn close(family: Family, families: &mut Exposition) -> Result<(), String> {
    if family.name.is_empty() {
        return Ok(());
    }
    if family.kind.is_empty() || family.samples.is_empty() {
        return Err(format!("family {} without type or samples", family.name));
    }
    match families.insert(family.name.clone(), family) {
        Some(twice) => Err(format!("family {} twice", twice.name)),
        None => Ok(()),
    }
}

fn unescape(text: &str, quotes: bool) -> Result<String, String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('\\') => plain.push('\\'),
                Some('n') => plain.push('\n'),
                Some('"') if quotes => plain.push('"'),
                other => return Err(format!("escape of {other:?}")),
            },
            '"' if quotes => return Err("quote within a label value".into()),
            other => plain.push(other),
        }
    }
    Ok(plain)
}

fn parse_value(text: &str) -> Result<f64, String> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        other if other.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            other.parse().map_err(|_| format!("no number: {other}"))
        }
        other => Err(format!("no number: {other}")),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let fits = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(word);
    if fits { Ok(()) } else { Err(format!("no name: {name}")) }
}
