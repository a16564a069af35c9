//! The ledger that lives with its disk: while it cannot be written no order is given; it is tried again every round and
//! comes back by itself. A damaged file is moved aside and a new one begun, never without saying so.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::aside::{copy_journal_aside, list_aside, move_aside};
use super::history::Query;
use super::journal::{Entry, Intent, Journal, Outcome};
use super::place::beside;
use super::tear::{Tear, read_tear};
use super::{Error, Event, FILE, Notes, Past, Reader, Sqlite, Trouble};
use crate::values::{Now, Stamp};

/// How often a healthy ledger is tried by a write of its own; an unhealthy one at every probe.
const PULSE: Duration = Duration::from_secs(5);
/// Most events and results that wait for the ledger to come back.
const WAITING: usize = 256;

/// What is wrong with the ledger, in the words of a concern. `id` is a heading of `docs/runbook.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worry {
    pub id: &'static str,
    /// `warning` or `critical`.
    pub severity: &'static str,
    pub text: String,
    pub cure: String,
    /// The file or directory it was seen at.
    pub source: String,
}

/// The ledger of a state directory, whatever its disk does.
#[derive(Debug)]
pub struct Book {
    state: PathBuf,
    file: PathBuf,
    sqlite: Option<Sqlite>,
    /// Why it cannot be written now.
    trouble: Option<String>,
    /// Set when what was read cannot be true: the file is moved aside before it is opened again.
    suspect: Option<String>,
    events: Vec<(Event, Now)>,
    lost: u64,
    results: Vec<(i64, Outcome, Now)>,
    pulsed: Option<Duration>,
    last_alive: Option<Stamp>,
}

impl Book {
    /// Opens the ledger of a state directory, making both where they are missing. Never fails: `trouble` says why it
    /// cannot be written, and `probe` tries again.
    pub fn open(state: &Path, now: &Now) -> Book {
        let mut book = Book {
            state: state.to_owned(),
            file: state.join(FILE),
            sqlite: None,
            trouble: None,
            suspect: None,
            events: Vec::new(),
            lost: 0,
            results: Vec::new(),
            pulsed: None,
            last_alive: None,
        };
        book.reopen(now);
        book
    }

    /// The ledger of a state directory for one who only reads: nothing is made, opened for writing or tried.
    pub fn to_read(state: &Path) -> Book {
        Book {
            state: state.to_owned(),
            file: state.join(FILE),
            sqlite: None,
            trouble: Some("it was opened for reading only".to_owned()),
            suspect: None,
            events: Vec::new(),
            lost: 0,
            results: Vec::new(),
            pulsed: None,
            last_alive: None,
        }
    }

    /// Why the ledger cannot be written; `None` when it can. Without it nothing is done.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// When an earlier life of the agent last tried the ledger: without a `stopped` event since, about when it was
    /// killed. `None` for a new ledger.
    pub fn last_alive(&self) -> Option<&Stamp> {
        self.last_alive.as_ref()
    }

    /// Tries the ledger, once per round. Returns whether `trouble` began or ended by it.
    pub fn probe(&mut self, now: &Now) -> bool {
        let before = self.trouble.is_some();
        let replaced = self.sqlite.as_ref().is_some_and(|sqlite| !sqlite.in_place());
        if replaced {
            self.sqlite = None;
            let text =
                format!("{} was removed or replaced while the agent ran; its history is lost", self.file.display());
            self.wait_with(Event::new("ledger_lost", text), now);
        }
        if self.sqlite.is_none() {
            self.reopen(now);
        } else if before || self.pulsed.is_none_or(|then| now.up.saturating_sub(then) >= PULSE || now.up < then) {
            self.pulse(now);
        }
        before != self.trouble.is_some()
    }

    /// Reads or writes; refused while the ledger cannot be written, and what fails is remembered as trouble.
    pub fn write<T>(&mut self, work: impl FnOnce(&mut Sqlite) -> Result<T, Error>) -> Result<T, Error> {
        if let Some(why) = &self.trouble {
            return Err(Error::new(format!("the ledger cannot be written: {why}")));
        }
        let Some(sqlite) = self.sqlite.as_mut() else { return Err(Error::new("the ledger is not open")) };
        let result = work(sqlite);
        if let Err(error) = &result {
            self.remember(error);
        }
        result
    }

    /// Entries that match, newest first; also while the ledger can only be read.
    pub fn history(&self, query: &Query) -> Result<Vec<Entry>, Error> {
        match &self.sqlite {
            Some(sqlite) => sqlite.history(query),
            None => Reader::open(&self.state)?.history(query),
        }
    }

    /// Records events. While the ledger cannot be written a few hundred wait for it; how many more were lost is
    /// recorded when it is back.
    pub fn note(&mut self, events: Vec<Event>, now: &Now) {
        for event in events {
            self.wait_with(event, now);
        }
        self.flush(now);
    }

    /// What is wrong with the ledger now.
    pub fn worries(&self) -> Vec<Worry> {
        let mut worries = Vec::new();
        if let Some(why) = &self.trouble {
            let waiting = self.events.len() + self.results.len();
            worries.push(Worry {
                id: "ledger-unwritable",
                severity: "critical",
                text: format!(
                    "the ledger cannot be written, so nothing is done: {why} ({waiting} entries wait, {} are lost)",
                    self.lost
                ),
                cure: format!("make {} writable, with free space; the agent goes on by itself", self.state.display()),
                source: self.file.display().to_string(),
            });
        }
        let aside = list_aside(&self.file);
        if let Some(newest) = aside.last() {
            worries.push(Worry {
                id: "ledger-corrupt",
                severity: "warning",
                text: format!(
                    "the ledger was damaged and its history is incomplete; {} files are kept aside",
                    aside.len()
                ),
                cure: format!("check the disk, then look at {} and remove it", newest.display()),
                source: newest.display().to_string(),
            });
        }
        worries
    }

    fn reopen(&mut self, now: &Now) {
        self.sqlite = None;
        if let Some(why) = self.suspect.take()
            && !self.set_aside(&why, now)
        {
            self.suspect = Some(why);
            return;
        }
        self.report_tear(now);
        let opened = match Sqlite::open(&self.file) {
            Err(error) if error.trouble() == Trouble::Corrupt => {
                if !self.set_aside(&error.chain(), now) {
                    return;
                }
                Sqlite::open(&self.file)
            }
            other => other,
        };
        match opened {
            Ok(sqlite) => {
                if sqlite.was_empty() {
                    let text = format!("{} was an empty file; a history that was in it is lost", self.file.display());
                    self.wait_with(Event::new("ledger_lost", text), now);
                }
                if self.pulsed.is_none() {
                    self.last_alive = sqlite.last_pulse().unwrap_or_default();
                }
                self.sqlite = Some(sqlite);
                self.pulse(now);
            }
            Err(error) => self.trouble = Some(error.chain()),
        }
    }

    /// Moves a damaged ledger away. `false`: it could not be moved, and nothing new is begun.
    fn set_aside(&mut self, why: &str, now: &Now) -> bool {
        match move_aside(&self.file, now) {
            Ok(target) => {
                let text = format!("the ledger was damaged and moved to {}; a new one is begun", target.display());
                self.wait_with(Event { because: Some(why.to_owned()), ..Event::new("ledger_moved", text) }, now);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => {
                self.trouble = Some(format!("{why}; cannot move {} aside: {error}", self.file.display()));
                false
            }
        }
    }

    fn report_tear(&mut self, now: &Now) {
        let journal = beside(&self.file, "-wal");
        match read_tear(&journal) {
            Tear::Whole => {}
            Tear::End => {
                let text = "the last write to the ledger was cut short; if it had been finished, it is lost";
                self.wait_with(Event::new("ledger_torn", text), now);
            }
            Tear::Lost(count) => {
                let kept = copy_journal_aside(&self.file, now);
                let kept = kept
                    .map_or_else(|error| format!("not kept: {error}"), |path| format!("kept as {}", path.display()));
                let text = format!("the ledger's journal is damaged: {count} or more writes are lost; it is {kept}");
                self.wait_with(Event::new("ledger_torn", text), now);
            }
        }
    }

    fn pulse(&mut self, now: &Now) {
        let Some(sqlite) = self.sqlite.as_mut() else { return };
        // After trouble the disk must say that it has the write.
        match sqlite.pulse(now, self.trouble.is_some() || self.pulsed.is_none()) {
            Ok(()) => {
                self.trouble = None;
                self.pulsed = Some(now.up);
                self.flush(now);
            }
            Err(error) => self.remember(&error),
        }
    }

    /// Takes note of an error of the ledger itself; errors of what was asked of it are only the caller's.
    fn remember(&mut self, error: &Error) {
        match error.trouble() {
            Trouble::Refused => return,
            Trouble::Full | Trouble::Locked => {}
            Trouble::ReadOnly | Trouble::Io => self.sqlite = None,
            Trouble::Corrupt => {
                self.sqlite = None;
                self.suspect = Some(error.chain());
            }
        }
        self.trouble = Some(error.chain());
    }

    fn wait_with(&mut self, event: Event, now: &Now) {
        if self.events.len() < WAITING {
            self.events.push((event, now.clone()));
        } else {
            self.lost += 1;
        }
    }

    /// Writes what waits: results first, then events, then how many were lost.
    fn flush(&mut self, now: &Now) {
        if self.trouble.is_some() || (self.events.is_empty() && self.results.is_empty()) {
            return;
        }
        let Some(sqlite) = self.sqlite.as_mut() else { return };
        while let Some((intent, outcome, when)) = self.results.first() {
            match sqlite.conclude(*intent, outcome, when) {
                // Refused: the order went with a ledger that was moved aside.
                Err(error) if error.trouble() != Trouble::Refused => return self.remember(&error),
                _ => self.results.remove(0),
            };
        }
        let mut batch = self.events.clone();
        if self.lost > 0 {
            let text = format!("{} events could not be recorded while the ledger could not be written", self.lost);
            batch.push((Event::new("events_lost", text), now.clone()));
        }
        match sqlite.note(&batch) {
            Ok(()) => {
                self.events.clear();
                self.lost = 0;
            }
            Err(error) => self.remember(&error),
        }
    }
}

impl Journal for Book {
    fn intend(&mut self, intent: &Intent, now: &Now) -> Result<i64, Error> {
        self.write(|sqlite| sqlite.intend(intent, now))
    }

    /// On `Err` the result waits in memory and is written when the ledger is back.
    fn conclude(&mut self, intent: i64, outcome: &Outcome, now: &Now) -> Result<(), Error> {
        let written = self.write(|sqlite| sqlite.conclude(intent, outcome, now));
        if let Err(error) = &written
            && (self.trouble.is_some() || error.trouble() != Trouble::Refused)
            && self.results.len() < WAITING
        {
            self.results.push((intent, outcome.clone(), now.clone()));
        }
        written
    }

    fn record(&mut self, intent: i64, notes: &Notes, now: &Now) -> Result<(), Error> {
        self.write(|sqlite| sqlite.record(intent, notes, now))
    }

    fn past(&mut self, now: &Now) -> Result<Past, Error> {
        match &self.sqlite {
            Some(sqlite) => {
                let past = super::recall::past(&sqlite.connection, now);
                let past = past.map_err(Error::during("read the recent past from the ledger"));
                if let Err(error) = &past {
                    self.remember(error);
                }
                past
            }
            None => Reader::open(&self.state)?.past(now),
        }
    }
}
