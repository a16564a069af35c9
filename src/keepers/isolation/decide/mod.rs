//! What the audit says of what was seen. Pure: facts, what is declared, and the moment in; findings out.

mod allowed;
mod gpu;
mod networks;
pub mod ports;
mod privilege;
mod secrets;
mod shared;
mod storage;
mod tiers;

pub use networks::network_owner;
pub use storage::holds_docker;

use std::collections::BTreeMap;

use super::facts::{ContainerFacts, Facts};
use super::ids::UNSEEN;
use super::observe::Seen;
use super::policy::Policy;
use crate::round::{Concern, Evidence, Finding, Severity, Subject};

/// Everything that is found, the worst first, grouped by the two parties.
pub fn find_all(facts: &Facts, policy: &Policy) -> Vec<Finding> {
    // Whom of two a finding names first must not depend on the order in which they were seen.
    let facts = &facts.clone().sorted();
    let mut all = storage::find(facts);
    all.extend(shared::find(facts));
    all.extend(tiers::find(facts, policy));
    all.extend(networks::find(facts, policy));
    all.extend(privilege::find(facts, &|project| policy.projects.get(project).is_some_and(|one| one.hardened)));
    all.extend(ports::find(facts, &policy.ports));
    all.extend(gpu::find(facts, policy));
    all.extend(secrets::find(facts, policy));
    allowed::allow(&mut all, policy);
    all.sort_by(|a, b| {
        let key = |finding: &Finding| {
            let fact = finding.evidence.first().map(|fact| fact.value.clone()).unwrap_or_default();
            let parties = (finding.project.clone(), finding.other.clone());
            (finding.allowed.is_some(), parties, finding.id.clone(), finding.subject.clone(), fact)
        };
        b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b)))
    });
    all.dedup();
    all
}

/// Of two containers that touch, the one that is told of, and the other one: the one with a project, where only one has.
fn tell_of<'c>(one: &'c ContainerFacts, two: &'c ContainerFacts) -> (&'c ContainerFacts, &'c ContainerFacts) {
    if two.project.is_none() { (two, one) } else { (one, two) }
}

/// A concern for each finding of weight that is not allowed; one for those of one kind about one thing.
pub fn decide(seen: &Seen) -> Vec<Concern> {
    let mut concerns: BTreeMap<(String, Subject), (Concern, usize)> = BTreeMap::new();
    let weighty = |finding: &&Finding| finding.allowed.is_none() && finding.severity > Severity::Info;
    for finding in seen.findings().iter().filter(weighty) {
        let concern = of_finding(finding);
        let (_, more) = concerns.entry((concern.id.clone(), concern.subject.clone())).or_insert((concern, 0));
        *more += 1;
    }
    let mut all: Vec<Concern> = concerns
        .into_values()
        .map(|(mut concern, count)| {
            if count > 1 {
                concern.text.push_str(&format!("; and {} more of this kind", count - 1));
            }
            concern
        })
        .collect();
    all.extend(seen.trouble.as_ref().map(|trouble| unseen(Severity::Warning, trouble)));
    let parts = seen.found.as_ref().map(|found| found.unseen.join("; ")).filter(|parts| !parts.is_empty());
    all.extend(parts.filter(|_| seen.trouble.is_none()).map(|parts| unseen(Severity::Info, &parts)));
    all
}

fn of_finding(finding: &Finding) -> Concern {
    let project = finding.project.as_deref().and_then(|project| project.parse().ok());
    let subject = match project {
        Some(project) => Subject::of(project, finding.subject.clone()),
        None => Subject::thing(finding.subject.clone()),
    };
    let mut evidence = finding.evidence.clone();
    evidence.extend(finding.other.as_ref().map(|other| Evidence::new("touches", other, "audit")));
    Concern {
        id: finding.id.clone(),
        severity: finding.severity,
        subject,
        text: finding.text.clone(),
        evidence,
        cure: finding.cure.clone(),
    }
}

fn unseen(severity: Severity, trouble: &str) -> Concern {
    Concern {
        id: UNSEEN.into(),
        severity,
        subject: Subject::thing("audit"),
        text: format!("what projects have in common could not be looked at: {trouble}"),
        evidence: Vec::new(),
        cure: "hostkeeper audit".into(),
    }
}
