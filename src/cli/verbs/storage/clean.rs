//! `storage clean`: the declared rules, what each lets go now, or why nothing is deleted. Orders nothing.

use serde_json::Value;

use super::super::super::desk::Desk;
use super::super::super::failure::{DONE, Failure};
use super::super::super::out::{Span, Tint, plain, tinted};
use super::super::super::rows::{hang_below, print_table};
use super::super::super::storage_args::NameArgs;
use super::super::super::table::{ALWAYS, Column, numbers, words as column};
use super::super::super::words;
use super::listing::known;
use super::{print_json, read_storage};
use crate::api::cleans::CleanShown;
use crate::round::CleanView;
use crate::values::Bytes;

pub fn run(desk: &mut Desk<'_>, args: &NameArgs) -> Result<u8, Failure> {
    let (storage, value) = read_storage(desk)?;
    let named = |project: &str, rule: &str| {
        args.name.as_deref().is_none_or(|name| name == rule || name == format!("{project}/{rule}"))
    };
    let meant = |clean: &&CleanShown| named(clean.view.project.as_str(), &clean.view.rule);
    let found: Vec<CleanShown> = storage.cleans.iter().filter(meant).cloned().collect();
    known("clean rule", args, found.is_empty(), storage.cleans.iter().map(|clean| full_name(&clean.view)).collect())?;
    if desk.json {
        let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        return print_json(desk, value, "cleans", &|clean| named(&word(clean, "project"), &word(clean, "rule")));
    }
    if found.is_empty() {
        desk.out().say("no clean rule is declared")?;
        return Ok(DONE);
    }
    print_cleans(desk, &found)?;
    Ok(DONE)
}

fn full_name(view: &CleanView) -> String {
    format!("{}/{}", view.project, view.rule)
}

const CLEANS: &[Column] = &[
    column("CLEAN RULE", ALWAYS, 16),
    column("STATE", ALWAYS, 0),
    numbers("FILES", 3),
    numbers("DUE", ALWAYS),
    numbers("SIZE", 5),
    numbers("OLDEST", 4),
    column("MATCHES", 6, 12),
];

/// The rules in a table, and below it a sentence or two about each.
pub fn print_cleans(desk: &mut Desk<'_>, cleans: &[CleanShown]) -> Result<(), Failure> {
    let rows: Vec<Vec<Span>> = cleans.iter().map(|clean| row(desk, &clean.view)).collect();
    print_table(desk.out(), CLEANS, &rows)?;
    for clean in cleans {
        let head = [plain("    "), tinted(Tint::Bold, full_name(&clean.view)), plain(": ")];
        let last = clean.view.deleted.as_ref().map(|last| {
            format!("{} ({}), {}", words::count(count(last.files), "file"), Bytes(last.bytes), desk.local(last.at))
        });
        let out = desk.out();
        hang_below(out, &head, &sentence(&clean.view), 8)?;
        for step in &clean.planned {
            out.hang(&[plain("        planned: ")], &plain(step.as_str()))?;
        }
        if let Some(blocked) = &clean.blocked {
            out.hang(&[plain("        held back: ")], &tinted(Tint::Warn, blocked.as_str()))?;
        }
        if let Some(last) = last {
            out.hang(&[plain("        deleted last: ")], &plain(last))?;
        }
    }
    Ok(())
}

fn row(desk: &Desk<'_>, view: &CleanView) -> Vec<Span> {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let tint = match view.state.as_str() {
        "blind" => Tint::Bad,
        "due" => Tint::Warn,
        _ => Tint::Dim,
    };
    let age = view.oldest_at.map(|at| words::length(desk.seat.now.duration_since(at).as_secs_f64()));
    vec![
        plain(full_name(view)),
        tinted(tint, view.state.as_str()),
        plain(number(view.files)),
        plain(number(view.due_files)),
        plain(words::of_bytes(view.due_bytes, None)),
        plain(age.unwrap_or_default()),
        plain(view.path.as_str()),
    ]
}

fn count(files: u64) -> usize {
    usize::try_from(files).unwrap_or(usize::MAX)
}

/// What it lets go, how it stands, and what it leaves alone.
fn sentence(view: &CleanView) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(view.older_than_seconds.map(|age| format!("older than {}", words::length(age))));
    parts.extend(view.keep_last.map(|keep| format!("never the newest {keep}")));
    parts.extend(view.max_bytes.map(|most| format!("until all take {} or less", Bytes(most))));
    let mut text = format!("{}; {}", parts.join(", "), view.why);
    if let Some(left) = view.left_out.filter(|left| *left > 0) {
        text.push_str(&format!("; {} with several names or an odd one left alone", words::count(count(left), "file")));
    }
    text
}
