//! From what Docker or Compose says of a container to the facts that are judged.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use crate::host::docker::detail::{Detail, MountDetail, PortDetail};
use crate::host::environment::Environment;
use crate::host::listeners::Listener;
use crate::host::served::read_canonical;
use crate::keepers::isolation::facts::{
    ContainerFacts, GpuGrant, MountFacts, MountSource, NetworkMode, PortFacts, Privileges, Protocol, SecretFacts,
};

/// The facts of one container. `image`: the environment that its image has built in, when known.
pub fn to_facts(detail: &Detail, rootfs: &Path, image: Option<&Environment>, default_runtime: &str) -> ContainerFacts {
    let rights = &detail.rights;
    let joins = [&detail.pid_mode, &detail.ipc_mode].into_iter().filter_map(|mode| mode.strip_prefix("container:"));
    ContainerFacts {
        id: detail.id.clone(),
        name: detail.name.clone(),
        project: detail.project.clone(),
        service: detail.service.clone(),
        image: detail.image.clone(),
        running: detail.pid.is_some(),
        mounts: detail.mounts.iter().map(|mount| to_mount(mount, rootfs)).collect(),
        network: to_mode(&detail.network_mode),
        networks: detail.networks.clone(),
        ports: to_ports(detail),
        privileges: Privileges {
            privileged: rights.privileged,
            added_capabilities: rights.added_capabilities.clone(),
            host_processes: detail.pid_mode == "host",
            host_ipc: detail.ipc_mode == "host",
            joins: joins.map(str::to_owned).collect(),
            root_user: rights.root_user,
            writable_root: !rights.read_only_root,
            new_privileges: !rights.no_new_privileges,
            unbounded_log: rights.unbounded_log,
            restart: rights.restart.clone(),
        },
        gpus: to_gpus(detail, image, default_runtime),
        secrets: to_secrets(detail, image),
        asks_password: detail.asks_password || detail.environment.asks_password,
    }
}

fn to_mount(mount: &MountDetail, rootfs: &Path) -> MountFacts {
    let source = match &mount.volume {
        Some(name) => MountSource::Volume(name.clone()),
        None => {
            let canonical = read_canonical(rootfs, &mount.source);
            MountSource::Bind { written: mount.source.clone(), canonical }
        }
    };
    MountFacts { source, target: mount.target.clone(), writable: mount.writable }
}

fn to_mode(mode: &str) -> NetworkMode {
    match mode {
        "default" | "bridge" => NetworkMode::Bridge,
        "host" => NetworkMode::Host,
        "none" => NetworkMode::None,
        _ => {
            mode.strip_prefix("container:").map_or(NetworkMode::Named, |other| NetworkMode::Container(other.to_owned()))
        }
    }
}

/// What is, where it runs; what was asked for, where it does not.
fn to_ports(detail: &Detail) -> Vec<PortFacts> {
    let ports = if detail.pid.is_some() { &detail.published } else { &detail.claims };
    let claimed = |port: &PortDetail| {
        detail.claims.iter().any(|claim| {
            let same = (claim.inner, &claim.protocol) == (port.inner, &port.protocol);
            // Of a range Docker takes what is free.
            same && claim.ports.is_some_and(|(first, last)| first == last)
        })
    };
    let each = |port: &PortDetail| -> Vec<PortFacts> {
        let Some((first, last)) = port.ports else { return Vec::new() };
        let Some(protocol) = to_protocol(&port.protocol) else { return Vec::new() };
        let ends = if first == last { vec![first] } else { vec![first, last] };
        let random = first != last || !claimed(port);
        let address = port.address.parse().ok();
        ends.into_iter()
            .map(|port_number| PortFacts { protocol, address, port: port_number, inner: Some(port.inner), random })
            .collect()
    };
    join_families(ports.iter().flat_map(each).collect())
}

/// `0.0.0.0` and `::` of one port together are every address.
fn join_families(ports: Vec<PortFacts>) -> Vec<PortFacts> {
    let mut whole: BTreeMap<(Protocol, u16, Option<u16>), (bool, bool)> = BTreeMap::new();
    let key = |port: &PortFacts| (port.protocol, port.port, port.inner);
    for port in &ports {
        let (v4, v6) = whole.entry(key(port)).or_default();
        *v4 |= port.address.is_some_and(|address| address.is_ipv4() && address.is_unspecified());
        *v6 |= port.address.is_some_and(|address| address.is_ipv6() && address.is_unspecified());
    }
    let mut joined: Vec<PortFacts> = Vec::new();
    for mut port in ports {
        let unspecified = port.address.is_some_and(|address| address.is_unspecified());
        if unspecified && whole.get(&key(&port)) == Some(&(true, true)) {
            port.address = None;
        }
        if !joined.contains(&port) {
            joined.push(port);
        }
    }
    joined
}

fn to_protocol(word: &str) -> Option<Protocol> {
    match word {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        "sctp" => Some(Protocol::Sctp),
        _ => None,
    }
}

/// The ports on which a container of the host's network listens.
pub fn to_listening(listeners: &BTreeSet<Listener>) -> Vec<PortFacts> {
    let each = |listener: &Listener| PortFacts {
        protocol: if listener.udp { Protocol::Udp } else { Protocol::Tcp },
        // `::` of the kernel takes IPv4, too.
        address: Some(listener.address.to_canonical()).filter(|address| *address != IpAddr::from([0; 16])),
        port: listener.port,
        inner: None,
        random: false,
    };
    join_families(listeners.iter().map(each).collect())
}

fn to_gpus(detail: &Detail, image: Option<&Environment>, default_runtime: &str) -> Vec<GpuGrant> {
    let grant =
        |(how, what): &(String, String)| GpuGrant { how: how.clone(), what: what.clone(), silent: false, works: true };
    let mut all: Vec<GpuGrant> = detail.gpus.iter().map(grant).collect();
    let runtime = if detail.runtime.is_empty() { default_runtime } else { &detail.runtime };
    let nvidia = runtime.contains("nvidia");
    // Docker's own runtime stands in every container: only another one was asked for.
    let asked = nvidia && !detail.runtime.is_empty() && detail.runtime != default_runtime;
    if let Some(what) = &detail.environment.visible_gpus {
        let built_in = image.is_some_and(|image| image.visible_gpus.as_ref() == Some(what));
        let how = if built_in { "NVIDIA_VISIBLE_DEVICES of the image" } else { "NVIDIA_VISIBLE_DEVICES" };
        all.push(GpuGrant { how: how.into(), what: what.clone(), silent: true, works: nvidia });
    }
    if asked && all.iter().all(|grant| grant.silent) {
        let what = detail.environment.visible_gpus.clone().unwrap_or_else(|| "none named".into());
        let works = detail.environment.visible_gpus.is_some();
        all.push(GpuGrant { how: "runtime nvidia".into(), what, silent: false, works });
    }
    all
}

fn to_secrets(detail: &Detail, image: Option<&Environment>) -> Vec<SecretFacts> {
    let each = detail.environment.secrets.iter().map(|secret| SecretFacts {
        name: secret.name.clone(),
        mark: secret.mark.clone(),
        from_image: image.is_some_and(|image| image.secrets.contains(secret)),
    });
    each.collect()
}
