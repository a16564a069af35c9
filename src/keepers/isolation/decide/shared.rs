//! Directories and volumes that belong to no project and that several have, one of them to write. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::{ContainerFacts, Facts, MountFacts, MountSource, is_within};
use super::storage::{find_socket, is_system};
use super::tell_of;
use crate::round::{Evidence, Finding, Severity};

/// Somebody who has it.
type User<'f> = (&'f ContainerFacts, &'f MountFacts);

/// One finding for each place and pair of projects.
pub fn find(facts: &Facts) -> Vec<Finding> {
    let mut places: BTreeMap<&str, Vec<User<'_>>> = BTreeMap::new();
    for container in &facts.containers {
        for mount in &container.mounts {
            places.extend(
                place_of(facts, mount).filter(|path| !places.contains_key(path)).map(|path| (path, Vec::new())),
            );
            let users = place_of(facts, mount).and_then(|path| places.get_mut(path));
            users.into_iter().for_each(|users| users.push((container, mount)));
        }
    }
    let mut found = Vec::new();
    let mut known: BTreeSet<(&str, &Option<String>, &Option<String>)> = BTreeSet::new();
    for (path, users) in &places {
        // Who has a directory has what is below it.
        let above = parents(path).filter_map(|parent| places.get(parent)).flatten();
        let all: Vec<&User<'_>> = users.iter().chain(above).collect();
        for (container, mount) in users {
            let meets = |(other, theirs): &&&User<'_>| {
                other.project != container.project && (mount.writable || theirs.writable)
            };
            for (other, _) in all.iter().filter(meets) {
                let (one, two) = tell_of(container.max_by_project(other), container.min_by_project(other));
                if known.insert((path, &one.project, &two.project)) {
                    found.push(finding(path, one, two));
                }
            }
        }
    }
    found
}

/// The path of what is nobody's and no finding by itself.
fn place_of<'f>(facts: &'f Facts, mount: &'f MountFacts) -> Option<&'f str> {
    let owned = |name: &str| facts.volumes.iter().any(|volume| volume.name == name && volume.project.is_some());
    if matches!(&mount.source, MountSource::Volume(name) if owned(name)) {
        return None;
    }
    let path = facts.path_of(mount)?;
    let volume = matches!(mount.source, MountSource::Volume(_));
    let told = !volume && (is_system(path) || facts.docker.directories.iter().any(|place| is_within(path, place)));
    let claimed = facts.places.iter().any(|(_, place)| is_within(path, place));
    (!told && !claimed && find_socket(facts, path).is_none()).then_some(path)
}

/// `/a/b` and `/a` of `/a/b/c`.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| path.get(..at).unwrap_or_default()).filter(|parent| !parent.is_empty())
}

impl ContainerFacts {
    fn max_by_project<'c>(&'c self, other: &'c ContainerFacts) -> &'c ContainerFacts {
        if (&self.project, &self.name) >= (&other.project, &other.name) { self } else { other }
    }

    fn min_by_project<'c>(&'c self, other: &'c ContainerFacts) -> &'c ContainerFacts {
        if (&self.project, &self.name) < (&other.project, &other.name) { self } else { other }
    }
}

fn finding(path: &str, container: &ContainerFacts, other: &ContainerFacts) -> Finding {
    let source = |one: &ContainerFacts| format!("docker inspect {}", one.name);
    Finding {
        id: "shared-path".into(),
        severity: Severity::Warning,
        project: container.project.clone(),
        other: other.project.clone(),
        subject: container.name.clone(),
        text: format!("{} and {} both have {path}, and one of them writes there", container.name, other.name),
        evidence: vec![
            Evidence::new("mounted", path, source(container)),
            Evidence::new("mounted by", &other.name, source(other)),
        ],
        cure: "give each its own; what both need goes through a network that both declare".into(),
        allowed: None,
    }
}
