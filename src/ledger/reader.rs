//! The ledger read without the daemon: for the command line. Creates and changes nothing, works beside a running daemon
//! and on a read-only file system; a ledger that does not exist is an empty one.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::history::{Query, read_history};
use super::journal::Entry;
use super::place::beside;
use super::{Error, FILE, Past, Trouble, recall, schema};
use crate::values::Now;

/// How often, and how soon after another, a read is tried again that a writer disturbed.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// A ledger opened for reading.
#[derive(Debug)]
pub struct Reader {
    /// `None`: there is no ledger yet.
    connection: Option<Connection>,
}

impl Reader {
    /// Opens the ledger of a state directory for reading. The schema may be older than ours; newer is an error.
    pub fn open(state: &Path) -> Result<Reader, Error> {
        let file = state.join(FILE);
        match fs::symlink_metadata(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Reader { connection: None }),
            Err(error) => return Err(Error::new(format!("cannot look at {}: {error}", file.display()))),
            Ok(facts) if facts.len() == 0 => return Ok(Reader { connection: None }),
            Ok(_) => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(address(&file)?, flags).map_err(Error::during("open the ledger"))?;
        connection.busy_timeout(Duration::from_secs(1)).map_err(Error::during("set the ledger's time-out"))?;
        // Version 0: a daemon is just making it.
        let made = in_the_end(|| schema::check(&connection))? > 0;
        Ok(Reader { connection: made.then_some(connection) })
    }

    /// Entries that match, newest first.
    pub fn history(&self, query: &Query) -> Result<Vec<Entry>, Error> {
        match &self.connection {
            Some(connection) => in_the_end(|| read_history(connection, query).map_err(Error::during("read history"))),
            None => Ok(Vec::new()),
        }
    }

    /// The bounded past, for a plan that is made without the daemon.
    pub fn past(&self, now: &Now) -> Result<Past, Error> {
        match &self.connection {
            Some(connection) => {
                in_the_end(|| recall::past(connection, now).map_err(Error::during("read the recent past")))
            }
            None => Ok(Past::default()),
        }
    }
}

/// Beside a writer who is just changing the journal's index, SQLite may say that it would have to write: not for long.
fn in_the_end<T>(read: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..TRIES {
        match read() {
            Err(error) if error.trouble() == Trouble::ReadOnly => std::thread::sleep(PAUSE),
            other => return other,
        }
    }
    read()
}

/// How SQLite must open the file so that nothing is written: with the shared index of a journal read-only when there is
/// a journal, else as a file that does not change.
fn address(file: &Path) -> Result<String, Error> {
    let journal = fs::metadata(beside(file, "-wal")).map(|facts| facts.len()).ok();
    let index = beside(file, "-shm").exists();
    let how = match journal {
        Some(_) if index => "mode=ro&readonly_shm=1",
        None | Some(0) => "mode=ro&immutable=1",
        Some(_) => {
            return Err(Error::new(format!(
                "{} has a journal without its index, as after a copy: start hostkeeper once to replay it",
                file.display()
            )));
        }
    };
    let mut address = String::from("file:");
    for &byte in file.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => address.push(char::from(byte)),
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    Ok(format!("{address}?{how}"))
}
