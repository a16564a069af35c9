//! The configuration as types: what the daemon, the keepers and the page are given. Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::keepers::{isolation, limits, reclaim, storage, vitals};
use crate::metrics::Group;
use crate::round::{Limits, Rules};
use crate::values::{Bytes, Every, Mode, ProjectName, Window};

/// Everything that was configured, defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub host: HostSettings,
    /// `[guard]`.
    pub guard: Limits,
    pub metrics: Metrics,
    pub vitals: vitals::config::Config,
    /// `[storage.tier.*]` and `[project.*.dir.*]`.
    pub storage: storage::config::Config,
    /// `[storage] mode`.
    pub storage_mode: Option<Mode>,
    /// `[limits]`, `[host] reserve` and what projects say of it.
    pub limits: limits::config::Config,
    /// `[limits] mode`.
    pub limits_mode: Option<Mode>,
    /// `[reclaim]`, with the socket of `[vitals]`.
    pub reclaim: reclaim::config::Config,
    /// `[isolation]`, with what projects declare of it.
    pub isolation: isolation::config::Config,
    pub projects: BTreeMap<ProjectName, Project>,
    pub api: Api,
    pub web: Web,
    pub ledger: Ledger,
}

/// `[host]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSettings {
    /// Overrides the kernel's host name.
    pub name: Option<String>,
    pub mode: Mode,
    pub interval: Every,
    pub kill_switch: PathBuf,
    /// What is never given to projects.
    #[serde(default)]
    pub reserve: limits::config::Reservation,
    /// What to do when it is short of memory.
    pub pressure: Option<limits::pressure::config::Table>,
}

/// `[metrics]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Dialects given beside `hostkeeper`.
    pub compat: Vec<Group>,
    /// Series on one page.
    pub max_series: usize,
}

impl Metrics {
    /// The dialects that are switched off.
    pub fn off(&self) -> Vec<Group> {
        let on = |group: &Group| *group == Group::Hostkeeper || self.compat.contains(group);
        Group::ALL.into_iter().filter(|group| !on(group)).collect()
    }
}

/// `[project.NAME]` without its directories, which are in `Settings::storage`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    pub mode: Option<Mode>,
    /// Empty: at any time.
    pub windows: Vec<Window>,
}

/// `[project.NAME]` as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectTable {
    pub mode: Option<Mode>,
    pub maintenance_windows: Vec<Window>,
    pub tier: limits::config::Tier,
    pub priority: Option<u32>,
    pub placement: limits::config::Placement,
    pub envelope: limits::config::Envelope,
    pub reservation: limits::config::Reservation,
    pub io: Vec<limits::config::IoBound>,
    pub gpu: Option<limits::gpu::config::Gpu>,
    pub service: BTreeMap<String, limits::config::Service>,
    pub dir: BTreeMap<String, storage::config::Dir>,
    pub pool: BTreeMap<String, storage::pools::config::Pool>,
    pub clean: BTreeMap<String, storage::clean::config::Rule>,
    pub ports: Option<isolation::config::Ports>,
    pub networks: Option<isolation::config::Networks>,
    pub hardened: bool,
    pub rotated: Option<String>,
}

impl ProjectTable {
    /// What it says of limits.
    pub fn bounded(&self) -> limits::config::Project {
        limits::config::Project {
            tier: self.tier,
            priority: self.priority.unwrap_or(limits::config::PRIORITY),
            placement: self.placement,
            envelope: self.envelope,
            reservation: self.reservation,
            io: self.io.clone(),
            gpu: self.gpu,
            services: self.service.clone(),
        }
    }
}

/// `[api]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Members of this group may read.
    pub group: String,
}

/// `[web]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Web {
    /// Beyond loopback only with `config_file`.
    pub listen: SocketAddr,
    /// TLS, client certificates and users, in the format of Prometheus' exporters.
    pub config_file: Option<PathBuf>,
    /// Host names under which the page may be asked for, without a port.
    pub hosts: Vec<String>,
}

/// `[web]` as it is written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebTable {
    pub listen: String,
    pub config_file: Option<PathBuf>,
    pub hosts: Vec<String>,
}

/// `[ledger]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    pub keep: Every,
    pub max_size: Bytes,
}

impl Settings {
    /// The bounds and modes for the guard.
    pub fn rules(&self) -> Rules {
        let keepers = [("vitals", self.vitals.mode), ("storage", self.storage_mode), ("limits", self.limits_mode)];
        let named = |(name, mode): (&str, Option<Mode>)| mode.map(|mode| (name.to_owned(), mode));
        let projects = self.projects.iter();
        Rules {
            limits: self.guard.clone(),
            host: self.host.mode,
            keepers: keepers.into_iter().filter_map(named).collect(),
            projects: projects.clone().filter_map(|(name, project)| Some((name.clone(), project.mode?))).collect(),
            windows: projects
                .filter(|(_, project)| !project.windows.is_empty())
                .map(|(name, project)| (name.clone(), project.windows.clone()))
                .collect(),
        }
    }
}
