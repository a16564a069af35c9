//! The bounded past that deciding may know, read from the tables. Ages survive reboots and clock jumps.

use std::time::Duration;

use jiff::SignedDuration;
use rusqlite::{Connection, params};

use super::past::{Attempt, Past};
use super::rows::{micros, outcome_at, project_at, stamp_at};
use super::{pools, trials};
use crate::values::{Now, Stamp};

/// How far back deciding remembers.
const REACH: Duration = Duration::from_secs(24 * 3600);
/// Most attempts that deciding sees; the newest are kept.
const ATTEMPTS: u32 = 10_000;

/// Everything that guard and keepers may know.
pub fn past(connection: &Connection, now: &Now) -> rusqlite::Result<Past> {
    Ok(Past {
        attempts: attempts(connection, now)?,
        trials: trials::open_trials(connection, now)?,
        held: trials::held(connection)?,
        human: trials::human(connection, now)?.into_iter().filter(|(_, stamp)| now.since(stamp) <= REACH).collect(),
        pools: pools::recall(connection, now)?,
        evictions: trials::evictions(connection)?,
    })
}

fn attempts(connection: &Connection, now: &Now) -> rusqlite::Result<Vec<Attempt>> {
    // Within this boot the boot clock tells the age; of earlier boots only the wall clock is left.
    let mut statement = connection.prepare_cached(
        "SELECT i.id, i.step, i.key, i.keeper, i.kind, e.project, e.thing, i.class,
                e.wall, e.up, e.boot, r.wall, r.up, r.boot, r.outcome, r.why
         FROM intents i JOIN entries e ON e.id = i.id LEFT JOIN results r ON r.intent = i.id
         WHERE i.id IN (SELECT id FROM entries WHERE kind = 'step' AND boot = ?1 AND up >= ?2
                        UNION SELECT id FROM entries WHERE kind = 'step' AND boot <> ?1 AND wall >= ?3)
         ORDER BY i.id DESC LIMIT ?4",
    )?;
    let up_from = micros(now.up.saturating_sub(REACH));
    let wall_from = now.wall.as_microsecond().saturating_sub(micros(REACH));
    let rows = statement.query_map(params![now.boot, up_from, wall_from, ATTEMPTS], |row| {
        let outcome = outcome_at(row, 14)?;
        let ended = if outcome.is_some() { Some(not_after(now, stamp_at(row, 11)?)) } else { None };
        Ok(Attempt {
            intent: row.get(0)?,
            step: row.get(1)?,
            key: row.get(2)?,
            keeper: row.get(3)?,
            kind: row.get(4)?,
            project: project_at(row, 5)?,
            thing: row.get(6)?,
            class: row.get(7)?,
            began: not_after(now, stamp_at(row, 8)?),
            ended,
            outcome,
        })
    })?;
    let mut attempts: Vec<Attempt> = rows.collect::<rusqlite::Result<_>>()?;
    attempts.reverse();
    Ok(attempts)
}

/// A stamp of an earlier boot that claims to be later than the beginning of this boot was made by a clock that was
/// wrong: it is at least as old as this boot. Otherwise a back-off would last until that wrong time comes.
pub fn not_after(now: &Now, stamp: Stamp) -> Stamp {
    let Ok(up) = SignedDuration::try_from(now.up) else { return stamp };
    let Ok(booted) = now.wall.checked_sub(up) else { return stamp };
    if stamp.boot == now.boot || stamp.wall <= booted {
        return stamp;
    }
    Stamp { wall: booted, up: Duration::ZERO, boot: now.boot.clone() }
}
