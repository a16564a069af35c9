//! What vitals sees, as plain data, and how it is filled from the host.

pub mod containers;
pub mod gpu;
pub mod projects;

use std::time::Duration;

use crate::metrics::Group;

/// What one collector took and whether it succeeded in the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorRun {
    pub name: &'static str,
    pub group: Group,
    pub took: Duration,
    /// Why it failed, when it did.
    pub outcome: Result<(), String>,
}
