//! What deciding may know of history: a bounded view of the ledger.

use serde::{Deserialize, Serialize};

use super::{Outcome, PastUndo, PoolsPast};
use crate::values::{ProjectName, Stamp};

/// One order that was begun, with its result once there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Row id of the intent.
    pub intent: i64,
    /// Name of this very order (`Planned::id`).
    pub step: String,
    /// What back-off and breaker count by (`Planned::key`).
    pub key: String,
    pub keeper: String,
    pub kind: String,
    pub project: Option<ProjectName>,
    pub thing: Option<String>,
    /// `safe`, `tightening` or `disruptive`.
    pub class: String,
    pub began: Stamp,
    pub ended: Option<Stamp>,
    pub outcome: Option<Outcome>,
}

/// A step done in mode trial that is neither confirmed nor undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialView {
    pub intent: i64,
    pub step: String,
    pub keeper: String,
    pub since: Stamp,
    /// The undo step as JSON.
    pub undo: String,
}

/// The history that deciding and guarding need. Bounded: the last 24 hours, at most 10 000 attempts, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    pub attempts: Vec<Attempt>,
    /// Trials under way.
    pub trials: Vec<TrialView>,
    /// Names of orders that were undone after an unconfirmed trial or by `rollback`: not tried again until the
    /// configuration changes or a person applies them.
    pub held: Vec<String>,
    /// When a person last acted on the host (`None`: project unknown, counts for all) or on a project.
    pub human: Vec<(Option<ProjectName>, Stamp)>,
    /// What people ordered of pools, and moves that were broken off.
    pub pools: PoolsPast,
    /// Containers that were stopped for want of memory, whenever that was: the newest 500, the oldest of them first.
    pub evictions: Vec<PastUndo>,
}
