//! Networks that projects share, and containers that have none of their own. Pure.

use std::collections::BTreeMap;

use super::super::facts::{ContainerFacts, Facts, NetworkFacts, NetworkMode, Subnet};
use super::super::policy::Policy;
use crate::round::{Evidence, Finding, Severity};

/// Docker's own networks: told otherwise.
const BUILT_IN: [&str; 3] = ["bridge", "host", "none"];
/// Links from one container's network to another's that are followed.
const MOST_LINKS: usize = 32;

/// Everything about networks.
pub fn find(facts: &Facts, policy: &Policy) -> Vec<Finding> {
    let mut all: Vec<Finding> = facts.containers.iter().filter_map(|container| judge_mode(facts, container)).collect();
    all.extend(facts.containers.iter().flat_map(|container| foreign(facts, policy, container)));
    all.extend(shared(facts, policy));
    all.extend(overlapping(&facts.networks));
    all.extend(facts.networks.iter().filter_map(|network| undeclared(network, policy)));
    all.extend(facts.networks.iter().flat_map(|network| taken(network, policy)));
    all
}

/// Whose network it is that a container uses in the end: `container:` may lead to another `container:`.
pub fn network_owner<'f>(facts: &'f Facts, container: &'f ContainerFacts) -> Option<&'f ContainerFacts> {
    let mut at = container;
    for _ in 0..MOST_LINKS {
        let NetworkMode::Container(word) = &at.network else { return Some(at) };
        at = facts.container(word)?;
    }
    None
}

fn judge_mode(facts: &Facts, container: &ContainerFacts) -> Option<Finding> {
    let name = &container.name;
    let borrows = matches!(container.network, NetworkMode::Container(_));
    let owner = network_owner(facts, container)?;
    if borrows && owner.project != container.project {
        let text = format!("{name} uses the network of {}", owner.name);
        let mut finding = finding("foreign-network", Severity::Critical, container, ("network", &owner.name), text);
        finding.other = owner.project.clone();
        return Some(finding);
    }
    if owner.network == NetworkMode::Host {
        let text = format!("{name} uses the host's network: it reaches everything that listens on loopback");
        return Some(finding("host-network", Severity::Warning, container, ("network", "host"), text));
    }
    let on_bridge = owner.network == NetworkMode::Bridge || owner.networks.iter().any(|network| network == "bridge");
    if !on_bridge || borrows {
        return None;
    }
    let text = format!("{name} is on Docker's default bridge, where containers of all projects meet");
    // Who has no project has no network of a project either.
    let severity = if container.project.is_some() { Severity::Warning } else { Severity::Info };
    Some(finding("default-bridge", severity, container, ("network", "bridge"), text))
}

/// Networks that another project made.
fn foreign<'f>(
    facts: &'f Facts,
    policy: &'f Policy,
    container: &'f ContainerFacts,
) -> impl Iterator<Item = Finding> + 'f {
    let made = |name: &&String| facts.networks.iter().find(|network| network.name == **name)?.project.clone();
    container.networks.iter().filter_map(move |name| {
        let owner = made(&name)?;
        let declared = policy.shares(Some(&owner), name) && policy.shares(container.project.as_deref(), name);
        if container.project.as_ref() == Some(&owner) || declared {
            return None;
        }
        let text = format!("{} is on network {name} of {owner}", container.name);
        let mut finding = finding("foreign-network", Severity::Critical, container, ("network", name), text);
        finding.other = Some(owner);
        Some(finding)
    })
}

/// Networks that no project made and several use.
fn shared(facts: &Facts, policy: &Policy) -> Vec<Finding> {
    let mut users: BTreeMap<&str, Vec<&ContainerFacts>> = BTreeMap::new();
    let unowned = facts.networks.iter().filter(|network| network.project.is_none());
    let unowned: Vec<&str> =
        unowned.map(|network| network.name.as_str()).filter(|name| !BUILT_IN.contains(name)).collect();
    for container in facts.containers.iter().filter(|container| container.project.is_some()) {
        let declared = |name: &&String| policy.shares(container.project.as_deref(), name);
        for name in container.networks.iter().filter(|name| unowned.contains(&name.as_str()) && !declared(name)) {
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

const APART: &str = "declare subnets that are apart: networks: {NAME: {ipam: {config: [{subnet: …}]}}}";

/// A network of a project that is not where its project's networks are declared to be.
fn undeclared(network: &NetworkFacts, policy: &Policy) -> Option<Finding> {
    let project = network.project.as_ref()?;
    let declared = policy.projects.get(project).map(|project| &project.subnets).filter(|list| !list.is_empty())?;
    let held = |subnet: &&Subnet| !declared.iter().any(|wide| wide.holds(subnet));
    let subnet =
        network.subnets.iter().filter(|subnet| subnet.is_v4() == declared.iter().any(Subnet::is_v4)).find(held)?;
    let list: Vec<String> = declared.iter().map(ToString::to_string).collect();
    let text = format!("network {} has {subnet}, and {project} is declared to have {}", network.name, list.join(", "));
    Some(of_network("subnet-undeclared", network, None, (subnet, &list.join(", ")), text))
}

/// Another project's network in the addresses that are declared for one.
fn taken<'f>(network: &'f NetworkFacts, policy: &'f Policy) -> impl Iterator<Item = Finding> + 'f {
    policy.projects.iter().filter_map(move |(owner, project)| {
        if network.project.as_ref() == Some(owner) {
            return None;
        }
        let meets = |subnet: &&Subnet| project.subnets.iter().any(|declared| declared.overlaps(subnet));
        let subnet = network.subnets.iter().find(meets)?;
        let list: Vec<String> = project.subnets.iter().map(ToString::to_string).collect();
        let text = format!("network {} has addresses that are declared for {owner}: {subnet}", network.name);
        Some(of_network("subnet-taken", network, Some(owner.clone()), (subnet, &list.join(", ")), text))
    })
}

fn of_network(
    id: &str,
    network: &NetworkFacts,
    other: Option<String>,
    (is, declared): (&Subnet, &str),
    text: String,
) -> Finding {
    let key =
        other.as_ref().or(network.project.as_ref()).map(|project| format!("config:project.{project}.networks.subnets"));
    Finding {
        id: id.into(),
        severity: Severity::Warning,
        project: network.project.clone(),
        other,
        subject: network.name.clone(),
        text,
        evidence: vec![
            Evidence::new(network.name.as_str(), is, "docker network inspect"),
            Evidence::new("declared", declared, key.unwrap_or_default()),
        ],
        cure: APART.into(),
        allowed: None,
    }
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
                cure: APART.into(),
                allowed: None,
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
        allowed: None,
    }
}
