//! What is declared, as far as the audit goes by it. Data only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::decide::ports::PortPolicy;
use super::facts::Subnet;

/// What is declared of the whole host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub ports: PortPolicy,
    pub projects: BTreeMap<String, ProjectPolicy>,
    /// The project that has the GPU for itself.
    pub gpu_owner: Option<String>,
    pub allow: Vec<Allow>,
    pub now: Timestamp,
}

/// What is declared of one project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectPolicy {
    /// The rules for production are asked of it.
    pub hardened: bool,
    /// Networks that it shares with other projects on purpose.
    pub shared: Vec<String>,
    /// Where its networks are. Empty: anywhere.
    pub subnets: Vec<Subnet>,
    /// Roots of the tiers on which it has directories. Empty: none are declared.
    pub tiers: Vec<String>,
    /// When its secrets were last changed.
    pub rotated: Option<Date>,
}

/// Something found that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    pub finding: String,
    pub container: Option<String>,
    pub project: Option<String>,
    pub other: Option<String>,
    pub reason: String,
    /// The last day.
    pub until: Date,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            ports: PortPolicy::default(),
            projects: BTreeMap::new(),
            gpu_owner: None,
            allow: Vec::new(),
            now: Timestamp::UNIX_EPOCH,
        }
    }
}

impl Policy {
    /// Whether a project shares this network on purpose.
    pub fn shares(&self, project: Option<&str>, network: &str) -> bool {
        let declared = project.and_then(|project| self.projects.get(project));
        declared.is_some_and(|project| project.shared.iter().any(|name| name == network))
    }
}
