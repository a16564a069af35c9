//! What was killed for want of memory, remembered from look to look: counts for the metrics, the last ones for people. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::observe::{OomCounts, ProjectSeen};
use super::oom::{Cause, Kill, Life, Sample, attribute};
use crate::values::{Now, ProjectName, TENANTS, group_of_slice};

/// So long after a kill it is a concern.
const RECENT: Duration = Duration::from_secs(3600);
/// A look is put off at most so often in a row.
const MOST_PUT_OFF: u32 = 8;
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

/// What was counted, as of one look. Clones share the counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tallies {
    pub all: Arc<BTreeMap<Victim, Tally>>,
    /// Time since boot.
    now: Duration,
}

impl Tallies {
    /// Those of the last hour.
    pub fn recent(&self) -> impl Iterator<Item = (&Victim, &Tally)> {
        self.all.iter().filter(|(_, tally)| self.now.saturating_sub(tally.up) < RECENT)
    }
}

/// All that is remembered.
#[derive(Debug, Default)]
pub struct Victims {
    tallies: Tallies,
    before: Option<Sample>,
    /// Looks that were put off in a row.
    put_off: u32,
}

impl Victims {
    /// Takes what is seen now; `read` gives the counts of the group at a path. The first look is only the ground.
    pub fn take(
        &mut self,
        projects: &BTreeMap<ProjectName, ProjectSeen>,
        read: &dyn Fn(&str) -> Option<OomCounts>,
        now: &Now,
    ) {
        self.tallies.now = now.up;
        let after = sample(projects, read);
        if self.put_off < MOST_PUT_OFF && self.is_unclear(&after, projects) {
            self.put_off += 1;
            return;
        }
        self.put_off = 0;
        let killed: Vec<String> =
            projects.values().flat_map(|project| project.killed.iter().map(|(id, ..)| id.clone())).collect();
        let kills = self.before.as_ref().map(|before| attribute(before, &after, &killed)).unwrap_or_default();
        self.before = Some(after);
        for kill in kills {
            self.count(&kill, projects, now);
        }
    }

    /// Whether a container's group is gone while Docker, asked before, still says that it runs: how it ended is told by the
    /// next look, and what was counted until then is not lost.
    fn is_unclear(&self, after: &Sample, projects: &BTreeMap<ProjectName, ProjectSeen>) -> bool {
        let running = || projects.values().flat_map(|project| &project.running);
        let gone = |id: &String| !after.lives.contains_key(id) && running().any(|container| container.id == *id);
        self.before.as_ref().is_some_and(|before| before.lives.keys().any(gone))
    }

    fn count(&mut self, kill: &Kill, projects: &BTreeMap<ProjectName, ProjectSeen>, now: &Now) {
        let Some((project, service, number)) = find(&kill.id, projects) else { return };
        let thing = if number <= 1 { service } else { format!("{service}.{number}") };
        let victim = Victim { project, thing, cause: kill.cause };
        let tallies = Arc::make_mut(&mut self.tallies.all);
        if tallies.len() >= MOST && !tallies.contains_key(&victim) {
            return;
        }
        let tally = tallies.entry(victim).or_insert(Tally { processes: 0, last: now.wall, up: now.up });
        tally.processes = tally.processes.saturating_add(kill.processes);
        (tally.last, tally.up) = (now.wall, now.up);
    }

    pub fn tallies(&self) -> Tallies {
        self.tallies.clone()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keepers::limits::observe::ContainerSeen;

    const SLICE: &str = "/tenants.slice/tenants-a.slice";

    fn project(oom: Option<OomCounts>, killed: bool) -> BTreeMap<ProjectName, ProjectSeen> {
        let container = ContainerSeen {
            id: "x".into(),
            service: "api".into(),
            number: 1,
            group: oom.map(|_| format!("{SLICE}/docker-x.scope")),
            oom,
            ..ContainerSeen::default()
        };
        let seen = ProjectSeen {
            running: if killed { Vec::new() } else { vec![container] },
            killed: if killed { vec![("x".into(), "api".into(), 1)] } else { Vec::new() },
            ..ProjectSeen::default()
        };
        BTreeMap::from([("a".parse().unwrap(), seen)])
    }

    fn now(seconds: u64) -> Now {
        Now { wall: Timestamp::UNIX_EPOCH, up: Duration::from_secs(seconds), boot: "a".into() }
    }

    #[test]
    fn a_container_that_docker_still_calls_running_is_told_by_the_next_look() {
        let counts = |kills: u64| OomCounts { own: 0, within: kills, kills };
        let mut victims = Victims::default();
        victims.take(&project(Some(counts(0)), false), &|_| Some(counts(0)), &now(1));
        victims.take(&project(None, false), &|_| Some(counts(1)), &now(2));
        assert!(victims.tallies.all.is_empty(), "nobody knows yet how it ended");
        victims.take(&project(None, true), &|_| Some(counts(1)), &now(3));
        let told: Vec<(&str, Cause, u64)> = victims
            .tallies
            .all
            .iter()
            .map(|(victim, tally)| (victim.thing.as_str(), victim.cause, tally.processes))
            .collect();
        assert_eq!(told, [("api", Cause::Own, 1)]);
    }

    #[test]
    fn a_docker_that_never_says_more_does_not_stop_the_counting() {
        let counts = OomCounts::default();
        let mut victims = Victims::default();
        victims.take(&project(Some(counts), false), &|_| Some(counts), &now(1));
        for second in 2..20 {
            victims.take(&project(None, false), &|_| Some(counts), &now(second));
        }
        assert!(victims.before.is_some_and(|before| before.lives.is_empty()));
    }
}
