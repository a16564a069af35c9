//! What the round needs of a ledger: intent before, result after. A trait, so that the round is tested without a disk.

use serde::{Deserialize, Serialize};

use super::{Notes, Past};
use crate::values::{Now, ProjectName};

/// An order about to be carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub plan: String,
    pub step: String,
    pub key: String,
    pub keeper: String,
    pub kind: String,
    pub project: Option<ProjectName>,
    pub thing: Option<String>,
    pub class: String,
    /// The order in words.
    pub text: String,
    /// The reason in words.
    pub because: String,
    /// The facts behind the reason, JSON array of `round::Evidence`.
    pub evidence: String,
    /// The step, JSON.
    pub payload: String,
    /// The undo step with the values of before, JSON.
    pub undo: Option<String>,
    /// `round`, `apply`, `trial`, `rollback`: on whose word.
    pub origin: String,
    /// Whether it is undone by itself unless confirmed.
    pub trial: bool,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The machine was changed.
    Made,
    /// It was so already.
    AlreadySo,
    /// It failed, and why.
    Failed(String),
    /// The agent ended before the result was written; what a look at the next start found.
    FoundDone,
    FoundUndone,
    FoundUnclear,
}

/// An intent without a result, found at start.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfinished {
    pub intent: i64,
    pub keeper: String,
    pub payload: String,
    pub text: String,
}

/// One line of history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub id: i64,
    pub at: jiff::Timestamp,
    /// `step`, or an event kind: `started`, `stopped`, `reloaded`, `reload_refused`, `concern_raised`, `concern_ended`, …
    pub kind: String,
    pub keeper: Option<String>,
    /// `athena/postgres`, as `round::Subject` prints it.
    pub subject: String,
    pub text: String,
    pub because: Option<String>,
    pub outcome: Option<Outcome>,
    /// Seconds from intent to result.
    pub took_seconds: Option<f64>,
    /// Severity word for concerns.
    pub severity: Option<String>,
}

/// Write-ahead memory. Every method that writes fails rather than forgets.
pub trait Journal: Send {
    /// Records an order before it is carried out. On `Err` the order must not be carried out.
    fn intend(&mut self, intent: &Intent, now: &Now) -> Result<i64, super::Error>;

    /// Records what came of it.
    fn conclude(&mut self, intent: i64, outcome: &Outcome, now: &Now) -> Result<(), super::Error>;

    /// Records what a keeper has to say of an order besides its result. Comes before the result.
    fn record(&mut self, intent: i64, notes: &Notes, now: &Now) -> Result<(), super::Error>;

    /// The bounded history that deciding may know.
    fn past(&mut self, now: &Now) -> Result<Past, super::Error>;
}
