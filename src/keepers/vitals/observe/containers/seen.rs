//! Containers as plain data: what Docker calls them, what their cgroups say, how fast it changes.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::CollectorRun;
use super::super::projects::ProjectSeen;
use crate::host::cgroups::{Counters, Layout, Limits};
use crate::host::docker::{Compose, Version};
use crate::values::ProjectName;

/// Whether Docker could be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DockerState {
    /// Not configured, or not asked yet.
    #[default]
    Unasked,
    /// There is no socket: no Docker on this host.
    Absent(String),
    Up(Version),
    Failing(String),
}

/// What does not change in the life of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub id: String,
    pub name: String,
    pub image: String,
    pub created: i64,
    pub compose: Compose,
    /// The Compose project, when its name is one.
    pub project: Option<ProjectName>,
    /// Labels on the allow-list: metric label name and value.
    pub labels: Vec<(String, String)>,
    /// Our labels, escaped once: `name,project,service`.
    pub rendered: String,
}

/// What Docker says of its life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Docker's word: created, running, paused, restarting, removing, exited, dead.
    pub state: String,
    /// Docker's word: healthy, unhealthy, starting; `None` without a health check.
    pub health: Option<String>,
    pub exit_code: Option<i64>,
    pub restarts: Option<u64>,
    pub started: Option<Timestamp>,
}

/// The counters of one network interface, as the container sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nic {
    /// The index of the host's end: never used twice while the host is up.
    pub index: u32,
    pub name: String,
    pub receive_bytes: u64,
    pub receive_packets: u64,
    pub transmit_bytes: u64,
    pub transmit_packets: u64,
}

/// What a running container used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// The number of this life of the container: another one after a restart.
    pub instance: u64,
    /// cAdvisor's five labels, escaped once.
    pub rendered: Arc<str>,
    /// The cgroup's path.
    pub path: Arc<str>,
    pub counters: Counters,
    pub limits: Limits,
    pub nics: Vec<Nic>,
}

/// Means over the time since the look before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    pub cpu_cores: f64,
    /// Share of quota periods in which it was throttled, percent.
    pub throttled_percent: Option<f64>,
    pub io_read_bytes: f64,
    pub io_write_bytes: f64,
    /// `None`: its network could not be told apart.
    pub network: Option<(f64, f64)>,
}

/// One container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerSeen {
    pub identity: Arc<Identity>,
    /// `None` while Docker cannot be asked, and when it spoke of a life that has ended since.
    pub life: Option<Life>,
    /// `None` when it does not run.
    pub usage: Option<Usage>,
    /// `None` at the first look.
    pub rates: Option<Rates>,
}

/// The host's own size, as cAdvisor's `machine_*` tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    pub cpu_cores: u32,
    pub memory_bytes: Option<u64>,
}

/// A block device's name by its numbers.
pub type Devices = std::collections::BTreeMap<(u32, u32), String>;

/// Everything about containers at one look.
#[derive(Clone, Debug, Default)]
pub struct ContainersSeen {
    pub docker: DockerState,
    /// By name.
    pub containers: Vec<ContainerSeen>,
    pub projects: Vec<ProjectSeen>,
    pub machine: Machine,
    /// The kind of cgroup tree; `None` when it was not looked at.
    pub cgroups: Option<Layout>,
    /// The devices that the containers' counters speak of.
    pub devices: Devices,
    /// Seconds since 1970 of this look.
    pub at: i64,
    pub runs: Vec<CollectorRun>,
}
