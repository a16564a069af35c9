//! Directories of a project that are on none of its tiers. Pure.

use super::super::facts::{ContainerFacts, Facts, MountFacts, MountSource, is_within};
use super::super::policy::Policy;
use crate::round::{Evidence, Finding, Severity};

/// What holds no data: sockets, devices, the kernel's own, memory.
const NO_DATA: [&str; 5] = ["/run", "/dev", "/proc", "/sys", "/tmp"];

/// Everything about directories outside a project's tiers, of projects that declare any.
pub fn find(facts: &Facts, policy: &Policy) -> Vec<Finding> {
    let each = |container: &ContainerFacts| -> Vec<Finding> {
        let project = container.project.as_deref();
        let tiers = project.and_then(|project| policy.projects.get(project)).map(|project| project.tiers.as_slice());
        let Some(tiers) = tiers.filter(|tiers| !tiers.is_empty()) else { return Vec::new() };
        container.mounts.iter().filter_map(|mount| judge(facts, container, mount, tiers)).collect()
    };
    facts.containers.iter().flat_map(each).collect()
}

fn judge(facts: &Facts, container: &ContainerFacts, mount: &MountFacts, tiers: &[String]) -> Option<Finding> {
    let MountSource::Bind { canonical: path, .. } = &mount.source else { return None };
    let on_tier = tiers.iter().any(|tier| is_within(path, tier));
    let own = |(owner, place): &(String, String)| Some(owner) == container.project.as_ref() && is_within(path, place);
    let no_data = path == "/" || NO_DATA.iter().any(|place| is_within(path, place));
    if !mount.writable || on_tier || no_data || facts.places.iter().any(own) {
        return None;
    }
    let list = tiers.join(", ");
    Some(Finding {
        id: "outside-tiers".into(),
        severity: Severity::Info,
        project: container.project.clone(),
        other: None,
        subject: container.name.clone(),
        text: format!("{} writes to {path}, which is on none of its project's tiers", container.name),
        evidence: vec![
            Evidence::new("bind", path, format!("docker inspect {}", container.name)),
            Evidence::new("tiers", &list, "config:storage.tier"),
        ],
        cure: format!("move the data below {list}, and declare the directory"),
        allowed: None,
    })
}
