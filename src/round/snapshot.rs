//! The outcome of a round as immutable data: what the API, the CLI and the page read. No handle to anything live.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuditView, Class, CleanView, Concern, Gate, LimitsView, PoolView, Reason, ReclaimView, Subject};
use crate::values::{Mode, ProjectName};

/// A planned step of any keeper, as shown and as recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedView {
    /// Name of this very order.
    pub id: String,
    /// What back-off and breaker count by.
    pub key: String,
    pub keeper: String,
    pub kind: String,
    pub subject: Subject,
    /// The order in words.
    pub text: String,
    pub because: Reason,
    pub class: Class,
    pub gate: Gate,
    /// The undo in words, when there is one.
    pub undo: Option<String>,
}

/// What one keeper did in the last round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeeperReport {
    pub keeper: String,
    pub mode: Mode,
    /// Why it could not observe or why a step failed, when so.
    pub trouble: Option<String>,
    /// Length of its observation, seconds.
    pub observe_seconds: f64,
}

/// Whether the ledger can be written. Without it nothing is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerState {
    #[default]
    Writable,
    /// Why not.
    Unwritable(String),
}

/// The host in numbers. Bytes and cores; rates are means over the time between two looks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostView {
    pub hostname: String,
    pub kernel: String,
    pub uptime_seconds: f64,
    pub cpu_cores: u32,
    pub cpu_used_cores: Option<f64>,
    pub load1: Option<f64>,
    pub memory_total_bytes: Option<u64>,
    pub memory_available_bytes: Option<u64>,
    pub swap_total_bytes: Option<u64>,
    pub swap_free_bytes: Option<u64>,
    /// Pressure stall, share of the last 10 s in percent, by `cpu.some`, `memory.some`, `memory.full`, `io.some`, `io.full`.
    pub pressure_percent: BTreeMap<String, f64>,
    pub network_receive_bytes_per_second: Option<f64>,
    pub network_transmit_bytes_per_second: Option<f64>,
    pub gpus: Vec<GpuView>,
    /// File systems on block devices, by mount point.
    #[serde(default)]
    pub filesystems: Vec<FilesystemView>,
    /// What reached us of Docker: its version, or why it could not be asked.
    pub docker: Option<String>,
    /// The kind of cgroup tree: `v2`, `v1 hybrid`, `v1` or `none`.
    #[serde(default)]
    pub cgroups: Option<String>,
}

/// A mounted file system on a block device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FilesystemView {
    pub path: String,
    /// Kernel name of the device: `sda1`, `bcache0`.
    pub device: String,
    pub fstype: String,
    pub size_bytes: u64,
    pub available_bytes: u64,
}

/// One GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuView {
    pub uuid: String,
    pub name: String,
    pub memory_total_bytes: Option<u64>,
    pub memory_used_bytes: Option<u64>,
    pub utilization_percent: Option<f64>,
    /// Who may compute on it at once: `default`, `exclusive_process`, `prohibited`; `None`: not told.
    pub compute_mode: Option<String>,
}

/// A project in numbers; `None` where it could not be had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectView {
    pub project: ProjectName,
    /// Whether it is in the configuration, or only seen at Docker.
    pub declared: bool,
    pub containers_running: u32,
    pub containers_total: u32,
    pub cpu_used_cores: Option<f64>,
    pub cpu_limit_cores: Option<f64>,
    pub memory_working_set_bytes: Option<u64>,
    pub memory_limit_bytes: Option<u64>,
    pub io_read_bytes_per_second: Option<f64>,
    pub io_write_bytes_per_second: Option<f64>,
    pub network_receive_bytes_per_second: Option<f64>,
    pub network_transmit_bytes_per_second: Option<f64>,
    pub gpu_memory_bytes: Option<u64>,
}

/// A container in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerView {
    /// The first 12 digits of its id.
    pub id: String,
    pub name: String,
    pub project: Option<String>,
    pub service: Option<String>,
    pub image: String,
    /// Docker's word: created, running, paused, restarting, removing, exited, dead.
    pub state: String,
    /// Docker's word: healthy, unhealthy, starting; `None` without a health check.
    pub health: Option<String>,
    pub exit_code: Option<i64>,
    pub cpu_used_cores: Option<f64>,
    pub cpu_limit_cores: Option<f64>,
    /// Share of periods in which it was throttled, since the last look.
    pub cpu_throttled_percent: Option<f64>,
    pub memory_working_set_bytes: Option<u64>,
    pub memory_limit_bytes: Option<u64>,
    pub io_read_bytes_per_second: Option<f64>,
    pub io_write_bytes_per_second: Option<f64>,
    pub network_receive_bytes_per_second: Option<f64>,
    pub network_transmit_bytes_per_second: Option<f64>,
    pub gpu_memory_bytes: Option<u64>,
}

/// A storage tier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TierView {
    pub tier: String,
    pub path: String,
    pub device: Option<String>,
    pub size_bytes: Option<u64>,
    pub available_bytes: Option<u64>,
    pub min_free_bytes: Option<u64>,
    /// When it will be full at the present trend, seconds from now; `None` when it is not filling.
    pub full_in_seconds: Option<f64>,
    /// `ok`, or why the tier cannot be used.
    pub state: String,
    /// The bcache that it stands on, when it does.
    #[serde(default)]
    pub cache: Option<CacheView>,
}

/// The bcache that a tier stands on, as the kernel tells of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CacheView {
    /// `bcache0`.
    pub device: String,
    /// `clean`, `dirty`, `inconsistent`, `no cache`.
    pub state: Option<String>,
    /// `writethrough`, `writeback`, `writearound`, `none`.
    pub mode: Option<String>,
    pub declared_mode: Option<String>,
    /// Whether writeback was left and its data is still being written back: the change of mode is not done.
    pub draining: bool,
    pub dirty_bytes: Option<i64>,
    pub max_dirty_bytes: Option<u64>,
    pub sequential_cutoff_bytes: Option<i64>,
    pub writeback_percent: Option<u64>,
    pub writeback_rate_bytes_per_second: Option<i64>,
    pub cache_available_percent: Option<i64>,
    /// Of reads, by `five_minute`, `hour`, `day`, `total`.
    pub hit_percent: BTreeMap<String, i64>,
    /// Of the disk below, and of all cache devices.
    pub backing_io_errors: Option<i64>,
    pub cache_io_errors: Option<i64>,
}

/// A declared data directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirView {
    pub project: ProjectName,
    pub dir: String,
    pub tier: String,
    pub path: String,
    /// `ok`, `missing`, `wrong-owner`, `wrong-mode`, `wrong-device`, `not-a-directory`, `unknown`.
    pub state: String,
    /// What it holds, when that is known yet.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    #[serde(default)]
    pub quota_bytes: Option<u64>,
    /// Whether the file system refuses what is beyond the quota; without: it is only watched.
    #[serde(default)]
    pub quota_enforced: Option<bool>,
    /// How the last `storage fix` of it stands.
    #[serde(default)]
    pub fix: Option<FixView>,
}

/// A mending of owner and mode that a person ordered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FixView {
    pub recursive: bool,
    /// Whether it came to its end; else it goes on with the next order.
    pub ended: bool,
    /// Directories and files looked at.
    pub entries: u64,
    pub changed: u64,
    /// Files of several names, which are left alone.
    pub several_names: u64,
    /// What could not be looked at or changed.
    pub refused: u64,
    /// Some of what was left, and why.
    pub left: Vec<String>,
}

/// Everything that one round saw and decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Count of rounds since start, from 1.
    pub round: u64,
    pub at: Timestamp,
    pub took_seconds: f64,
    /// The host's mode by configuration.
    pub mode: Mode,
    /// Names the plan: changes when any step in it changes.
    pub plan_id: String,
    pub plan: Vec<PlannedView>,
    pub concerns: Vec<Concern>,
    pub keepers: Vec<KeeperReport>,
    pub ledger: LedgerState,
    pub host: HostView,
    pub projects: Vec<ProjectView>,
    pub containers: Vec<ContainerView>,
    pub tiers: Vec<TierView>,
    pub dirs: Vec<DirView>,
    #[serde(default)]
    pub pools: Vec<PoolView>,
    #[serde(default)]
    pub reclaim: Option<ReclaimView>,
    #[serde(default)]
    pub audit: Option<AuditView>,
    #[serde(default)]
    pub cleans: Vec<CleanView>,
    #[serde(default)]
    pub limits: Vec<LimitsView>,
    pub agent: AgentView,
}

/// The agent itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    pub version: String,
    pub started: Timestamp,
    /// When the configuration in force was read, and from which files.
    pub config_loaded: Timestamp,
    pub config_files: Vec<String>,
    /// Why the last reload was refused, when so.
    pub config_refused: Option<String>,
    /// `false` when this was made by a one-off look without a daemon.
    pub daemon: bool,
}

/// What one collector of a keeper took and gave in the last look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CollectorView {
    pub collector: String,
    /// The dialect it serves: `hostkeeper`, `node`, `container`, `gpu`, `manual`.
    pub group: String,
    pub success: bool,
    pub duration_seconds: f64,
    /// Why it failed, when it did.
    pub error: Option<String>,
}
