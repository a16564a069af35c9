//! A strict reader of the text format: what Prometheus tolerates and people trip over is a fault here. Pure; any bytes.
//! Our own names are also held to Prometheus' naming rules, as `promtool check metrics` does.

use std::collections::{BTreeMap, HashSet};

use super::lint::lint_family;

/// Most faults that are listed; the rest are as many of the same.
const MOST_FAULTS: usize = 200;

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    pub text: String,
}

/// What was read of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub families: usize,
    pub series: usize,
    pub faults: Vec<Fault>,
}

/// What is known of a family while its lines are read.
#[derive(Default)]
struct Reading {
    checked: Checked,
    /// Families whose lines have ended.
    closed: HashSet<String>,
    family: String,
    help: Option<String>,
    kind: Option<String>,
    samples: HashSet<String>,
    line: usize,
}

/// Checks a whole page.
pub fn check_page(page: &[u8]) -> Checked {
    let mut reading = Reading::default();
    let Ok(text) = std::str::from_utf8(page) else {
        let good = std::str::from_utf8(page).err().map(|error| error.valid_up_to()).unwrap_or_default();
        let line = page.iter().take(good).filter(|byte| **byte == b'\n').count() + 1;
        let fault = Fault { line, text: "not UTF-8".into() };
        return Checked { faults: vec![fault], ..Checked::default() };
    };
    for (index, line) in text.split_inclusive('\n').enumerate() {
        reading.line = index + 1;
        match line.strip_suffix('\n') {
            Some(line) => reading.take(line),
            None => {
                reading.take(line);
                reading.fault("the last line does not end".into());
            }
        }
    }
    reading.close();
    reading.checked
}

impl Reading {
    fn fault(&mut self, text: String) {
        if self.checked.faults.len() < MOST_FAULTS {
            self.checked.faults.push(Fault { line: self.line, text: crate::values::one_line(&text, 300) });
        }
    }

    fn take(&mut self, line: &str) {
        if line.is_empty() {
            self.fault("an empty line".into());
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            self.take_help(name, help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, ""));
            self.take_type(name, kind);
        } else if line.starts_with('#') {
            self.fault("a comment that is neither HELP nor TYPE".into());
        } else {
            self.take_sample(line);
        }
    }

    fn take_help(&mut self, name: &str, help: &str) {
        self.enter(name);
        if self.help.replace(help.to_owned()).is_some() {
            self.fault(format!("second HELP of {name}"));
        }
        if !self.samples.is_empty() {
            self.fault(format!("HELP of {name} after its samples"));
        }
        if !escapes_fit(help, "\\n") {
            self.fault(format!("HELP of {name} has an escape other than \\\\ and \\n"));
        }
    }

    fn take_type(&mut self, name: &str, kind: &str) {
        self.enter(name);
        if self.kind.replace(kind.to_owned()).is_some() {
            self.fault(format!("second TYPE of {name}"));
        }
        if !self.samples.is_empty() {
            self.fault(format!("TYPE of {name} after its samples"));
        }
        if !["counter", "gauge", "histogram", "summary", "untyped"].contains(&kind) {
            self.fault(format!("TYPE of {name} is \"{kind}\", not counter, gauge, histogram, summary or untyped"));
        }
    }

    /// Lines of `name` follow. A family's lines stand together.
    fn enter(&mut self, name: &str) {
        if name == self.family && !name.is_empty() {
            return;
        }
        self.close();
        name.clone_into(&mut self.family);
        if !is_metric_name(name) {
            self.fault(format!("\"{name}\" is not a metric name"));
        }
        if self.closed.contains(name) {
            self.fault(format!("the lines of {name} do not stand together"));
        }
    }

    fn close(&mut self) {
        let name = std::mem::take(&mut self.family);
        let (help, kind) = (self.help.take(), self.kind.take());
        let had = std::mem::take(&mut self.samples);
        if name.is_empty() {
            return;
        }
        self.checked.families += 1;
        if had.is_empty() {
            self.fault(format!("{name} has no sample"));
        }
        if help.is_none() {
            self.fault(format!("{name} has no HELP"));
        }
        if kind.is_none() {
            self.fault(format!("{name} has no TYPE"));
        }
        for fault in lint_family(&name, help.as_deref().unwrap_or("x"), kind.as_deref().unwrap_or_default()) {
            self.fault(fault);
        }
        self.closed.insert(name);
    }

    fn take_sample(&mut self, line: &str) {
        let name_ends = line.find(['{', ' ']).unwrap_or(line.len());
        let (name, rest) = line.split_at(name_ends);
        let family = self.family_of(name);
        self.enter(&family);
        if name != family && !is_metric_name(name) {
            self.fault(format!("\"{name}\" is not a metric name"));
        }
        let (labels, value) = match rest.strip_prefix('{') {
            None => (Ok(BTreeMap::new()), rest.strip_prefix(' ')),
            Some(rest) => match parse_labels(rest) {
                Ok((labels, after)) => (Ok(labels), after.strip_prefix(' ')),
                Err(why) => (Err(why), None),
            },
        };
        let labels = match labels {
            Ok(labels) => labels,
            Err(why) => return self.fault(format!("{name}: {why}")),
        };
        self.checked.series += 1;
        if !self.samples.insert(format!("{name}{labels:?}")) {
            self.fault(format!("second sample of {name}{labels:?}"));
        }
        match value {
            None => self.fault(format!("{name}: no value")),
            Some(value) if value.contains(' ') => {
                self.fault(format!("{name}: \"{value}\" is not one value (a timestamp?)"))
            }
            Some(value) if !is_value(value) => self.fault(format!("{name}: \"{value}\" is not a value")),
            Some(_) => {}
        }
    }

    /// The family that a sample belongs to: histograms and summaries have samples with suffixes.
    fn family_of(&self, name: &str) -> String {
        let suffixes: &[&str] = match self.kind.as_deref() {
            Some("histogram") => &["_bucket", "_sum", "_count"],
            Some("summary") => &["_sum", "_count"],
            _ => &[],
        };
        let stem = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
        stem.filter(|stem| *stem == self.family).unwrap_or(name).to_owned()
    }
}

/// A metric's name: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
fn is_metric_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    name.chars().all(fits) && name.starts_with(|c: char| !c.is_ascii_digit())
}

/// A label's name: `[a-zA-Z_][a-zA-Z0-9_]*`, and `__` is Prometheus' own.
fn is_label_name(name: &str) -> bool {
    is_metric_name(name) && !name.contains(':') && !name.starts_with("__")
}

fn is_value(value: &str) -> bool {
    let number = value.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) && value.parse::<f64>().is_ok();
    matches!(value, "NaN" | "+Inf" | "-Inf") || number && !value.to_ascii_lowercase().contains("inf")
}

/// Whether every backslash is followed by another or by one of `allowed`'s letters.
fn escapes_fit(text: &str, allowed: &str) -> bool {
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\\' && !rest.next().is_some_and(|next| allowed.contains(next)) {
            return false;
        }
    }
    true
}

/// Labels up to the closing brace, and what follows it.
fn parse_labels(text: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (name, after) = rest.split_once("=\"").ok_or("a label without =\" or a brace that does not close")?;
        if !is_label_name(name) {
            return Err(format!("\"{name}\" is not a label name"));
        }
        let end = closing_quote(after).ok_or("a label value that does not end")?;
        let (value, after) = after.split_at(end);
        if !escapes_fit(value, "\\\"n") {
            return Err(format!("label {name} has an escape other than \\\\, \\\" and \\n"));
        }
        if labels.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("label {name} twice"));
        }
        rest = after.strip_prefix('"').unwrap_or(after);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return Err(format!("no comma after label {name}")),
        }
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}
