//! Tests of what the ladder orders.

use std::time::Duration;

use super::*;
use crate::keepers::limits::config::Service;
use crate::keepers::limits::observe::{Bounds, MemoryNow, StoppedSeen};
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
    let service = |(name, tier): (&str, Tier)| (name.to_owned(), Service { tier: Some(tier), ..Service::default() });
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
    let past = Past { evictions: vec![eviction("grafana", -9000), eviction("prometheus", -8000)], ..Past::default() };
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
    let rare = Past { evictions: vec![eviction("grafana", -99_000), eviction("grafana", -6000)], ..Past::default() };
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
