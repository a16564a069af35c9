//! What is wrong and not ours to fix, or not allowed by the mode. One id serves the metric, `doctor`, the alert and the
//! runbook heading.

use serde::{Deserialize, Serialize};

use super::{Evidence, Subject};

/// How bad a concern is. Ordered: the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// Something wrong. `id` is a heading of `docs/runbook.md`, such as `tier-missing-mount`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    pub id: String,
    pub severity: Severity,
    pub subject: Subject,
    /// What is wrong, in one sentence.
    pub text: String,
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// What a person does next: a command where there is one.
    pub cure: String,
}
