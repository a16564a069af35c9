//! Metrics that other programs leave in `*.prom` files, where Debian's node_exporter looks for them. A file is parsed
//! again when it changed. A file with an error is left out whole and said so.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::host::Roots;
use crate::metrics::Kind;

/// A file that is longer is an error.
const LONGEST: u64 = 4 * 1024 * 1024;

/// What was found in the directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextFiles {
    /// Path as shown, and when it was changed, Unix seconds.
    pub files: Vec<(String, f64)>,
    pub families: Vec<Arc<Vec<TextFamily>>>,
    /// Whether any file was unreadable or wrong.
    pub failed: bool,
}

/// A family of such a file.
#[derive(Clone, Debug, PartialEq)]
pub struct TextFamily {
    pub name: String,
    pub help: String,
    /// `None`: a histogram or summary, which are not passed on.
    pub kind: Option<Kind>,
    pub samples: Vec<TextSample>,
}

/// A sample of such a family.
#[derive(Clone, Debug, PartialEq)]
pub struct TextSample {
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

/// How the directory is looked at.
pub struct TextLook {
    dir: PathBuf,
    /// What was in the directory when it was last changed.
    listed: Option<Listed>,
    parsed: Vec<Parsed>,
}

struct Listed {
    changed: SystemTime,
    paths: Vec<PathBuf>,
}

/// A directory changed so recently may be changed again without another time stamp (the kernel's tick, and clocks of
/// network file systems).
const SETTLED: Duration = Duration::from_secs(2);

struct Parsed {
    path: PathBuf,
    changed: SystemTime,
    length: u64,
    families: Option<Arc<Vec<TextFamily>>>,
}

impl TextLook {
    pub fn new(roots: &Roots) -> TextLook {
        TextLook { dir: roots.rootfs.join("var/lib/prometheus/node-exporter"), listed: None, parsed: Vec::new() }
    }

    /// `None`: there is no such directory.
    pub fn look(&mut self) -> Option<TextFiles> {
        let paths = self.list()?;
        let mut old = std::mem::take(&mut self.parsed);
        let mut found = TextFiles::default();
        for path in paths {
            let Some(parsed) = read_again(&path, &mut old) else {
                found.failed = true;
                continue;
            };
            match &parsed.families {
                Some(families) => {
                    let changed = parsed.changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                    found.files.push((path.to_string_lossy().into_owned(), changed.as_secs_f64()));
                    found.families.push(families.clone());
                }
                None => found.failed = true,
            }
            self.parsed.push(parsed);
        }
        Some(found)
    }

    /// The files to read, by name.
    fn list(&mut self) -> Option<Vec<PathBuf>> {
        let changed = std::fs::metadata(&self.dir).ok()?.modified().ok()?;
        if let Some(listed) = self.listed.as_ref().filter(|listed| listed.changed == changed) {
            return Some(listed.paths.clone());
        }
        let entries = std::fs::read_dir(&self.dir).ok()?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "prom"));
        paths.sort();
        let settled = changed.elapsed().is_ok_and(|age| age > SETTLED);
        self.listed = settled.then(|| Listed { changed, paths: paths.clone() });
        Some(paths)
    }
}

/// The file as it was parsed before, when it is the same still.
fn read_again(path: &Path, old: &mut Vec<Parsed>) -> Option<Parsed> {
    let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let (changed, length) = (meta.modified().ok()?, meta.len());
    let same = |parsed: &Parsed| parsed.path == path && parsed.changed == changed && parsed.length == length;
    if let Some(at) = old.iter().position(same) {
        return Some(old.swap_remove(at));
    }
    let text = if length > LONGEST { None } else { std::fs::read_to_string(path).ok() };
    let families = text.and_then(|text| parse_textfile(&text)).map(Arc::new);
    Some(Parsed { path: path.to_owned(), changed, length, families })
}

/// Parses the text format; `None` when any line is wrong or carries a time.
pub fn parse_textfile(text: &str) -> Option<Vec<TextFamily>> {
    let mut families: Vec<TextFamily> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix('#') {
            take_comment(comment.trim_start(), &mut families)?;
            continue;
        }
        let (name, sample) = parse_sample(line)?;
        let family = families.iter().position(|family| owns(family, name));
        let family = family.or_else(|| family_named(name, &mut families))?;
        families.get_mut(family)?.samples.push(sample);
    }
    Some(families)
}

/// Histograms and summaries own the samples with their suffixes.
fn owns(family: &TextFamily, sample: &str) -> bool {
    let rest = sample.strip_prefix(family.name.as_str());
    rest.is_some_and(|rest| rest.is_empty() || family.kind.is_none() && matches!(rest, "_bucket" | "_sum" | "_count"))
}

fn family_named(name: &str, families: &mut Vec<TextFamily>) -> Option<usize> {
    if let Some(at) = families.iter().position(|family| family.name == name) {
        return Some(at);
    }
    let help = String::new();
    is_name(name).then(|| {
        families.push(TextFamily { name: name.to_owned(), help, kind: Some(Kind::Untyped), samples: Vec::new() })
    })?;
    Some(families.len() - 1)
}

fn take_comment(comment: &str, families: &mut Vec<TextFamily>) -> Option<()> {
    let mut words = comment.splitn(3, [' ', '\t']);
    let (word, name) = (words.next()?, words.next().unwrap_or_default());
    let rest = words.next().unwrap_or_default().trim();
    if !matches!(word, "HELP" | "TYPE") {
        return Some(());
    }
    let at = family_named(name, families)?;
    let family = families.get_mut(at)?;
    if word == "HELP" {
        family.help = unescape_help(rest);
        return Some(());
    }
    family.kind = match rest {
        "counter" => Some(Kind::Counter),
        "gauge" => Some(Kind::Gauge),
        "untyped" => Some(Kind::Untyped),
        "histogram" | "summary" => None,
        _ => return None,
    };
    Some(())
}

/// `\\` and `\n` are escapes; another backslash stands for itself.
fn unescape_help(text: &str) -> String {
    let mut help = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('\\', Some(escaped @ ('n' | '\\'))) => {
                help.push(if escaped == 'n' { '\n' } else { '\\' });
                chars.next();
            }
            _ => help.push(c),
        }
    }
    help
}

/// `name{a="b"} 1.5`
fn parse_sample(line: &str) -> Option<(&str, TextSample)> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at_checked(end)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => parse_labels(inner)?,
        None => (Vec::new(), rest),
    };
    let mut words = rest.split_whitespace();
    let value = parse_value(words.next()?)?;
    (is_name(name) && words.next().is_none()).then_some((name, TextSample { labels, value }))
}

fn parse_value(word: &str) -> Option<f64> {
    match word {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        word => word.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// From behind `{` to behind `}`.
fn parse_labels(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.trim();
        let (value, after) = parse_quoted(after.trim_start().strip_prefix('"')?)?;
        if !is_name(name) || name.contains(':') || labels.iter().any(|(known, _)| known == name) {
            return None;
        }
        labels.push((name.to_owned(), value));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None => Some(after).filter(|after| after.starts_with('}'))?,
        };
    }
}

/// To the closing quote; `\\`, `\"` and `\n` are escapes.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_backslash_before_an_n_is_no_newline() {
        for (written, help) in [(r"a\nb", "a\nb"), (r"a\\nb", r"a\nb"), (r"a\\\nb", "a\\\nb"), (r"a\xb\", r"a\xb\")] {
            let families = parse_textfile(&format!("# HELP x {written}\nx 1\n")).unwrap();
            assert_eq!(families[0].help, help, "{written}");
        }
    }
}
