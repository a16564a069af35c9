//! `[vitals]`: where the machine is, what is collected, and how much of it.

use serde::{Deserialize, Serialize};

use crate::values::{Every, Mode};

/// The `[vitals]` table; also what the keeper works from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub mode: Option<Mode>,
    /// Where the kernel's process files are; elsewhere when running in a container.
    pub procfs: String,
    pub sysfs: String,
    /// Prefix of the host's file tree.
    pub rootfs: String,
    /// Docker's socket; empty: containers are not looked at.
    pub docker_socket: String,
    /// Between two looks at Docker's list of containers (events wake it earlier).
    pub docker_interval: Every,
    /// Between two looks at the GPUs.
    pub gpu_interval: Every,
    /// The NVIDIA management library; empty: looked for in the usual places.
    pub nvml: String,
    /// Container labels that may become metric labels of `hostkeeper_container_info`.
    pub container_labels: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            mode: None,
            procfs: "/proc".into(),
            sysfs: "/sys".into(),
            rootfs: "/".into(),
            docker_socket: "/var/run/docker.sock".into(),
            docker_interval: Every(std::time::Duration::from_secs(30)),
            gpu_interval: Every(std::time::Duration::from_secs(10)),
            nvml: String::new(),
            container_labels: Vec::new(),
        }
    }
}
