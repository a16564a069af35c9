//! Whom a step or a concern is about.

use serde::{Deserialize, Serialize};

use crate::values::ProjectName;

/// The object of a step or concern: the host, a project, or a named thing of either (a service, a directory, a tier).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<String>,
}

impl Subject {
    /// The host as a whole.
    pub fn host() -> Subject {
        Subject::default()
    }

    /// A thing of the host: a tier, a device, a keeper.
    pub fn thing(thing: impl Into<String>) -> Subject {
        Subject { project: None, thing: Some(thing.into()) }
    }

    pub fn project(project: ProjectName) -> Subject {
        Subject { project: Some(project), thing: None }
    }

    /// A thing of a project: a service, a directory.
    pub fn of(project: ProjectName, thing: impl Into<String>) -> Subject {
        Subject { project: Some(project), thing: Some(thing.into()) }
    }
}

/// `host`, `athena`, `athena/postgres`, `tier:ssd`: what labels, the ledger and people see.
impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match (&self.project, &self.thing) {
            (None, None) => "host".to_owned(),
            (None, Some(thing)) => thing.clone(),
            (Some(project), None) => project.to_string(),
            (Some(project), Some(thing)) => format!("{project}/{thing}"),
        };
        f.pad(&text)
    }
}
