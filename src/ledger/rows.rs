//! How values are written to columns and read back: stamps, outcomes, names, and the bounds of texts.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Row, types::Type};

use super::Outcome;
use crate::values::{Now, ProjectName, Stamp, fingerprint};

/// Longest text of a column, bytes.
pub const TEXT_LIMIT: usize = 4096;

/// A moment as three columns: microseconds of wall clock, microseconds since boot, boot.
pub type Columns = (i64, i64, String);

pub fn columns_of(now: &Now) -> Columns {
    (now.wall.as_microsecond(), micros(now.up), now.boot.clone())
}

/// Microseconds, as wide as a column.
pub fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// The stamp in three columns from `first`.
pub fn stamp_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Stamp> {
    let up: i64 = row.get(first + 1)?;
    let up = u64::try_from(up).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(first + 1, up))?;
    Ok(Stamp { wall: wall_at(row, first)?, up: Duration::from_micros(up), boot: row.get(first + 2)? })
}

pub fn wall_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let wall: i64 = row.get(column)?;
    Timestamp::from_microsecond(wall).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, wall))
}

pub fn project_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<ProjectName>> {
    let name: Option<String> = row.get(column)?;
    let broken = |error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error));
    name.map(|name| ProjectName::try_from(name).map_err(broken)).transpose()
}

/// The fingerprint of what may be carried out one day.
pub fn sum_of(payload: &str, undo: Option<&str>) -> String {
    fingerprint(format!("{payload}\n{}", undo.unwrap_or_default()).as_bytes())
}

/// Payload, undo and their fingerprint, in three columns from `first`. Damaged ones are never handed out.
pub fn orders_at(row: &Row<'_>, first: usize) -> rusqlite::Result<(String, Option<String>)> {
    let (payload, undo): (String, Option<String>) = (row.get(first)?, row.get(first + 1)?);
    let sum: String = row.get(first + 2)?;
    if sum != sum_of(&payload, undo.as_deref()) {
        let damaged = "a recorded order does not have its fingerprint any more";
        return Err(rusqlite::Error::FromSqlConversionFailure(first, Type::Text, damaged.into()));
    }
    Ok((payload, undo))
}

/// The two columns of an outcome.
pub fn outcome_columns(outcome: &Outcome) -> (&'static str, Option<String>) {
    match outcome {
        Outcome::Made => ("made", None),
        Outcome::AlreadySo => ("already_so", None),
        Outcome::Failed(why) => ("failed", Some(fit(why))),
        Outcome::FoundDone => ("found_done", None),
        Outcome::FoundUndone => ("found_undone", None),
        Outcome::FoundUnclear => ("found_unclear", None),
    }
}

/// The outcome in two columns from `first`; `None` when there is no result yet.
pub fn outcome_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Outcome>> {
    let Some(word) = row.get::<_, Option<String>>(first)? else { return Ok(None) };
    let outcome = match word.as_str() {
        "made" => Outcome::Made,
        "already_so" => Outcome::AlreadySo,
        "failed" => Outcome::Failed(row.get::<_, Option<String>>(first + 1)?.unwrap_or_default()),
        "found_done" => Outcome::FoundDone,
        "found_undone" => Outcome::FoundUndone,
        "found_unclear" => Outcome::FoundUnclear,
        _ => return Err(rusqlite::Error::InvalidColumnType(first, "outcome".into(), Type::Text)),
    };
    Ok(Some(outcome))
}

/// `text` without control characters, cut to what a column may hold.
pub fn fit(text: &str) -> String {
    let line: String = text.chars().take(TEXT_LIMIT).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() <= TEXT_LIMIT && text.len() <= TEXT_LIMIT {
        return line;
    }
    let end = line.floor_char_boundary(TEXT_LIMIT - '…'.len_utf8());
    let mut cut = line.get(..end).unwrap_or_default().to_owned();
    cut.push('…');
    cut
}

/// Whom an entry is about, as `round::Subject` prints it.
pub fn subject(project: Option<&str>, thing: Option<&str>) -> String {
    match (project, thing) {
        (None, None) => "host".to_owned(),
        (None, Some(thing)) => thing.to_owned(),
        (Some(project), None) => project.to_owned(),
        (Some(project), Some(thing)) => format!("{project}/{thing}"),
    }
}
