//! A pool as the API, the command line and the page show it. Data only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::values::ProjectName;

/// A pool of directories between which files are balanced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolView {
    pub project: ProjectName,
    pub pool: String,
    /// `files` or `bytes`.
    pub balance: String,
    /// From this difference on files are moved.
    pub threshold: u64,
    /// Between the fullest and the emptiest member that is not drained; `None`: not known.
    pub difference: Option<u64>,
    /// The fewest moves that bring the difference below the threshold and empty drained members; `None`: not known.
    pub moves_needed: Option<u64>,
    pub every_seconds: f64,
    pub settle_seconds: f64,
    pub max_moves: u32,
    /// Since when it is balanced at once, on a person's word.
    pub hurry_since: Option<Timestamp>,
    /// `balanced`, `moving`, `waiting`, `stuck`, `counting`, `blind`.
    pub state: String,
    /// Why nothing is moved now, or what is.
    pub why: String,
    /// When it was last seen balanced.
    pub last_balanced: Option<Timestamp>,
    /// Moves that were broken off and are not settled yet.
    pub unsettled: u64,
    /// What the last start of `path_changed` came to, when it failed.
    pub hook_trouble: Option<String>,
    pub members: Vec<PoolMemberView>,
}

/// A member of a pool, as it was last counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolMemberView {
    pub member: String,
    pub tier: String,
    pub path: String,
    /// `ok`, or why it could not be counted.
    pub state: String,
    pub counted_at: Option<Timestamp>,
    pub files: Option<u64>,
    pub bytes: Option<u64>,
    /// Files that may be moved now.
    pub movable: Option<u64>,
    pub drained_since: Option<Timestamp>,
    /// Since when a drained member is empty.
    pub empty_since: Option<Timestamp>,
    /// Files that are left where they are, by reason: `young`, `open`, `clash`, `refused`, `hard_links`, `odd_names`;
    /// and what is no file: `symlinks`, `special`, `mounts`, `orphans`.
    pub skipped: std::collections::BTreeMap<String, u64>,
}
