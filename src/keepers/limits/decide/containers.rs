//! The limits of single containers. Pure.

use crate::keepers::limits::config::{Config, Service};
use crate::keepers::limits::fit::{Whole, container_differs, find_stage, is_same_memory};
use crate::keepers::limits::observe::{Bounds, ContainerSeen, Seen};
use crate::keepers::limits::step::{ContainerBounds, Step, Target};
use crate::round::{Class, Evidence, Gate, Plan, Planned, Reason, Severity, Subject};
use crate::values::{Bytes, Cpus, Limit, ProjectName};

pub fn decide(config: &Config, seen: &Seen, plan: &mut Plan<Step>) {
    let Some(projects) = seen.projects.as_ref().and_then(|projects| projects.value()) else { return };
    for (name, project) in &config.projects {
        for container in projects.get(name).map(|seen| seen.running.as_slice()).unwrap_or_default() {
            let Some(service) = project.services.get(&container.service) else { continue };
            let case = Case { name, container, service, seen };
            case.decide(plan);
        }
    }
}

/// What is wanted of a container, as far as this host can give it.
pub fn wanted(service: &Service, whole: Whole) -> ContainerBounds {
    let memory = service.limits.memory.map(|bytes| Limit::At(bytes.0));
    ContainerBounds {
        memory,
        swap: memory.map(|_| Limit::At(service.limits.swap.unwrap_or_default().0)),
        low: service.reservation.memory.map(|bytes| bytes.0),
        // Docker refuses more than there are; `standing` says so.
        cpus: service.limits.cpus.map(|cpus| Limit::At(if whole.cpus > 0 { cpus.0.min(whole.cpus) } else { cpus.0 })),
        pids: service.limits.pids.map(Limit::At),
    }
}

struct Case<'c> {
    name: &'c ProjectName,
    container: &'c ContainerSeen,
    service: &'c Service,
    seen: &'c Seen,
}

impl Case<'_> {
    fn decide(&self, plan: &mut Plan<Step>) {
        let whole = Whole { memory: self.seen.memory.unwrap_or(u64::MAX), cpus: u64::from(self.seen.cores) * 1000 };
        let wanted = wanted(self.service, whole);
        if wanted == ContainerBounds::default() {
            return;
        }
        let Some(bounds) = &self.container.bounds else {
            plan.concerns.extend(self.container.is_lost().then(|| self.blind()));
            return;
        };
        let (to, towards) = self.stage(bounds, wanted, plan);
        let differs = container_differs(bounds, &to, whole);
        if differs.is_empty() {
            return;
        }
        let from = values_of(bounds, &to);
        let target = self.target();
        let class = if loosens(&from, &to) { Class::Safe } else { Class::Tightening };
        let text = format!("the configuration says {}, the kernel has {}", self.say(&wanted), differs.join(", "));
        let undo = Step::Container { target: target.clone(), from: to, to: from, towards: None };
        plan.steps.push(Planned {
            step: Step::Container { target, from, to, towards },
            subject: self.subject(),
            because: Reason::new(text, self.evidence(bounds)),
            undo: Some(undo),
            class,
            gate: Gate::Open,
        });
    }

    /// A memory limit below what is in use would kill: then only as much is taken away as leaves room.
    fn stage(
        &self,
        bounds: &Bounds,
        wanted: ContainerBounds,
        plan: &mut Plan<Step>,
    ) -> (ContainerBounds, Option<Bytes>) {
        let Some(Limit::At(memory)) = wanted.memory else { return (wanted, None) };
        let Some(stage) = find_stage(bounds, memory) else { return (wanted, None) };
        plan.concerns.push(super::concern(
            ("limits-below-use", Severity::Warning),
            self.subject(),
            format!(
                "{} uses {}: its limit of {} waits until it fits",
                self.container.name,
                Bytes(bounds.needed),
                Bytes(memory)
            ),
            self.evidence(bounds),
            "raise the limit, or restart the service when it may be restarted",
        ));
        let moves = bounds.memory_max != Some(stage);
        (ContainerBounds { memory: Some(stage), ..wanted }, moves.then_some(Bytes(memory)))
    }

    fn blind(&self) -> crate::round::Concern {
        super::concern(
            ("limits-blind", Severity::Warning),
            self.subject(),
            format!("the cgroup of {} cannot be read: its limits are not kept", self.container.name),
            Vec::new(),
            "hostkeeper doctor",
        )
    }

    fn target(&self) -> Target {
        Target {
            id: self.container.id.clone(),
            project: self.name.clone(),
            service: self.container.service.clone(),
            number: self.container.number,
        }
    }

    fn subject(&self) -> Subject {
        Subject::of(self.name.clone(), self.target().thing())
    }

    fn say(&self, wanted: &ContainerBounds) -> String {
        let memory = wanted.memory.and_then(Limit::at).map(|bytes| format!("memory {}", Bytes(bytes)));
        let swap = wanted.swap.and_then(Limit::at).map(|bytes| format!("swap {}", Bytes(bytes)));
        let low = wanted.low.map(|bytes| format!("reserved memory {}", Bytes(bytes)));
        let cpus = wanted.cpus.and_then(Limit::at).map(|milli| format!("cpus {}", Cpus(milli)));
        let pids = wanted.pids.and_then(Limit::at).map(|pids| format!("pids {pids}"));
        [memory, swap, low, cpus, pids].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn evidence(&self, bounds: &Bounds) -> Vec<Evidence> {
        let key = format!("config:project.{}.service.{}", self.name, self.container.service);
        let group = self.container.group.clone().unwrap_or_default();
        let kernel = |name: &str| format!("cgroup:{group} {name}");
        let limit = |limit: Option<Limit>| {
            limit.map(|limit| limit.at().map_or("none".to_owned(), |bytes| Bytes(bytes).to_string()))
        };
        let mut facts = vec![Evidence::new("in use", Bytes(bounds.needed), kernel("memory.current - inactive_file"))];
        facts.extend(
            self.service.limits.memory.map(|memory| Evidence::new("memory", memory, format!("{key}.limits.memory"))),
        );
        facts.extend(limit(bounds.memory_max).map(|now| Evidence::new("memory", now, kernel("memory.max"))));
        facts
    }
}

/// What the kernel has of all that `to` speaks of: the values to go back to.
fn values_of(bounds: &Bounds, to: &ContainerBounds) -> ContainerBounds {
    ContainerBounds {
        memory: to.memory.map(|_| bounds.memory_max.unwrap_or(Limit::Max)),
        swap: to.swap.map(|_| bounds.swap_max.unwrap_or(Limit::Max)),
        low: to.low.map(|_| bounds.memory_low.and_then(Limit::at).unwrap_or_default()),
        cpus: to.cpus.map(|_| bounds.cpus.unwrap_or(Limit::Max)),
        pids: to.pids.map(|_| bounds.pids_max.unwrap_or(Limit::Max)),
    }
}

/// Whether nothing becomes less.
fn loosens(from: &ContainerBounds, to: &ContainerBounds) -> bool {
    let more = |from: Option<Limit>, to: Option<Limit>| {
        from.zip(to).is_none_or(|(from, to)| to >= from || is_same_memory(from, to))
    };
    more(from.memory, to.memory) && more(from.swap, to.swap) && more(from.cpus, to.cpus) && more(from.pids, to.pids)
}
