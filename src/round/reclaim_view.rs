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
    pub leftovers: Vec<Leftover>,
    /// Things that are not listed because there are too many.
    pub beyond: u64,
    /// The largest first.
    pub unbound_logs: Vec<UnboundLog>,
}

/// What kind of leftover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeftoverClass {
    /// Images that have lost their names.
    Dangling,
    /// Images with a name that no container uses, running or not.
    Images,
    /// What builds have kept.
    Cache,
    /// Stopped containers of `compose run`.
    Containers,
    /// Volumes that nobody named and no container uses.
    Volumes,
}

impl LeftoverClass {
    pub const ALL: [LeftoverClass; 5] = [
        LeftoverClass::Dangling,
        LeftoverClass::Images,
        LeftoverClass::Cache,
        LeftoverClass::Containers,
        LeftoverClass::Volumes,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            LeftoverClass::Dangling => "dangling",
            LeftoverClass::Images => "images",
            LeftoverClass::Cache => "cache",
            LeftoverClass::Containers => "containers",
            LeftoverClass::Volumes => "volumes",
        }
    }
}

/// One thing that nothing uses. The whole build cache is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    pub class: LeftoverClass,
    /// As Docker takes it; of the build cache `build-cache`.
    pub id: String,
    /// For people; empty where there is none.
    pub name: String,
    /// All names of an image.
    pub names: Vec<String>,
    pub project: Option<String>,
    /// What its removal frees, as far as Docker knows.
    pub bytes: u64,
    /// When it was made.
    pub since: Option<Timestamp>,
}

impl Leftover {
    /// The id as Docker prints it: 12 digits.
    pub fn short_id(&self) -> &str {
        let digits = self.id.strip_prefix("sha256:").unwrap_or(&self.id);
        if self.class == LeftoverClass::Cache { digits } else { digits.get(..12).unwrap_or(digits) }
    }
}

/// A container whose log file grows without a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnboundLog {
    pub container: String,
    pub project: Option<String>,
    pub path: String,
    pub bytes: u64,
}
