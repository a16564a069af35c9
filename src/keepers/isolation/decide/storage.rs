//! Paths and volumes of the host in containers: the host's own, and those of other projects. Pure.

use super::super::facts::{ContainerFacts, Facts, MountFacts, MountSource, is_within};
use crate::round::{Evidence, Finding, Severity};

/// A file of this name is an engine's socket wherever it is.
const SOCKET_NAMES: [&str; 4] = ["docker.sock", "containerd.sock", "podman.sock", "crio.sock"];
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
/// Everything about mounts.
pub fn find(facts: &Facts) -> Vec<Finding> {
    let each = |container: &ContainerFacts| -> Vec<Finding> {
        container.mounts.iter().flat_map(|mount| judge(facts, container, mount)).collect()
    };
    facts.containers.iter().flat_map(each).collect()
}

/// Whether a container can order Docker about by one of its mounts.
pub fn holds_docker(facts: &Facts, container: &ContainerFacts) -> bool {
    container.mounts.iter().any(|mount| facts.path_of(mount).is_some_and(|path| find_socket(facts, path).is_some()))
}

fn judge(facts: &Facts, container: &ContainerFacts, mount: &MountFacts) -> Vec<Finding> {
    let volume = match &mount.source {
        MountSource::Volume(name) => judge_volume(facts, container, mount, name),
        MountSource::Bind { .. } => None,
    };
    match (volume, facts.path_of(mount)) {
        (Some(finding), _) => vec![finding],
        (None, Some(path)) => judge_path(facts, container, mount, path),
        (None, None) => Vec::new(),
    }
}

fn judge_path(facts: &Facts, container: &ContainerFacts, mount: &MountFacts, path: &str) -> Vec<Finding> {
    // A volume's files are among Docker's own, and no finding for that.
    let volume = matches!(mount.source, MountSource::Volume(_));
    let usual = volume && facts.docker.directories.iter().any(|place| is_within(path, place));
    let whole = judge_socket(facts, container, mount, path)
        .or_else(|| if usual { None } else { judge_system(facts, container, mount, path) });
    if let Some(finding) = whole {
        return vec![finding];
    }
    let places = judge_places(facts, container, mount, path);
    if places.is_empty() { judge_proxy(facts, container, mount, path).into_iter().collect() } else { places }
}

/// The socket that a path is, or leads to.
pub(super) fn find_socket<'f>(facts: &'f Facts, path: &'f str) -> Option<&'f str> {
    let known = facts.docker.sockets.iter().map(String::as_str).find(|socket| is_within(socket, path) && path != "/");
    let name = path.rsplit('/').next().unwrap_or_default();
    known.or_else(|| SOCKET_NAMES.contains(&name).then_some(path))
}

/// Read-only does not help: who may connect may order.
fn judge_socket(facts: &Facts, container: &ContainerFacts, mount: &MountFacts, path: &str) -> Option<Finding> {
    let socket = find_socket(facts, path)?;
    let text =
        format!("{} can order Docker about through {}, and so is root of the host", container.name, mount.target);
    let mut finding = finding("docker-socket", Severity::Critical, container, mount, text);
    finding.evidence.push(Evidence::new("socket", socket, "Docker"));
    finding.cure = "take the mount out, or put a proxy before it that allows only what is needed".into();
    Some(finding)
}

/// What one who may order Docker about serves in a directory that others have, too.
fn judge_proxy(facts: &Facts, container: &ContainerFacts, mount: &MountFacts, path: &str) -> Option<Finding> {
    let proxy = facts.proxies.iter().find(|proxy| proxy.holder != container.id && is_within(&proxy.path, path))?;
    let holder = facts.container(&proxy.holder)?;
    let text =
        format!("{} can ask Docker through a socket that {} serves in {}", container.name, holder.name, mount.target);
    let mut finding = finding("docker-proxy", Severity::Warning, container, mount, text);
    finding.other = holder.project.clone().filter(|_| holder.project != container.project);
    finding.evidence.push(Evidence::new("socket", &proxy.path, format!("directory shared with {}", holder.name)));
    finding.cure =
        format!("give it the socket only if {} lets through nothing but looks; or take the mount out", holder.name);
    Some(finding)
}

fn judge_system(facts: &Facts, container: &ContainerFacts, mount: &MountFacts, path: &str) -> Option<Finding> {
    let touches = |place: &&String| is_within(path, place) || is_within(place, path) && path != "/";
    let docker = facts.docker.directories.iter().find(touches);
    // A project's own directory may be below root's home.
    let own = container.project.as_deref().and_then(|project| own_place(facts, project, path)).unwrap_or(0);
    // Single files of /etc (localtime, hostname) are usual and read-only.
    let system = SYSTEM.iter().find(|(place, _)| {
        path == *place || mount.writable && *place != "/" && is_within(path, place) && own <= place.len()
    });
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

/// Whether a path is one of the host itself.
pub(super) fn is_system(path: &str) -> bool {
    path == "/" || SYSTEM.iter().any(|(place, _)| *place != "/" && is_within(path, place))
}

/// How long the path of the project's nearest directory is in which `path` lies.
fn own_place(facts: &Facts, project: &str, path: &str) -> Option<usize> {
    let places = facts.places.iter().filter(|(owner, place)| owner == project && is_within(path, place));
    places.map(|(_, place)| place.len()).max()
}

/// One finding for each project whose directory it is in, or holds.
fn judge_places(facts: &Facts, container: &ContainerFacts, mount: &MountFacts, path: &str) -> Vec<Finding> {
    let mine = container.project.as_deref();
    let own = mine.and_then(|project| own_place(facts, project, path)).unwrap_or(0);
    // Of directories in each other the nearest owner counts.
    let around = facts.places.iter().filter(|(_, place)| is_within(path, place));
    let nearest = around.max_by_key(|(_, place)| place.len()).filter(|(_, place)| place.len() > own);
    let below = facts.places.iter().filter(|(_, place)| place != path && is_within(place, path));
    let mut owners: Vec<(&str, &str)> = Vec::new();
    for (owner, place) in nearest.into_iter().chain(below) {
        if Some(owner.as_str()) != mine && !owners.iter().any(|(known, _)| known == owner) {
            owners.push((owner, place));
        }
    }
    owners.into_iter().map(|(owner, place)| of_place(container, mount, owner, place)).collect()
}

fn of_place(container: &ContainerFacts, mount: &MountFacts, owner: &str, place: &str) -> Finding {
    let how = if mount.writable { "write to" } else { "read" };
    let text = format!("{} can {how} {place}, which belongs to {owner}", container.name);
    let severity = if mount.writable { Severity::Critical } else { Severity::Warning };
    let mut finding = finding("foreign-path", severity, container, mount, text);
    finding.other = Some(owner.to_owned());
    finding.cure = format!("mount a directory of its own; what both need goes through {owner}'s network");
    finding
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
        allowed: None,
    }
}
