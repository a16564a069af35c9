//! How long the ledger remembers: by age and by size, a bounded amount at a time.

use std::time::Duration;

use rusqlite::params;

use super::rows::micros;
use super::{Error, Sqlite};
use crate::values::Now;

/// How long entries are kept unless configured otherwise.
pub const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);
/// How large the ledger may grow unless configured otherwise, bytes.
pub const MAX_BYTES: u64 = 64 << 20;

/// Most entries removed at a time, so that a round never waits long.
const BATCH: u32 = 500;
/// Newest entries that age never removes: a clock that jumps ahead must not empty the ledger.
const ALWAYS: i64 = 1000;
/// Newest entries that size never removes.
const CORE: i64 = 100;

/// Entries that may go: neither an order without a result nor a trial under way.
const FREE: &str = "id NOT IN (SELECT intent FROM trials) AND id NOT IN (SELECT intent FROM open_moves) AND id NOT IN
    (SELECT i.id FROM intents i WHERE NOT EXISTS (SELECT 1 FROM results r WHERE r.intent = i.id))";

impl Sqlite {
    /// Removes entries older than `keep`, and the oldest while the ledger is larger than `max_bytes`; gives freed pages
    /// back to the disk. Bounded: call it again until it returns 0.
    pub fn prune(&mut self, now: &Now, keep: Duration, max_bytes: u64) -> Result<usize, Error> {
        let what = "remove old entries from the ledger";
        let mut removed = self.remove_old(now, keep).map_err(Error::during(what))?;
        if self.used_bytes()? > max_bytes {
            removed += self.remove_oldest().map_err(Error::during(what))?;
        }
        self.give_back().map_err(Error::during(what))?;
        Ok(removed)
    }

    /// Bytes in use, free pages not counted.
    pub fn used_bytes(&self) -> Result<u64, Error> {
        let number = |pragma: &str| self.connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
        number("PRAGMA page_count")
            .and_then(|pages| Ok((pages, number("PRAGMA freelist_count")?, number("PRAGMA page_size")?)))
            .map(|(pages, free, size)| u64::try_from((pages - free).saturating_mul(size)).unwrap_or(0))
            .map_err(Error::during("read the ledger's size"))
    }

    fn remove_old(&mut self, now: &Now, keep: Duration) -> rusqlite::Result<usize> {
        let wall = now.wall.as_microsecond().saturating_sub(micros(keep));
        let up = micros(now.up.saturating_sub(keep));
        let sql = format!(
            "DELETE FROM entries WHERE id IN (
                 SELECT id FROM entries WHERE wall < ?1 AND (boot <> ?2 OR up < ?3)
                     AND id <= (SELECT max(id) FROM entries) - ?4 AND {FREE}
                 ORDER BY id LIMIT ?5)"
        );
        self.connection.prepare_cached(&sql)?.execute(params![wall, now.boot, up, ALWAYS, BATCH])
    }

    fn remove_oldest(&mut self) -> rusqlite::Result<usize> {
        let sql = format!(
            "DELETE FROM entries WHERE id IN (
                 SELECT id FROM entries WHERE id <= (SELECT max(id) FROM entries) - ?1 AND {FREE}
                 ORDER BY id LIMIT ?2)"
        );
        self.connection.prepare_cached(&sql)?.execute(params![CORE, BATCH])
    }

    /// Frees at most 256 pages (1 MiB) at the end of the file.
    fn give_back(&self) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare("PRAGMA incremental_vacuum(256)")?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
    }
}
