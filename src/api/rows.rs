//! The rows that appear in many answers: facts, findings, steps, history lines, projects. Data only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::round::{Class, ProjectView, Severity};

/// One fact and where it was read. `origin`: file and line, when the source is a configuration key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub what: String,
    pub value: String,
    pub source: String,
    pub origin: Option<String>,
}

/// A concern, flat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub id: String,
    pub severity: Severity,
    /// `athena/postgres`, `tier:ssd`, `host`.
    pub subject: String,
    pub project: Option<String>,
    pub thing: Option<String>,
    pub text: String,
    pub evidence: Vec<Fact>,
    pub cure: String,
}

/// Why a step is planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Because {
    pub text: String,
    pub evidence: Vec<Fact>,
}

/// Whether a step may be done now, and what blocks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateShown {
    pub open: bool,
    /// The stable word of the rule that blocks.
    pub rule: Option<String>,
    pub text: Option<String>,
}

/// A planned step, flat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    pub id: String,
    pub key: String,
    pub keeper: String,
    pub kind: String,
    pub subject: String,
    pub project: Option<String>,
    pub thing: Option<String>,
    /// The order in words.
    pub text: String,
    pub because: Because,
    pub class: Class,
    pub gate: GateShown,
    /// The undo in words.
    pub undo: Option<String>,
}

/// One line of history, flat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryRow {
    pub id: i64,
    pub at: Timestamp,
    pub kind: String,
    pub keeper: Option<String>,
    pub subject: String,
    pub text: String,
    pub because: Option<String>,
    /// `made`, `already_so`, `failed`, `found_done`, `found_undone`, `found_unclear`; none while under way or for events.
    pub outcome: Option<String>,
    /// Why it failed.
    pub why: Option<String>,
    pub took_seconds: Option<f64>,
    pub severity: Option<String>,
}

/// A project in numbers and in a word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectRow {
    /// `critical`, `warning` (worst concern, or containers down), `stopped` (none runs), `idle` (has none), `ok`.
    pub state: String,
    pub containers_unhealthy: u32,
    pub concerns: u32,
    pub steps: u32,
    #[serde(flatten)]
    pub view: ProjectView,
}
