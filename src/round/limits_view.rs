//! What projects and their containers may use, as the API, the command line and the page show it. Data only.

use serde::{Deserialize, Serialize};

use crate::values::ProjectName;

/// The limits of one declared project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitsView {
    pub project: ProjectName,
    /// optional, standard or core.
    pub tier: String,
    pub priority: u32,
    /// The slice that its containers are meant to be in; `None`: in none.
    pub slice: Option<String>,
    /// What `cgroup_parent` of its services has to say; `None`: nothing.
    pub cgroup_parent: Option<String>,
    pub containers_running: u32,
    pub containers_in_slice: u32,
    pub envelope: Vec<BoundView>,
    /// Declared services, and running containers of services without a word about them.
    pub services: Vec<ServiceLimitsView>,
}

/// The limits of one service in one container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceLimitsView {
    pub service: String,
    /// `None`: no container of it runs.
    pub container: Option<String>,
    pub tier: String,
    pub bounds: Vec<BoundView>,
    /// What the service has needed, all its containers together; `None`: not seen yet.
    pub observed: Option<ObservedView>,
}

/// What the containers of a service have needed of memory since the agent began to look, once a minute.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservedView {
    /// From the first look to the last.
    pub seconds: u64,
    pub looks: u64,
    /// Bytes that sufficed in 95 of 100 looks, without the cache that is dropped first.
    pub p95_bytes: u64,
    pub highest_bytes: u64,
    /// Share of the looks in which it was at its limit, 0 to 1.
    pub at_limit_ratio: f64,
}

/// One bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundView {
    /// memory_max, memory_high, reserved_memory, memory, swap, cpus, cpu_weight, pids, read_max, write_max.
    pub what: String,
    /// Bytes, cores, tasks, or bytes per second. `None`: nothing is declared.
    pub configured: Option<f64>,
    /// As the kernel has it. `None`: no bound, or not known.
    pub in_force: Option<f64>,
    /// What is used now of what is bounded. `None`: not known.
    pub used: Option<f64>,
    pub state: BoundState,
    /// Who guarantees it: kernel, agent (it looks after it, nothing enforces it) or none.
    pub backing: String,
}

/// How a bound stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BoundState {
    /// As declared.
    Ok,
    /// The kernel has another one, or none.
    Differs,
    /// It cannot be told.
    Unknown,
    /// Nothing is declared.
    Free,
}

impl BoundState {
    pub fn as_str(self) -> &'static str {
        match self {
            BoundState::Ok => "ok",
            BoundState::Differs => "differs",
            BoundState::Unknown => "unknown",
            BoundState::Free => "free",
        }
    }
}
