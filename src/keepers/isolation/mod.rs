//! Where projects touch each other, and where a container may do more than it should. Looks and reports, changes nothing.

pub mod facts;
mod finding;
mod networks;
pub mod ports;
mod privilege;
mod storage;
#[cfg(test)]
mod tests;

pub use finding::Finding;

use std::collections::BTreeSet;

/// What is declared, as far as the audit goes by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub ports: ports::PortPolicy,
    /// Projects of which the rules for production are asked.
    pub hardened: BTreeSet<String>,
}

/// Everything that is found, the worst first, grouped by the two parties.
pub fn find_all(facts: &facts::Facts, policy: &Policy) -> Vec<Finding> {
    let mut all = storage::find(facts);
    all.extend(networks::find(facts));
    all.extend(privilege::find(facts, &|project| policy.hardened.contains(project)));
    all.extend(ports::find(facts, &policy.ports));
    all.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.project.clone(), finding.other.clone(), finding.key());
        b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b)))
    });
    all
}
