//! A project's own slice: which cgroup it is, and what it says. Only on cgroup v2: v1 directories are not kept by systemd.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::super::containers::ContainerSeen;
use super::totals::{Totals, add_pressure, totals_of};
use crate::host::cgroups::{Cgroups, Group, Layout, Limits, Memory, Place};
use crate::values::ProjectName;

/// Limits are read again this often.
const LIMITS_AGAIN: Duration = Duration::from_secs(10);

/// An open slice.
#[derive(Debug)]
pub(super) struct Slice {
    pub path: String,
    group: Group,
    pub limits: Limits,
    limits_read: Instant,
    pub memory: Option<Memory>,
    pub before: Totals,
    /// Whether what it said before is in the project's sum.
    pub counted: bool,
}

impl Slice {
    pub fn open(path: &str, cgroups: &Cgroups) -> Option<Slice> {
        let group = cgroups.open(&Place::at(path))?;
        Some(Slice {
            path: path.to_owned(),
            limits: group.read_limits(),
            limits_read: Instant::now(),
            group,
            memory: None,
            before: Totals::new(),
            counted: false,
        })
    }

    /// Its counters now; `None` when it is gone.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Option<Totals> {
        let counters = self.group.read(buffer).ok()?;
        if self.limits_read.elapsed() > LIMITS_AGAIN {
            self.limits = self.group.read_limits();
            self.limits_read = Instant::now();
        }
        self.memory = counters.memory;
        let mut totals = totals_of(&counters);
        add_pressure(&mut totals, &counters);
        Some(totals)
    }
}

/// The slice of each project that has one: the parent of all its running containers, named after it, with no container
/// of anybody else inside.
pub(super) fn decide_slices(
    groups: &BTreeMap<&ProjectName, Vec<&ContainerSeen>>,
    containers: &[ContainerSeen],
    layout: Layout,
) -> HashMap<ProjectName, String> {
    let mut slices = HashMap::new();
    if layout != Layout::Unified {
        return slices;
    }
    for (project, members) in groups {
        let mut parents = members.iter().filter_map(|member| parent_of(member));
        let Some(parent) = parents.next() else { continue };
        if parents.any(|other| other != parent) || !is_named_after(parent, project) {
            continue;
        }
        let inside = |path: &str| path.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/'));
        let foreign = containers.iter().any(|container| {
            let here = container.usage.as_ref().is_some_and(|usage| inside(&usage.path));
            here && container.identity.project.as_ref() != Some(project)
        });
        if !foreign {
            slices.insert((*project).clone(), parent.to_owned());
        }
    }
    slices
}

fn parent_of(container: &ContainerSeen) -> Option<&str> {
    let (parent, _) = container.usage.as_ref()?.path.rsplit_once('/')?;
    Some(parent)
}

/// Whether the last part of `path` is the project's name, alone or after a dash, with or without `.slice`. systemd writes
/// a dash in a name as `\x2d`.
fn is_named_after(path: &str, project: &ProjectName) -> bool {
    let Some((_, name)) = path.rsplit_once('/') else { return false };
    let name = name.strip_suffix(".slice").unwrap_or(name);
    let escaped = project.as_str().replace('-', "\\x2d");
    [project.as_str(), &escaped]
        .iter()
        .any(|wanted| name.strip_suffix(*wanted).is_some_and(|before| before.is_empty() || before.ends_with('-')))
}
