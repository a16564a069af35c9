//! What the audit found between projects, as the API, the command line and the page show it. Data only; no secret and no
//! mark of one is in it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Evidence, Severity};

/// The findings of the last look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditView {
    /// `None`: not looked yet.
    pub looked_at: Option<Timestamp>,
    pub took_seconds: Option<f64>,
    /// Whether a look is under way.
    pub looking: bool,
    /// Why the last look failed.
    pub trouble: Option<String>,
    /// What the last look could not see: what is not found there may be there.
    pub unseen: Vec<String>,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// One place where projects touch, or where a container may do more than it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Such as `docker-socket`: a heading of the runbook.
    pub id: String,
    pub severity: Severity,
    /// Whose container it is; `None`: it belongs to no project.
    pub project: Option<String>,
    /// Whom it touches; `None`: the host.
    pub other: Option<String>,
    /// The container, network or file.
    pub subject: String,
    pub text: String,
    pub evidence: Vec<Evidence>,
    pub cure: String,
    /// Declared to be right, and therefore neither a concern nor counted.
    #[serde(default)]
    pub allowed: Option<Allowed>,
}

/// Why something found is left as it is, and how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    pub reason: String,
    /// The last day.
    pub until: String,
}

impl Finding {
    /// Whether it is about this project.
    pub fn is_about(&self, project: &str) -> bool {
        self.project.as_deref() == Some(project) || self.other.as_deref() == Some(project)
    }
}
