//! One look at everything the audit goes by: Docker's answers, the sockets of the host's network, files of projects, and what
//! is served in directories that are shared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Surroundings;
use super::containers::{to_facts, to_listening};
use crate::host::compose::Composed;
use crate::host::docker::detail::{Daemon, Detail, NetworkDetail, VolumeDetail};
use crate::host::docker::{Docker, parse_address};
use crate::host::environment::Environment;
use crate::host::listeners::list_listeners;
use crate::host::secret_files::read_secret_file;
use crate::host::served::{list_sockets, read_canonical};
use crate::host::{Error, Roots};
use crate::keepers::isolation::config::{Config, EphemeralPorts, parse_range};
use crate::keepers::isolation::decide::holds_docker;
use crate::keepers::isolation::facts::{
    Facts, NetworkFacts, NetworkMode, ProxyFacts, SecretFileFacts, Subnet, VolumeFacts, is_within,
};
use crate::values::{MarkKey, one_line};

/// How long Docker may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Containers and images that are looked at.
const MOST: usize = 1000;
/// Files of projects that are looked at.
const MOST_FILES: usize = 500;

/// What Docker said in one look.
#[derive(Default)]
struct Answers {
    details: Vec<Detail>,
    networks: Vec<NetworkDetail>,
    volumes: Vec<VolumeDetail>,
    images: BTreeMap<String, Environment>,
    daemon: Daemon,
    unseen: Vec<String>,
}

/// Looks. `None`: there is no Docker.
pub async fn gather(config: &Config, roots: &Roots, key: &MarkKey) -> Result<Option<Surroundings>, Error> {
    let strange = || Error::reply("docker", format!("\"{}\" is not a local socket", one_line(&config.socket, 80)));
    let socket = parse_address(&config.socket).ok_or_else(strange)?;
    let Some(answers) = ask(&socket, key).await? else { return Ok(None) };
    let (config, roots) = (config.clone(), roots.clone());
    let read = tokio::task::spawn_blocking(move || read_host(&config, &roots, answers)).await;
    read.map(Some).map_err(|error| Error::reply("audit", error))
}

async fn ask(socket: &Path, key: &MarkKey) -> Result<Option<Answers>, Error> {
    let Some(docker) = Docker::connect(socket, PATIENCE).await? else { return Ok(None) };
    let mut answers = Answers {
        networks: docker.list_networks().await?,
        volumes: docker.list_volumes().await?,
        daemon: docker.read_daemon().await?,
        ..Answers::default()
    };
    let listed = docker.list_containers(&[]).await?;
    if listed.len() > MOST {
        answers.unseen.push(format!("{} containers beyond the first {MOST}", listed.len() - MOST));
    }
    for container in listed.iter().take(MOST) {
        match docker.read_detail(key, &container.id).await {
            Ok(Some(detail)) => answers.details.push(detail),
            // It went in between.
            Ok(None) => {}
            Err(error) => answers.unseen.push(format!("container {}: {}", container.name, error.chain())),
        }
    }
    let images: BTreeSet<&String> = answers.details.iter().map(|detail| &detail.image_id).collect();
    let mut environments = BTreeMap::new();
    for image in images.into_iter().take(MOST) {
        match docker.read_image_environment(key, image).await {
            Ok(Some(environment)) => drop(environments.insert(image.clone(), environment)),
            Ok(None) => {}
            Err(error) => answers.unseen.push(format!("image {image}: {}", error.chain())),
        }
    }
    answers.images = environments;
    Ok(Some(answers))
}

fn read_host(config: &Config, roots: &Roots, answers: Answers) -> Surroundings {
    let Answers { details, networks, volumes, images, daemon, unseen } = answers;
    let mut facts = Facts {
        containers: details
            .iter()
            .map(|detail| to_facts(detail, &roots.rootfs, images.get(&detail.image_id), &daemon.default_runtime))
            .collect(),
        networks: networks.iter().map(to_network).collect(),
        volumes: volumes.iter().map(|volume| to_volume(volume, roots)).collect(),
        places: list_places(config, roots, &details),
        ..Facts::default()
    };
    let real = |path: &str| read_canonical(&roots.rootfs, path);
    let socket = parse_address(&config.socket).map(|path| path.to_string_lossy().into_owned());
    facts.docker.sockets.extend(socket.map(|path| real(&path)));
    facts.docker.directories.extend(Some(real(&daemon.directory)).filter(|path| path.len() > 1));
    add_listeners(&mut facts, &details, roots);
    facts.proxies = list_proxies(&facts, roots);
    facts.files = list_files(&details, roots);
    Surroundings { facts, ephemeral: read_ephemeral(roots), unseen }
}

fn to_network(network: &NetworkDetail) -> NetworkFacts {
    let subnets = network.subnets.iter().filter_map(|text| Subnet::parse(text)).collect();
    NetworkFacts { name: network.name.clone(), project: network.project.clone(), subnets }
}

fn to_volume(volume: &VolumeDetail, roots: &Roots) -> VolumeFacts {
    let path = volume.device.as_deref().unwrap_or(&volume.mountpoint);
    let path = if path.is_empty() { String::new() } else { read_canonical(&roots.rootfs, path) };
    VolumeFacts { name: volume.name.clone(), project: volume.project.clone(), path }
}

/// Declared directories, and where Compose files are; a whole tree such as `/srv` belongs to nobody for that.
fn list_places(config: &Config, roots: &Roots, details: &[Detail]) -> Vec<(String, String)> {
    let declared = config.places.iter().map(|(project, path)| (project.clone(), read_canonical(&roots.rootfs, path)));
    let worked: BTreeSet<(String, String)> = details
        .iter()
        .filter_map(|detail| Some((detail.project.clone()?, detail.working_dir.clone()?)))
        .map(|(project, path)| (project, read_canonical(&roots.rootfs, &path)))
        .filter(|(_, path)| path.trim_matches('/').contains('/'))
        .collect();
    declared.chain(worked).collect()
}

fn add_listeners(facts: &mut Facts, details: &[Detail], roots: &Roots) {
    let on_host = |id: &str| {
        let container = facts.container(id)?;
        let owner = crate::keepers::isolation::decide::network_owner(facts, container)?;
        (owner.network == NetworkMode::Host).then_some(())
    };
    let running = details.iter().filter_map(|detail| Some((detail.id.clone(), detail.pid?)));
    let pids: HashMap<String, i32> = running.filter(|(id, _)| on_host(id).is_some()).collect();
    let mut found = list_listeners(&roots.procfs, &pids);
    for container in &mut facts.containers {
        container.ports.extend(found.remove(&container.id).iter().flat_map(to_listening));
    }
}

/// Sockets that those who may order Docker about serve where others are, too.
fn list_proxies(facts: &Facts, roots: &Roots) -> Vec<ProxyFacts> {
    let mut all = Vec::new();
    for holder in facts.containers.iter().filter(|container| holds_docker(facts, container)) {
        for path in holder.mounts.iter().filter(|mount| mount.writable).filter_map(|mount| facts.path_of(mount)) {
            let shared = facts.containers.iter().filter(|other| other.id != holder.id).any(|other| {
                let mut paths = other.mounts.iter().filter_map(|mount| facts.path_of(mount));
                paths.any(|theirs| is_within(theirs, path) || is_within(path, theirs))
            });
            let known = |socket: &String| facts.docker.sockets.contains(socket);
            if shared && path != "/" {
                let sockets = list_sockets(&roots.rootfs, path).into_iter().filter(|socket| !known(socket));
                all.extend(sockets.map(|path| ProxyFacts { holder: holder.id.clone(), path }));
            }
        }
    }
    all
}

/// Compose files, the ones that Compose was told to read, and `.env` beside them.
fn list_files(details: &[Detail], roots: &Roots) -> Vec<SecretFileFacts> {
    let mut files: BTreeSet<(&String, String)> = BTreeSet::new();
    for detail in details {
        let Some(project) = &detail.project else { continue };
        files.extend(detail.files.iter().map(|path| (project, path.clone())));
        files.extend(detail.working_dir.iter().map(|place| (project, format!("{}/.env", place.trim_end_matches('/')))));
    }
    let each = |(project, path): (&String, String)| {
        let file = read_secret_file(&roots.rootfs, &path).filter(|_| Path::new(&path).is_absolute())?;
        Some(SecretFileFacts {
            project: project.clone(),
            path: file.path,
            names: file.names,
            readable: file.readable,
            mode: file.mode,
            changed: file.changed,
        })
    };
    files.into_iter().take(MOST_FILES).filter_map(each).collect()
}

/// Where the kernel takes ports for outgoing connections, and which it leaves alone.
fn read_ephemeral(roots: &Roots) -> EphemeralPorts {
    let read = |name: &str| {
        let path: PathBuf = roots.procfs.join("sys/net/ipv4").join(name);
        std::fs::read_to_string(path).unwrap_or_default()
    };
    parse_ephemeral(&read("ip_local_port_range"), &read("ip_local_reserved_ports"))
}

/// `32768\t60999` and `8080,9000-9010`.
pub fn parse_ephemeral(range: &str, reserved: &str) -> EphemeralPorts {
    let mut words = range.split_whitespace();
    let ends = words.next().zip(words.next());
    EphemeralPorts {
        range: ends.and_then(|(first, last)| parse_range(&format!("{first}-{last}"))),
        reserved: reserved.trim().split(',').filter_map(parse_range).collect(),
    }
}

/// Puts a project as it would be in the place of what runs of it now.
pub fn add_composed(surroundings: &mut Surroundings, composed: &Composed, roots: &Roots, working_dir: &str) {
    let Facts { containers, networks, volumes, places, files, .. } = &mut surroundings.facts;
    let other = |project: &Option<String>| project.as_ref() != Some(&composed.project);
    containers.retain(|container| other(&container.project));
    files.retain(|file| file.project != composed.project);
    containers.extend(composed.containers.iter().map(|detail| to_facts(detail, &roots.rootfs, None, "")));
    // A subnet that the file leaves to Docker is the one that is there.
    let made: Vec<&str> = composed.networks.iter().map(|network| network.name.as_str()).collect();
    let kept = |network: &NetworkFacts| other(&network.project) && !made.contains(&network.name.as_str());
    let before = std::mem::take(networks);
    networks.extend(composed.networks.iter().map(|network| {
        let mut network = to_network(network);
        let there = before.iter().find(|one| one.name == network.name);
        if network.subnets.is_empty() {
            network.subnets = there.map(|there| there.subnets.clone()).unwrap_or_default();
        }
        network
    }));
    networks.extend(before.into_iter().filter(kept));
    let known = |name: &String, all: &[VolumeFacts]| all.iter().any(|volume| volume.name == *name);
    for volume in &composed.volumes {
        if !known(&volume.name, volumes) {
            volumes.push(to_volume(volume, roots));
        }
    }
    let place = read_canonical(&roots.rootfs, working_dir);
    if place.trim_matches('/').contains('/') {
        places.push((composed.project.clone(), place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_ranges_are_read() {
        let read = parse_ephemeral("32768\t60999\n", "8080,9000-9010\n");
        assert_eq!(read, EphemeralPorts { range: Some(32768..=60999), reserved: vec![8080..=8080, 9000..=9010] });
        assert_eq!(parse_ephemeral("", "\n"), EphemeralPorts::default());
        assert_eq!(parse_ephemeral("9 8", "x,-,70000"), EphemeralPorts::default());
    }
}
