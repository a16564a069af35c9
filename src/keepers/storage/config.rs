//! `[storage]` and `[project.*.dir.*]`: tiers and data directories, and everything that can be wrong with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::values::{Bytes, Mode, ProjectName};

/// The `[storage]` table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    #[serde(default)]
    pub mode: Option<Mode>,
    #[serde(default)]
    pub tier: BTreeMap<String, Tier>,
}

/// A place for data: `[storage.tier.NAME]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Absolute path of the tier's root.
    pub path: String,
    /// Kernel name of the block device that must be mounted there, such as `bcache0` or `sda1`.
    #[serde(default)]
    pub device: Option<String>,
    /// Whether `path` itself must be a mount point.
    #[serde(default)]
    pub require_mount: bool,
    /// Free space that must remain.
    #[serde(default)]
    pub min_free: Option<Bytes>,
    /// What the device must be made of.
    #[serde(default)]
    pub media: Option<Media>,
}

/// What a block device is made of, as the kernel's `queue/rotational` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    Ssd,
    Hdd,
    Bcache,
}

/// A data directory: `[project.NAME.dir.NAME]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dir {
    /// The tier it belongs to.
    pub tier: String,
    /// Path below the tier's root, or an absolute path below it.
    pub path: String,
    /// `uid:gid` in numbers; without it the owner is left alone.
    #[serde(default)]
    pub owner: Option<String>,
    /// Octal permission bits such as `"0700"`; without it they are left alone.
    #[serde(default)]
    pub mode: Option<String>,
}

/// What the storage keeper works from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub tiers: BTreeMap<String, Tier>,
    pub dirs: BTreeMap<(ProjectName, String), Dir>,
}
