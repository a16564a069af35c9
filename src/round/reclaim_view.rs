//! What Docker holds that nothing uses, as the API, the command line and the page show it. Data only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Docker's leftovers, as they were last looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReclaimView {
    /// `None`: not looked yet.
    pub looked_at: Option<Timestamp>,
    pub took_seconds: Option<f64>,
    /// Whether a look is under way.
    pub looking: bool,
    /// Why the last look failed.
    pub trouble: Option<String>,
    /// By class, the largest first.
    pub leftovers: Vec<LeftoverView>,
    /// Things that are not listed because there are too many.
    pub beyond: u64,
    /// The largest first.
    pub unbound_logs: Vec<UnboundLogView>,
}

/// One thing that nothing uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LeftoverView {
    /// `dangling`, `images`, `cache`, `containers`, `volumes`.
    pub class: String,
    pub id: String,
    /// Empty where there is none.
    pub name: String,
    /// All names of an image.
    pub names: Vec<String>,
    /// The Compose project it is labelled with.
    pub project: Option<String>,
    /// What its removal frees, as far as Docker knows.
    pub bytes: u64,
    pub since: Option<Timestamp>,
}

/// A container whose log file grows without a bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnboundLogView {
    pub container: String,
    pub project: Option<String>,
    pub path: String,
    pub bytes: u64,
}
