//! What vitals sees, as plain data, and how it is filled from the host. Nothing here knows a metric's name.

pub mod containers;
pub mod gpu;
pub mod host;
pub mod projects;

use std::time::Duration;

use crate::metrics::Group;

/// How one collector fared in one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorRun {
    /// As in `collect[]` and in the label `collector`.
    pub name: &'static str,
    pub group: Group,
    pub took: Duration,
    /// Why its series are missing, when so. A machine that has nothing to collect is no failure.
    pub outcome: Result<(), String>,
}
