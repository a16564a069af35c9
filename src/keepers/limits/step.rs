//! The orders of this keeper. Each carries the values of before, so that it can be taken back by a later process.

use serde::{Deserialize, Serialize};

use crate::ledger::EVICTION;
use crate::round::{self, Purpose};
use crate::values::{Bytes, Cpus, Limit, ProjectName};

/// What a slice may use. `None`: not spoken of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceBounds {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_max: Option<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_high: Option<Limit>,
    /// Bytes that are protected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_low: Option<u64>,
    /// Thousandths of a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Limit>,
    /// The share of CPU time when it is scarce; 100 without a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<Limit>,
    /// Bytes per second by path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<(String, u64)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<Vec<(String, u64)>>,
}

/// What a container may use. `None`: not spoken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerBounds {
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Limit>,
    /// Bytes of swap alone; always beside `memory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<Limit>,
    /// Bytes that are protected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<u64>,
    /// Thousandths of a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<Limit>,
}

/// One container of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub id: String,
    pub project: ProjectName,
    pub service: String,
    /// Compose's number, from 1.
    pub number: u32,
}

/// How long what is set of a slice lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// Nothing of it is written.
    Nothing,
    /// Until the next boot.
    Boot,
    Always,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Step {
    Slice {
        unit: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<ProjectName>,
        from: SliceBounds,
        to: SliceBounds,
        span: Span,
    },
    Container {
        target: Target,
        from: ContainerBounds,
        to: ContainerBounds,
        /// What memory is on its way to, when it cannot be had at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        towards: Option<Bytes>,
    },
    /// Stops a container that is optional now; a person asks for it.
    Stop { target: Target },
    /// Starts one that was stopped by `Stop`.
    Start { target: Target },
    /// Stops a container because the host is short of memory.
    Evict { target: Target },
    /// Starts one that was stopped by `Evict`.
    Resume {
        target: Target,
        /// Bytes that it used when it was stopped, without the cache that is dropped first.
        needed: u64,
    },
}

impl round::Step for Step {
    fn kind(&self) -> &'static str {
        match self {
            Step::Slice { .. } => "set_envelope",
            Step::Container { .. } => "set_limits",
            Step::Stop { .. } => "stop_container",
            Step::Start { .. } => "start_container",
            Step::Evict { .. } => EVICTION,
            Step::Resume { .. } => "resume_container",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Step::Evict { .. } => Purpose::Evict,
            Step::Resume { .. } => Purpose::Heal,
            Step::Slice { .. } | Step::Container { .. } | Step::Stop { .. } | Step::Start { .. } => Purpose::Configure,
        }
    }
}

impl Target {
    /// `worker`, `worker.2`: what it is called within its project.
    pub fn thing(&self) -> String {
        if self.number <= 1 { self.service.clone() } else { format!("{}.{}", self.service, self.number) }
    }
}

impl SliceBounds {
    /// What differs from `before`, in words.
    fn changes(&self, before: &SliceBounds) -> Vec<String> {
        let memory = |bytes: u64| Bytes(bytes).to_string();
        let rates = |rates: &Vec<(String, u64)>| match rates.as_slice() {
            [] => "none".to_owned(),
            all => all
                .iter()
                .map(|(path, rate)| format!("{} of {path}", super::config::Rate(*rate)))
                .collect::<Vec<_>>()
                .join(", "),
        };
        let limit = |name: &str, to: Option<Limit>, from: Option<Limit>, show: &dyn Fn(u64) -> String| {
            change(name, to.map(|to| words(to, show)), from.map(|from| words(from, show)))
        };
        let number = |name: &str, to: Option<u64>, from: Option<u64>, show: &dyn Fn(u64) -> String| {
            change(name, to.map(show), from.map(show))
        };
        [
            limit("memory_max", self.memory_max, before.memory_max, &memory),
            limit("memory_high", self.memory_high, before.memory_high, &memory),
            number("reserved memory", self.memory_low, before.memory_low, &memory),
            limit("cpus", self.cpus, before.cpus, &cores),
            number("cpu weight", self.weight, before.weight, &|weight| weight.to_string()),
            limit("pids", self.pids, before.pids, &|pids| pids.to_string()),
            change("reading", self.read.as_ref().map(rates), before.read.as_ref().map(rates)),
            change("writing", self.write.as_ref().map(rates), before.write.as_ref().map(rates)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl ContainerBounds {
    fn changes(&self, before: &ContainerBounds) -> Vec<String> {
        let memory = |bytes: u64| Bytes(bytes).to_string();
        let limit = |name: &str, to: Option<Limit>, from: Option<Limit>, show: &dyn Fn(u64) -> String| {
            change(name, to.map(|to| words(to, show)), from.map(|from| words(from, show)))
        };
        [
            limit("memory", self.memory, before.memory, &memory),
            limit("swap", self.swap, before.swap, &memory),
            change("reserved memory", self.low.map(memory), before.low.map(memory)),
            limit("cpus", self.cpus, before.cpus, &cores),
            limit("pids", self.pids, before.pids, &|pids| pids.to_string()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn cores(milli: u64) -> String {
    Cpus(milli).to_string()
}

fn words(limit: Limit, show: &dyn Fn(u64) -> String) -> String {
    limit.at().map_or_else(|| "none".to_owned(), show)
}

fn change(name: &str, to: Option<String>, from: Option<String>) -> Option<String> {
    let to = to?;
    let from = from.filter(|from| *from != to).map_or_else(String::new, |from| format!(" (was {from})"));
    Some(format!("{name} {to}{from}"))
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::Slice { unit, span: Span::Nothing, .. } => write!(f, "take back what was set of {unit}"),
            Step::Slice { unit, project, from, to, span } => {
                match project {
                    Some(project) => write!(f, "set envelope of {project}: ")?,
                    None => write!(f, "set {unit}: ")?,
                }
                f.write_str(&to.changes(from).join(", "))?;
                f.write_str(if *span == Span::Boot { ", until the next boot" } else { "" })
            }
            Step::Stop { target } => write!(f, "stop {}/{}", target.project, target.thing()),
            Step::Start { target } => write!(f, "start {}/{}", target.project, target.thing()),
            Step::Evict { target } => write!(f, "stop {}/{} to relieve the host", target.project, target.thing()),
            Step::Resume { target, .. } => write!(f, "start {}/{} again", target.project, target.thing()),
            Step::Container { target, from, to, towards } => {
                write!(f, "set limits of {}/{}: {}", target.project, target.thing(), to.changes(from).join(", "))?;
                match towards {
                    Some(towards) => write!(f, ", a stage on the way to {towards}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl SliceBounds {
    /// The properties that it speaks of, as systemd writes them.
    pub fn properties(&self) -> Vec<&'static str> {
        [
            self.memory_max.map(|_| "MemoryMax"),
            self.memory_high.map(|_| "MemoryHigh"),
            self.memory_low.map(|_| "MemoryLow"),
            self.cpus.map(|_| "CPUQuota"),
            self.weight.map(|_| "CPUWeight"),
            self.pids.map(|_| "TasksMax"),
            self.read.as_ref().map(|_| "IOReadBandwidthMax"),
            self.write.as_ref().map(|_| "IOWriteBandwidthMax"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
