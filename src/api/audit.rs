//! What the audit found, as the API shows it. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::looks::parse_project;
use super::request::Response;
use super::routes::Matched;
use super::{Agent, Refusal};
use crate::round::{AuditView, Snapshot};
use crate::values::ProjectName;

/// `GET /v1/audit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditShown {
    pub schema: String,
    pub at: Timestamp,
    pub round: u64,
    /// Only what is about this project, when one was asked for.
    pub project: Option<ProjectName>,
    #[serde(flatten)]
    pub view: AuditView,
}

/// The answer to `GET /v1/audit`.
pub fn show(agent: &dyn Agent, matched: &Matched) -> Result<Response, Refusal> {
    let project = parse_project(matched)?;
    Ok(Response::of(200, &render_audit(&agent.snapshot(), project)))
}

pub fn render_audit(snapshot: &Snapshot, project: Option<ProjectName>) -> AuditShown {
    let mut view = snapshot.audit.clone().unwrap_or_default();
    if let Some(project) = &project {
        view.findings.retain(|finding| finding.is_about(project.as_str()));
    }
    AuditShown { schema: "hostkeeper.audit/1".into(), at: snapshot.at, round: snapshot.round, project, view }
}
