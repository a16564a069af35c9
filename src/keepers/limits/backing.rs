//! Who guarantees each part of an envelope: the kernel, this agent, or nobody. Pure.

use super::config::{Placement, Project};
use super::observe::{ContainerSeen, Layout, ProjectSeen, Seen};
use crate::values::{ProjectName, group_of_slice, slice_of};

/// Who guarantees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// All containers are in the slice, and the kernel has the bound.
    Kernel,
    /// It is looked at and told; nothing holds the project to it.
    Agent,
    None,
}

impl Backing {
    pub fn as_str(self) -> &'static str {
        match self {
            Backing::Kernel => "kernel",
            Backing::Agent => "agent",
            Backing::None => "none",
        }
    }
}

/// Containers that run beside the slice, by name.
pub fn list_outside<'s>(found: &'s ProjectSeen, unit: &str) -> Vec<&'s str> {
    let inside = format!("{}/", group_of_slice(unit));
    let beside = |container: &ContainerSeen| match &container.group {
        Some(group) => !group.starts_with(&inside),
        None => container.is_lost(),
    };
    found.running.iter().filter(|container| beside(container)).map(|container| container.name.as_str()).collect()
}

/// Each declared dimension of a project's envelope, and who guarantees it.
pub fn judge(name: &ProjectName, project: &Project, seen: &Seen) -> Vec<(&'static str, Backing)> {
    let declared = [
        ("memory_max", project.envelope.memory_max.is_some()),
        ("memory_high", project.envelope.memory_high.is_some()),
        ("reserved_memory", project.reserved_memory() > 0),
        ("cpus", project.envelope.cpus.is_some()),
        ("pids", project.envelope.pids.is_some()),
        ("io", !project.io.is_empty()),
    ];
    let unit = slice_of(name.as_str()).filter(|_| project.placement == Placement::Slice);
    let bounds = unit.as_ref().and_then(|unit| seen.slices.get(unit)).and_then(|slice| slice.bounds.as_ref());
    let found = seen.projects.as_ref().and_then(|projects| projects.value()?.get(name));
    let all_inside = match (&unit, found) {
        (Some(unit), Some(found)) => seen.layout == Some(Layout::Unified) && list_outside(found, unit).is_empty(),
        _ => false,
    };
    let holds = |dimension: &str| {
        let Some(bounds) = bounds.filter(|_| all_inside) else { return false };
        match dimension {
            "memory_max" => bounds.memory_max.is_some_and(|limit| limit.at().is_some()),
            "memory_high" => bounds.memory_high.is_some_and(|limit| limit.at().is_some()),
            "reserved_memory" => bounds.memory_low.is_some_and(|limit| limit.at() != Some(0)),
            "cpus" => bounds.cpus.is_some_and(|limit| limit.at().is_some()),
            "pids" => bounds.pids_max.is_some_and(|limit| limit.at().is_some()),
            _ => !bounds.io.is_empty(),
        }
    };
    let backing = |dimension: &str| if holds(dimension) { Backing::Kernel } else { Backing::None };
    let mut all: Vec<(&str, Backing)> =
        declared.into_iter().filter(|(_, declared)| *declared).map(|(name, _)| (name, backing(name))).collect();
    if project.gpu.is_some_and(|gpu| gpu.vram.is_some()) {
        let asked = seen.gpus.as_ref().is_some_and(|gpus| gpus.value().is_some());
        all.push(("vram", if asked { Backing::Agent } else { Backing::None }));
    }
    all
}
