//! Paths and volumes of the host in containers: the host's own, and those of other projects. Pure.

use super::facts::{ContainerFacts, Facts, MountFacts, MountSource, is_within};
use super::finding::Finding;
use crate::round::{Evidence, Severity};

/// Where Docker's socket is, once links are followed.
const SOCKETS: [&str; 2] = ["/run/docker.sock", "/run/containerd/containerd.sock"];
/// Who has one of these has the host.
const SYSTEM: [(&str, &str); 8] = [
    ("/", "the whole host"),
    ("/etc", "the host's configuration"),
    ("/boot", "what the host boots"),
    ("/root", "root's home"),
    ("/usr", "the host's programs"),
    ("/proc", "the host's processes"),
    ("/sys", "the host's kernel"),
    ("/dev", "the host's devices"),
];
/// Docker's own directories.
const DOCKER: [&str; 2] = ["/var/lib/docker", "/var/lib/containerd"];

/// Everything about mounts.
pub fn find(facts: &Facts) -> Vec<Finding> {
    let each = |container: &ContainerFacts| -> Vec<Finding> {
        container.mounts.iter().filter_map(|mount| judge(facts, container, mount)).collect()
    };
    facts.containers.iter().flat_map(each).collect()
}

fn judge(facts: &Facts, container: &ContainerFacts, mount: &MountFacts) -> Option<Finding> {
    match &mount.source {
        MountSource::Volume(name) => judge_volume(facts, container, mount, name),
        MountSource::Bind { canonical, .. } => judge_socket(container, mount, canonical)
            .or_else(|| judge_system(container, mount, canonical))
            .or_else(|| judge_place(facts, container, mount, canonical)),
    }
}

/// Read-only does not help: who may connect may order.
fn judge_socket(container: &ContainerFacts, mount: &MountFacts, path: &str) -> Option<Finding> {
    let socket = SOCKETS.iter().find(|socket| is_within(socket, path) && path != "/")?;
    let text =
        format!("{} can order Docker about through {}, and so is root of the host", container.name, mount.target);
    let mut finding = finding("docker-socket", Severity::Critical, container, mount, text);
    finding.evidence.push(Evidence::new("socket", socket, "Docker"));
    finding.cure = "take the mount out, or put a proxy before it that allows only what is needed".into();
    Some(finding)
}

fn judge_system(container: &ContainerFacts, mount: &MountFacts, path: &str) -> Option<Finding> {
    let docker = DOCKER.iter().find(|place| is_within(path, place) || is_within(place, path) && path != "/");
    // Single files of /etc (localtime, hostname) are usual and read-only.
    let system =
        SYSTEM.iter().find(|(place, _)| path == *place || mount.writable && *place != "/" && is_within(path, place));
    let what = match (docker, system) {
        (Some(_), _) => "Docker's own files, and with them every container's",
        (None, Some((_, what))) => what,
        (None, None) => return None,
    };
    let how = if mount.writable { "write" } else { "read" };
    let text = format!("{} can {how} {what} at {}", container.name, mount.target);
    let severity = if mount.writable { Severity::Critical } else { Severity::Warning };
    let mut finding = finding("host-path", severity, container, mount, text);
    finding.cure = "mount only what it needs, read-only".into();
    Some(finding)
}

fn judge_place(facts: &Facts, container: &ContainerFacts, mount: &MountFacts, path: &str) -> Option<Finding> {
    let mine = container.project.as_deref();
    let owns = |project: &str| {
        let places = facts.places.iter().filter(|(owner, _)| owner == project);
        places.filter(|(_, place)| is_within(path, place)).map(|(_, place)| place.len()).max()
    };
    let touched = |(owner, place): &&(String, String)| {
        Some(owner.as_str()) != mine && (is_within(path, place) || is_within(place, path))
    };
    let (owner, place) = facts.places.iter().filter(touched).max_by_key(|(_, place)| place.len())?;
    // A project's directory inside another one's: the nearer owner counts.
    if mine.and_then(owns).is_some_and(|own| own >= place.len()) {
        return None;
    }
    let how = if mount.writable { "write to" } else { "read" };
    let text = format!("{} can {how} {place}, which belongs to {owner}", container.name);
    let severity = if mount.writable { Severity::Critical } else { Severity::Warning };
    let mut finding = finding("foreign-path", severity, container, mount, text);
    finding.other = Some(owner.clone());
    finding.cure = format!("mount a directory of its own; what both need goes through {owner}'s network");
    Some(finding)
}

fn judge_volume(facts: &Facts, container: &ContainerFacts, mount: &MountFacts, name: &str) -> Option<Finding> {
    let owner = facts.volumes.iter().find(|volume| volume.name == name)?.project.as_ref()?;
    if container.project.as_ref() == Some(owner) {
        return None;
    }
    let text = format!("{} uses volume {name} of {owner}", container.name);
    let severity = if mount.writable { Severity::Critical } else { Severity::Warning };
    let mut finding = finding("foreign-volume", severity, container, mount, text);
    finding.other = Some(owner.clone());
    finding.cure = "give it a volume of its own".into();
    Some(finding)
}

fn finding(id: &str, severity: Severity, container: &ContainerFacts, mount: &MountFacts, text: String) -> Finding {
    let source = format!("docker inspect {}", container.name);
    let mut evidence = Vec::new();
    match &mount.source {
        MountSource::Bind { written, canonical } => {
            evidence.push(Evidence::new("bind", written, &source));
            if written != canonical {
                evidence.push(Evidence::new("which is", canonical, "the host's links"));
            }
        }
        MountSource::Volume(name) => evidence.push(Evidence::new("volume", name, &source)),
    }
    evidence.push(Evidence::new("at", &mount.target, &source));
    evidence.push(Evidence::new("writable", mount.writable, source));
    Finding {
        id: id.into(),
        severity,
        project: container.project.clone(),
        other: None,
        subject: container.name.clone(),
        text,
        evidence,
        cure: String::new(),
    }
}
