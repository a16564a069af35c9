//! What the API, the command line and the page show of limits: declared, in force, in use, and who guarantees it. Pure.

use super::backing::{Backing, judge, list_outside};
use super::config::{Config, Project, Service};
use super::decide::slices::{bounds_of, can_have_slices};
use super::fit::{is_same_cpus, is_same_memory};
use super::marks::Marks;
use super::observe::{Bounds, ContainerSeen, Marked, ProjectSeen, Seen};
use crate::round::{BoundState, BoundView, LimitsView, ObservedView, ServiceLimitsView};
use crate::values::{Limit, ProjectName, slice_of};

/// All declared projects of which anything is said.
pub fn show(config: &Config, seen: &Seen) -> Vec<LimitsView> {
    let projects = seen.projects.as_ref().and_then(|projects| projects.value());
    let nothing = ProjectSeen::default();
    let seen_of = |name: &ProjectName| seen.marks.keys().any(|(project, _)| project == name);
    let declared = config.projects.iter().filter(|(name, project)| project.says_something() || seen_of(name));
    let view = |(name, project): (&ProjectName, &Project)| {
        let found = projects.and_then(|projects| projects.get(name)).unwrap_or(&nothing);
        let slice = slice_of(name.as_str()).filter(|_| project.wants_slice() && can_have_slices(seen));
        let outside = slice.as_ref().map_or(0, |unit| list_outside(found, unit).len());
        let running = found.running.len();
        LimitsView {
            project: name.clone(),
            tier: project.tier.to_string(),
            priority: project.priority,
            cgroup_parent: slice.clone(),
            containers_running: u32::try_from(running).unwrap_or(u32::MAX),
            containers_in_slice: slice.as_ref().map_or(0, |_| u32::try_from(running - outside).unwrap_or(u32::MAX)),
            slice,
            envelope: show_envelope(config, name, project, seen),
            services: show_services(name, project, found, &seen.marks),
        }
    };
    declared.map(view).collect()
}

/// How one kind of bound is compared, and what one of it is in the unit shown.
#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Cores,
    Count,
}

impl Unit {
    fn number(self, raw: u64) -> f64 {
        if matches!(self, Unit::Cores) { raw as f64 / 1000.0 } else { raw as f64 }
    }

    fn is_same(self, found: Limit, wanted: Limit) -> bool {
        match self {
            Unit::Bytes => is_same_memory(found, wanted),
            Unit::Cores => is_same_cpus(found, wanted),
            Unit::Count => found == wanted,
        }
    }
}

/// Declared, found, used.
type Figures = (Option<Limit>, Option<Limit>, Option<u64>);

fn bound(what: &str, unit: Unit, (wanted, found, used): Figures, backing: &str) -> BoundView {
    let state = match (wanted, found) {
        (None, _) => BoundState::Free,
        (Some(_), None) => BoundState::Unknown,
        (Some(wanted), Some(found)) if unit.is_same(found, wanted) => BoundState::Ok,
        _ => BoundState::Differs,
    };
    let number = |limit: Option<Limit>| limit.and_then(Limit::at).map(|raw| unit.number(raw));
    BoundView {
        what: what.to_owned(),
        configured: number(wanted),
        in_force: number(found),
        used: used.map(|raw| unit.number(raw)),
        state,
        backing: backing.to_owned(),
    }
}

fn show_envelope(config: &Config, name: &ProjectName, project: &Project, seen: &Seen) -> Vec<BoundView> {
    let wanting: Vec<_> = config.projects.iter().filter(|(_, project)| project.wants_slice()).collect();
    let wanted = bounds_of(project, &wanting);
    let slice = slice_of(name.as_str()).and_then(|unit| seen.slices.get(&unit)).and_then(|slice| slice.bounds.clone());
    let found = slice.unwrap_or_default();
    let used = (found != Bounds::default()).then_some(found.needed);
    let backings = judge(name, project, seen);
    let backing = |dimension: &str| {
        backings.iter().find(|(known, _)| *known == dimension).map_or(Backing::None, |(_, backing)| *backing)
    };
    let low = wanted.memory_low.filter(|low| *low > 0).map(Limit::At);
    let rate = |rates: &Option<Vec<(String, u64)>>| {
        rates.as_ref().and_then(|rates| rates.first()).map(|(_, rate)| Limit::At(*rate))
    };
    let (read, write) = (found.io.iter().map(|io| io.read).min(), found.io.iter().map(|io| io.write).min());
    let gpus = seen.gpus.as_ref().and_then(|gpus| gpus.value());
    let held = gpus.and_then(|gpus| gpus.held_by(name.as_str()));
    let vram = project.gpu.and_then(|gpu| gpu.vram).map(|vram| Limit::At(vram.0));
    let all: [(&str, &str, Unit, Figures); 8] = [
        ("memory_max", "memory_max", Unit::Bytes, (wanted.memory_max, found.memory_max, used)),
        ("memory_high", "memory_high", Unit::Bytes, (wanted.memory_high, found.memory_high, used)),
        ("reserved_memory", "reserved_memory", Unit::Bytes, (low, found.memory_low, used)),
        ("cpus", "cpus", Unit::Cores, (wanted.cpus, found.cpus, None)),
        ("pids", "pids", Unit::Count, (wanted.pids, found.pids_max, None)),
        ("read_max", "io", Unit::Count, (rate(&wanted.read), read, None)),
        ("write_max", "io", Unit::Count, (rate(&wanted.write), write, None)),
        ("vram", "vram", Unit::Bytes, (vram, None, held)),
    ];
    let declared = all.into_iter().filter(|(.., (wanted, ..))| wanted.is_some());
    declared.map(|(what, dimension, unit, figures)| bound(what, unit, figures, backing(dimension).as_str())).collect()
}

fn show_services(name: &ProjectName, project: &Project, found: &ProjectSeen, marks: &Marked) -> Vec<ServiceLimitsView> {
    let plain = Service::default();
    let mut all: Vec<ServiceLimitsView> = found
        .running
        .iter()
        .map(|container| {
            let service = project.services.get(&container.service).unwrap_or(&plain);
            show_container(project, service, &container.service, Some(container))
        })
        .collect();
    let silent = found.services.iter().filter(|name| !project.services.contains_key(*name)).map(|name| (name, &plain));
    let absent = project.services.iter().chain(silent);
    let absent = absent.filter(|(name, _)| found.running.iter().all(|container| container.service != **name));
    all.extend(absent.map(|(name, service)| show_container(project, service, name, None)));
    for view in &mut all {
        view.observed = marks.get(&(name.clone(), view.service.clone())).map(observed);
    }
    // Of a project of which nothing is kept only this is known.
    let unkept = marks
        .iter()
        .filter(|((project, service), _)| project == name && all.iter().all(|view| view.service != *service));
    let more: Vec<ServiceLimitsView> = unkept
        .map(|((_, service), marks)| ServiceLimitsView {
            service: service.clone(),
            container: None,
            tier: project.tier.to_string(),
            bounds: Vec::new(),
            observed: Some(observed(marks)),
        })
        .collect();
    all.extend(more);
    all.sort_by(|a, b| (&a.service, &a.container).cmp(&(&b.service, &b.container)));
    all
}

fn observed(marks: &Marks) -> ObservedView {
    ObservedView {
        seconds: marks.span().as_secs(),
        looks: marks.looks(),
        p95_bytes: marks.percentile(95),
        highest_bytes: marks.highest,
        at_limit_ratio: marks.at_limit(),
    }
}

fn show_container(
    project: &Project,
    service: &Service,
    name: &str,
    container: Option<&ContainerSeen>,
) -> ServiceLimitsView {
    let found = container.and_then(|container| container.bounds.clone());
    let used = found.as_ref().map(|found| found.needed);
    let found = found.unwrap_or_default();
    let limits = &service.limits;
    let memory = limits.memory.map(|bytes| Limit::At(bytes.0));
    let swap = memory.map(|_| Limit::At(limits.swap.unwrap_or_default().0));
    let low = service.reservation.memory.map(|bytes| Limit::At(bytes.0));
    let all: [(&str, Unit, Figures); 5] = [
        ("memory", Unit::Bytes, (memory, found.memory_max, used)),
        ("swap", Unit::Bytes, (swap, found.swap_max, None)),
        ("reserved_memory", Unit::Bytes, (low, found.memory_low, used)),
        ("cpus", Unit::Cores, (limits.cpus.map(|cpus| Limit::At(cpus.0)), found.cpus, None)),
        ("pids", Unit::Count, (limits.pids.map(Limit::At), found.pids_max, None)),
    ];
    let backing = |figures: &Figures| {
        if figures.1.is_some_and(|found| found.at().is_some()) { Backing::Kernel } else { Backing::None }
    };
    // Of a container without a word about it memory and CPU are shown all the same.
    let shown =
        all.into_iter().filter(|(what, _, (wanted, ..))| wanted.is_some() || matches!(*what, "memory" | "cpus"));
    ServiceLimitsView {
        service: name.to_owned(),
        container: container.map(|container| container.name.clone()),
        tier: service.tier.unwrap_or(project.tier).to_string(),
        bounds: shown.map(|(what, unit, figures)| bound(what, unit, figures, backing(&figures).as_str())).collect(),
        observed: None,
    }
}
