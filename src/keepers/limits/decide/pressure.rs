//! What is stopped while the host is short of memory, what comes back, and what is said of it: what is seen and remembered,
//! put before the ladder. Pure.

use std::collections::BTreeMap;

use super::concern;
use crate::keepers::limits::config::{Config, Project, Tier};
use crate::keepers::limits::observe::{ContainerSeen, Eased, ProjectSeen, Reading, Seen};
use crate::keepers::limits::parking::{self, choose, is_ended_by, tier_of};
use crate::keepers::limits::pressure::config::{Rung, Table};
use crate::keepers::limits::pressure::ladder::{
    self, Candidate, Evicted, LastStop, SETTLE, SOFT, Scene, Verdict, is_flap, need_of,
};
use crate::keepers::limits::step::{Step, Target};
use crate::ledger::{Attempt, Outcome, Past};
use crate::round::{Class, Concern, Evidence, Gate, Plan, Planned, Reason, Severity, Subject};
use crate::values::{Bytes, Every, Now, ProjectName};

/// Why nothing is done.
const NO_DOCKER: &str = "Docker cannot be asked what could be stopped";

type Projects = BTreeMap<ProjectName, ProjectSeen>;

pub fn decide(config: &Config, seen: &Seen, past: &Past, now: &Now, plan: &mut Plan<Step>) {
    let (Some(table), Some(reading)) = (&config.pressure, &seen.pressure) else { return };
    let nothing = Projects::new();
    let known = seen.projects.as_ref().and_then(|known| known.value());
    let (projects, blind) = (known.unwrap_or(&nothing), known.is_none());
    let candidates = list_candidates(config, table, projects);
    let evicted = find_evicted(projects, past, now);
    let scene = Scene {
        table,
        host: reading.memory,
        lowest: reading.lowest,
        spans: reading.spans,
        candidates: &candidates,
        last: seen.eased.and_then(|eased| last_stop(table, reading, &eased, projects)),
        evicted: &evicted,
        last_start_ago: past
            .attempts
            .iter()
            .filter(|attempt| has_resumed(attempt))
            .map(|it| now.since(&it.began))
            .min(),
    };
    match ladder::decide(&scene) {
        Verdict::Wait => {}
        Verdict::Alert(why) => {
            let why = if blind && why == ladder::ONLY_CORE { NO_DOCKER } else { why };
            plan.concerns.push(short(table, reading, why));
        }
        Verdict::Stop(target) => {
            if let Some(candidate) = candidates.iter().find(|candidate| candidate.target == target) {
                plan.concerns.push(short(table, reading, "the least important is stopped"));
                plan.steps.push(evict(table, reading, candidate));
            }
        }
        Verdict::Start(target) => plan.steps.extend(
            evicted.iter().find(|evicted| evicted.target == target).map(|evicted| resume(table, reading, evicted)),
        ),
    }
    plan.concerns.extend(list_absent(config, table, &evicted));
}

/// What may be stopped: of each project nothing that something which stays depends on.
fn list_candidates(config: &Config, table: &Table, projects: &Projects) -> Vec<Candidate> {
    let up_to = match (table.ladder.contains(&Rung::StopStandard), table.ladder.contains(&Rung::StopOptional)) {
        (true, _) => Tier::Standard,
        (false, true) => Tier::Optional,
        (false, false) => return Vec::new(),
    };
    let mut all = Vec::new();
    for (name, project) in &config.projects {
        let Some(seen) = projects.get(name) else { continue };
        let running: Vec<parking::Candidate> =
            seen.running.iter().map(|container| to_park(name, project, container)).collect();
        for chosen in choose(&running, up_to).stop {
            let container = seen.running.iter().find(|container| container.id == chosen.target.id);
            all.extend(container.map(|container| to_evict(project, chosen, container)));
        }
    }
    all
}

fn to_park(name: &ProjectName, project: &Project, container: &ContainerSeen) -> parking::Candidate {
    let (id, service) = (container.id.clone(), container.service.clone());
    parking::Candidate {
        tier: tier_of(project, &service),
        target: Target { id, project: name.clone(), service, number: container.number },
        name: container.name.clone(),
        depends_on: container.depends_on.clone(),
    }
}

fn to_evict(project: &Project, chosen: parking::Candidate, container: &ContainerSeen) -> Candidate {
    let reserved = project.services.get(&container.service).and_then(|service| service.reservation.memory);
    Candidate {
        target: chosen.target,
        tier: chosen.tier,
        priority: project.priority,
        needed: container.bounds.as_ref().map_or(0, |bounds| bounds.needed),
        reserved: reserved.unwrap_or_default().0,
        began: container.began,
    }
}

/// Of another shortage than this one it says nothing any more.
fn last_stop(table: &Table, reading: &Reading, eased: &Eased, projects: &Projects) -> Option<LastStop> {
    let same = reading.spans.hard.is_some_and(|held| held >= eased.ago);
    if !same && eased.ago >= table.pause.0.max(SETTLE) {
        return None;
    }
    let needs = projects.values().flat_map(|seen| &seen.running).filter_map(|container| container.bounds.as_ref());
    Some(LastStop {
        ago: eased.ago,
        available_before: eased.available,
        freed: eased.freed,
        others_before: eased.others,
        others_now: needs.fold(0, |sum, bounds| sum.saturating_add(bounds.needed)),
    })
}

/// Containers that still stand where the ladder stopped them.
fn find_evicted(projects: &Projects, past: &Past, now: &Now) -> Vec<Evicted> {
    let mut found: BTreeMap<String, Evicted> = BTreeMap::new();
    let mut before: BTreeMap<String, jiff::Timestamp> = BTreeMap::new();
    for stop in &past.evictions {
        let Ok(Step::Resume { target, needed }) = serde_json::from_str::<Step>(&stop.undo) else { continue };
        let again = before.insert(target.id.clone(), stop.began);
        let flaps = again.is_some_and(|again| between(again, stop.began).is_some_and(is_flap));
        let stopped = projects.get(&target.project).map(|seen| &seen.stopped).into_iter().flatten();
        let ended = stopped.filter(|stopped| stopped.id == target.id).find_map(|stopped| stopped.ended);
        if ended.is_some_and(|ended| is_ended_by(stop, ended)) {
            let ago = between(stop.ended, now.wall).unwrap_or_default();
            found.insert(target.id.clone(), Evicted { target, needed, ago, flaps });
        }
    }
    found.into_values().collect()
}

fn between(earlier: jiff::Timestamp, later: jiff::Timestamp) -> Option<std::time::Duration> {
    later.duration_since(earlier).try_into().ok()
}

fn has_resumed(attempt: &Attempt) -> bool {
    attempt.kind == "resume_container" && matches!(attempt.outcome, Some(Outcome::Made | Outcome::FoundDone))
}

fn evict(table: &Table, reading: &Reading, candidate: &Candidate) -> Planned<Step> {
    let target = candidate.target.clone();
    let need = Bytes(need_of(table, &reading.memory));
    let over =
        if candidate.needed > candidate.reserved { "over what is reserved for it" } else { "within what is reserved" };
    let text = format!(
        "the host is short of {need}; of all that may be stopped {} goes first: {over}, {}, priority {}, uses {}",
        target.thing(),
        candidate.tier,
        candidate.priority,
        Bytes(candidate.needed)
    );
    Planned {
        subject: Subject::of(target.project.clone(), target.thing()),
        because: Reason::new(text, facts(reading)),
        undo: Some(Step::Resume { target: target.clone(), needed: candidate.needed }),
        step: Step::Evict { target },
        class: Class::Disruptive,
        gate: Gate::Open,
    }
}

fn resume(table: &Table, reading: &Reading, evicted: &Evicted) -> Planned<Step> {
    let target = evicted.target.clone();
    let text = format!(
        "memory has sufficed for {}, and there was room for the {} that it needed and a fifth more",
        Every(table.pause.0),
        Bytes(evicted.needed)
    );
    Planned {
        subject: Subject::of(target.project.clone(), target.thing()),
        because: Reason::new(text, facts(reading)),
        undo: Some(Step::Evict { target: target.clone() }),
        step: Step::Resume { target, needed: evicted.needed },
        class: Class::Safe,
        gate: Gate::Open,
    }
}

fn facts(reading: &Reading) -> Vec<Evidence> {
    let memory = &reading.memory;
    vec![
        Evidence::new("MemAvailable", Bytes(memory.available), "/proc/meminfo"),
        Evidence::new("some avg60", format!("{:.1} %", memory.psi_some_avg60), "/proc/pressure/memory"),
        Evidence::new("full avg10", format!("{:.1} %", memory.psi_full_avg10), "/proc/pressure/memory"),
    ]
}

fn short(table: &Table, reading: &Reading, why: &str) -> Concern {
    let (severity, level) =
        if why == SOFT { (Severity::Warning, &table.soft) } else { (Severity::Critical, &table.hard) };
    let available = Bytes(reading.memory.available);
    let text = format!("the host has {available} of memory left ({} are wanted): {why}", level.mem_available);
    let cure = "hostkeeper top shows who uses it; bound it: [project.NAME] envelope";
    concern(("limits-memory-short", severity), Subject::host(), text, facts(reading), cure)
}

/// What the ladder stopped and is not back yet, by project.
fn list_absent(config: &Config, table: &Table, evicted: &[Evicted]) -> Vec<Concern> {
    let of_project = |name: &ProjectName| {
        let mine: Vec<&Evicted> = evicted.iter().filter(|evicted| evicted.target.project == *name).collect();
        let things: Vec<String> = mine.iter().map(|evicted| evicted.target.thing()).collect();
        let oldest = mine.iter().map(|evicted| evicted.ago).max()?;
        let back = if mine.iter().any(|evicted| evicted.flaps) {
            "what was stopped twice within an hour does not come back by itself"
        } else if table.resume {
            "they come back one by one when there is room"
        } else {
            "nothing comes back by itself"
        };
        let text = format!(
            "stopped because the host was short of memory, the first {} ago: {}; {back}",
            Every(std::time::Duration::from_secs(oldest.as_secs())),
            things.join(", ")
        );
        let text = crate::values::one_line(&text, 300);
        let cure = format!("hostkeeper unpark {name} starts them now");
        Some(concern(("limits-evicted", Severity::Warning), Subject::project(name.clone()), text, Vec::new(), &cure))
    };
    config.projects.keys().filter_map(of_project).collect()
}

#[cfg(test)]
mod tests;
