//! Limits as the API shows them. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::request::Response;
use super::routes::Matched;
use crate::round::{LimitsView, Snapshot};
use crate::values::Mode;

/// `GET /v1/limits`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitsShown {
    pub schema: String,
    pub at: Timestamp,
    pub round: u64,
    pub mode: Mode,
    /// Projects of which limits are declared, by name.
    pub projects: Vec<LimitsView>,
}

/// The answer to `GET /v1/limits`, of one project or of all.
pub fn show(snapshot: &Snapshot, matched: &Matched) -> Result<Response, Refusal> {
    let wanted = matched.value("project");
    let meant = |view: &&LimitsView| wanted.is_none_or(|wanted| view.project.as_str() == wanted);
    let projects: Vec<LimitsView> = snapshot.limits.iter().filter(meant).cloned().collect();
    if let Some(wanted) = wanted.filter(|_| projects.is_empty()) {
        let known: Vec<&str> = snapshot.limits.iter().map(|view| view.project.as_str()).collect();
        let cure = match known.as_slice() {
            [] => "declare some: [project.NAME] envelope, reservation, service".to_owned(),
            known => format!("projects with limits: {}", known.join(", ")),
        };
        let text = format!("no limits are declared for \"{}\"", crate::values::one_line(wanted, 80));
        return Err(Refusal { code: "not_found".into(), text, cure });
    }
    let shown = LimitsShown {
        schema: "hostkeeper.limits/1".into(),
        at: snapshot.at,
        round: snapshot.round,
        mode: snapshot.mode,
        projects,
    };
    Ok(Response::of(200, &shown))
}
