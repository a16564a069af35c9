//! What happened besides orders: starts, reloads, concerns, a person's orders, the ledger's own mishaps.

use rusqlite::{Connection, TransactionBehavior, params};

use super::rows::{columns_of, fit};
use super::{Error, Sqlite};
use crate::values::{Now, ProjectName};

/// One thing that happened. `kind` is a stable word: `started`, `stopped`, `boot`, `reloaded`, `reload_refused`,
/// `concern_raised`, `concern_ended`, `order`, `ledger_moved`, `ledger_torn`, `ledger_lost`, `events_lost`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub kind: String,
    pub keeper: Option<String>,
    pub project: Option<ProjectName>,
    pub thing: Option<String>,
    pub text: String,
    pub because: Option<String>,
    /// The severity word of a concern.
    pub severity: Option<String>,
}

impl Event {
    /// An event of the host as a whole; the other fields are set where they say something.
    pub fn new(kind: &str, text: impl Into<String>) -> Event {
        Event { kind: kind.to_owned(), text: text.into(), ..Event::default() }
    }
}

impl Sqlite {
    /// Records events, all or none, in one write.
    pub fn note(&mut self, events: &[(Event, Now)]) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        let what = "write events to the ledger";
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::during(what))?;
        for (event, now) in events {
            insert(&transaction, event, now).map_err(Error::during(what))?;
        }
        transaction.commit().map_err(Error::during(what))
    }
}

fn insert(connection: &Connection, event: &Event, now: &Now) -> rusqlite::Result<()> {
    let (wall, up, boot) = columns_of(now);
    let project = event.project.as_ref().map(|name| name.as_str());
    connection
        .prepare_cached(
            "INSERT INTO entries (wall, up, boot, kind, keeper, project, thing, text, because, severity)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            wall,
            up,
            boot,
            fit(&event.kind),
            event.keeper,
            project,
            event.thing.as_deref().map(fit),
            fit(&event.text),
            event.because.as_deref().map(fit),
            event.severity
        ])?;
    Ok(())
}
