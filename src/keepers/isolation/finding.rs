//! What the audit says. Data only.

use serde::{Deserialize, Serialize};

use crate::round::{Evidence, Severity};

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
    /// The container.
    pub subject: String,
    pub text: String,
    pub evidence: Vec<Evidence>,
    pub cure: String,
}

impl Finding {
    /// What makes it this very finding, for `[[isolation.allow]]` and for telling new ones from old ones.
    pub fn key(&self) -> String {
        let evidence = self.evidence.first().map(|fact| fact.value.as_str()).unwrap_or_default();
        format!("{}:{}:{evidence}", self.id, self.subject)
    }
}
