//! What goes over the socket and into `--json`. Stable: a change of meaning is a new schema number.

use serde::{Deserialize, Serialize};

use crate::round::LeftoverClass;
use crate::values::ProjectName;

/// Metrics text and what it cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrape {
    pub text: Vec<u8>,
    pub series: usize,
    pub collectors: Vec<CollectorCost>,
}

/// What one collector took and gave in the last look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CollectorCost {
    pub collector: String,
    pub group: String,
    pub success: bool,
    pub duration_seconds: f64,
    /// Why it failed, when it did.
    pub error: Option<String>,
}

/// Filters of `history` and `events`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryQuery {
    pub since: Option<jiff::Timestamp>,
    pub project: Option<ProjectName>,
    pub keeper: Option<String>,
    pub kind: Option<String>,
    /// Only entries with a greater id: how `events -f` goes on.
    pub after: Option<i64>,
    /// At most this many, newest first; the API caps it at 1000.
    pub limit: u32,
}

/// Who asks, by peer credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub uid: u32,
    pub pid: i32,
}

/// A changing order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Read the configuration again; a bad one changes nothing.
    Reload,
    /// Carry out the plan of this id now, on a person's word: mode, holds, back-off, quiet periods and windows give way;
    /// kill switch, boot grace, storm guard, budgets and arbitration do not.
    /// `steps`: only these; empty: all.
    Apply { plan: String, steps: Vec<String> },
    /// Keep what a trial did: one intent, or all under way.
    Confirm { intent: Option<i64> },
    /// Take back what an intent did, by its recorded undo.
    Rollback { intent: i64 },
    /// Look now.
    Wake,
    /// Something about a pool of directories.
    Pool(PoolOrder),
    /// Mend owner and mode of a part of a declared directory.
    Fix(FixOrder),
    /// Look at what Docker holds that nothing uses, or remove some of it.
    Reclaim(ReclaimOrder),
    /// Take back what was set of a project's slice and containers; without a project of all.
    ReleaseLimits { project: Option<ProjectName> },
    /// Stop what is optional in a project.
    Park(ParkOrder),
    /// Start what `Park` stopped.
    Unpark(ParkOrder),
    /// Look at where projects touch each other.
    Audit,
    /// Keep what a person measured.
    KeepSpeed(SpeedNote),
}

/// The body of `POST /v1/limits/park` and `/v1/limits/unpark`. As many containers as there is time for: order again until
/// no step comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParkOrder {
    pub project: ProjectName,
    /// Also what is of tier standard.
    #[serde(default)]
    pub standard: bool,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// How fast a tier was: the body of `POST /v1/storage/speed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeedNote {
    pub tier: String,
    /// The block device, when there is one.
    #[serde(default)]
    pub device: Option<String>,
    /// Of the file on which it was measured.
    pub size_bytes: u64,
    pub sequential_write_bytes_per_second: u64,
    /// Of 4 KiB, one at a time.
    pub random_reads_per_second: u64,
}

impl SpeedNote {
    /// `writes 575 MB/s in sequence, reads 11200 times 4 KiB a second at random (on 1GiB of bcache0)`.
    pub fn in_words(&self) -> String {
        let device = self.device.as_ref().map(|device| format!(" of {}", crate::values::one_line(device, 80)));
        format!(
            "writes {} MB/s in sequence, reads {} times 4 KiB a second at random (on {}{})",
            self.sequential_write_bytes_per_second / 1_000_000,
            self.random_reads_per_second,
            crate::values::Bytes(self.size_bytes),
            device.unwrap_or_default()
        )
    }
}

/// Mend a part: the body of `POST /v1/storage/fix`. Says what is wanted, and is refused when that is not what is declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixOrder {
    /// `project/directory`.
    pub dir: String,
    /// `user:group`, as declared.
    #[serde(default)]
    pub owner: Option<String>,
    /// Of directories, as declared.
    #[serde(default)]
    pub mode: Option<String>,
    /// Of regular files.
    #[serde(default)]
    pub file_mode: Option<String>,
    #[serde(default)]
    pub recursive: bool,
    /// From the beginning; else where the order before left off.
    #[serde(default)]
    pub begin: bool,
}

/// A person's order about what Docker holds that nothing uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum ReclaimOrder {
    /// Look now.
    Look,
    /// Remove these, as far as there is time; the answer has a step for each that was tried.
    Remove { things: Vec<ThingName> },
}

/// One thing as it was listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThingName {
    pub class: LeftoverClass,
    pub id: String,
}

/// A person's order about a pool, named `project/pool`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum PoolOrder {
    /// Move all files away from a member, and none to it.
    Drain { pool: String, member: String },
    /// Let the member take files again.
    Undrain { pool: String, member: String },
    /// Look now; `now`: and go on without a pause until it is balanced.
    Balance { pool: String, now: bool },
    /// Make example files.
    MakeExamples { pool: String, member: String, label: String, first: u32, files: u32, size: u64 },
    /// Remove every example file of a pool, and nothing else.
    RemoveExamples { pool: String },
}

/// What came of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// One sentence.
    pub text: String,
    /// One line per step that was carried out or refused.
    pub steps: Vec<StepDone>,
}

/// One step of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepDone {
    pub id: String,
    pub text: String,
    /// `made`, `already_so`, `failed`, `blocked`; of a dry run `planned`, `kept`.
    pub result: String,
    pub why: Option<String>,
}

/// A configuration key's value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyOrigin {
    pub key: String,
    pub value: String,
    pub origin: String,
    /// What the key means.
    pub help: Option<String>,
}
