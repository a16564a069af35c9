//! Projects: their containers rolled up by Compose label. Counters never fall: what a container had counted when it was
//! last read stays in its project's sum when the container is gone. Where a project has a slice of its own (cgroup v2),
//! the slice's counters are taken, which also hold what short-lived containers used between two looks.

mod slice;
#[cfg(test)]
mod tests;
mod totals;

pub use totals::{Counter, Direction, Operation, Resource, Stall, Totals};

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::containers::{ContainerSeen, Rates};
use crate::host::cgroups::{Cgroups, Limits, Memory};
use crate::values::ProjectName;
use slice::{Slice, decide_slices};
use totals::{add_network, carry, totals_of};

/// Projects without containers whose sums are kept, in case they come back.
const MAX_RESTING: usize = 256;
/// Rates are means over at least this long.
const LEAST_SPAN: Duration = Duration::from_millis(500);

/// Docker's words for states, and one of ours at the end: all of them are told, also those of nobody.
pub const STATES: [&str; 8] = ["created", "running", "paused", "restarting", "removing", "exited", "dead", "unhealthy"];

/// Memory of a project, bytes: sums over its running containers, or its slice's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectMemory {
    pub working_set: u64,
    pub usage: u64,
    pub rss: Option<u64>,
    pub cache: Option<u64>,
    pub swap: Option<u64>,
}

/// One project.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectSeen {
    pub project: ProjectName,
    /// Compose's working directory.
    pub dir: Option<String>,
    /// The cgroup that holds this project and nothing else.
    pub slice: Option<String>,
    pub counters: Totals,
    pub memory: Option<ProjectMemory>,
    /// `None`: at least one running container has no limit.
    pub cpu_limit_cores: Option<f64>,
    pub memory_limit_bytes: Option<u64>,
    /// Containers by state, in the order of [`STATES`]; `None` while Docker cannot be asked.
    pub states: Option<[u32; 8]>,
    pub running: u32,
    pub total: u32,
    pub rates: Option<Rates>,
}

/// The sums of one project.
#[derive(Debug, Default)]
struct Carried {
    sum: Totals,
    /// What each running container said last, by the number of its life.
    before: HashMap<u64, Totals>,
    slice: Option<Slice>,
    span: Option<(Duration, Totals)>,
    rates: Option<Rates>,
    /// The look in which it last had a container.
    seen: u64,
}

/// What is remembered of projects.
#[derive(Debug, Default)]
pub struct ProjectSums {
    carried: BTreeMap<ProjectName, Carried>,
    looks: u64,
    buffer: Vec<u8>,
}

impl ProjectSums {
    /// Rolls the containers of one look up; `up` is the time since boot.
    pub fn look(&mut self, containers: &[ContainerSeen], cgroups: &Cgroups, up: Duration) -> Vec<ProjectSeen> {
        self.looks += 1;
        let mut groups: BTreeMap<&ProjectName, Vec<&ContainerSeen>> = BTreeMap::new();
        for container in containers {
            if let Some(project) = &container.identity.project {
                groups.entry(project).or_default().push(container);
            }
        }
        let slices = decide_slices(&groups, containers, cgroups.layout());
        let mut seen = Vec::with_capacity(groups.len());
        for (project, members) in groups {
            let carried = self.carried.entry(project.clone()).or_default();
            carried.follow_slice(slices.get(project).map(String::as_str), cgroups, &mut self.buffer);
            carried.add(&members);
            carried.settle(up);
            carried.seen = self.looks;
            seen.push(tell(project, &members, carried));
        }
        self.forget();
        seen
    }

    /// Nothing of what was: for when the containers are no longer followed.
    pub fn clear(&mut self) {
        self.carried.clear();
    }

    /// Lets go of what vanished containers held open, and of the projects that rest longest.
    fn forget(&mut self) {
        let looks = self.looks;
        let mut resting: Vec<(u64, ProjectName)> = Vec::new();
        for (project, carried) in &mut self.carried {
            if carried.seen != looks {
                carried.before.clear();
                carried.slice = None;
                carried.span = None;
                carried.rates = None;
                resting.push((carried.seen, project.clone()));
            }
        }
        resting.sort();
        let over = resting.len().saturating_sub(MAX_RESTING);
        for (_, project) in resting.into_iter().take(over) {
            self.carried.remove(&project);
        }
    }
}

impl Carried {
    /// Reads the project's slice, when it has one. A slice that is new to a project already counted starts at what it
    /// says now: the project's containers were counted until here.
    fn follow_slice(&mut self, path: Option<&str>, cgroups: &Cgroups, buffer: &mut Vec<u8>) {
        if self.slice.as_ref().map(|slice| slice.path.as_str()) != path {
            self.slice = path.and_then(|path| Slice::open(path, cgroups));
        }
        let fresh = self.seen == 0;
        if let Some(slice) = &mut self.slice {
            match slice.read(buffer) {
                Some(now) => {
                    let counts = fresh || slice.counted;
                    carry(&mut self.sum, &mut slice.before, now, |_| counts);
                    slice.counted = true;
                }
                None => self.slice = None,
            }
        }
    }

    /// Adds what the containers counted. With a slice only their network counts, which a slice does not know.
    fn add(&mut self, members: &[&ContainerSeen]) {
        let sliced = self.slice.is_some();
        let mut before = HashMap::with_capacity(members.len());
        for usage in members.iter().filter_map(|member| member.usage.as_ref()) {
            let mut now = totals_of(&usage.counters);
            add_network(&mut now, &usage.nics);
            let mut then = self.before.remove(&usage.instance).unwrap_or_default();
            carry(&mut self.sum, &mut then, now, |counter| !sliced || counter.is_network());
            before.insert(usage.instance, then);
        }
        self.before = before;
        // A counter is there before its first event, so that the first event is an increase.
        for counter in [Counter::Cpu, Counter::Throttled, Counter::OomKills] {
            self.sum.entry(counter).or_default();
        }
    }

    fn settle(&mut self, up: Duration) {
        match &self.span {
            Some((then, _)) if up.saturating_sub(*then) < LEAST_SPAN => {}
            Some((then, before)) => {
                self.rates = Some(rates(before, &self.sum, up.saturating_sub(*then).as_secs_f64()));
                self.span = Some((up, self.sum.clone()));
            }
            None => self.span = Some((up, self.sum.clone())),
        }
    }
}

fn rates(before: &Totals, now: &Totals, seconds: f64) -> Rates {
    let grown = |wanted: &dyn Fn(Counter) -> bool| {
        let of = |totals: &Totals| {
            totals.iter().filter(|(counter, _)| wanted(**counter)).map(|(_, value)| *value).fold(0, u64::saturating_add)
        };
        of(now).saturating_sub(of(before)) as f64 / seconds
    };
    let network = now.keys().any(|counter| counter.is_network());
    Rates {
        cpu_cores: grown(&|counter| counter == Counter::Cpu) / 1e9,
        throttled_percent: None,
        io_read_bytes: grown(&|counter| matches!(counter, Counter::Io(_, _, Operation::Read))),
        io_write_bytes: grown(&|counter| matches!(counter, Counter::Io(_, _, Operation::Write))),
        network: network.then(|| {
            (
                grown(&|counter| counter == Counter::Network(0, Direction::Receive)),
                grown(&|counter| counter == Counter::Network(0, Direction::Transmit)),
            )
        }),
    }
}

fn tell(project: &ProjectName, members: &[&ContainerSeen], carried: &Carried) -> ProjectSeen {
    let running: Vec<_> = members.iter().filter_map(|member| member.usage.as_ref()).collect();
    let slice = carried.slice.as_ref();
    let sum_of = |limit: &dyn Fn(&Limits) -> Option<f64>| -> Option<f64> {
        let sum: Option<f64> = running.iter().map(|usage| limit(&usage.limits)).sum();
        sum.filter(|_| !running.is_empty())
    };
    let own = |limit: &dyn Fn(&Limits) -> Option<f64>| slice.and_then(|slice| limit(&slice.limits));
    let limit = |limit: &dyn Fn(&Limits) -> Option<f64>| own(limit).or_else(|| sum_of(limit));
    let memory = match slice {
        Some(slice) => slice.memory.map(|memory| sum_memory(&[memory])),
        None => {
            let each: Vec<Memory> = running.iter().filter_map(|usage| usage.counters.memory).collect();
            (!each.is_empty()).then(|| sum_memory(&each))
        }
    };
    ProjectSeen {
        project: project.clone(),
        dir: members.iter().find_map(|member| member.identity.compose.working_dir.clone()),
        slice: slice.map(|slice| slice.path.clone()),
        counters: carried.sum.clone(),
        memory,
        cpu_limit_cores: limit(&Limits::cpu_cores),
        memory_limit_bytes: limit(&|limits| limits.memory.map(|bytes| bytes as f64)).map(|bytes| bytes as u64),
        states: count_states(members),
        running: u32::try_from(running.len()).unwrap_or(u32::MAX),
        total: u32::try_from(members.len()).unwrap_or(u32::MAX),
        rates: carried.rates,
    }
}

fn sum_memory(each: &[Memory]) -> ProjectMemory {
    let sum = |of: &dyn Fn(&Memory) -> Option<u64>| -> Option<u64> {
        each.iter().map(of).try_fold(0u64, |sum, part| Some(sum.saturating_add(part?)))
    };
    ProjectMemory {
        working_set: sum(&|memory| Some(memory.working_set())).unwrap_or_default(),
        usage: sum(&|memory| Some(memory.usage)).unwrap_or_default(),
        rss: sum(&|memory| memory.rss),
        cache: sum(&|memory| memory.cache),
        swap: sum(&|memory| memory.swap),
    }
}

fn count_states(members: &[&ContainerSeen]) -> Option<[u32; 8]> {
    let mut counts = [0; 8];
    for member in members {
        let life = member.life.as_ref()?;
        let unhealthy = life.health.as_deref() == Some("unhealthy");
        for (state, count) in STATES.iter().zip(&mut counts) {
            *count += u32::from(*state == life.state || (unhealthy && *state == "unhealthy"));
        }
    }
    Some(counts)
}
