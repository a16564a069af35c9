//! `[reclaim]`: how often Docker is asked what it holds. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::values::{Every, Problem};

/// Docker walks all its volumes for one answer.
const LEAST: Duration = Duration::from_secs(3600);
const MOST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The `[reclaim]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Time between two looks.
    pub every: Every,
}

impl Table {
    pub fn check(&self) -> Vec<Problem> {
        if (LEAST..=MOST).contains(&self.every.0) {
            return Vec::new();
        }
        vec![Problem::new("reclaim.every", "must be 1h to 30d: Docker walks all its volumes each time", "use \"6h\"")]
    }
}

/// What the keeper works from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Docker's socket; empty: nothing is looked at.
    pub socket: String,
    pub every: Duration,
}
