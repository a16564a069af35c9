//! The answers of the API, one struct each. Data only. Stable: keys are added, never changed in meaning; the number in
//! `schema` counts breaks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use super::rows::{Because, EntryRow, Fact, Finding, GateShown, ProjectRow, StepRow};
use super::types::{CollectorCost, StepDone};
use crate::round::{AgentView, ContainerView, DirView, HostView, KeeperReport, TierView};
use crate::values::Mode;

/// The one line at the top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// `ok`, `warning`, `critical`.
    pub state: String,
    pub text: String,
}

/// How many of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub projects: usize,
    pub containers: usize,
    pub containers_running: usize,
    pub concerns: usize,
    pub critical: usize,
    pub warning: usize,
    pub info: usize,
    pub steps: usize,
    pub steps_blocked: usize,
}

/// Whether the agent can remember; without it nothing is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerShown {
    pub writable: bool,
    pub why: Option<String>,
}

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub schema: String,
    pub at: Timestamp,
    pub round: u64,
    pub took_seconds: f64,
    pub mode: Mode,
    pub verdict: Verdict,
    pub counts: Counts,
    pub host: HostView,
    pub projects: Vec<ProjectRow>,
    pub tiers: Vec<TierView>,
    pub dirs: Vec<DirView>,
    pub concerns: Vec<Finding>,
    pub keepers: Vec<KeeperReport>,
    pub ledger: LedgerShown,
    pub agent: AgentView,
}

/// `GET /v1/status/{project}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectStatus {
    pub schema: String,
    pub at: Timestamp,
    pub project: ProjectRow,
    pub containers: Vec<ContainerView>,
    pub dirs: Vec<DirView>,
    pub concerns: Vec<Finding>,
    pub steps: Vec<StepRow>,
    pub history: Vec<EntryRow>,
    pub agent: AgentView,
}

/// `GET /v1/projects`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Projects {
    pub schema: String,
    pub at: Timestamp,
    pub projects: Vec<ProjectRow>,
}

/// `GET /v1/containers`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Containers {
    pub schema: String,
    pub at: Timestamp,
    pub containers: Vec<ContainerView>,
}

/// How many steps, and how many of them wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCounts {
    pub steps: usize,
    pub open: usize,
    pub blocked: usize,
}

/// `GET /v1/plan`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanShown {
    pub schema: String,
    pub at: Timestamp,
    pub round: u64,
    pub plan_id: String,
    pub mode: Mode,
    pub counts: PlanCounts,
    pub steps: Vec<StepRow>,
    /// What is wrong, worst first.
    #[serde(default)]
    pub concerns: Vec<Finding>,
    /// Whether a daemon will carry it out.
    pub daemon: bool,
}

/// `GET /v1/concerns`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concerns {
    pub schema: String,
    pub at: Timestamp,
    pub concerns: Vec<Finding>,
}

/// `GET /v1/history`, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub schema: String,
    pub entries: Vec<EntryRow>,
    /// Whether the limit cut it.
    pub more: bool,
}

/// The data of one `entry` event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventShown {
    pub schema: String,
    #[serde(flatten)]
    pub entry: EntryRow,
}

/// The data of one `gap` event: entries between the two ids were too many to send; ask `history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapShown {
    pub schema: String,
    pub after: i64,
    pub resumed_at: i64,
}

/// What a check found. Ordered: the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    Skip,
    Ok,
    Warn,
    Fail,
}

/// One line of `doctor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub id: String,
    pub result: Mark,
    pub subject: String,
    pub text: String,
    /// Why it matters.
    pub why: String,
    pub fix: Option<String>,
    pub evidence: Vec<Fact>,
}

/// How many checks ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCounts {
    pub ok: usize,
    pub warn: usize,
    pub fail: usize,
    pub skip: usize,
}

/// `GET /v1/doctor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Doctor {
    pub schema: String,
    pub at: Timestamp,
    pub worst: Mark,
    pub counts: CheckCounts,
    pub checks: Vec<Check>,
}

/// One thing that a name stands for, with the chain of causes behind its present state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// `host`, `project`, `thing`, `container`, `tier`, `keeper`, `concern`, `step`, `metric`, `key`.
    pub kind: String,
    pub name: String,
    /// Its present state in one sentence.
    pub text: String,
    /// From what was seen to where it was written.
    pub chain: Vec<Fact>,
    pub concerns: Vec<Finding>,
    pub steps: Vec<StepRow>,
    /// What was done to it last, newest first.
    pub history: Vec<EntryRow>,
    /// The next command.
    pub next: Option<String>,
}

/// `GET /v1/explain?what=`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    pub schema: String,
    pub what: String,
    pub found: Vec<Found>,
}

/// A metric family as the page of metrics shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyShown {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub help: String,
    pub series: usize,
}

/// `GET /v1/metrics/names`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricNames {
    pub schema: String,
    pub families: Vec<FamilyShown>,
}

/// `GET /v1/metrics/cost`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricCost {
    pub schema: String,
    pub series: usize,
    pub bytes: usize,
    /// Sum over the collectors.
    pub seconds: f64,
    pub collectors: Vec<CollectorCost>,
}

/// `GET /v1/config/{key}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigKey {
    pub schema: String,
    pub key: String,
    pub value: String,
    pub origin: String,
    pub help: Option<String>,
}

/// `GET /healthz`, `GET /readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub schema: String,
    pub ok: bool,
    pub text: String,
}

/// What came of a `POST`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoneShown {
    pub schema: String,
    pub text: String,
    pub steps: Vec<StepDone>,
}

/// Every answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorShown {
    pub schema: String,
    pub code: String,
    pub text: String,
    pub cure: String,
}
