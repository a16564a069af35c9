//! What the audit is told of containers, networks and volumes. Data only: paths are canonical, and of secrets there are
//! only fingerprints.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::values::SecretMark;

/// A container. Stopped ones count: they come back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerFacts {
    /// 64 hexadecimal digits.
    pub id: String,
    pub name: String,
    /// The Compose project it is labelled with.
    pub project: Option<String>,
    pub service: Option<String>,
    pub image: String,
    pub running: bool,
    pub mounts: Vec<MountFacts>,
    pub network: NetworkMode,
    /// Networks it has joined, by name.
    pub networks: Vec<String>,
    pub ports: Vec<PortFacts>,
    pub privileges: Privileges,
    pub gpus: Vec<GpuGrant>,
    /// Variables that hold a secret.
    pub secrets: Vec<SecretFacts>,
    /// Whether its program asks others for a password, as far as is known.
    pub asks_password: bool,
}

/// A way by which a container gets a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuGrant {
    /// `device request`, `device`, `NVIDIA_VISIBLE_DEVICES`, …
    pub how: String,
    /// Which: `all`, `1`, `/dev/nvidia0`.
    pub what: String,
    /// Nobody wrote it for this container: its image or its environment asks.
    pub silent: bool,
    /// Whether it works on this host: a variable does nothing without NVIDIA's runtime.
    pub works: bool,
}

/// A variable that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFacts {
    pub name: String,
    pub mark: SecretMark,
    /// Its image has it, so every container of the image does.
    pub from_image: bool,
}

/// A file of a project that holds secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFileFacts {
    pub project: String,
    pub path: String,
    pub names: Vec<String>,
    /// Whether any user of the host may read it.
    pub readable: bool,
    /// Permission bits.
    pub mode: u32,
    pub changed: Option<Timestamp>,
}

/// A socket in a directory of one who may order Docker about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyFacts {
    /// The container that may.
    pub holder: String,
    /// The socket, as a path of the host. Canonical.
    pub path: String,
}

/// Something of the host in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountFacts {
    pub source: MountSource,
    /// In the container.
    pub target: String,
    pub writable: bool,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountSource {
    /// A path of the host as it is written, and what it is behind symlinks.
    Bind {
        written: String,
        canonical: String,
    },
    Volume(String),
}

/// Whose network a container uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NetworkMode {
    /// Networks of its own.
    #[default]
    Named,
    /// Docker's default bridge.
    Bridge,
    Host,
    None,
    /// That of another container, by id.
    Container(String),
}

/// Transport of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// A port of the host that leads to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortFacts {
    pub protocol: Protocol,
    /// `None`: on every address.
    pub address: Option<IpAddr>,
    pub port: u16,
    /// In the container; `None`: it listens in the host's own network.
    pub inner: Option<u16>,
    /// Docker chose the number.
    pub random: bool,
}

/// What a container may do beyond an ordinary one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privileges {
    pub privileged: bool,
    /// Without `CAP_`.
    pub added_capabilities: Vec<String>,
    pub host_processes: bool,
    pub host_ipc: bool,
    /// The containers whose processes or shared memory it sees, by id or name.
    pub joins: Vec<String>,
    pub root_user: bool,
    pub writable_root: bool,
    pub new_privileges: bool,
    pub unbounded_log: bool,
    /// Docker's word: no, always, unless-stopped, on-failure.
    pub restart: String,
}

/// A network of Docker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkFacts {
    pub name: String,
    /// The Compose project that made it.
    pub project: Option<String>,
    pub subnets: Vec<Subnet>,
}

/// An address and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    pub address: IpAddr,
    pub prefix: u8,
}

/// A named volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeFacts {
    pub name: String,
    /// The Compose project that made it.
    pub project: Option<String>,
    /// Where its files are; empty: not known. Canonical.
    pub path: String,
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub containers: Vec<ContainerFacts>,
    pub networks: Vec<NetworkFacts>,
    pub volumes: Vec<VolumeFacts>,
    /// Directories that belong to a project: declared ones, and where its Compose file is. Canonical.
    pub places: Vec<(String, String)>,
    /// Docker's sockets and directories on this host. Canonical.
    pub docker: DockerPlaces,
    pub proxies: Vec<ProxyFacts>,
    pub files: Vec<SecretFileFacts>,
}

/// Where Docker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerPlaces {
    pub sockets: Vec<String>,
    pub directories: Vec<String>,
}

impl Default for DockerPlaces {
    fn default() -> DockerPlaces {
        DockerPlaces {
            sockets: ["/run/docker.sock", "/run/containerd/containerd.sock"].map(str::to_owned).to_vec(),
            directories: ["/var/lib/docker", "/var/lib/containerd"].map(str::to_owned).to_vec(),
        }
    }
}

impl Facts {
    /// By project and name.
    pub fn sorted(mut self) -> Facts {
        let key = |one: &ContainerFacts| (one.project.clone(), one.name.clone(), one.id.clone());
        self.containers.sort_by_cached_key(key);
        self.networks.sort_by(|a, b| (&a.project, &a.name).cmp(&(&b.project, &b.name)));
        self.volumes.sort_by(|a, b| a.name.cmp(&b.name));
        self.places.sort();
        self.proxies.sort_by(|a, b| (&a.path, &a.holder).cmp(&(&b.path, &b.holder)));
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self
    }

    /// The container of this id, name, or beginning of an id.
    pub fn container(&self, word: &str) -> Option<&ContainerFacts> {
        let is_short = word.len() >= 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let exact = self.containers.iter().find(|one| one.id == word || one.name == word);
        exact.or_else(|| self.containers.iter().find(|one| is_short && one.id.starts_with(word)))
    }

    /// The path of the host behind a mount, when it is known.
    pub fn path_of<'f>(&'f self, mount: &'f MountFacts) -> Option<&'f str> {
        match &mount.source {
            MountSource::Bind { canonical, .. } => Some(canonical),
            MountSource::Volume(name) => {
                let volume = self.volumes.iter().find(|volume| volume.name == *name)?;
                Some(volume.path.as_str()).filter(|path| !path.is_empty())
            }
        }
    }
}

impl Subnet {
    /// `172.20.0.0/16`, `fd00::/64`. `None`: it is no subnet.
    pub fn parse(text: &str) -> Option<Subnet> {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix) = (address.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?);
        let most = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= most).then_some(Subnet { address, prefix })
    }

    pub fn is_v4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether every address of the other one is in this one.
    pub fn holds(&self, other: &Subnet) -> bool {
        self.prefix <= other.prefix && self.overlaps(other)
    }

    /// Whether the two have an address in common.
    pub fn overlaps(&self, other: &Subnet) -> bool {
        let prefix = u32::from(self.prefix.min(other.prefix));
        match (self.address, other.address) {
            (IpAddr::V4(one), IpAddr::V4(two)) => (one.to_bits() ^ two.to_bits()).leading_zeros() >= prefix,
            (IpAddr::V6(one), IpAddr::V6(two)) => (one.to_bits() ^ two.to_bits()).leading_zeros() >= prefix,
            _ => false,
        }
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Whether `path` is `root` or below it. Both canonical.
pub fn is_within(path: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_overlap_when_one_holds_the_other() {
        let subnet = |text: &str| Subnet::parse(text).unwrap();
        for (one, other, overlap) in [
            ("172.20.0.0/16", "172.20.5.0/24", true),
            ("172.20.0.0/16", "172.21.0.0/16", false),
            ("10.0.0.0/8", "10.255.255.255/32", true),
            ("0.0.0.0/0", "192.168.1.0/24", true),
            ("fd00::/64", "fd00::1:0:0:0/80", true),
            ("fd00::/64", "fd00:0:0:1::/64", false),
            ("::/0", "10.0.0.0/8", false),
        ] {
            assert_eq!(subnet(one).overlaps(&subnet(other)), overlap, "{one} {other}");
            assert_eq!(subnet(other).overlaps(&subnet(one)), overlap, "{other} {one}");
        }
        for text in ["", "10.0.0.0", "10.0.0.0/33", "fd00::/129", "x/8", "10.0.0.0/-1"] {
            assert_eq!(Subnet::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_path_is_within_a_directory_by_whole_names() {
        assert!(is_within("/srv/b", "/srv/b") && is_within("/srv/b/data", "/srv/b/") && is_within("/etc", "/"));
        assert!(!is_within("/srv/bb", "/srv/b") && !is_within("/srv", "/srv/b"));
    }
}
