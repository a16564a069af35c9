//! Which containers of a project may be stopped for now, and in which order: dependents before what they depend on. Pure.

use std::collections::BTreeSet;

use super::config::{Project, Tier};
use super::step::Target;
use crate::ledger::PastUndo;

/// Docker's and our clock may tell a stop so many seconds apart.
const APART: i64 = 3;

/// A running container.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub target: Target,
    pub name: String,
    pub tier: Tier,
    /// Services of the same project.
    pub depends_on: Vec<String>,
}

/// What is to be stopped, and what has to stay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// In this order.
    pub stop: Vec<Candidate>,
    /// With the service that keeps it.
    pub kept: Vec<(Candidate, String)>,
}

/// The tier of a service.
pub fn tier_of(project: &Project, service: &str) -> Tier {
    project.services.get(service).and_then(|service| service.tier).unwrap_or(project.tier)
}

/// The services in Compose's label: `db:service_healthy:false,cache:service_started:true`.
pub fn parse_depends_on(label: &str) -> Vec<String> {
    let name = |part: &str| part.split(':').next().unwrap_or_default().trim().to_owned();
    label.split(',').map(name).filter(|name| !name.is_empty()).collect()
}

/// Whether a container that ended at this moment was ended by that stop, and has not run since.
pub fn is_ended_by(stop: &PastUndo, ended: jiff::Timestamp) -> bool {
    (stop.began.as_second() - APART..=stop.ended.as_second() + APART).contains(&ended.as_second())
}

/// Chooses among the running containers of one project those of `up_to` or a lower tier; never core ones, and never one that
/// something which stays depends on.
pub fn choose(running: &[Candidate], up_to: Tier) -> Choice {
    let is_meant = |candidate: &&Candidate| candidate.tier <= up_to && candidate.tier != Tier::Core;
    let mut staying: BTreeSet<&str> = running
        .iter()
        .filter(|candidate| !is_meant(candidate))
        .map(|candidate| candidate.target.service.as_str())
        .collect();
    let mut choice = Choice::default();
    let mut meant: Vec<&Candidate> = running.iter().filter(is_meant).collect();
    meant.sort_by(|a, b| (a.tier, &a.name, &a.target.id).cmp(&(b.tier, &b.name, &b.target.id)));
    // What stays keeps what it depends on, and so on.
    loop {
        let user = |service: &str| {
            let uses = |other: &&Candidate| {
                staying.contains(other.target.service.as_str()) && other.depends_on.iter().any(|name| name == service)
            };
            running.iter().find(uses).map(|other| other.target.service.clone())
        };
        let found = meant
            .iter()
            .find_map(|candidate| Some((candidate.target.service.as_str(), user(&candidate.target.service)?)));
        let Some((service, keeper)) = found else { break };
        let (kept, rest): (Vec<_>, Vec<_>) =
            meant.into_iter().partition(|candidate| candidate.target.service == service);
        staying.insert(service);
        choice.kept.extend(kept.into_iter().map(|candidate| (candidate.clone(), keeper.clone())));
        meant = rest;
    }
    choice.stop = in_order(meant);
    choice
}

/// Dependents first; of a circle the first by tier and name.
fn in_order(mut left: Vec<&Candidate>) -> Vec<Candidate> {
    let mut order = Vec::new();
    while !left.is_empty() {
        let needed = |service: &str| {
            left.iter()
                .any(|other| other.target.service != service && other.depends_on.iter().any(|name| name == service))
        };
        let free = left.iter().position(|candidate| !needed(&candidate.target.service)).unwrap_or_default();
        order.push(left.remove(free).clone());
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(service: &str, tier: Tier, depends_on: &[&str]) -> Candidate {
        Candidate {
            target: Target { id: service.into(), project: "nova".parse().unwrap(), service: service.into(), number: 1 },
            name: format!("nova-{service}-1"),
            tier,
            depends_on: depends_on.iter().map(|name| (*name).into()).collect(),
        }
    }

    fn stopped(choice: &Choice) -> Vec<&str> {
        choice.stop.iter().map(|candidate| candidate.target.service.as_str()).collect()
    }

    /// The optional part of the Nova example, with some of its core.
    fn nova() -> Vec<Candidate> {
        vec![
            candidate("postgres", Tier::Core, &[]),
            candidate("kafka", Tier::Core, &["zookeeper"]),
            candidate("zookeeper", Tier::Standard, &[]),
            candidate("prometheus", Tier::Optional, &["node-exporter"]),
            candidate("grafana", Tier::Optional, &["prometheus"]),
            candidate("node-exporter", Tier::Optional, &[]),
            candidate("kafka-ui", Tier::Optional, &["kafka"]),
        ]
    }

    #[test]
    fn dependents_stop_first_and_core_never() {
        let choice = choose(&nova(), Tier::Optional);
        assert_eq!(stopped(&choice), ["grafana", "kafka-ui", "prometheus", "node-exporter"]);
        assert!(choice.kept.is_empty());
        let choice = choose(&nova(), Tier::Standard);
        assert_eq!(choice.kept.len(), 1, "kafka is core and needs it");
        assert_eq!((choice.kept[0].0.target.service.as_str(), choice.kept[0].1.as_str()), ("zookeeper", "kafka"));
        assert_eq!(stopped(&choose(&nova(), Tier::Core)), stopped(&choose(&nova(), Tier::Standard)));
    }

    #[test]
    fn a_circle_is_stopped_all_the_same() {
        let all = [candidate("a", Tier::Optional, &["b"]), candidate("b", Tier::Optional, &["a"])];
        assert_eq!(stopped(&choose(&all, Tier::Optional)), ["a", "b"]);
    }

    #[test]
    fn labels_of_compose_name_services() {
        assert_eq!(parse_depends_on("db:service_healthy:false,cache:service_started:true"), ["db", "cache"]);
        assert_eq!(parse_depends_on("db"), ["db"]);
        assert!(parse_depends_on("").is_empty() && parse_depends_on(",:x,").is_empty());
    }

    proptest! {
        #[test]
        fn nothing_that_stays_loses_what_it_depends_on(
            tiers in proptest::collection::vec(0_u8..3, 1..9),
            edges in proptest::collection::vec((0_usize..9, 0_usize..9), 0..20),
            up_to in 0_u8..3,
        ) {
            let tier = |number: u8| [Tier::Optional, Tier::Standard, Tier::Core][usize::from(number)];
            let name = |index: usize| format!("s{index}");
            let all: Vec<Candidate> = tiers.iter().enumerate().map(|(index, number)| {
                let uses: Vec<String> = edges.iter().filter(|(from, to)| *from == index && from != to).map(|(_, to)| name(*to)).collect();
                let uses: Vec<&str> = uses.iter().map(String::as_str).collect();
                candidate(&name(index), tier(*number), &uses)
            }).collect();
            let choice = choose(&all, tier(up_to));
            let gone: BTreeSet<&str> = stopped(&choice).into_iter().collect();
            prop_assert_eq!(gone.len(), choice.stop.len());
            for candidate in &all {
                let stays = !gone.contains(candidate.target.service.as_str());
                prop_assert!(stays || candidate.tier != Tier::Core);
                for used in &candidate.depends_on {
                    prop_assert!(!stays || !gone.contains(used.as_str()), "{} needs {used}", candidate.target.service);
                }
            }
        }
    }
}
