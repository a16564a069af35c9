//! The house plan as a test: which room may import which, where deciding may not look, how long a function may grow.
//! Each failure names the line that breaks a rule and the rule. The plan itself is `docs/architecture.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms that it may import. Every row names only rooms below it: there can be no circle.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("cli", &["daemon", "web", "api", "config", "round", "ledger", "metrics", "values"]),
    ("daemon", &["web", "api", "config", "keepers", "round", "ledger", "host", "metrics", "values"]),
    ("web", &["api", "round", "host", "metrics", "values"]),
    ("api", &["round", "ledger", "host", "metrics", "values"]),
    ("config", &["keepers", "round", "metrics", "values"]),
    ("keepers", &["round", "ledger", "host", "metrics", "values"]),
    ("round", &["ledger", "host", "metrics", "values"]),
    ("ledger", &["values"]),
    ("host", &["values"]),
    ("metrics", &["values"]),
    ("values", &[]),
];

const MAX_FUNCTION: usize = 60;
const MAX_FILE: usize = 500;
const FORBIDDEN_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];

struct Source {
    path: PathBuf,
    text: String,
}

fn sources(below: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open = vec![root.join(below)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path: path.strip_prefix(root).unwrap().to_owned(), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no sources below {below}");
    found
}

impl Source {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn is_test(&self) -> bool {
        let parts: Vec<_> = self.path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        parts.iter().any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
    }

    /// `src/keepers/storage/act.rs` is in room `keepers`, part `storage`.
    fn room(&self) -> Option<(String, String)> {
        let parts: Vec<_> = self.path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let room = parts.get(1)?.trim_end_matches(".rs").to_owned();
        (room != "lib" && room != "main")
            .then(|| (room, parts.get(2).map_or(String::new(), |p| p.trim_end_matches(".rs").into())))
    }

    /// Lines with numbers, without comments and without what follows `#[cfg(test)]` on a `mod`.
    fn code(&self) -> Vec<(usize, String)> {
        let mut lines = Vec::new();
        let mut test_follows = false;
        for (number, line) in self.text.lines().enumerate() {
            let trimmed = line.trim_start();
            if test_follows && trimmed.starts_with("mod ") && trimmed.ends_with('{') {
                break;
            }
            test_follows = trimmed.starts_with("#[cfg(test)]");
            if !trimmed.starts_with("//") {
                lines.push((number + 1, line.split(" // ").next().unwrap_or_default().to_owned()));
            }
        }
        lines
    }
}

/// `crate::a::b` names in a line, also those of `use crate::{a::x, b::y}` on one line.
fn imports(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in line.split("crate::").skip(1) {
        let names: Vec<&str> = match part.strip_prefix('{') {
            Some(group) => group.trim_end_matches([';', '}']).split(", ").collect(),
            None => vec![part],
        };
        for name in names {
            let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            let first = word(name);
            let second = name.strip_prefix(&format!("{first}::")).map(word).unwrap_or_default();
            found.push((first, second));
        }
    }
    found
}

fn fail_if_any(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n{} places break the house plan\n", broken.join("\n"), broken.len());
}

#[test]
fn rooms_import_only_what_lies_below_them() {
    let order: BTreeMap<&str, usize> = MAY_IMPORT.iter().enumerate().map(|(n, (room, _))| (*room, n)).collect();
    for (room, allowed) in MAY_IMPORT {
        assert!(allowed.iter().all(|other| order[other] > order[room]), "{room} may import only rooms below it");
    }
    let mut broken = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let Some((room, part)) = source.room() else { continue };
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else {
            broken.push(format!("{}: room {room} is not in the plan", source.name()));
            continue;
        };
        for (line, text) in source.code() {
            for (to, to_part) in imports(&text) {
                let inside = to == room && (room != "keepers" || to_part == part || to_part.is_empty());
                if order.contains_key(to.as_str()) && !inside && !allowed.contains(&to.as_str()) {
                    let rule = format!("{room} may import {allowed:?}");
                    broken.push(format!("{}:{line}: {}\n    against the rule: {rule}", source.name(), text.trim()));
                }
            }
        }
    }
    fail_if_any(&broken);
}

#[test]
fn deciding_has_no_door_to_the_machine() {
    const DOORS: &[&str] = &[
        "crate::host",
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::thread",
        "SystemTime::now",
        "Instant::now",
        "Zoned::now",
        "Timestamp::now",
        "tokio::",
    ];
    let mut broken = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let Some((room, _)) = source.room() else { continue };
        let name = source.name();
        let pure_file = ["decide.rs", "config.rs", "metrics.rs"].iter().any(|file| name.ends_with(file));
        let pure_folder = ["/decide/", "/metrics/"].iter().any(|folder| name.contains(folder));
        let pure = (room == "keepers" && (pure_file || pure_folder))
            || room == "values"
            || room == "metrics"
            || name.contains("round/guard");
        for (line, text) in source.code().into_iter().filter(|_| pure) {
            if let Some(door) = DOORS.iter().find(|door| text.contains(**door)) {
                broken.push(format!(
                    "{name}:{line}: {}\n    against the rule: this file is pure, no {door}",
                    text.trim()
                ));
            }
        }
    }
    fail_if_any(&broken);
}

#[test]
fn every_file_says_what_it_owns_and_fits_the_head() {
    let mut broken = Vec::new();
    for source in sources("src").iter().chain(sources("tests").iter()) {
        let name = source.name();
        if !source.text.starts_with("//!") && !name.ends_with("tests.rs") {
            broken.push(format!("{name}:1: no //! head"));
        }
        let lines = source.text.lines().count();
        if lines > MAX_FILE {
            broken.push(format!("{name}: {lines} lines, at most {MAX_FILE}"));
        }
        let stem = source.path.file_stem().unwrap().to_string_lossy().into_owned();
        if FORBIDDEN_NAMES.contains(&stem.as_str()) || (stem == "types" && name != "src/api/types.rs") {
            broken.push(format!("{name}: a room or file is named after what it owns, not \"{stem}\""));
        }
    }
    fail_if_any(&broken);
}

#[test]
fn no_function_is_longer_than_one_screen() {
    let mut broken = Vec::new();
    for source in sources("src").iter().chain(sources("tests").iter()) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (start, line) in lines.iter().enumerate().filter(|(_, line)| is_function(line)) {
            let indent = line.len() - line.trim_start().len();
            let close = format!("{}}}", " ".repeat(indent));
            let end = lines[start..]
                .iter()
                .position(|l| *l == close || l.ends_with(';') && l.len() - l.trim_start().len() == indent);
            let length = end.map_or(0, |end| end + 1);
            if length > MAX_FUNCTION {
                broken.push(format!(
                    "{}:{}: function of {length} lines, at most {MAX_FUNCTION}",
                    source.name(),
                    start + 1
                ));
            }
        }
    }
    fail_if_any(&broken);
}

fn is_function(line: &str) -> bool {
    let words: Vec<&str> =
        line.split_whitespace().take_while(|word| !word.contains('(') || word.starts_with("pub(")).collect();
    let qualifiers = ["pub", "pub(crate)", "pub(super)", "async", "const", "unsafe", "extern", "\"C\""];
    let place = words.iter().position(|word| *word == "fn");
    place.is_some_and(|at| words[..at].iter().all(|word| qualifiers.contains(word)))
        || line.trim_start().starts_with("fn ")
        || line.trim_start().starts_with("pub fn ")
}

#[test]
fn unsafe_stays_in_the_host_room_with_its_argument() {
    let mut broken = Vec::new();
    for source in sources("src") {
        let in_host = source.room().is_some_and(|(room, _)| room == "host");
        let lines: Vec<&str> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if !code.contains("unsafe ") && !code.contains("allow(unsafe_code)") {
                continue;
            }
            let argued =
                lines[at.saturating_sub(6)..=at].iter().any(|l| l.contains("SAFETY")) || code.contains("allow(");
            if !in_host || !argued {
                broken.push(format!("{}:{}: unsafe outside host/ or without a SAFETY comment", source.name(), at + 1));
            }
        }
    }
    fail_if_any(&broken);
}

#[test]
fn every_concern_has_its_runbook_heading() {
    let runbook = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.md")).unwrap();
    let headings: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut used = BTreeSet::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let room = source.room().map(|(room, _)| room).unwrap_or_default();
        for (line, text) in
            source.code().into_iter().filter(|_| ["keepers", "round", "ledger", "daemon"].contains(&room.as_str()))
        {
            let listed = source.name().ends_with("isolation/ids.rs");
            for word in text.split('"').skip(1).step_by(2).filter(|word| listed || is_concern(word)) {
                used.insert(word.to_owned());
                assert!(
                    headings.contains(word),
                    "{}:{line}: concern {word} has no heading in docs/runbook.md",
                    source.name()
                );
            }
        }
    }
    let unused: Vec<&&str> = headings.iter().filter(|heading| !used.contains(**heading)).collect();
    assert!(unused.is_empty(), "headings of concerns that nothing raises: {unused:?}");
}

/// `tier-low-space`: a family of concerns, a dash, and words.
fn is_concern(word: &str) -> bool {
    const FAMILIES: &[&str] =
        &["tier", "dir", "ledger", "keeper", "step", "config", "kill", "disk", "raid", "bcache", "pool", "limits"];
    let plain = word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.ends_with('-');
    word == "drift" || plain && word.split_once('-').is_some_and(|(family, _)| FAMILIES.contains(&family))
}

#[test]
fn every_integration_test_is_declared() {
    // `autotests` is off: a test file that Cargo.toml does not name would silently never run.
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let all = sources("tests");
    let included: BTreeSet<String> = all
        .iter()
        .flat_map(|source| {
            source
                .text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("#[path = \"")?.split('"').next().map(str::to_owned))
        })
        .collect();
    let broken: Vec<String> = all
        .iter()
        .filter(|source| source.text.contains("#[test]") && !source.text.starts_with("//! Part of"))
        .filter(|source| !manifest.contains(&format!("path = \"{}\"", source.name())))
        .filter(|source| !included.iter().any(|path| source.name().ends_with(path.trim_start_matches("../"))))
        .filter(|source| !is_module_of_a_declared_test(&source.path, &manifest))
        .map(|source| format!("{}: holds tests but is not a [[test]] of Cargo.toml", source.name()))
        .collect();
    fail_if_any(&broken);
}

/// `tests/real/page/render.rs` belongs to `tests/real/page/main.rs` or `tests/real/page.rs`.
fn is_module_of_a_declared_test(path: &Path, manifest: &str) -> bool {
    path.parent().is_some_and(|dir| {
        let dir = dir.display();
        manifest.contains(&format!("path = \"{dir}/main.rs\"")) || manifest.contains(&format!("path = \"{dir}.rs\""))
    })
}
