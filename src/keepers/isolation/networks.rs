//! Networks that projects share, and containers that have none of their own. Pure.

use std::collections::BTreeMap;

use super::facts::{ContainerFacts, Facts, NetworkFacts, NetworkMode};
use super::finding::Finding;
use crate::round::{Evidence, Severity};

/// Everything about networks.
pub fn find(facts: &Facts) -> Vec<Finding> {
    let mut all: Vec<Finding> = facts.containers.iter().filter_map(|container| judge_mode(facts, container)).collect();
    all.extend(facts.containers.iter().flat_map(|container| foreign(facts, container)));
    all.extend(shared(facts));
    all.extend(overlapping(&facts.networks));
    all
}

fn judge_mode(facts: &Facts, container: &ContainerFacts) -> Option<Finding> {
    let name = &container.name;
    match &container.network {
        NetworkMode::Named | NetworkMode::None => None,
        NetworkMode::Host => {
            let text = format!("{name} uses the host's network: it reaches everything that listens on loopback");
            Some(finding("host-network", Severity::Warning, container, ("network", "host"), text))
        }
        NetworkMode::Bridge => {
            let text = format!("{name} is on Docker's default bridge, where containers of all projects meet");
            Some(finding("default-bridge", Severity::Warning, container, ("network", "bridge"), text))
        }
        NetworkMode::Container(id) => {
            let owner = facts.containers.iter().find(|other| other.id == *id)?;
            if owner.project == container.project {
                return None;
            }
            let text = format!("{name} uses the network of {}", owner.name);
            let mut finding = finding("foreign-network", Severity::Critical, container, ("network", &owner.name), text);
            finding.other = owner.project.clone();
            Some(finding)
        }
    }
}

/// Networks that another project made.
fn foreign<'f>(facts: &'f Facts, container: &'f ContainerFacts) -> impl Iterator<Item = Finding> + 'f {
    let made = |name: &&String| facts.networks.iter().find(|network| network.name == **name)?.project.clone();
    container.networks.iter().filter_map(move |name| {
        let owner = made(&name)?;
        if container.project.as_ref() == Some(&owner) {
            return None;
        }
        let text = format!("{} is on network {name} of {owner}", container.name);
        let mut finding = finding("foreign-network", Severity::Critical, container, ("network", name), text);
        finding.other = Some(owner);
        Some(finding)
    })
}

/// Networks that no project made and several use.
fn shared(facts: &Facts) -> Vec<Finding> {
    let mut users: BTreeMap<&str, Vec<&ContainerFacts>> = BTreeMap::new();
    let unowned = facts.networks.iter().filter(|network| network.project.is_none());
    let unowned: Vec<&str> = unowned.map(|network| network.name.as_str()).filter(|name| *name != "bridge").collect();
    for container in facts.containers.iter().filter(|container| container.project.is_some()) {
        for name in container.networks.iter().filter(|name| unowned.contains(&name.as_str())) {
            users.entry(name).or_default().push(container);
        }
    }
    let mut all = Vec::new();
    for (name, containers) in users {
        let Some(first) = containers.first() else { continue };
        // One finding for each project that meets the first one there.
        let mut met: Vec<&Option<String>> = vec![&first.project];
        for container in containers.iter().filter(|container| container.project != first.project) {
            if met.contains(&&container.project) {
                continue;
            }
            met.push(&container.project);
            let text = format!("{} and {} meet on network {name}", container.name, first.name);
            let mut finding = finding("shared-network", Severity::Warning, container, ("network", name), text);
            finding.other = first.project.clone();
            all.push(finding);
        }
    }
    all
}

fn overlapping(networks: &[NetworkFacts]) -> Vec<Finding> {
    let mut all = Vec::new();
    for (index, one) in networks.iter().enumerate() {
        for other in networks.iter().skip(index + 1) {
            let pair = one.subnets.iter().find_map(|subnet| {
                other.subnets.iter().find(|beside| subnet.overlaps(beside)).map(|beside| (subnet, beside))
            });
            let Some((ours, theirs)) = pair else { continue };
            all.push(Finding {
                id: "overlapping-subnets".into(),
                severity: Severity::Warning,
                project: one.project.clone(),
                other: other.project.clone(),
                subject: one.name.clone(),
                text: format!("networks {} and {} have addresses in common", one.name, other.name),
                evidence: vec![
                    Evidence::new(one.name.as_str(), ours, "docker network inspect"),
                    Evidence::new(other.name.as_str(), theirs, "docker network inspect"),
                ],
                cure: "declare subnets that are apart: networks: {NAME: {ipam: {config: [{subnet: …}]}}}".into(),
            });
        }
    }
    all
}

fn finding(
    id: &str,
    severity: Severity,
    container: &ContainerFacts,
    (what, value): (&str, &str),
    text: String,
) -> Finding {
    Finding {
        id: id.into(),
        severity,
        project: container.project.clone(),
        other: None,
        subject: container.name.clone(),
        text,
        evidence: vec![Evidence::new(what, value, format!("docker inspect {}", container.name))],
        cure: "give it a network of its own project in Compose".into(),
    }
}
