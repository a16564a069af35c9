//! The ledger as people read it: entries that match, newest first.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::journal::Entry;
use super::rows::{outcome_at, stamp_at, subject, wall_at};
use super::{Error, Sqlite};
use crate::values::{Now, ProjectName};

/// Most entries of one answer.
const MOST: u32 = 1000;

/// Which entries are wanted. The default is the newest hundred.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub since: Option<Timestamp>,
    pub project: Option<ProjectName>,
    pub keeper: Option<String>,
    pub kind: Option<String>,
    /// Only entries that follow this one: the next `limit` of them, so that a follower misses none. They end before the
    /// first order still under way, so that a follower sees each order once, with its result.
    pub after: Option<i64>,
    /// At most 1000; 0 is 100.
    pub limit: u32,
}

const COLUMNS: &str = "SELECT e.id, e.wall, e.up, e.boot, e.kind, e.keeper, e.project, e.thing, e.text, e.because,
           e.severity, r.wall, r.up, r.boot, r.outcome, r.why
    FROM entries e LEFT JOIN results r ON r.intent = e.id
    WHERE (?1 IS NULL OR e.wall >= ?1) AND (?2 IS NULL OR e.project = ?2) AND (?3 IS NULL OR e.keeper = ?3)
      AND (?4 IS NULL OR e.kind = ?4)";

/// Entries that match, newest first.
pub(super) fn read_history(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Entry>> {
    let since = query.since.map(|since| since.as_microsecond());
    let project = query.project.as_ref().map(|name| name.as_str());
    let limit = if query.limit == 0 { 100 } else { query.limit.min(MOST) };
    let (keeper, kind) = (&query.keeper, &query.kind);
    if matches!(kind.as_deref(), Some("move" | "delete")) {
        return super::pools::read_moves(connection, query, limit);
    }
    let mut entries: Vec<Entry> = match query.after {
        None => connection
            .prepare_cached(&format!("{COLUMNS} ORDER BY e.id DESC LIMIT ?5"))?
            .query_map(params![since, project, keeper, kind, limit], entry_of)?
            .collect::<rusqlite::Result<_>>()?,
        Some(after) => connection
            .prepare_cached(&format!("{COLUMNS} AND e.id > ?6 AND e.id < {FIRST_OPEN} ORDER BY e.id LIMIT ?5"))?
            .query_map(params![since, project, keeper, kind, limit, after], entry_of)?
            .collect::<rusqlite::Result<_>>()?,
    };
    if query.after.is_some() {
        entries.reverse();
    }
    Ok(entries)
}

/// The first order after `?6` that has no result yet.
const FIRST_OPEN: &str = "coalesce((SELECT min(i.id) FROM intents i WHERE i.id > ?6
      AND NOT EXISTS (SELECT 1 FROM results x WHERE x.intent = i.id)), 9223372036854775807)";

fn entry_of(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let outcome = outcome_at(row, 14)?;
    let took_seconds = if outcome.is_some() {
        let (began, ended) = (stamp_at(row, 1)?, stamp_at(row, 11)?);
        let end = Now { wall: ended.wall, up: ended.up, boot: ended.boot };
        Some(end.since(&began).as_secs_f64())
    } else {
        None
    };
    let (project, thing): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
    Ok(Entry {
        id: row.get(0)?,
        at: wall_at(row, 1)?,
        kind: row.get(4)?,
        keeper: row.get(5)?,
        subject: subject(project.as_deref(), thing.as_deref()),
        text: row.get(8)?,
        because: row.get(9)?,
        outcome,
        took_seconds,
        severity: row.get(10)?,
    })
}

impl Sqlite {
    /// Entries that match, newest first.
    pub fn history(&self, query: &Query) -> Result<Vec<Entry>, Error> {
        read_history(&self.connection, query).map_err(Error::during("read history"))
    }
}
