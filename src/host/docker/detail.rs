//! What the audit is told of a container, whoever tells it: Docker of one that is there, Compose of one that will be. Data
//! only; texts are cut, and of secrets there are only marks.

use crate::host::environment::Environment;

/// A container in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// 64 hexadecimal digits; of one that will be, its name.
    pub id: String,
    pub name: String,
    /// The Compose project it is labelled with.
    pub project: Option<String>,
    pub service: Option<String>,
    /// Where its Compose file is, and what it is made of.
    pub working_dir: Option<String>,
    pub files: Vec<String>,
    /// As it was named when the container was made.
    pub image: String,
    pub image_id: String,
    /// The main process, when it runs.
    pub pid: Option<i32>,
    pub mounts: Vec<MountDetail>,
    /// Docker's words: `bridge`, `host`, `container:…`, the name of a network.
    pub network_mode: String,
    pub pid_mode: String,
    pub ipc_mode: String,
    /// Networks by name.
    pub networks: Vec<String>,
    /// Ports as they were asked for.
    pub claims: Vec<PortDetail>,
    /// Ports as they are.
    pub published: Vec<PortDetail>,
    pub rights: Rights,
    /// How it asks for GPUs, and for which: (`device request`, `all`).
    pub gpus: Vec<(String, String)>,
    pub runtime: String,
    pub environment: Environment,
    /// Whether its command line has a password that the program asks of others.
    pub asks_password: bool,
}

/// A mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountDetail {
    /// A volume's name; `None`: a path of the host.
    pub volume: Option<String>,
    /// A path of the host, as it was written; of a volume its directory, when known.
    pub source: String,
    pub target: String,
    pub writable: bool,
}

/// A port of the host that leads into a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortDetail {
    pub inner: u16,
    /// `tcp`, `udp`, `sctp`.
    pub protocol: String,
    /// Empty: every address.
    pub address: String,
    /// First and last; `None`: Docker chooses.
    pub ports: Option<(u16, u16)>,
}

/// What it may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub privileged: bool,
    /// Without `CAP_`, in capitals.
    pub added_capabilities: Vec<String>,
    pub root_user: bool,
    pub read_only_root: bool,
    pub no_new_privileges: bool,
    pub unbounded_log: bool,
    /// Docker's word; empty is `no`.
    pub restart: String,
}

/// A network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkDetail {
    pub name: String,
    pub driver: String,
    pub project: Option<String>,
    pub subnets: Vec<String>,
}

/// A named volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeDetail {
    pub name: String,
    pub project: Option<String>,
    /// Where its files are.
    pub mountpoint: String,
    /// The directory of the host that it stands for, when it is such a volume.
    pub device: Option<String>,
}

/// What Docker says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Daemon {
    /// Where all its files are.
    pub directory: String,
    /// The runtime of containers that name none.
    pub default_runtime: String,
}

/// `8000`, `8000-8010`; `None` for `0`, nothing, and what is no port.
pub fn parse_ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?);
    (first > 0 && first <= last).then_some((first, last))
}

/// `CAP_SYS_ADMIN`, `sys_admin`: `SYS_ADMIN`.
pub fn parse_capability(word: &str) -> String {
    let word = super::cut(word).to_ascii_uppercase();
    word.strip_prefix("CAP_").map(str::to_owned).unwrap_or(word)
}

/// Whether a container's user is root: none given, `0`, `root`, with any group.
pub fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default();
    name.is_empty() || name == "root" || name.parse::<u64>() == Ok(0)
}

/// Whether an option of security switches new privileges off: `no-new-privileges`, `no-new-privileges:true`.
pub fn is_no_new_privileges(option: &str) -> bool {
    let rest = option.trim().strip_prefix("no-new-privileges");
    rest.is_some_and(|rest| matches!(rest, "" | ":true" | "=true" | ":1" | "=1"))
}

/// Whether a command line asks others for a password.
pub fn is_asking(words: &[String]) -> bool {
    words.iter().any(|word| word.contains("--requirepass") || word.starts_with("requirepass "))
}

/// Whether a device or a rule for devices lets a container have an NVIDIA GPU: the device, or its major number.
pub fn is_gpu_device(text: &str) -> bool {
    text.starts_with("/dev/nvidia") || text.trim_start().starts_with("c 195:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_docker_and_compose_mean_the_same() {
        assert_eq!(parse_ports("8000"), Some((8000, 8000)));
        assert_eq!(parse_ports("8000-8010"), Some((8000, 8010)));
        for none in ["", "0", "0-0", "9-8", "x", "70000", "-1", "8000-"] {
            assert_eq!(parse_ports(none), None, "{none}");
        }
        assert_eq!((parse_capability("cap_net_admin"), parse_capability("ALL")), ("NET_ADMIN".into(), "ALL".into()));
        assert!(is_root("") && is_root("0:0") && is_root("root") && is_root("00"));
        assert!(!is_root("1000") && !is_root("app:root"));
        assert!(is_no_new_privileges("no-new-privileges") && is_no_new_privileges("no-new-privileges:true"));
        assert!(!is_no_new_privileges("no-new-privileges:false") && !is_no_new_privileges("seccomp=unconfined"));
        assert!(is_gpu_device("/dev/nvidia0") && is_gpu_device("c 195:* rwm") && !is_gpu_device("/dev/dri"));
    }
}
