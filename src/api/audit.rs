//! What the audit found, as the API shows it. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::looks::parse_project;
use super::request::Response;
use super::routes::Matched;
use super::{Agent, Refusal};
use crate::round::{AuditView, Snapshot};
use crate::values::{ProjectName, one_line};

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
    let (project, snapshot) = (parse_project(matched)?, agent.snapshot());
    // A wrong name must not look like a project without findings.
    let known = |project: &ProjectName| snapshot.projects.iter().any(|view| view.project == *project);
    if let Some(unknown) = project.as_ref().filter(|project| !known(project)) {
        let names: Vec<&str> = snapshot.projects.iter().map(|view| view.project.as_str()).collect();
        return Err(Refusal {
            code: "not_found".into(),
            text: format!("there is no project \"{unknown}\""),
            cure: one_line(&format!("known projects: {}", names.join(", ")), 500),
        });
    }
    Ok(Response::of(200, &render_audit(&snapshot, project)))
}

pub fn render_audit(snapshot: &Snapshot, project: Option<ProjectName>) -> AuditShown {
    let mut view = snapshot.audit.clone().unwrap_or_default();
    if let Some(project) = &project {
        view.findings.retain(|finding| finding.is_about(project.as_str()));
    }
    AuditShown { schema: "hostkeeper.audit/1".into(), at: snapshot.at, round: snapshot.round, project, view }
}
