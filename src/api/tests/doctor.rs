//! Each check of `doctor` in each of its outcomes.

use jiff::Timestamp;

use crate::api::doctor::render_doctor;
use crate::api::shapes::{Doctor, Mark};
use crate::api::types::CollectorCost;
use crate::round::{LedgerState, Snapshot};
use crate::scripted;

fn look(change: impl FnOnce(&mut Snapshot)) -> Doctor {
    let mut snapshot = scripted::snapshot();
    change(&mut snapshot);
    let now = snapshot.at;
    render_doctor(&snapshot, Ok(&[]), now, &|_| None)
}

fn mark(doctor: &Doctor, id: &str) -> Mark {
    let check = doctor.checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}"));
    assert!(!check.why.is_empty() && !check.text.is_empty());
    assert!(check.result == Mark::Ok || check.fix.as_ref().is_some_and(|fix| !fix.is_empty()), "{id} has a fix");
    check.result
}

#[test]
fn a_good_host_is_ok_and_concerns_are_mirrored() {
    let doctor = look(|_| ());
    for id in ["agent", "rounds", "configuration", "ledger", "mode", "docker", "pressure", "gpu", "keeper-storage"] {
        assert_eq!(mark(&doctor, id), Mark::Ok, "{id}");
    }
    assert_eq!(mark(&doctor, "plan"), Mark::Warn);
    assert_eq!(mark(&doctor, "tier-missing-mount"), Mark::Fail);
    assert_eq!(mark(&doctor, "tier-low-space"), Mark::Warn);
    assert_eq!(mark(&doctor, "project-unlimited"), Mark::Ok);
    assert_eq!(doctor.worst, Mark::Fail);
    let counts = &doctor.counts;
    assert_eq!(counts.ok + counts.warn + counts.fail + counts.skip, doctor.checks.len());
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(mark(&look(|s| s.agent.daemon = false), "agent"), Mark::Warn);
    assert_eq!(mark(&look(|s| s.agent.config_refused = Some("7:10".into())), "configuration"), Mark::Fail);
    assert_eq!(mark(&look(|s| s.agent.config_files.clear()), "configuration"), Mark::Warn);
    assert_eq!(mark(&look(|s| s.ledger = LedgerState::Unwritable("full".into())), "ledger"), Mark::Fail);
    assert_eq!(mark(&look(|s| s.host.docker = None), "docker"), Mark::Skip);
    assert_eq!(mark(&look(|s| s.host.docker = Some("absent: no socket".into())), "docker"), Mark::Skip);
    assert_eq!(mark(&look(|s| s.host.docker = Some("20.10.24 (API 1.41)".into())), "docker"), Mark::Ok);
    assert_eq!(mark(&look(|s| s.host.docker = Some("connection refused".into())), "docker"), Mark::Warn);
    assert_eq!(mark(&look(|s| s.host.cgroups = Some("v2".into())), "cgroups"), Mark::Ok);
    assert_eq!(mark(&look(|s| s.host.cgroups = Some("v1 hybrid".into())), "cgroups"), Mark::Warn);
    assert_eq!(mark(&look(|s| s.host.cgroups = Some("none".into())), "cgroups"), Mark::Fail);
    assert_eq!(mark(&look(|s| s.host.pressure_percent.clear()), "pressure"), Mark::Skip);
    assert_eq!(mark(&look(|s| s.host.gpus.clear()), "gpu"), Mark::Skip);
    assert_eq!(mark(&look(|s| s.keepers[1].trouble = Some("no /proc".into())), "keeper-vitals"), Mark::Fail);
    assert_eq!(mark(&look(|s| s.plan.clear()), "plan"), Mark::Ok);
}

#[test]
fn old_rounds_and_clocks_set_back_show() {
    let snapshot = scripted::snapshot();
    let at = |seconds: i64| {
        let now = Timestamp::from_second(snapshot.at.as_second() + seconds).unwrap();
        mark(&render_doctor(&snapshot, Ok(&[]), now, &|_| None), "rounds")
    };
    assert_eq!((at(1), at(200), at(1000), at(-60)), (Mark::Ok, Mark::Warn, Mark::Fail, Mark::Warn));
    // Rounds an hour apart, as configured, are not late after 20 minutes.
    let hourly = |key: &str| {
        let (key, value, origin) = (key.to_owned(), "1h".to_owned(), "default".to_owned());
        (key == "host.interval").then_some(crate::api::types::KeyOrigin { key, value, origin, help: None })
    };
    let now = Timestamp::from_second(snapshot.at.as_second() + 1200).unwrap();
    assert_eq!(mark(&render_doctor(&snapshot, Ok(&[]), now, &hourly), "rounds"), Mark::Ok);
}

#[test]
fn collectors_that_fail_are_named() {
    let cost = |collector: &str, success| CollectorCost { collector: collector.into(), success, ..Default::default() };
    let snapshot = scripted::snapshot();
    let look = |costs: &[CollectorCost]| render_doctor(&snapshot, Ok(costs), snapshot.at, &|_| None);
    assert_eq!(mark(&look(&[cost("cpu", true)]), "collectors"), Mark::Ok);
    let doctor = look(&[cost("cpu", true), cost("gpu", false)]);
    assert_eq!(mark(&doctor, "collectors"), Mark::Warn);
    assert!(doctor.checks.iter().any(|check| check.text.contains("1 of 2 collectors fail: gpu")));
}
