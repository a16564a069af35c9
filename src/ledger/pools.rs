//! What the ledger keeps of pools: which members people drain, which pools they want balanced at once, moves that were
//! broken off, and every file that was moved.

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::history::Query;
use super::journal::{Entry, Outcome};
use super::recall::not_after;
use super::rows::{columns_of, fit, orders_at, project_at, stamp_at, wall_at};
use super::{Error, Sqlite};
use crate::values::{Bytes, Now, ProjectName, Stamp};

/// The kind of order whose end must be known.
const MOVES: &str = "move_files";
/// Most moved files that are kept: the newest.
const KEPT: i64 = 120_000;

/// A member that is to give all its files away.
#[derive(Clone, Debug, PartialEq)]
pub struct Drained {
    pub project: ProjectName,
    pub pool: String,
    pub member: String,
    pub since: Stamp,
    /// Since when it is empty.
    pub empty: Option<Stamp>,
}

/// A pool that is to be balanced at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Hurry {
    pub project: ProjectName,
    pub pool: String,
    pub since: Stamp,
}

/// An order to move files that was broken off, as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenMove {
    pub intent: i64,
    pub payload: String,
}

/// What deciding may know of pools.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolsPast {
    pub drained: Vec<Drained>,
    pub hurried: Vec<Hurry>,
    pub open: Vec<OpenMove>,
}

/// One file of an order, and what became of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operation {
    pub file: String,
    /// Names of the members; a deleted file has no target.
    pub source: String,
    pub target: String,
    pub bytes: u64,
    /// `moved` or `removed`, or why not: `clash`, `open`, `changed`, `vanished`, `refused`.
    pub outcome: String,
    pub why: Option<String>,
}

/// What a keeper has to say of an order besides its result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    pub operations: Vec<Operation>,
    /// A broken-off order that is at its end now.
    pub settled: Option<i64>,
}

impl Notes {
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.settled.is_none()
    }
}

/// A broken-off move stays open until it is settled.
pub(super) fn open_if_broken(connection: &Connection, intent: i64, outcome: &Outcome) -> rusqlite::Result<()> {
    if matches!(outcome, Outcome::Failed(_) | Outcome::FoundUnclear) {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO open_moves (intent) SELECT id FROM intents WHERE id = ?1 AND kind = ?2",
            )?
            .execute(params![intent, MOVES])?;
    }
    Ok(())
}

pub(super) fn recall(connection: &Connection, now: &Now) -> rusqlite::Result<PoolsPast> {
    if version(connection)? < 3 {
        return Ok(PoolsPast::default());
    }
    Ok(PoolsPast { drained: drained(connection, now)?, hurried: hurried(connection, now)?, open: open(connection)? })
}

/// Below 3 it is an earlier program's, which the daemon has not brought to this version yet.
fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The project's name in the first column.
fn named(row: &Row<'_>) -> rusqlite::Result<ProjectName> {
    project_at(row, 0)?.ok_or(rusqlite::Error::InvalidColumnName("project".into()))
}

fn drained(connection: &Connection, now: &Now) -> rusqlite::Result<Vec<Drained>> {
    let mut statement = connection.prepare_cached(
        "SELECT project, pool, member, drained_wall, drained_up, drained_boot, empty_wall, empty_up, empty_boot
         FROM pool_members ORDER BY project, pool, member LIMIT 10000",
    )?;
    let rows = statement.query_map([], |row| {
        let empty = row.get::<_, Option<i64>>(6)?.map(|_| stamp_at(row, 6)).transpose()?;
        Ok(Drained {
            project: named(row)?,
            pool: row.get(1)?,
            member: row.get(2)?,
            since: not_after(now, stamp_at(row, 3)?),
            empty,
        })
    })?;
    rows.collect()
}

fn hurried(connection: &Connection, now: &Now) -> rusqlite::Result<Vec<Hurry>> {
    let sql = "SELECT project, pool, wall, up, boot FROM pool_hurries ORDER BY project, pool LIMIT 10000";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Hurry { project: named(row)?, pool: row.get(1)?, since: not_after(now, stamp_at(row, 2)?) })
    })?;
    rows.collect()
}

fn open(connection: &Connection) -> rusqlite::Result<Vec<OpenMove>> {
    let mut statement = connection.prepare_cached(
        "SELECT i.id, i.payload, i.undo, i.sum FROM open_moves o JOIN intents i ON i.id = o.intent
         ORDER BY i.id LIMIT 100",
    )?;
    let rows = statement.query_map([], |row| Ok(OpenMove { intent: row.get(0)?, payload: orders_at(row, 1)?.0 }))?;
    rows.collect()
}

impl Sqlite {
    fn change<T>(
        &mut self,
        what: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::during(what))?;
        let done = work(&transaction).map_err(Error::during(what))?;
        transaction.commit().map_err(Error::during(what))?;
        Ok(done)
    }

    /// Remembers that a member is to be emptied. One that is drained already stays so since then.
    pub fn drain(&mut self, project: &ProjectName, pool: &str, member: &str, now: &Now) -> Result<(), Error> {
        let (wall, up, boot) = columns_of(now);
        let sql = "INSERT OR IGNORE INTO pool_members (project, pool, member, drained_wall, drained_up, drained_boot)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.change("drain a member in the ledger", |transaction| {
            transaction.execute(sql, params![project.as_str(), pool, member, wall, up, boot]).map(drop)
        })
    }

    /// Lets a member take files again. `false`: it was not drained.
    pub fn undrain(&mut self, project: &ProjectName, pool: &str, member: &str) -> Result<bool, Error> {
        let sql = "DELETE FROM pool_members WHERE project = ?1 AND pool = ?2 AND member = ?3";
        self.change("end the drain of a member in the ledger", |transaction| {
            Ok(transaction.execute(sql, params![project.as_str(), pool, member])? > 0)
        })
    }

    /// Remembers since when a drained member is empty, or that it is not any more.
    pub fn set_empty(
        &mut self,
        project: &ProjectName,
        (pool, member): (&str, &str),
        since: Option<&Now>,
    ) -> Result<(), Error> {
        let columns = since.map(columns_of);
        let (wall, up) = (columns.as_ref().map(|columns| columns.0), columns.as_ref().map(|columns| columns.1));
        let boot = columns.map(|columns| columns.2);
        let sql = "UPDATE pool_members SET empty_wall = ?4, empty_up = ?5, empty_boot = ?6
                   WHERE project = ?1 AND pool = ?2 AND member = ?3";
        self.change("remember an empty member in the ledger", |transaction| {
            transaction.execute(sql, params![project.as_str(), pool, member, wall, up, boot]).map(drop)
        })
    }

    /// Remembers that a pool is to be balanced at once.
    pub fn hurry(&mut self, project: &ProjectName, pool: &str, now: &Now) -> Result<(), Error> {
        let (wall, up, boot) = columns_of(now);
        let sql = "INSERT OR IGNORE INTO pool_hurries (project, pool, wall, up, boot) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.change("remember a pool in a hurry in the ledger", |transaction| {
            transaction.execute(sql, params![project.as_str(), pool, wall, up, boot]).map(drop)
        })
    }

    /// The pool goes on in its ordinary pace.
    pub fn calm(&mut self, project: &ProjectName, pool: &str) -> Result<bool, Error> {
        let sql = "DELETE FROM pool_hurries WHERE project = ?1 AND pool = ?2";
        self.change("end the hurry of a pool in the ledger", |transaction| {
            Ok(transaction.execute(sql, params![project.as_str(), pool])? > 0)
        })
    }

    /// Records what became of the files of an order, all or none, in one write; and that a broken-off one is settled.
    pub fn record(&mut self, intent: i64, notes: &Notes, now: &Now) -> Result<(), Error> {
        let (wall, up, boot) = columns_of(now);
        self.change("write moved files to the ledger", |transaction| {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO operations (intent, wall, up, boot, file, source, target, bytes, outcome, why)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?;
            for operation in &notes.operations {
                let bytes = i64::try_from(operation.bytes).unwrap_or(i64::MAX);
                let why = operation.why.as_deref().map(fit);
                let Operation { source, target, outcome, .. } = operation;
                insert.execute(params![
                    intent,
                    wall,
                    up,
                    boot,
                    fit(&operation.file),
                    source,
                    target,
                    bytes,
                    outcome,
                    why
                ])?;
            }
            if let Some(settled) = notes.settled {
                transaction.execute("DELETE FROM open_moves WHERE intent = ?1", [settled])?;
            }
            let surplus = "DELETE FROM operations WHERE id <= (SELECT max(id) FROM operations) - ?1";
            transaction.prepare_cached(surplus)?.execute([KEPT]).map(drop)
        })
    }
}

/// Moved and deleted files as lines of history, newest first: kind `move` or `delete`. What goes nowhere is deleted.
pub(super) fn read_moves(connection: &Connection, query: &Query, limit: u32) -> rusqlite::Result<Vec<Entry>> {
    if version(connection)? < 3 {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT o.id, o.wall, o.file, o.source, o.target, o.bytes, o.outcome, o.why, e.project, e.thing, e.keeper
         FROM operations o JOIN entries e ON e.id = o.intent
         WHERE (?1 IS NULL OR o.wall >= ?1) AND (?2 IS NULL OR e.project = ?2) AND (?3 IS NULL OR e.keeper = ?3)
           AND (?4 IS NULL OR o.id > ?4) AND (o.target = '') = ?6
         ORDER BY CASE WHEN ?4 IS NULL THEN -o.id ELSE o.id END LIMIT ?5",
    )?;
    let since = query.since.map(|since| since.as_microsecond());
    let project = query.project.as_ref().map(|name| name.as_str());
    let deleted = query.kind.as_deref() == Some("delete");
    let rows = statement.query_map(params![since, project, query.keeper, query.after, limit, deleted], move_of)?;
    let mut moves: Vec<Entry> = rows.collect::<rusqlite::Result<_>>()?;
    moves.sort_by_key(|entry| -entry.id);
    Ok(moves)
}

fn move_of(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let text = |column: usize| row.get::<_, String>(column);
    let (file, source, target, outcome) = (text(2)?, text(3)?, text(4)?, text(6)?);
    let bytes = Bytes(u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0));
    let why: Option<String> = row.get(7)?;
    let (deleted, moved) = (target.is_empty(), matches!(outcome.as_str(), "moved" | "removed"));
    let (project, thing): (Option<String>, Option<String>) = (row.get(8)?, row.get(9)?);
    let failed = || Outcome::Failed(why.clone().unwrap_or_else(|| outcome.clone()));
    Ok(Entry {
        id: row.get(0)?,
        at: wall_at(row, 1)?,
        kind: if deleted { "delete" } else { "move" }.into(),
        keeper: row.get(10)?,
        subject: super::rows::subject(project.as_deref(), thing.as_deref()),
        text: if deleted {
            format!("delete {file} ({bytes}) from {source}")
        } else {
            format!("move {file} ({bytes}) from {source} to {target}")
        },
        because: None,
        outcome: Some(if moved { Outcome::Made } else { failed() }),
        took_seconds: None,
        severity: None,
    })
}
