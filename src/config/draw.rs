//! Problems as people see them: headline, line, caret, cure; at most 80 columns for line and cure. Pure.

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthChar;

use super::located::{Level, Located, Place};
use crate::values::one_line;

const WIDTH: usize = 80;
const SECRET: [&str; 6] = ["password", "passwd", "secret", "token", "credential", "private_key"];

/// Whether a line gives a value to something that sounds secret. Such values are not shown.
pub fn is_secret(line: &str) -> bool {
    secret_from(line).is_some()
}

/// Whether a key sounds secret. `password_file` names a file and is not.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    !key.ends_with("_file") && SECRET.iter().any(|word| key.contains(word))
}

/// The byte after the `=` that follows a secret word.
pub fn secret_from(line: &str) -> Option<usize> {
    let mut start = 0;
    for (at, _) in line.match_indices('=') {
        let key = line.get(start..at).unwrap_or_default().trim().trim_matches(['"', '\'']);
        if is_secret_key(key) {
            return Some(at + 1);
        }
        start = at + 1;
    }
    None
}

/// One problem, without a newline at the end.
pub fn render_problem(problem: &Located) -> String {
    let level = if problem.level == Level::Error { "error" } else { "warning" };
    let parts = [problem.position(), problem.written.clone(), problem.text.clone()];
    let parts: Vec<String> =
        parts.into_iter().filter(|part| !part.is_empty()).map(|part| harmless(&part, 300)).collect();
    let head = format!("{level}: {}", parts.join(": "));
    match &problem.place {
        Some(place) => format!("{head}\n{}", render_place(place, &harmless(&problem.cure, 400))),
        None if problem.cure.is_empty() => head,
        None => {
            let cure = wrap(&harmless(&problem.cure, 400), WIDTH - 2);
            cure.iter().fold(head, |text, line| format!("{text}\n  {line}"))
        }
    }
}

/// The line, the carets below, and the cure beside them, or below when there is no room.
fn render_place(place: &Place, cure: &str) -> String {
    let number = format!("{:>3}", place.line + 1);
    let gutter = " ".repeat(number.len());
    let room = WIDTH.saturating_sub(number.len() + 3);
    let (shown, before, carets) = cut(&visible(place), place, room);
    let mut text = format!("{number} | {shown}\n{gutter} | {}{}", " ".repeat(before), "^".repeat(carets));
    if before + carets + 2 + width(cure) <= room {
        text.push_str("  ");
        text.push_str(cure);
    } else {
        for line in wrap(cure, room) {
            text.push_str(&format!("\n{gutter} | {line}"));
        }
    }
    text.trim_end().into()
}

/// Each character as it is shown, and how many columns it takes. Nothing that moves the cursor or turns the direction
/// of writing comes through.
fn visible(place: &Place) -> Vec<(String, usize)> {
    let cell = |c: char| match c {
        '\t' => (" ".repeat(4), 4),
        c if is_hostile(c) => ("\u{fffd}".into(), 1),
        c => (c.to_string(), c.width().unwrap_or(0)),
    };
    place.shown.chars().map(cell).collect()
}

/// On one line, without anything that commands a terminal.
fn harmless(text: &str, limit: usize) -> String {
    one_line(text, limit).chars().map(|c| if is_hostile(c) { '\u{fffd}' } else { c }).collect()
}

/// Whether a character moves the cursor, hides itself, or turns the direction of writing.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The part of the line around the caret that fits into `room`, the columns before the caret, and its length.
fn cut(cells: &[(String, usize)], place: &Place, room: usize) -> (String, usize, usize) {
    let columns = |cells: &[(String, usize)]| cells.iter().map(|(_, width)| width).sum::<usize>();
    let part = |from: usize, to: usize| cells.get(from.min(cells.len())..to.clamp(from.min(cells.len()), cells.len()));
    let from = place.from.saturating_sub(place.skipped).min(cells.len());
    let to = (from + place.length).min(cells.len());
    let (mut start, mut end) = (0, cells.len());
    if place.skipped > 0 || columns(cells) > room {
        // Two columns are kept for the marks of the cuts; a third of the room shows what stands before the caret.
        while start < from && columns(part(start, from).unwrap_or_default()) > room / 3 {
            start += 1;
        }
        while end > start && columns(part(start, end).unwrap_or_default()) + 2 > room {
            end -= 1;
        }
    }
    let mark = if start > 0 || place.skipped > 0 { "…" } else { "" };
    let shown: String = part(start, end).unwrap_or_default().iter().map(|(text, _)| text.as_str()).collect();
    let tail = if end < cells.len() { "…" } else { "" };
    let before = columns(part(start, from).unwrap_or_default()) + mark.chars().count();
    let carets = columns(part(from, to.min(end)).unwrap_or_default()).max(1);
    (format!("{mark}{shown}{tail}"), before, carets)
}

fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Words on lines of at most `room` columns; a longer word has a line of its own.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

/// `3 problems in 2 files`.
pub fn render_count(problems: &[Located], more: bool) -> String {
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let files: BTreeSet<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
    let more = if more { "more than " } else { "" };
    format!("{more}{} in {}", plural(problems.len(), "problem"), plural(files.len(), "file"))
}
