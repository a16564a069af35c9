//! What was killed for want of memory, remembered from look to look: counts for the metrics, the last ones for people. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::observe::{OomCounts, ProjectSeen};
use super::oom::{Cause, Kill, Life, Sample, attribute};
use crate::values::{Now, ProjectName, TENANTS, group_of_slice};

/// So long after a kill it is a concern.
const RECENT: Duration = Duration::from_secs(3600);
/// Services and causes that are counted.
const MOST: usize = 4096;

/// Who was killed, and by whose limit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Victim {
    pub project: ProjectName,
    /// The service, with its number when it is not the first.
    pub thing: String,
    pub cause: Cause,
}

/// How often, and when last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub processes: u64,
    pub last: Timestamp,
    /// Time since boot.
    up: Duration,
}

/// All that is remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Victims {
    pub tallies: BTreeMap<Victim, Tally>,
    before: Option<Sample>,
    now: Duration,
}

impl Victims {
    /// Takes what is seen now; `read` gives the counts of the group at a path. The first look is only the ground.
    pub fn take(
        &mut self,
        projects: &BTreeMap<ProjectName, ProjectSeen>,
        read: &dyn Fn(&str) -> Option<OomCounts>,
        now: &Now,
    ) {
        self.now = now.up;
        let after = sample(projects, read);
        let killed: Vec<String> =
            projects.values().flat_map(|project| project.killed.iter().map(|(id, ..)| id.clone())).collect();
        let kills = self.before.as_ref().map(|before| attribute(before, &after, &killed)).unwrap_or_default();
        self.before = Some(after);
        for kill in kills {
            self.count(&kill, projects, now);
        }
    }

    fn count(&mut self, kill: &Kill, projects: &BTreeMap<ProjectName, ProjectSeen>, now: &Now) {
        let Some((project, service, number)) = find(&kill.id, projects) else { return };
        let thing = if number <= 1 { service } else { format!("{service}.{number}") };
        let victim = Victim { project, thing, cause: kill.cause };
        if self.tallies.len() >= MOST && !self.tallies.contains_key(&victim) {
            return;
        }
        let tally = self.tallies.entry(victim).or_insert(Tally { processes: 0, last: now.wall, up: now.up });
        tally.processes = tally.processes.saturating_add(kill.processes);
        (tally.last, tally.up) = (now.wall, now.up);
    }

    /// Those of the last hour.
    pub fn recent(&self) -> impl Iterator<Item = (&Victim, &Tally)> {
        self.tallies.iter().filter(|(_, tally)| self.now.saturating_sub(tally.up) < RECENT)
    }
}

fn sample(projects: &BTreeMap<ProjectName, ProjectSeen>, read: &dyn Fn(&str) -> Option<OomCounts>) -> Sample {
    let mut sample = Sample { tenants: read(&group_of_slice(TENANTS)), ..Sample::default() };
    for container in projects.values().flat_map(|project| &project.running) {
        let (Some(counts), Some(group)) = (container.oom, &container.group) else { continue };
        let parent = group.rsplit_once('/').map(|(parent, _)| parent).unwrap_or_default().to_owned();
        if !sample.groups.contains_key(&parent) {
            sample.groups.extend(read(&parent).map(|counts| (parent.clone(), counts)));
        }
        sample.lives.insert(container.id.clone(), Life { began: container.began, parent, counts });
    }
    // A project whose last container died has a slice all the same.
    for (project, _) in projects.iter().filter(|(_, seen)| seen.running.is_empty()) {
        let Some(path) = crate::values::slice_of(project.as_str()).map(|unit| group_of_slice(&unit)) else { continue };
        sample.groups.extend(read(&path).map(|counts| (path, counts)));
    }
    sample
}

fn find(id: &str, projects: &BTreeMap<ProjectName, ProjectSeen>) -> Option<(ProjectName, String, u32)> {
    projects.iter().find_map(|(name, project)| {
        let running = project.running.iter().map(|container| (&container.id, &container.service, container.number));
        let mut all = running.chain(project.killed.iter().map(|(id, service, number)| (id, service, *number)));
        all.find(|(known, ..)| *known == id).map(|(_, service, number)| (name.clone(), service.clone(), number))
    })
}
