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
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::cgroups::Bounds;
    use crate::keepers::limits::config::Service;
    use crate::keepers::limits::observe::{MemoryNow, StoppedSeen};
    use crate::keepers::limits::pressure::ladder::Spans;
    use crate::keepers::limits::pressure::tests::table;
    use crate::ledger::PastUndo;
    use crate::values::Known;

    const GIB: u64 = 1 << 30;

    fn nova() -> ProjectName {
        "nova".parse().unwrap()
    }

    fn container(service: &str, gib: u64, depends_on: &[&str]) -> ContainerSeen {
        ContainerSeen {
            id: service.into(),
            name: format!("nova-{service}-1"),
            service: service.into(),
            number: 1,
            bounds: Some(Bounds { needed: gib * GIB, ..Bounds::default() }),
            depends_on: depends_on.iter().map(|name| (*name).into()).collect(),
            ..ContainerSeen::default()
        }
    }

    /// Kafka is core and needs zookeeper; grafana is optional and needs prometheus.
    fn config() -> Config {
        let tiers = [
            ("kafka", Tier::Core),
            ("zookeeper", Tier::Optional),
            ("grafana", Tier::Optional),
            ("prometheus", Tier::Optional),
        ];
        let service =
            |(name, tier): (&str, Tier)| (name.to_owned(), Service { tier: Some(tier), ..Service::default() });
        let project = Project { services: tiers.into_iter().map(service).collect(), ..Project::default() };
        Config { pressure: Some(table()), projects: BTreeMap::from([(nova(), project)]), ..Config::default() }
    }

    fn seen(available: u64, spans: Spans, running: Vec<ContainerSeen>, stopped: Vec<StoppedSeen>) -> Seen {
        let project = ProjectSeen { running, stopped, ..ProjectSeen::default() };
        let memory = MemoryNow { available, ..MemoryNow::default() };
        Seen {
            pressure: Some(Reading { memory, lowest: available, spans }),
            projects: Some(Known::Known(BTreeMap::from([(nova(), project)]))),
            ..Seen::default()
        }
    }

    fn hard() -> Spans {
        let held = Some(Duration::from_secs(60));
        Spans { soft: held, hard: held, clear: None }
    }

    fn clear() -> Spans {
        Spans { clear: Some(Duration::from_secs(600)), ..Spans::default() }
    }

    fn at(second: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn plan(seen: &Seen, past: &Past) -> Plan<Step> {
        let now = Now { wall: at(0), up: Duration::from_secs(9000), boot: "a".into() };
        let mut plan = Plan::default();
        decide(&config(), seen, past, &now, &mut plan);
        plan
    }

    fn steps(plan: &Plan<Step>) -> Vec<String> {
        plan.steps.iter().map(|planned| planned.step.to_string()).collect()
    }

    fn ids(plan: &Plan<Step>) -> Vec<&str> {
        plan.concerns.iter().map(|concern| concern.id.as_str()).collect()
    }

    fn eviction(service: &str, began: i64) -> PastUndo {
        let target = Target { id: service.into(), project: nova(), service: service.into(), number: 1 };
        let undo = serde_json::to_string(&Step::Resume { target, needed: GIB }).unwrap();
        PastUndo { undo, began: at(began), ended: at(began + 5) }
    }

    fn stopped(service: &str, ended: i64) -> StoppedSeen {
        StoppedSeen { id: service.into(), ended: Some(at(ended)) }
    }

    #[test]
    fn what_something_that_stays_needs_is_not_stopped() {
        let all = || {
            vec![
                container("kafka", 9, &["zookeeper"]),
                container("zookeeper", 8, &[]),
                container("grafana", 2, &["prometheus"]),
                container("prometheus", 3, &[]),
            ]
        };
        let first = plan(&seen(GIB, hard(), all(), Vec::new()), &Past::default());
        assert_eq!(steps(&first), ["stop nova/prometheus to relieve the host"]);
        assert_eq!(ids(&first), ["limits-memory-short"]);
        let planned = &first.steps[0];
        assert_eq!(planned.class, Class::Disruptive);
        assert_eq!(crate::round::Step::purpose(&planned.step), crate::round::Purpose::Evict);
        let left = vec![container("kafka", 9, &["zookeeper"]), container("zookeeper", 8, &[])];
        let none = plan(&seen(GIB, hard(), left, Vec::new()), &Past::default());
        assert!(steps(&none).is_empty());
        assert!(none.concerns[0].text.contains(ladder::ONLY_CORE), "{}", none.concerns[0].text);
    }

    #[test]
    fn nothing_is_said_or_done_without_the_table_or_the_kernel() {
        let mut blind = seen(GIB, hard(), vec![container("grafana", 2, &[])], Vec::new());
        blind.pressure = None;
        assert_eq!(plan(&blind, &Past::default()), Plan::default());
    }

    #[test]
    fn what_stands_where_it_was_stopped_comes_back_and_nothing_else() {
        let past =
            Past { evictions: vec![eviction("grafana", -9000), eviction("prometheus", -8000)], ..Past::default() };
        let both = vec![stopped("grafana", -8996), stopped("prometheus", -7995)];
        let back = plan(&seen(9 * GIB, clear(), Vec::new(), both.clone()), &past);
        assert_eq!(steps(&back), ["start nova/grafana again"]);
        assert_eq!(ids(&back), ["limits-evicted"]);
        assert!(back.concerns[0].text.contains("grafana, prometheus"), "{}", back.concerns[0].text);
        // Somebody started it since and stopped it: that is theirs.
        let theirs = vec![stopped("grafana", -500), stopped("prometheus", -7995)];
        assert_eq!(steps(&plan(&seen(9 * GIB, clear(), Vec::new(), theirs), &past)), ["start nova/prometheus again"]);
        let running = plan(&seen(9 * GIB, clear(), vec![container("grafana", 1, &[])], Vec::new()), &past);
        assert_eq!(running, Plan::default(), "and what runs is back");
        let attempt = Attempt { kind: "resume_container".into(), outcome: Some(Outcome::Made), ..attempt_at(-300) };
        let soon = Past { attempts: vec![attempt], ..past };
        assert!(steps(&plan(&seen(9 * GIB, clear(), Vec::new(), both), &soon)).is_empty(), "one at a time");
    }

    fn attempt_at(second: i64) -> Attempt {
        let up = Duration::from_secs(u64::try_from(9000 + second).unwrap());
        Attempt {
            intent: 1,
            step: "a".into(),
            key: "a".into(),
            keeper: "limits".into(),
            kind: String::new(),
            project: Some(nova()),
            thing: None,
            class: "safe".into(),
            began: crate::values::Stamp { wall: at(second), up, boot: "a".into() },
            ended: None,
            outcome: None,
        }
    }

    #[test]
    fn what_was_stopped_twice_within_an_hour_stays_and_says_so() {
        let past = Past { evictions: vec![eviction("grafana", -9000), eviction("grafana", -6000)], ..Past::default() };
        let flapped = plan(&seen(9 * GIB, clear(), Vec::new(), vec![stopped("grafana", -5998)]), &past);
        assert!(steps(&flapped).is_empty());
        assert!(flapped.concerns[0].text.contains("twice within an hour"), "{}", flapped.concerns[0].text);
        let rare =
            Past { evictions: vec![eviction("grafana", -99_000), eviction("grafana", -6000)], ..Past::default() };
        let back = plan(&seen(9 * GIB, clear(), Vec::new(), vec![stopped("grafana", -5998)]), &rare);
        assert_eq!(steps(&back), ["start nova/grafana again"]);
    }

    #[test]
    fn a_stop_that_was_worth_nothing_is_the_last_of_this_shortage() {
        let mut useless = seen(GIB, hard(), vec![container("grafana", 2, &[])], Vec::new());
        let eased = |ago: u64| Eased { ago: Duration::from_secs(ago), available: GIB, freed: GIB, others: 2 * GIB };
        useless.eased = Some(eased(20));
        let said = plan(&useless, &Past::default());
        assert!(steps(&said).is_empty() && said.concerns[0].text.contains(ladder::OUTSIDE), "{:?}", said.concerns);
        useless.eased = Some(eased(5000));
        assert_eq!(steps(&plan(&useless, &Past::default())).len(), 1, "another shortage");
    }
}
