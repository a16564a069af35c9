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
