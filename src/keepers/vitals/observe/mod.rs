//! What vitals sees, and how it looks. Nothing here knows a metric's name.

use std::time::Duration;

use crate::metrics::Group;

pub mod host;

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
