//! Why the ledger could not be read or written, and what kind of trouble that is.

use rusqlite::ErrorCode;

/// Why the ledger could not be read or written. `Display` does not repeat the source; `chain` does.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    pub what: String,
    #[source]
    pub source: Option<rusqlite::Error>,
}

/// What kind of trouble an error is; decides what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The file is not what was written: it is moved aside.
    Corrupt,
    /// No space: waits for space.
    Full,
    /// Read-only file or file system: waits.
    ReadOnly,
    /// Another process holds it: waits.
    Locked,
    /// The disk, the directory or the file cannot be used: waits.
    Io,
    /// The ledger is well; what was asked of it is not.
    Refused,
}

impl Error {
    pub fn new(what: impl Into<String>) -> Error {
        Error { what: what.into(), source: None }
    }

    /// For `map_err`: says what was being done.
    pub(super) fn during(what: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
        move |source| Error { what: what.to_owned(), source: Some(source) }
    }

    /// What a check found, as SQLite itself would report it.
    pub(super) fn damaged(what: String) -> Error {
        let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        let source = rusqlite::Error::SqliteFailure(failure, Some(what));
        Error { what: "the ledger is damaged".into(), source: Some(source) }
    }

    /// For statements that every ledger of ours can run: SQLite's "this does not go" then means that the file is damaged.
    pub(super) fn into_damage(self) -> Error {
        use rusqlite::Error as E;
        match &self.source {
            Some(E::SqliteFailure(failure, text)) if failure.extended_code == rusqlite::ffi::SQLITE_ERROR => {
                Error::damaged(format!("{}: {}", self.what, text.as_deref().unwrap_or("SQL error")))
            }
            // Not its `Display`, which holds the whole statement.
            Some(E::SqlInputError { msg, .. }) => Error::damaged(format!("{}: {msg}", self.what)),
            _ => self,
        }
    }

    /// What kind of trouble it is, by SQLite's own code.
    pub fn trouble(&self) -> Trouble {
        use rusqlite::Error as E;
        match &self.source {
            None => Trouble::Refused,
            Some(E::SqliteFailure(failure, _)) => match failure.code {
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Trouble::Corrupt,
                ErrorCode::DiskFull => Trouble::Full,
                ErrorCode::ReadOnly => Trouble::ReadOnly,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Trouble::Locked,
                ErrorCode::ConstraintViolation => Trouble::Refused,
                _ => Trouble::Io,
            },
            Some(E::FromSqlConversionFailure(..) | E::IntegralValueOutOfRange(..) | E::InvalidColumnType(..)) => {
                Trouble::Corrupt
            }
            Some(_) => Trouble::Io,
        }
    }

    /// The whole chain on one line.
    pub fn chain(&self) -> String {
        match &self.source {
            Some(source) => format!("{}: {source}", self.what),
            None => self.what.clone(),
        }
    }
}
