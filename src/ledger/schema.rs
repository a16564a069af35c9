//! The tables, one migration per version, forward only. A version that was released is never edited: the files under
//! `tests/captured/ledger/` were written by them.

use rusqlite::{Connection, TransactionBehavior};

use super::Error;

/// Marks the file as ours: "HKLG".
const APPLICATION: i64 = 0x484b_4c47;

/// What each version adds. The first is version 1.
const MIGRATIONS: [&str; 4] = [V1, V2, V3, V4];

/// `entries` is the one sequence of everything that happened; `intents` and `results` extend those of kind `step`.
/// `wall` is microseconds since 1970, `up` microseconds since boot. `sum` is the fingerprint of payload and undo: they are
/// carried out as root, and no check of SQLite sees a flipped bit in a text.
const V1: &str = "
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    wall INTEGER NOT NULL, up INTEGER NOT NULL CHECK (up >= 0), boot TEXT NOT NULL,
    kind TEXT NOT NULL, keeper TEXT, project TEXT, thing TEXT,
    text TEXT NOT NULL, because TEXT, severity TEXT
) STRICT;
CREATE TABLE intents (
    id INTEGER PRIMARY KEY REFERENCES entries (id) ON DELETE CASCADE,
    plan TEXT NOT NULL, step TEXT NOT NULL, key TEXT NOT NULL, keeper TEXT NOT NULL, kind TEXT NOT NULL,
    class TEXT NOT NULL, evidence TEXT NOT NULL, payload TEXT NOT NULL, undo TEXT, sum TEXT NOT NULL,
    origin TEXT NOT NULL, trial INTEGER NOT NULL CHECK (trial IN (0, 1))
) STRICT;
CREATE TABLE results (
    intent INTEGER PRIMARY KEY REFERENCES intents (id) ON DELETE CASCADE,
    wall INTEGER NOT NULL, up INTEGER NOT NULL CHECK (up >= 0), boot TEXT NOT NULL,
    outcome TEXT NOT NULL
        CHECK (outcome IN ('made', 'already_so', 'failed', 'found_done', 'found_undone', 'found_unclear')),
    why TEXT
) STRICT;
CREATE TABLE trials (intent INTEGER PRIMARY KEY REFERENCES intents (id)) STRICT;
CREATE TABLE holds (step TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE pulse (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    wall INTEGER NOT NULL, up INTEGER NOT NULL, boot TEXT NOT NULL
) STRICT;
";

/// Version 1 found the last act of a person, and the attempts of the last day, by reading everything.
const V2: &str = "
CREATE TABLE activity (
    project TEXT PRIMARY KEY,
    wall INTEGER NOT NULL, up INTEGER NOT NULL CHECK (up >= 0), boot TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO activity
    SELECT coalesce(project, ''), wall, up, boot FROM entries
    WHERE id IN (SELECT max(id) FROM entries WHERE kind = 'order' GROUP BY project);
CREATE INDEX steps_by_boot ON entries (boot, up) WHERE kind = 'step';
CREATE INDEX steps_by_wall ON entries (wall) WHERE kind = 'step';
";

/// What people ordered of pools, moves that were broken off, and the files that were moved.
const V3: &str = "
CREATE TABLE pool_members (
    project TEXT NOT NULL, pool TEXT NOT NULL, member TEXT NOT NULL,
    drained_wall INTEGER NOT NULL, drained_up INTEGER NOT NULL CHECK (drained_up >= 0), drained_boot TEXT NOT NULL,
    empty_wall INTEGER, empty_up INTEGER CHECK (empty_up >= 0), empty_boot TEXT,
    PRIMARY KEY (project, pool, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE pool_hurries (
    project TEXT NOT NULL, pool TEXT NOT NULL,
    wall INTEGER NOT NULL, up INTEGER NOT NULL CHECK (up >= 0), boot TEXT NOT NULL,
    PRIMARY KEY (project, pool)
) STRICT, WITHOUT ROWID;
CREATE TABLE open_moves (intent INTEGER PRIMARY KEY REFERENCES intents (id)) STRICT;
CREATE TABLE operations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    intent INTEGER NOT NULL REFERENCES intents (id) ON DELETE CASCADE,
    wall INTEGER NOT NULL, up INTEGER NOT NULL CHECK (up >= 0), boot TEXT NOT NULL,
    file TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, bytes INTEGER NOT NULL,
    outcome TEXT NOT NULL, why TEXT
) STRICT;
CREATE INDEX operations_by_intent ON operations (intent);
";

/// Every round asks for what was stopped for want of memory.
const V4: &str = "CREATE INDEX evictions ON intents (id) WHERE kind = 'evict_container';";

/// No hostkeeper will have more versions of its schema; a higher number is damage.
const PLAUSIBLE: i64 = 1000;

/// Refuses a file that is not ours or is newer than this program. Reads only.
pub fn check(connection: &Connection) -> Result<i64, Error> {
    // Of one moment: another process may just be making the ledger.
    let moment = connection.unchecked_transaction().map_err(Error::during("begin to read the ledger"))?;
    let number = |pragma: &str| moment.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id").map_err(Error::during("read the ledger's mark"))?;
    let version = number("PRAGMA user_version").map_err(Error::during("read the ledger's version"))?;
    let tables =
        number("SELECT count(*) FROM sqlite_schema").map_err(Error::during("read the ledger's list of tables"))?;
    if application != APPLICATION && (tables > 0 || application != 0) {
        return Err(Error::new("the file is an SQLite database but not a ledger of hostkeeper"));
    }
    let newest = MIGRATIONS.len() as i64;
    if version > newest && version <= PLAUSIBLE {
        return Err(Error::new(format!(
            "the ledger has schema version {version}, written by a newer hostkeeper; this one knows versions up to \
             {newest}: install the newer package again, or move the file away"
        )));
    }
    if !(0..=newest).contains(&version) {
        return Err(Error::damaged(format!("its schema version is {version}")));
    }
    Ok(version)
}

/// Brings the file to the newest version, each version in a transaction of its own.
pub fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let version = check(connection)?;
    let pending = MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0));
    for (index, statements) in pending {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Error::during("begin a migration of the ledger"))?;
        let mark = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {};", index + 1);
        transaction
            .execute_batch(statements)
            .and_then(|()| transaction.execute_batch(&mark))
            .and_then(|()| transaction.commit())
            .map_err(Error::during("migrate the ledger"))?;
    }
    Ok(())
}
