//! `[vitals]`: where the machine is, what is collected, and how much of it.

use serde::{Deserialize, Serialize};

use crate::values::{Every, Mode, Problem, one_line};

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

impl Config {
    /// Everything that is wrong with the table.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (key, path, may_be_empty) in [
            ("procfs", &self.procfs, false),
            ("sysfs", &self.sysfs, false),
            ("rootfs", &self.rootfs, false),
            ("docker_socket", &self.docker_socket, true),
            ("nvml", &self.nvml, true),
        ] {
            if !(path.starts_with('/') || may_be_empty && path.is_empty()) || path.chars().any(char::is_control) {
                let after_scheme = path.split_once("://").map_or("", |(_, path)| path);
                let meant = if after_scheme.starts_with('/') { after_scheme } else { example(key) };
                let cure = format!("write the whole path, such as \"{}\"", one_line(meant, 60));
                problems.push(Problem::new(format!("vitals.{key}"), "is no absolute path", cure));
            }
        }
        for (key, every) in [("docker_interval", self.docker_interval), ("gpu_interval", self.gpu_interval)] {
            if every.0 < std::time::Duration::from_secs(1) {
                problems.push(Problem::new(format!("vitals.{key}"), "must be at least 1s", "use \"10s\""));
            }
        }
        self.check_labels(&mut problems);
        problems
    }

    fn check_labels(&self, problems: &mut Vec<Problem>) {
        for (index, label) in self.container_labels.iter().enumerate() {
            let key = format!("vitals.container_labels[{index}]");
            if label.is_empty() || label.len() > 128 || label.chars().any(|c| c.is_control() || c.is_whitespace()) {
                problems.push(Problem::new(key, "is no name of a label", "write it as in \"com.example.team\""));
            } else if self.container_labels.iter().take(index).any(|earlier| earlier == label) {
                problems.push(Problem::new(key, "is named twice", "name it once"));
            }
        }
    }
}

fn example(key: &str) -> &'static str {
    match key {
        "procfs" => "/proc",
        "sysfs" => "/sys",
        "rootfs" => "/",
        "docker_socket" => "/var/run/docker.sock",
        _ => "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    }
}
