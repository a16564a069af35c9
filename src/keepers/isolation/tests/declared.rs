//! What is declared: shared networks, subnets, tiers, the GPU's owner, what is allowed and how long; and what becomes a
//! concern.

use std::sync::Arc;

use jiff::civil::date;

use super::*;
use crate::keepers::isolation::decide::decide;
use crate::keepers::isolation::ids::IDS;
use crate::keepers::isolation::observe::{Found, Seen};
use crate::keepers::isolation::policy::Allow;

fn project(name: &str, policy: ProjectPolicy) -> (String, ProjectPolicy) {
    (name.to_owned(), policy)
}

fn sharing(network: &str) -> ProjectPolicy {
    ProjectPolicy { shared: vec![network.into()], ..ProjectPolicy::default() }
}

#[test]
fn a_network_that_both_declare_is_shared_on_purpose() {
    for (name, owner) in [("edge", None), ("b_default", Some("b"))] {
        let mut facts = apart();
        if owner.is_none() {
            facts.networks.push(network(name, None, "172.30.0.0/24"));
        }
        facts.containers[0].networks.push(name.into());
        if owner.is_none() {
            facts.containers[1].networks.push(name.into());
        }
        let both = [project("a", sharing(name)), project("b", sharing(name))];
        let policy = Policy { projects: both.into(), ..Policy::default() };
        assert_eq!(found_by(&facts, &policy), [], "{name}");
        let alone = Policy { projects: [project("a", sharing(name))].into(), ..Policy::default() };
        let expected = if owner.is_some() { vec![of("foreign-network", "a", Some("b"))] } else { vec![] };
        assert_eq!(found_by(&facts, &alone), expected, "{name}: b says nothing of it");
    }
}

#[test]
fn subnets_are_held_to_what_is_declared() {
    let declared = |subnet: &str| ProjectPolicy {
        subnets: Subnet::parse(subnet).into_iter().collect(),
        ..ProjectPolicy::default()
    };
    let by = |subnet: &str| Policy { projects: [project("a", declared(subnet))].into(), ..Policy::default() };
    assert_eq!(found_by(&apart(), &by("172.20.0.0/16")), []);
    assert_eq!(found_by(&apart(), &by("172.20.0.0/15")), [of("subnet-taken", "b", Some("a"))]);
    assert_eq!(found_by(&apart(), &by("172.22.0.0/16")), [of("subnet-undeclared", "a", None)]);
}

#[test]
fn data_outside_the_tiers_is_told_of_who_has_tiers() {
    let mut facts = apart();
    facts.containers[0].mounts.push(bind("/home/x", "/home/x", true));
    assert_eq!(found(&facts), []);
    let tiers = ProjectPolicy { tiers: vec!["/data".into()], ..ProjectPolicy::default() };
    let policy = Policy { projects: [project("a", tiers)].into(), ..Policy::default() };
    assert_eq!(found_by(&facts, &policy), [of("outside-tiers", "a", None)]);
}

fn grant(silent: bool, works: bool) -> GpuGrant {
    GpuGrant { how: "x".into(), what: "all".into(), silent, works }
}

#[test]
fn a_gpu_without_an_owner_may_be_asked_for_aloud() {
    let mut facts = apart();
    facts.containers[0].gpus = vec![grant(false, true), grant(true, true)];
    assert_eq!(found(&facts), []);
    facts.containers[0].gpus = vec![grant(true, true)];
    facts.containers[1].gpus = vec![grant(true, false)];
    let found = find_all(&facts, &Policy::default());
    let told: Vec<(&str, Severity)> = found.iter().map(|one| (one.id.as_str(), one.severity)).collect();
    assert_eq!(told, [("gpu-silent", Severity::Warning), ("gpu-silent", Severity::Info)]);
}

#[test]
fn who_is_not_the_owner_of_the_gpu_gets_none_in_any_way() {
    let policy = Policy { gpu_owner: Some("a".into()), ..Policy::default() };
    for silent in [false, true] {
        let mut facts = apart();
        facts.containers[0].gpus = vec![grant(false, true)];
        facts.containers[1].gpus = vec![grant(silent, true)];
        assert_eq!(found_by(&facts, &policy), [of("gpu-not-owner", "b", Some("a"))]);
    }
    let mut facts = apart();
    facts.containers[1].privileges.privileged = true;
    assert_eq!(found_by(&facts, &policy), [of("privileged", "b", None), of("gpu-not-owner", "b", Some("a"))]);
}

fn allowing(until: jiff::civil::Date, other: Option<&str>) -> Policy {
    let allow = Allow {
        finding: "foreign-network".into(),
        container: Some("a-db".into()),
        project: None,
        other: other.map(str::to_owned),
        reason: "they talk".into(),
        until,
    };
    Policy { allow: vec![allow], now: "2026-11-21T12:00:00Z".parse().unwrap(), ..Policy::default() }
}

fn meeting() -> Facts {
    let mut facts = apart();
    facts.containers[0].networks.push("b_default".into());
    facts
}

#[test]
fn what_is_allowed_is_shown_with_the_reason_and_the_last_day() {
    let found = find_all(&meeting(), &allowing(date(2026, 11, 21), Some("b")));
    let [one] = &found[..] else { panic!("{found:?}") };
    let allowed = one.allowed.as_ref().unwrap();
    assert_eq!((allowed.reason.as_str(), allowed.until.as_str()), ("they talk", "2026-11-21"));
    let found = find_all(&meeting(), &allowing(date(2026, 11, 21), Some("c")));
    assert!(found[0].allowed.is_none(), "another one was allowed");
}

#[test]
fn an_allowance_whose_time_is_over_is_told_and_allows_nothing() {
    let found = find_all(&meeting(), &allowing(date(2026, 11, 20), None));
    let told: Vec<(&str, bool)> = found.iter().map(|one| (one.id.as_str(), one.allowed.is_some())).collect();
    assert_eq!(told, [("foreign-network", false), ("allow-expired", false)]);
}

#[test]
fn findings_of_weight_are_concerns_once_for_each_thing() {
    let mut facts = meeting();
    facts.containers[0].mounts.extend([bind("/", "/", false), bind("/etc", "/etc", false)]);
    facts.containers[0].privileges.unbounded_log = true;
    let findings = find_all(&facts, &Policy::default());
    let found =
        Found { at: jiff::Timestamp::UNIX_EPOCH, took: std::time::Duration::ZERO, findings, unseen: Vec::new() };
    let mut seen = Seen { found: Some(Arc::new(found)), ..Seen::default() };
    let concerns = decide(&seen);
    let told: Vec<(&str, String)> =
        concerns.iter().map(|concern| (concern.id.as_str(), concern.subject.to_string())).collect();
    assert_eq!(told, [("foreign-network", "a/a-db".to_owned()), ("host-path", "a/a-db".to_owned())]);
    assert!(concerns[1].text.ends_with("; and 1 more of this kind"), "{}", concerns[1].text);
    assert!(concerns.iter().all(|concern| IDS.contains(&concern.id.as_str()) && !concern.cure.is_empty()));
    seen.trouble = Some("docker: no answer".into());
    assert_eq!(decide(&seen).len(), 3, "what was found stands, and that it is old is told");
    let allowed = find_all(&meeting(), &allowing(date(2027, 1, 1), None));
    let found =
        Found { at: jiff::Timestamp::UNIX_EPOCH, took: std::time::Duration::ZERO, findings: allowed, unseen: vec![] };
    assert_eq!(decide(&Seen { found: Some(Arc::new(found)), ..Seen::default() }), []);
}
