//! The orders of this keeper, as they are planned, recorded and carried out. Each names what it expects to find, so that
//! it refuses to act on something else.

use serde::{Deserialize, Serialize};

pub use super::cache::step::CacheStep;
pub use super::clean::CleanOrder;
pub use super::mend::MendOrder;
use super::pools;
pub use super::quota::step::QuotaStep;
use crate::round;

/// Where a directory is: `below` a tier's `root`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub tier: String,
    /// Absolute path of the tier, without a slash at the end.
    pub root: String,
    /// Relative path of the directory, never empty, without `.` and `..`.
    pub below: String,
}

/// User and group, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    pub user: u32,
    pub group: u32,
}

/// Permission bits with set-id and sticky bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bits(pub u32);

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Step {
    /// Make the directory, and before it the parents that are missing (outermost first, below the tier's root).
    /// Without an owner it gets that of the tier's root, as its new parents do.
    CreateDirectory { place: Place, parents: Vec<String>, owner: Option<Owner>, mode: Bits },
    /// Give the directory itself to another owner.
    SetOwner { place: Place, from: Owner, to: Owner, only_empty: bool },
    /// Set the permission bits of the directory itself.
    SetMode { place: Place, from: Bits, to: Bits },
    /// Take a creation back, as far as nothing is in the directory; then in its parents, innermost first.
    RemoveEmptyDirectory { place: Place, parents: Vec<String> },
    /// Something about a pool.
    Pool { order: pools::Order },
    /// Something about the cache of a tier.
    Cache { order: CacheStep },
    /// Something about the quota of a directory.
    Quota { order: QuotaStep },
    /// Delete files by a declared rule.
    Clean { order: CleanOrder },
    /// Owner and mode of what is in a directory, on a person's word.
    Mend { order: MendOrder },
}

impl Step {
    /// The tier it is about, and the root that the tier had when it was planned.
    pub fn tier(&self) -> (&str, &str) {
        match self {
            Step::CreateDirectory { place, .. }
            | Step::SetOwner { place, .. }
            | Step::SetMode { place, .. }
            | Step::RemoveEmptyDirectory { place, .. } => (&place.tier, &place.root),
            Step::Cache { order } => (&order.cache().tier, &order.cache().root),
            Step::Quota { order } => (&order.place().tier, &order.place().root),
            Step::Clean { order } => (&order.place.tier, &order.place.root),
            Step::Mend { order } => (&order.place.tier, &order.place.root),
            Step::Pool { order } => (&order.place().tier, &order.place().root),
        }
    }
}

impl round::Step for Step {
    fn kind(&self) -> &'static str {
        match self {
            Step::CreateDirectory { .. } => "create_directory",
            Step::SetOwner { .. } => "set_owner",
            Step::SetMode { .. } => "set_mode",
            Step::RemoveEmptyDirectory { .. } => "remove_empty_directory",
            Step::Pool { order } => order.kind(),
            Step::Cache { order } => order.kind(),
            Step::Quota { order } => order.kind(),
            Step::Clean { .. } => "delete_files",
            Step::Mend { .. } => "mend_entries",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::CreateDirectory { place, owner: Some(owner), mode, .. } => {
                write!(f, "create directory {place} for {owner} with mode {mode}")
            }
            Step::CreateDirectory { place, owner: None, mode, .. } => {
                write!(f, "create directory {place} with mode {mode}")
            }
            Step::SetOwner { place, from, to, .. } => write!(f, "set owner of {place} from {from} to {to}"),
            Step::SetMode { place, from, to } => write!(f, "set mode of {place} from {from} to {to}"),
            Step::RemoveEmptyDirectory { place, .. } => write!(f, "remove directory {place} if it is empty"),
            Step::Pool { order } => order.fmt(f),
            Step::Cache { order } => order.fmt(f),
            Step::Quota { order } => order.fmt(f),
            Step::Clean { order } => order.fmt(f),
            Step::Mend { order } => order.fmt(f),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.root, self.below)
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.user, self.group)
    }
}

impl std::fmt::Display for Bits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}
