//! A clean rule as the API, the command line and the page show it. Data only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::values::ProjectName;

/// A rule by which files of a declared directory are deleted, as its files were last seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CleanView {
    pub project: ProjectName,
    pub rule: String,
    /// The declared directory that it is about, and the tier of it.
    pub dir: String,
    pub tier: String,
    /// What it matches: a directory and everything below it, or names directly there.
    pub path: String,
    pub older_than_seconds: Option<f64>,
    pub keep_last: Option<u64>,
    pub max_bytes: Option<u64>,
    /// `due`, `idle`, `looking`, `blind`.
    pub state: String,
    /// What goes with the next step, or why nothing does.
    pub why: String,
    /// When its files were last looked at; without it nothing is known of them.
    pub looked_at: Option<Timestamp>,
    /// Files that match, and their sizes together.
    pub files: Option<u64>,
    pub bytes: Option<u64>,
    /// Of these: what the rule lets go now; one step deletes at most 1000 files.
    pub due_files: Option<u64>,
    pub due_bytes: Option<u64>,
    /// The file that was changed longest ago, and when.
    pub oldest: Option<String>,
    pub oldest_at: Option<Timestamp>,
    /// Files that match and are left alone: they have several names, or one that is no text.
    pub left_out: Option<u64>,
    /// The last deletion since the agent started.
    pub deleted: Option<DeletedView>,
}

/// What one step deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedView {
    pub at: Timestamp,
    pub files: u64,
    pub bytes: u64,
}
