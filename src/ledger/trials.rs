//! Trials under way, orders that are held after an undo, and the last acts of people.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::journal::Outcome;
use super::past::TrialView;
use super::recall::not_after;
use super::rows::{columns_of, orders_at, outcome_at, project_at, stamp_at, wall_at};
use super::{Error, Sqlite};
use crate::values::{Now, ProjectName, Stamp};

/// The kind of those orders that stop a container for want of memory. They are remembered for as long as the ledger is kept,
/// because what they stopped comes back.
pub const EVICTION: &str = "evict_container";

/// The undo of an order that changed something, and when that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastUndo {
    /// The undo step as JSON.
    pub undo: String,
    pub began: jiff::Timestamp,
    pub ended: jiff::Timestamp,
}

/// What is needed to take an order back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    pub intent: i64,
    /// Name of the order that is taken back: what `undone` holds.
    pub step: String,
    pub keeper: String,
    pub kind: String,
    pub project: Option<ProjectName>,
    pub thing: Option<String>,
    pub class: String,
    /// The order in words.
    pub text: String,
    /// The undo step as JSON; `None`: this order cannot be taken back.
    pub undo: Option<String>,
    pub outcome: Option<Outcome>,
}

/// A trial begins when its order was carried out and can be undone.
pub(super) fn begin_if_done(connection: &Connection, intent: i64, outcome: &Outcome) -> rusqlite::Result<()> {
    if matches!(outcome, Outcome::Made | Outcome::FoundDone) {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO trials (intent)
                 SELECT id FROM intents WHERE id = ?1 AND trial = 1 AND undo IS NOT NULL",
            )?
            .execute([intent])?;
    }
    Ok(())
}

pub(super) fn open_trials(connection: &Connection, now: &Now) -> rusqlite::Result<Vec<TrialView>> {
    let mut statement = connection.prepare_cached(
        "SELECT i.id, i.step, i.keeper, r.wall, r.up, r.boot, i.payload, i.undo, i.sum
         FROM trials t JOIN intents i ON i.id = t.intent JOIN results r ON r.intent = i.id
         WHERE i.undo IS NOT NULL ORDER BY i.id LIMIT 10000",
    )?;
    let rows = statement.query_map([], |row| {
        let (_, undo) = orders_at(row, 6)?;
        Ok(TrialView {
            intent: row.get(0)?,
            step: row.get(1)?,
            keeper: row.get(2)?,
            undo: undo.unwrap_or_default(),
            since: not_after(now, stamp_at(row, 3)?),
        })
    })?;
    rows.collect()
}

pub(super) fn held(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT step FROM holds ORDER BY step LIMIT 10000")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

pub(super) fn human(connection: &Connection, now: &Now) -> rusqlite::Result<Vec<(Option<ProjectName>, Stamp)>> {
    let mut statement =
        connection.prepare_cached("SELECT nullif(project, ''), wall, up, boot FROM activity ORDER BY project")?;
    let rows = statement.query_map([], |row| Ok((project_at(row, 0)?, not_after(now, stamp_at(row, 1)?))))?;
    rows.collect()
}

/// The undos of orders that changed something, of those that are `wanted`.
fn select_undos(wanted: &str) -> String {
    format!(
        "SELECT i.payload, i.undo, i.sum, e.wall, r.wall
         FROM intents i JOIN entries e ON e.id = i.id JOIN results r ON r.intent = i.id
         WHERE i.undo IS NOT NULL AND r.outcome IN ('made', 'found_done') AND {wanted}"
    )
}

fn undo_at(row: &rusqlite::Row<'_>) -> rusqlite::Result<PastUndo> {
    let undo = orders_at(row, 0)?.1.unwrap_or_default();
    Ok(PastUndo { undo, began: wall_at(row, 3)?, ended: wall_at(row, 4)? })
}

/// Containers that were stopped for want of memory. Asked in every round: the index `evictions` is for this.
pub(super) fn evictions(connection: &Connection) -> rusqlite::Result<Vec<PastUndo>> {
    let wanted = format!("i.kind = '{EVICTION}' ORDER BY i.id DESC LIMIT 500");
    let mut statement = connection.prepare_cached(&select_undos(&wanted))?;
    let mut undos: Vec<PastUndo> = statement.query_map([], undo_at)?.collect::<rusqlite::Result<_>>()?;
    undos.reverse();
    Ok(undos)
}

impl Sqlite {
    /// Trials that have waited `limit` or longer for their confirmation, newest first: undone in that order.
    pub fn trials_due(&self, now: &Now, limit: Duration) -> Result<Vec<TrialView>, Error> {
        let mut trials = open_trials(&self.connection, now).map_err(Error::during("read trials"))?;
        trials.retain(|trial| now.since(&trial.since) >= limit);
        trials.reverse();
        Ok(trials)
    }

    /// Keeps what a trial did: one, or all under way. Returns how many there were.
    pub fn confirm(&mut self, intent: Option<i64>) -> Result<usize, Error> {
        let removed = self.connection.execute("DELETE FROM trials WHERE ?1 IS NULL OR intent = ?1", [intent]);
        removed.map_err(Error::during("confirm a trial in the ledger"))
    }

    /// Says that an order was taken back: its trial is over, and the same order is held. Safe to repeat.
    pub fn undone(&mut self, intent: i64) -> Result<(), Error> {
        let what = "record an undo in the ledger";
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::during(what))?;
        transaction
            .execute("DELETE FROM trials WHERE intent = ?1", [intent])
            .and_then(|_| {
                let hold = "INSERT OR IGNORE INTO holds (step) SELECT step FROM intents WHERE id = ?1";
                transaction.execute(hold, [intent])
            })
            .and_then(|_| transaction.commit())
            .map_err(Error::during(what))
    }

    /// Holds back what goes by this word, until the configuration changes. Safe to repeat.
    pub fn hold(&mut self, word: &str) -> Result<(), Error> {
        let written = self.connection.execute("INSERT OR IGNORE INTO holds (step) VALUES (?1)", [word]);
        written.map_err(Error::during("hold orders in the ledger")).map(drop)
    }

    /// The undos of a keeper's orders of one kind that changed something: the newest 10 000, the oldest of them first.
    pub fn undos_by_age(&self, keeper: &str, kind: &str) -> Result<Vec<PastUndo>, Error> {
        let read = || -> rusqlite::Result<Vec<PastUndo>> {
            let wanted = "i.keeper = ?1 AND i.kind = ?2 ORDER BY i.id DESC LIMIT 10000";
            let mut statement = self.connection.prepare_cached(&select_undos(wanted))?;
            let rows = statement.query_map([keeper, kind], undo_at)?;
            rows.collect()
        };
        let mut undos = read().map_err(Error::during("read undos from the ledger"))?;
        undos.reverse();
        Ok(undos)
    }

    /// Lets one held order go (a person applies it), or all (the configuration changed). Returns how many.
    pub fn release_holds(&mut self, step: Option<&str>) -> Result<usize, Error> {
        let removed = self.connection.execute("DELETE FROM holds WHERE ?1 IS NULL OR step = ?1", [step]);
        removed.map_err(Error::during("release held orders in the ledger"))
    }

    /// What is needed to take the order `intent` back; `None` when there is no such order.
    pub fn undo_of(&self, intent: i64) -> Result<Option<Undo>, Error> {
        let sql = "SELECT i.id, i.step, i.keeper, i.kind, e.project, e.thing, i.class, e.text, r.outcome, r.why,
                          i.payload, i.undo, i.sum
                   FROM intents i JOIN entries e ON e.id = i.id LEFT JOIN results r ON r.intent = i.id
                   WHERE i.id = ?1";
        let row = self.connection.query_row(sql, [intent], |row| {
            Ok(Undo {
                intent: row.get(0)?,
                step: row.get(1)?,
                keeper: row.get(2)?,
                kind: row.get(3)?,
                project: project_at(row, 4)?,
                thing: row.get(5)?,
                class: row.get(6)?,
                text: row.get(7)?,
                outcome: outcome_at(row, 8)?,
                undo: orders_at(row, 10)?.1,
            })
        });
        row.optional().map_err(Error::during("read an order from the ledger"))
    }

    /// Remembers that a person acted on the host (`None`: anywhere) or on a project. Only the last time is kept.
    pub fn human_acted(&mut self, project: Option<&ProjectName>, now: &Now) -> Result<(), Error> {
        let (wall, up, boot) = columns_of(now);
        let project = project.map(|name| name.as_str()).unwrap_or_default();
        let written = self.connection.execute(
            "INSERT INTO activity (project, wall, up, boot) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (project) DO UPDATE SET wall = ?2, up = ?3, boot = ?4",
            params![project, wall, up, boot],
        );
        written.map_err(Error::during("record a person's act in the ledger")).map(drop)
    }
}
