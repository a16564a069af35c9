//! One open ledger file: how it is opened and checked, and the writing of orders and results. Knows nothing of what to
//! do when the disk fails: that is `Book`.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::journal::{Intent, Journal, Outcome, Unfinished};
use super::place::{self, Found, Identity};
use super::rows::{TEXT_LIMIT, columns_of, fit, orders_at, outcome_columns, stamp_at, sum_of};
use super::{Error, Notes, Past, pools, recall, schema, trials};
use crate::values::{Now, Stamp};

/// How long another process may hold the file before a write fails.
const BUSY: Duration = Duration::from_secs(1);
/// How long the check of all pages may take at open; a ledger too large for it is taken as sound.
const CHECK: Duration = Duration::from_secs(3);
/// Longest step or undo step, bytes of JSON: they cannot be cut.
const PAYLOAD_LIMIT: usize = 256 * 1024;

/// FULL: a result that was reported as written survives a power cut.
const SETTINGS: &str = "
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA cell_size_check = ON;
PRAGMA trusted_schema = OFF;
PRAGMA wal_autocheckpoint = 256;
PRAGMA journal_size_limit = 1048576;
";

/// An open, checked, migrated ledger.
#[derive(Debug)]
pub struct Sqlite {
    pub(super) connection: Connection,
    path: PathBuf,
    identity: Option<Identity>,
    found: Found,
}

impl Sqlite {
    /// Opens the ledger at `path` for writing, makes it when it is missing, checks its pages, brings it to the newest
    /// schema. Fails within seconds; changes nothing of a file that it refuses.
    pub fn open(path: &Path) -> Result<Sqlite, Error> {
        let found = place::make_or_check(path)?;
        if !place::has_sound_head(path) {
            return Err(Error::damaged("the file's head names a format that SQLite does not write".into()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(Error::during("open the ledger"))?;
        connection.busy_timeout(BUSY).map_err(Error::during("set the ledger's time-out"))?;
        schema::check(&connection).map_err(Error::into_damage)?;
        connection.execute_batch(SETTINGS).map_err(Error::during("set up the ledger"))?;
        let mode: String = connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(Error::during("set up the ledger's journal"))?;
        if mode != "wal" {
            return Err(Error::new(format!(
                "the ledger's file system cannot hold a write-ahead journal (mode {mode})"
            )));
        }
        check_pages(&connection)?;
        schema::migrate(&mut connection).map_err(Error::into_damage)?;
        Ok(Sqlite { connection, path: path.to_owned(), identity: place::read_identity(path), found })
    }

    /// Whether the file was there but without a byte: a history that was in it is lost.
    pub fn was_empty(&self) -> bool {
        self.found == Found::Empty
    }

    /// Whether the file at the path is still the open one; `false` after it was removed or replaced.
    pub fn in_place(&self) -> bool {
        self.identity.is_some() && self.identity == place::read_identity(&self.path)
    }

    /// A small write that tells whether the ledger can be written, and when the agent was last alive. Only a `durable`
    /// one waits for the disk.
    pub fn pulse(&mut self, now: &Now, durable: bool) -> Result<(), Error> {
        let what = "write to the ledger";
        let (wall, up, boot) = columns_of(now);
        // NORMAL leaves out the fsync of a commit, not those of a checkpoint: nothing can be torn by it.
        let quick = if durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
        self.connection.execute_batch(quick).map_err(Error::during(what))?;
        let written = self.connection.execute(
            "INSERT INTO pulse (id, wall, up, boot) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET wall = ?1, up = ?2, boot = ?3",
            params![wall, up, boot],
        );
        self.connection.execute_batch("PRAGMA synchronous = FULL").map_err(Error::during(what))?;
        written.map_err(Error::during(what)).map(drop)
    }

    /// When the last pulse was.
    pub fn last_pulse(&self) -> Result<Option<Stamp>, Error> {
        let sql = "SELECT wall, up, boot FROM pulse";
        let stamp = self.connection.query_row(sql, [], |row| stamp_at(row, 0)).optional();
        stamp.map_err(Error::during("read when the agent was last alive"))
    }

    /// Orders whose result was never written, oldest first. At start these are examined, not repeated.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>, Error> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT i.id, i.keeper, e.text, i.payload, i.undo, i.sum FROM intents i JOIN entries e ON e.id = i.id
                 WHERE NOT EXISTS (SELECT 1 FROM results r WHERE r.intent = i.id) ORDER BY i.id LIMIT 1000",
            )
            .map_err(Error::during("read unfinished orders"))?;
        let rows = statement.query_map([], |row| {
            let (payload, _) = orders_at(row, 3)?;
            Ok(Unfinished { intent: row.get(0)?, keeper: row.get(1)?, payload, text: row.get(2)? })
        });
        rows.and_then(Iterator::collect).map_err(Error::during("read unfinished orders"))
    }
}

impl Journal for Sqlite {
    fn intend(&mut self, intent: &Intent, now: &Now) -> Result<i64, Error> {
        let what = "write an order to the ledger";
        for json in [Some(&intent.payload), intent.undo.as_ref()].into_iter().flatten() {
            if json.len() > PAYLOAD_LIMIT {
                let size = json.len();
                return Err(Error::new(format!("the order \"{}\" is too large to record: {size} bytes", intent.text)));
            }
        }
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::during(what))?;
        let id = insert_intent(&transaction, intent, now).map_err(Error::during(what))?;
        transaction.commit().map_err(Error::during(what))?;
        Ok(id)
    }

    fn conclude(&mut self, intent: i64, outcome: &Outcome, now: &Now) -> Result<(), Error> {
        let what = "write a result to the ledger";
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::during(what))?;
        let (word, why) = outcome_columns(outcome);
        let (wall, up, boot) = columns_of(now);
        transaction
            .execute(
                "INSERT INTO results (intent, wall, up, boot, outcome, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![intent, wall, up, boot, word, why],
            )
            .map_err(Error::during(what))?;
        trials::begin_if_done(&transaction, intent, outcome).map_err(Error::during(what))?;
        pools::open_if_broken(&transaction, intent, outcome).map_err(Error::during(what))?;
        transaction.commit().map_err(Error::during(what))
    }

    fn record(&mut self, intent: i64, notes: &Notes, now: &Now) -> Result<(), Error> {
        Sqlite::record(self, intent, notes, now)
    }

    fn past(&mut self, now: &Now) -> Result<Past, Error> {
        recall::past(&self.connection, now).map_err(Error::during("read the recent past from the ledger"))
    }
}

fn insert_intent(connection: &Connection, intent: &Intent, now: &Now) -> rusqlite::Result<i64> {
    let (wall, up, boot) = columns_of(now);
    let project = intent.project.as_ref().map(|name| name.as_str());
    let thing = intent.thing.as_deref().map(fit);
    connection
        .prepare_cached(
            "INSERT INTO entries (wall, up, boot, kind, keeper, project, thing, text, because)
             VALUES (?1, ?2, ?3, 'step', ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![wall, up, boot, intent.keeper, project, thing, fit(&intent.text), fit(&intent.because)])?;
    let id = connection.last_insert_rowid();
    connection
        .prepare_cached(
            "INSERT INTO intents (id, plan, step, key, keeper, kind, class, evidence, payload, undo, origin, trial, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            id,
            intent.plan,
            fit(&intent.step),
            fit(&intent.key),
            intent.keeper,
            intent.kind,
            intent.class,
            bounded_evidence(&intent.evidence),
            intent.payload,
            intent.undo,
            intent.origin,
            intent.trial,
            sum_of(&intent.payload, intent.undo.as_deref())
        ])?;
    Ok(id)
}

/// Evidence is a JSON array and cannot be cut: too much of it is replaced by a fact that says so.
fn bounded_evidence(evidence: &str) -> String {
    if evidence.len() <= TEXT_LIMIT {
        return evidence.to_owned();
    }
    format!(r#"[{{"what":"evidence","value":"left out, {} bytes","source":"ledger"}}]"#, evidence.len())
}

/// SQLite's own check of every page, interrupted when it takes too long.
fn check_pages(connection: &Connection) -> Result<(), Error> {
    let handle = connection.get_interrupt_handle();
    let (finished, wait) = mpsc::channel::<()>();
    let timer = std::thread::spawn(move || {
        if wait.recv_timeout(CHECK) == Err(mpsc::RecvTimeoutError::Timeout) {
            handle.interrupt();
        }
    });
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    drop(finished);
    // The timer holds nothing; a panic in it would only mean that the check was not bounded.
    let _ = timer.join();
    match verdict {
        Ok(word) if word == "ok" => Ok(()),
        Ok(word) => Err(Error::damaged(fit(&word))),
        Err(rusqlite::Error::SqliteFailure(failure, _))
            if failure.code == rusqlite::ErrorCode::OperationInterrupted =>
        {
            Ok(())
        }
        Err(error) => Err(Error { what: "check the ledger".into(), source: Some(error) }),
    }
}
