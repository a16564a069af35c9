//! What the audit is told of containers, networks and volumes. Data only: paths are canonical, and of secrets there are
//! only fingerprints.

use std::net::IpAddr;

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
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub containers: Vec<ContainerFacts>,
    pub networks: Vec<NetworkFacts>,
    pub volumes: Vec<VolumeFacts>,
    /// Directories that belong to a project: declared ones, and where its Compose file is. Canonical.
    pub places: Vec<(String, String)>,
}

impl Subnet {
    /// `172.20.0.0/16`, `fd00::/64`. `None`: it is no subnet.
    pub fn parse(text: &str) -> Option<Subnet> {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix) = (address.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?);
        let most = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= most).then_some(Subnet { address, prefix })
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
            ("fd00::/64", "fd00::1:0:0:0:0/80", true),
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
