//! The orders about quotas. Each names what it expects to find.

use serde::{Deserialize, Serialize};

use crate::host::quota::Mark;
use crate::keepers::storage::step::Place;
use crate::values::Bytes;

/// One order about the quota of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "set", rename_all = "snake_case")]
pub enum QuotaStep {
    /// Give the directory itself to a project, and with it everything that is made in it from now on.
    Project { place: Place, from: Mark, to: Mark },
    /// Set the limit of the directory's project.
    Limit { place: Place, id: u32, from: Option<Bytes>, to: Option<Bytes> },
    /// Give what is in the directory to its project, a part in each step; with `only`, what belongs to that project.
    Content { place: Place, to: u32, only: Option<u32> },
}

impl QuotaStep {
    pub fn place(&self) -> &Place {
        match self {
            QuotaStep::Project { place, .. } | QuotaStep::Limit { place, .. } | QuotaStep::Content { place, .. } => {
                place
            }
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            QuotaStep::Project { .. } => "set_project",
            QuotaStep::Limit { .. } => "set_quota",
            QuotaStep::Content { .. } => "mark_content",
        }
    }
}

impl std::fmt::Display for QuotaStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            QuotaStep::Project { place, from, to } => {
                write!(f, "set project of {place} from {} to {}", from.id, to.id)?;
                f.write_str(if from.inherit == to.inherit || to.inherit { "" } else { ", not passed on" })
            }
            QuotaStep::Limit { place, from, to, .. } => {
                let words = |limit: &Option<Bytes>| limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
                write!(f, "set quota of {place} from {} to {}", words(from), words(to))
            }
            QuotaStep::Content { place, to, .. } => write!(f, "count what is in {place} to project {to}"),
        }
    }
}
