//! The orders about caches. Each names the device it was decided on.

use serde::{Deserialize, Serialize};

use super::config::CacheMode;
use crate::values::Bytes;

/// Which cache: the bcache device that a tier was proved to stand on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheOf {
    pub tier: String,
    /// Absolute path of the tier, without a slash at the end.
    pub root: String,
    /// `bcache0`.
    pub device: String,
    /// The identity of what the device is made of, where the kernel tells.
    pub backing: Option<String>,
}

/// One order about a cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "set", rename_all = "snake_case")]
pub enum CacheStep {
    Mode {
        cache: CacheOf,
        from: CacheMode,
        to: CacheMode,
    },
    /// `from` is the least that the kernel's rounded number may stand for.
    SequentialCutoff {
        cache: CacheOf,
        from: Bytes,
        to: Bytes,
    },
    WritebackPercent {
        cache: CacheOf,
        from: u64,
        to: u64,
    },
}

impl CacheStep {
    pub fn cache(&self) -> &CacheOf {
        match self {
            CacheStep::Mode { cache, .. }
            | CacheStep::SequentialCutoff { cache, .. }
            | CacheStep::WritebackPercent { cache, .. } => cache,
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            CacheStep::Mode { .. } => "set_cache_mode",
            CacheStep::SequentialCutoff { .. } => "set_sequential_cutoff",
            CacheStep::WritebackPercent { .. } => "set_writeback_percent",
        }
    }
}

impl std::fmt::Display for CacheStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CacheStep::Mode { cache, from, to } => {
                write!(f, "set cache mode of {} from {from} to {to}", cache.device)
            }
            CacheStep::SequentialCutoff { cache, from, to } => {
                write!(f, "set sequential cutoff of {} from {from} to {to}", cache.device)
            }
            CacheStep::WritebackPercent { cache, from, to } => {
                write!(f, "set writeback percent of {} from {from} to {to}", cache.device)
            }
        }
    }
}
