//! What no order can mend: limits that this host cannot keep, services that nobody has, containers beside their slice, and
//! slices that nobody declares any more. Pure.

use super::concern;
use super::slices::can_have_slices;
use crate::keepers::limits::backing::{self, Backing};
use crate::keepers::limits::config::{Config, Project};
use crate::keepers::limits::observe::{ProjectSeen, Seen, SliceSeen};
use crate::keepers::limits::oom::Cause;
use crate::keepers::limits::victims::{Tally, Victim};
use crate::round::{Concern, Evidence, Severity, Subject};
use crate::values::{Bytes, Cpus, Every, Limit, ProjectName, TENANTS, slice_of};

/// So long a slice has to stall before it is told.
const STALLED: std::time::Duration = std::time::Duration::from_secs(120);

pub fn list_concerns(config: &Config, seen: &Seen) -> Vec<Concern> {
    let mut all = left_behind(config, seen);
    if config.is_idle() {
        return all;
    }
    all.extend(beyond_the_host(config, seen));
    let projects = match &seen.projects {
        Some(known) => match (known.value(), known.why_unknown()) {
            (Some(projects), _) => projects,
            (None, why) => {
                all.push(blind(why.unwrap_or_default()));
                return all;
            }
        },
        None => return all,
    };
    all.extend(killed(seen));
    all.extend(stalled(config, seen));
    for (name, project) in &config.projects {
        let Some(found) = projects.get(name) else { continue };
        all.extend(unknown_services(name, project, found));
        all.extend(outside(name, project, found, seen));
        all.extend(unbacked(name, project, seen));
    }
    all
}

fn blind(why: &str) -> Concern {
    let text = format!("Docker cannot be asked, so limits of containers are not looked at: {why}");
    concern(("limits-blind", Severity::Warning), Subject::thing("docker"), text, Vec::new(), "hostkeeper doctor")
}

/// Sums that no host of this size can keep.
fn beyond_the_host(config: &Config, seen: &Seen) -> Vec<Concern> {
    let mut all = Vec::new();
    let reserved: u64 = config.projects.values().fold(0, |sum, project| sum.saturating_add(project.reserved_memory()));
    let kept = config.reserve.memory.unwrap_or_default().0;
    if let Some(memory) = seen.memory
        && reserved.saturating_add(kept) > memory
    {
        let text = format!(
            "projects reserve {} and the host {}, which is more than the {} there is: nobody can rely on it",
            Bytes(reserved),
            Bytes(kept),
            Bytes(memory)
        );
        let facts = vec![Evidence::new("memory", Bytes(memory), "/proc/meminfo")];
        let cure = "reserve less: [project.NAME] reservation, [host] reserve";
        all.push(concern(("limits-beyond-host", Severity::Critical), Subject::host(), text, facts, cure));
    }
    let cores = u64::from(seen.cores) * 1000;
    let reserved: u64 = config.projects.values().fold(0, |sum, project| sum.saturating_add(project.reserved_cpus()));
    let kept = config.reserve.cpus.unwrap_or_default().0;
    if cores > 0 && reserved.saturating_add(kept) > cores {
        let text = format!(
            "projects reserve {} cores and the host {}, which is more than the {} there are",
            Cpus(reserved),
            Cpus(kept),
            Cpus(cores)
        );
        let cure = "reserve less: [project.NAME] reservation, [host] reserve";
        all.push(concern(("limits-beyond-host", Severity::Warning), Subject::host(), text, Vec::new(), cure));
    }
    for (name, project) in &config.projects {
        for (service, declared) in &project.services {
            if let Some(cpus) = declared.limits.cpus.filter(|cpus| cores > 0 && cpus.0 > cores) {
                let text = format!("{cpus} cores are more than the {} there are: it is bounded to those", Cpus(cores));
                let key = format!("config:project.{name}.service.{service}.limits.cpus");
                let facts = vec![Evidence::new("cpus", cpus, key)];
                let subject = Subject::of(name.clone(), service.clone());
                let cure = "write as many cores as the host has, or fewer";
                all.push(concern(("limits-beyond-host", Severity::Warning), subject, text, facts, cure));
            }
        }
    }
    all
}

/// Slices that stand still instead of being killed: above `memory.high` the kernel only slows down.
fn stalled(config: &Config, seen: &Seen) -> Vec<Concern> {
    let one = |(unit, slice): (&String, &SliceSeen)| {
        let long = slice.stalled.filter(|stalled| *stalled >= STALLED)?;
        let bounds = slice.bounds.clone().unwrap_or_default();
        let bound = |limit: Option<Limit>| {
            limit.and_then(Limit::at).map_or_else(|| "none".to_owned(), |bytes| Bytes(bytes).to_string())
        };
        let long = Every(std::time::Duration::from_secs(long.as_secs()));
        let text = format!("all tasks in {unit} have waited for memory most of the time for {long}");
        let facts = vec![
            Evidence::new("in use", Bytes(bounds.needed), format!("{unit}/memory.current")),
            Evidence::new("memory.high", bound(bounds.memory_high), format!("{unit}/memory.high")),
            Evidence::new("memory.max", bound(bounds.memory_max), format!("{unit}/memory.max")),
        ];
        let cure = "hostkeeper limits shows who uses it; raise memory_high, or bound the service that takes it all";
        let project = config.projects.keys().find(|name| slice_of(name.as_str()).as_ref() == Some(unit));
        let subject = match project {
            Some(project) => Subject::project(project.clone()),
            None => Subject::thing(unit.clone()),
        };
        Some(concern(("limits-stalled", Severity::Critical), subject, text, facts, cure))
    };
    seen.slices.iter().filter_map(one).collect()
}

/// What was killed within the last hour, and by whose limit.
fn killed(seen: &Seen) -> Vec<Concern> {
    let one = |(victim, tally): (&Victim, &Tally)| {
        let whose = match victim.cause {
            Cause::Own => "at its own memory limit",
            Cause::Envelope => "at the memory limit of its project",
            Cause::Tenants => "at the memory limit of all projects together",
            Cause::Host => "because the host had no memory left",
        };
        let count =
            if tally.processes == 1 { "a process".to_owned() } else { format!("{} processes", tally.processes) };
        let text = format!("{count} of {} killed {whose}, last at {:.0}", victim.thing, tally.last);
        let (severity, cure) = match victim.cause {
            Cause::Own => (Severity::Warning, "raise the limit of the service, or find out what it needs so much for"),
            Cause::Envelope => (Severity::Warning, "hostkeeper limits shows who uses it; raise envelope.memory_max"),
            Cause::Tenants => (Severity::Critical, "hostkeeper limits shows who uses it; bound the project that does"),
            Cause::Host => {
                (Severity::Critical, "hostkeeper top; give every project an envelope, and the host a reserve")
            }
        };
        let facts =
            vec![Evidence::new("killed by", victim.cause.as_str(), "cgroup: memory.events, memory.events.local")];
        let subject = Subject::of(victim.project.clone(), victim.thing.clone());
        concern(("limits-out-of-memory", severity), subject, text, facts, cure)
    };
    seen.victims.recent().map(one).collect()
}

/// Services that have limits and no container, while the project has containers of other names.
fn unknown_services(name: &ProjectName, project: &Project, found: &ProjectSeen) -> Vec<Concern> {
    if found.services.is_empty() {
        return Vec::new();
    }
    let unknown = project.services.keys().filter(|service| !found.services.contains(service));
    unknown
        .map(|service| {
            let nearest = found.services.iter().map(|known| (strsim::damerau_levenshtein(service, known), known)).min();
            let meant = nearest.filter(|(distance, known)| *distance <= known.len().max(service.len()).div_ceil(3));
            let cure = match meant {
                Some((_, known)) => format!("did you mean [project.{name}.service.{known}]?"),
                None => format!("services with containers: {}", found.services.join(", ")),
            };
            let text = format!("no container of {name} belongs to a service {service}: its limits bound nobody");
            let subject = Subject::of(name.clone(), service.clone());
            concern(("limits-unknown-service", Severity::Warning), subject, text, Vec::new(), &cure)
        })
        .collect()
}

/// Containers that run beside the slice of their project: only a re-create moves them.
fn outside(name: &ProjectName, project: &Project, found: &ProjectSeen, seen: &Seen) -> Option<Concern> {
    if !project.wants_slice() || !can_have_slices(seen) {
        return None;
    }
    let unit = slice_of(name.as_str())?;
    let beside: Vec<&str> = backing::list_outside(found, &unit);
    let first = beside.first()?;
    let group =
        found.running.iter().find(|container| container.name == **first).and_then(|container| container.group.clone());
    let text =
        format!("{} of {} containers run beside {unit}: {}", beside.len(), found.running.len(), beside.join(", "));
    let facts = vec![Evidence::new(*first, group.unwrap_or_default(), "/proc/PID/cgroup")];
    let cure = format!(
        "hostkeeper limits export {name} > compose.override.yml, and docker compose up -d when it may be re-created"
    );
    Some(concern(
        ("limits-not-in-slice", Severity::Warning),
        Subject::project(name.clone()),
        crate::values::one_line(&text, 300),
        facts,
        &cure,
    ))
}

/// An envelope that nobody guarantees.
fn unbacked(name: &ProjectName, project: &Project, seen: &Seen) -> Option<Concern> {
    if can_have_slices(seen) && project.wants_slice() {
        return None;
    }
    let bare: Vec<&str> = backing::judge(name, project, seen)
        .into_iter()
        .filter(|(dimension, backing)| *backing == Backing::None && *dimension != "vram")
        .map(|(dimension, _)| dimension)
        .collect();
    if bare.is_empty() {
        return None;
    }
    let why = match project.wants_slice() {
        false => "its placement is flat",
        true if !seen.systemd => "systemd does not run this host",
        true if seen.driver.as_deref() == Some("cgroupfs") => "Docker makes cgroups itself (driver cgroupfs)",
        true => "this host has no unified cgroups (v2)",
    };
    let text = format!("nobody guarantees the envelope of {name} ({}): {why}", bare.join(", "));
    let cure = "bound its services one by one, or use systemd with cgroup v2 and Docker's systemd driver";
    Some(concern(("limits-unbacked", Severity::Warning), Subject::project(name.clone()), text, Vec::new(), cure))
}

/// What is written of slices that nobody declares any more.
fn left_behind(config: &Config, seen: &Seen) -> Vec<Concern> {
    let wanted: Vec<String> = config
        .projects
        .iter()
        .filter(|(_, project)| project.wants_slice())
        .filter_map(|(name, _)| slice_of(name.as_str()))
        .collect();
    let stale = |unit: &&String| !wanted.contains(unit) && (*unit != TENANTS || wanted.is_empty());
    let written = seen.slices.iter().filter(|(_, slice)| !slice.written.is_empty()).map(|(unit, _)| unit);
    written
        .filter(stale)
        .map(|unit| {
            let text = format!("limits of {unit} are still set, and no project declares them");
            let cure = "hostkeeper limits release, or declare the project again";
            concern(("limits-left-behind", Severity::Warning), Subject::thing(unit.clone()), text, Vec::new(), cure)
        })
        .collect()
}
