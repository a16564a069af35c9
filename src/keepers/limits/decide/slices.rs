//! The slices of projects, and the one above them: without its own reservation those below protect nothing. Pure.

use crate::keepers::limits::config::{Config, IoBound, Project, Rate};
use crate::keepers::limits::fit::{find_stage, slice_differs};
use crate::keepers::limits::observe::{Bounds, Layout, Seen, SliceSeen};
use crate::keepers::limits::step::{SliceBounds, Span, Step};
use crate::round::{Class, Evidence, Gate, Plan, Planned, Reason, Severity, Subject};
use crate::values::{Bytes, Limit, ProjectName, TENANTS, slice_of};

/// What a slice has when nothing is said.
const PLAIN_WEIGHT: u64 = 100;

pub fn decide(config: &Config, seen: &Seen, plan: &mut Plan<Step>) {
    if !can_have_slices(seen) {
        return;
    }
    let wanting: Vec<(&ProjectName, &Project)> =
        config.projects.iter().filter(|(_, project)| project.wants_slice()).collect();
    if wanting.is_empty() {
        return;
    }
    let everybody_tries = wanting.iter().all(|(name, _)| config.on_trial.contains(*name));
    let above = Case { config, seen, unit: TENANTS.to_owned(), project: None, on_trial: everybody_tries };
    above.decide(&tenants(config, seen, &wanting), plan);
    for (name, project) in &wanting {
        let Some(unit) = slice_of(name.as_str()) else { continue };
        let on_trial = config.on_trial.contains(*name);
        let case = Case { config, seen, unit, project: Some((name, project)), on_trial };
        case.decide(&bounds_of(project, &wanting), plan);
    }
}

/// Whether systemd keeps the tree in which containers are.
pub fn can_have_slices(seen: &Seen) -> bool {
    seen.systemd && seen.layout == Some(Layout::Unified) && seen.driver.as_deref() != Some("cgroupfs")
}

/// The slice above all projects: what they reserve together, and all but what is kept for the host.
fn tenants(config: &Config, seen: &Seen, wanting: &[(&ProjectName, &Project)]) -> SliceBounds {
    let low: u64 = wanting.iter().fold(0, |sum, (_, project)| sum.saturating_add(project.reserved_memory()));
    let left = config.reserve.memory.zip(seen.memory).map(|(reserve, all)| Limit::At(all.saturating_sub(reserve.0)));
    SliceBounds {
        memory_low: Some(low),
        memory_max: left.filter(|left| *left > Limit::At(low)),
        ..SliceBounds::default()
    }
}

/// What is wanted of a project's slice.
pub fn bounds_of(project: &Project, wanting: &[(&ProjectName, &Project)]) -> SliceBounds {
    let limit = |bytes: Option<Bytes>| bytes.map(|bytes| Limit::At(bytes.0));
    SliceBounds {
        memory_max: limit(project.envelope.memory_max),
        memory_high: limit(project.envelope.memory_high),
        memory_low: Some(project.reserved_memory()),
        cpus: project.envelope.cpus.map(|cpus| Limit::At(cpus.0)),
        weight: Some(weight_of(project, wanting)),
        pids: project.envelope.pids.map(Limit::At),
        read: rates(&project.io, |bound| bound.read_max),
        write: rates(&project.io, |bound| bound.write_max),
    }
}

/// CPU time is shared by what is reserved, 100 for the mean; a project that reserves none has 100.
fn weight_of(project: &Project, wanting: &[(&ProjectName, &Project)]) -> u64 {
    let reserved: Vec<u64> =
        wanting.iter().map(|(_, project)| project.reserved_cpus()).filter(|cpus| *cpus > 0).collect();
    let sum = reserved.iter().fold(0_u64, |sum, cpus| sum.saturating_add(*cpus));
    let own = project.reserved_cpus();
    if own == 0 || sum == 0 {
        return PLAIN_WEIGHT;
    }
    let mean = sum as f64 / reserved.len() as f64;
    ((PLAIN_WEIGHT as f64 * own as f64 / mean).round() as u64).clamp(1, 10_000)
}

fn rates(io: &[IoBound], pick: fn(&IoBound) -> Option<Rate>) -> Option<Vec<(String, u64)>> {
    let all: Vec<(String, u64)> = io.iter().filter_map(|bound| Some((bound.path.clone(), pick(bound)?.0))).collect();
    (!all.is_empty()).then_some(all)
}

struct Case<'c> {
    config: &'c Config,
    seen: &'c Seen,
    unit: String,
    project: Option<(&'c ProjectName, &'c Project)>,
    on_trial: bool,
}

impl Case<'_> {
    fn decide(&self, wanted: &SliceBounds, plan: &mut Plan<Step>) {
        let nothing = SliceSeen::default();
        let slice = self.seen.slices.get(&self.unit).unwrap_or(&nothing);
        let to = self.stage(slice, self.with_forgotten(slice, wanted), plan);
        let span = if self.on_trial { Span::Boot } else { Span::Always };
        let differs = slice.bounds.as_ref().map(|bounds| slice_differs(bounds, &to)).unwrap_or_default();
        let missing = list_missing(slice, &to, span);
        if differs.is_empty() && missing.is_empty() {
            return;
        }
        let from = values_of(slice.bounds.as_ref(), &to);
        let text = match (differs.is_empty(), slice.bounds.is_some()) {
            (false, _) => format!("{} has {}", self.unit, differs.join(", ")),
            (true, true) => format!("nothing keeps {} of {} over a boot", missing.join(", "), self.unit),
            (true, false) => format!("nothing is set of {}", self.unit),
        };
        let before = match (slice.written.lasting.is_empty(), slice.written.runtime.is_empty()) {
            (false, _) => Span::Always,
            (true, false) => Span::Boot,
            (true, true) => Span::Nothing,
        };
        let project = self.project.map(|(name, _)| name.clone());
        let class = if loosens(&from, &to) { Class::Safe } else { Class::Tightening };
        let undo = Step::Slice {
            unit: self.unit.clone(),
            project: project.clone(),
            from: to.clone(),
            to: from.clone(),
            span: before,
        };
        plan.steps.push(Planned {
            step: Step::Slice { unit: self.unit.clone(), project, from, to, span },
            subject: self.subject(),
            because: Reason::new(text, self.evidence(slice)),
            undo: Some(undo),
            class,
            gate: Gate::Open,
        });
    }

    /// What was set before and is not declared any more goes back to none.
    fn with_forgotten(&self, slice: &SliceSeen, wanted: &SliceBounds) -> SliceBounds {
        let (mut to, Some(bounds)) = (wanted.clone(), &slice.bounds) else { return wanted.clone() };
        let was_set = |name: &str| slice.written.lasting.contains_key(name) || slice.written.runtime.contains_key(name);
        let freed = |found: Option<Limit>, name: &str| {
            found.filter(|found| *found != Limit::Max && was_set(name)).map(|_| Limit::Max)
        };
        to.memory_max = to.memory_max.or_else(|| freed(bounds.memory_max, "MemoryMax"));
        to.memory_high = to.memory_high.or_else(|| freed(bounds.memory_high, "MemoryHigh"));
        to.cpus = to.cpus.or_else(|| freed(bounds.cpus, "CPUQuota"));
        to.pids = to.pids.or_else(|| freed(bounds.pids_max, "TasksMax"));
        let bound = |pick: fn(&crate::keepers::limits::observe::IoBound) -> Limit| {
            bounds.io.iter().any(|bound| pick(bound) != Limit::Max)
        };
        if to.read.is_none() && was_set("IOReadBandwidthMax") && bound(|bound| bound.read) {
            to.read = Some(Vec::new());
        }
        if to.write.is_none() && was_set("IOWriteBandwidthMax") && bound(|bound| bound.write) {
            to.write = Some(Vec::new());
        }
        to
    }

    /// A limit below what the project needs would kill in it at once: it waits, and the rest is set.
    fn stage(&self, slice: &SliceSeen, wanted: SliceBounds, plan: &mut Plan<Step>) -> SliceBounds {
        let (Some(Limit::At(max)), Some(bounds)) = (wanted.memory_max, &slice.bounds) else { return wanted };
        let Some(stage) = find_stage(bounds, max) else { return wanted };
        plan.concerns.push(super::concern(
            ("limits-below-use", Severity::Warning),
            self.subject(),
            format!("{} needs {}: its limit of {} waits until it fits", self.unit, Bytes(bounds.needed), Bytes(max)),
            self.evidence(slice),
            "raise envelope.memory_max, or stop what may be stopped",
        ));
        SliceBounds { memory_max: Some(stage), ..wanted }
    }

    fn subject(&self) -> Subject {
        match self.project {
            Some((name, _)) => Subject::project(name.clone()),
            None => Subject::thing(TENANTS),
        }
    }

    fn evidence(&self, slice: &SliceSeen) -> Vec<Evidence> {
        let mut facts = Vec::new();
        if let Some((name, project)) = self.project {
            let key = |what: &str| format!("config:project.{name}.{what}");
            facts.extend(
                project.envelope.memory_max.map(|max| Evidence::new("memory_max", max, key("envelope.memory_max"))),
            );
            facts.push(Evidence::new("reserved memory", Bytes(project.reserved_memory()), key("reservation.memory")));
        } else {
            facts.extend(
                self.config
                    .reserve
                    .memory
                    .map(|bytes| Evidence::new("kept for the host", bytes, "config:host.reserve.memory")),
            );
        }
        if let Some(bounds) = &slice.bounds {
            facts.push(Evidence::new(
                "in use",
                Bytes(bounds.needed),
                format!("cgroup:{} memory.current - inactive_file", self.unit),
            ));
        }
        facts
    }
}

/// The properties that are not written as long as they should be.
fn list_missing(slice: &SliceSeen, to: &SliceBounds, span: Span) -> Vec<&'static str> {
    let written = |name: &&str| match span {
        Span::Always => slice.written.lasting.contains_key(*name),
        _ => slice.written.runtime.contains_key(*name) || slice.written.lasting.contains_key(*name),
    };
    to.properties().into_iter().filter(|name| !written(name)).collect()
}

/// What the kernel has of all that `to` speaks of. A slice that is not there has nothing.
fn values_of(bounds: Option<&Bounds>, to: &SliceBounds) -> SliceBounds {
    let nothing = Bounds::default();
    let bounds = bounds.unwrap_or(&nothing);
    let limit = |to: Option<Limit>, found: Option<Limit>| to.map(|_| found.unwrap_or(Limit::Max));
    SliceBounds {
        memory_max: limit(to.memory_max, bounds.memory_max),
        memory_high: limit(to.memory_high, bounds.memory_high),
        memory_low: to.memory_low.map(|_| bounds.memory_low.and_then(Limit::at).unwrap_or_default()),
        cpus: limit(to.cpus, bounds.cpus),
        weight: to.weight.map(|_| bounds.cpu_weight.unwrap_or(PLAIN_WEIGHT)),
        pids: limit(to.pids, bounds.pids_max),
        // Which path the kernel's device was meant by cannot be told: before us there was none.
        read: to.read.as_ref().map(|_| Vec::new()),
        write: to.write.as_ref().map(|_| Vec::new()),
    }
}

fn loosens(from: &SliceBounds, to: &SliceBounds) -> bool {
    let more = |from: Option<Limit>, to: Option<Limit>| from.zip(to).is_none_or(|(from, to)| to >= from);
    let rates = |rates: &Option<Vec<(String, u64)>>| rates.as_ref().is_none_or(Vec::is_empty);
    more(from.memory_max, to.memory_max)
        && more(from.memory_high, to.memory_high)
        && more(from.cpus, to.cpus)
        && more(from.pids, to.pids)
        && rates(&to.read)
        && rates(&to.write)
}
