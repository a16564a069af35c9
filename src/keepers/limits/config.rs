//! What a project and its services may use, and what is reserved for them. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{check, gpu, pressure};
use crate::values::{Bytes, Cpus, Mode, Problem, ProjectName};

/// What is kept for somebody: for the host, for a project, for a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reservation {
    pub memory: Option<Bytes>,
    pub cpus: Option<Cpus>,
}

/// What all of a project may use together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Envelope {
    /// Beyond it the kernel kills within the project.
    pub memory_max: Option<Bytes>,
    /// Beyond it the kernel slows the project down and takes memory back.
    pub memory_high: Option<Bytes>,
    pub cpus: Option<Cpus>,
    /// Processes and threads.
    pub pids: Option<u64>,
}

/// What one container of a service may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceLimits {
    pub memory: Option<Bytes>,
    /// Beside the memory. Without it: none.
    pub swap: Option<Bytes>,
    pub cpus: Option<Cpus>,
    pub pids: Option<u64>,
}

/// How fast all of a project may read and write on the device that holds a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IoBound {
    /// Absolute.
    pub path: String,
    pub read_max: Option<Rate>,
    pub write_max: Option<Rate>,
}

/// Bytes per second, written as `"200MiB/s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(pub u64);

/// What goes first when the host runs short: optional, then standard. What is core never goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Optional,
    #[default]
    Standard,
    Core,
}

/// Whether a project's containers are meant to be in a slice of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    #[default]
    Slice,
    Flat,
}

/// `[project.NAME.service.NAME]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    pub limits: ServiceLimits,
    pub reservation: Reservation,
    pub tier: Option<Tier>,
}

/// The part of `[project.NAME]` that says what it may use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    pub tier: Tier,
    pub priority: u32,
    pub placement: Placement,
    pub envelope: Envelope,
    pub reservation: Reservation,
    pub io: Vec<IoBound>,
    pub gpu: Option<gpu::config::Gpu>,
    pub services: BTreeMap<String, Service>,
}

/// Said of an entry of `io` without a bound.
pub const BOUNDS_NOTHING: &str = "bounds nothing";
/// The priority of a project that says none.
pub const PRIORITY: u32 = 50;

/// The `[limits]` table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    pub mode: Option<Mode>,
}

/// What the keeper works from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Docker's socket; empty: containers are not looked at.
    pub socket: String,
    /// Time between two looks at Docker's list.
    pub docker_interval: Duration,
    pub labels: Vec<String>,
    /// The path of NVIDIA's management library; empty: where it usually is.
    pub nvml: String,
    /// Time between two samples of GPUs.
    pub gpu_interval: Duration,
    /// Never given to projects.
    pub reserve: Reservation,
    /// What to do when the host is short of memory; `None`: nothing.
    pub pressure: Option<pressure::config::Table>,
    pub projects: BTreeMap<ProjectName, Project>,
    /// Projects that are in mode trial: what is set for them ends with the boot.
    pub on_trial: BTreeSet<ProjectName>,
}

impl Project {
    /// Whether anything is said of the project as a whole.
    pub fn is_bounded(&self) -> bool {
        self.envelope != Envelope::default() || self.reservation != Reservation::default() || !self.io.is_empty()
    }

    /// Whether there is anything to keep, or to look after.
    pub fn says_something(&self) -> bool {
        self.is_bounded() || !self.services.is_empty() || self.gpu.is_some()
    }

    /// Whether it is meant to have a slice: something is said of it or reserved in it.
    pub fn wants_slice(&self) -> bool {
        let reserves = || self.services.values().any(|service| service.reservation.memory.is_some());
        self.placement == Placement::Slice && (self.is_bounded() || reserves())
    }

    /// Memory that is protected for the project: what it says, or what its services say together.
    pub fn reserved_memory(&self) -> u64 {
        let services = self.services.values().filter_map(|service| service.reservation.memory);
        let together = services.fold(0_u64, |sum, bytes| sum.saturating_add(bytes.0));
        self.reservation.memory.map_or(together, |bytes| bytes.0)
    }

    /// Thousandths of a core that are reserved, in the same way.
    pub fn reserved_cpus(&self) -> u64 {
        let services = self.services.values().filter_map(|service| service.reservation.cpus);
        let together = services.fold(0_u64, |sum, cpus| sum.saturating_add(cpus.0));
        self.reservation.cpus.map_or(together, |cpus| cpus.0)
    }
}

impl Config {
    /// Everything that is wrong with it, as far as it can be told without the host.
    pub fn check(&self) -> Vec<Problem> {
        check::check(self)
    }

    /// Whether there is anything to keep.
    pub fn is_idle(&self) -> bool {
        self.pressure.is_none() && self.projects.values().all(|project| !project.says_something())
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Rate, String> {
        let Some(size) = text.trim().strip_suffix("/s") else {
            return Err("a speed ends in /s\nuse a size per second, such as \"200MiB/s\"".into());
        };
        let bytes: Bytes = size.parse().map_err(|error: crate::values::ParseError| error.to_string())?;
        Ok(Rate(bytes.0))
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> String {
        format!("{rate}")
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}/s", Bytes(self.0)))
    }
}

impl std::fmt::Display for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Tier::Optional => "optional",
            Tier::Standard => "standard",
            Tier::Core => "core",
        })
    }
}
