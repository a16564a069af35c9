//! What was done a moment ago, and what is done again and again.

use super::*;
use crate::ledger::{Attempt, Outcome};

fn made(planned_key: &str, seconds: u64, intent: i64) -> Attempt {
    Attempt {
        intent,
        step: "x".into(),
        key: planned_key.into(),
        keeper: "limits".into(),
        kind: "set_limits".into(),
        project: Some(name("athena")),
        thing: Some("api".into()),
        class: "tightening".into(),
        began: at(seconds).stamp(),
        ended: Some(at(seconds).stamp()),
        outcome: Some(Outcome::Made),
    }
}

#[test]
fn one_order_is_given_time_to_settle_and_a_quarrel_is_told() {
    let config = athena(service(ServiceLimits { pids: Some(512), ..ServiceLimits::default() }));
    let seen = running(vec![container("api", GIB)]);
    let key = plan(&config, &seen).steps[0].key("limits");
    let after =
        |attempts: Vec<Attempt>, now: u64| decide(&config, &seen, &Past { attempts, ..Past::default() }, &at(now));
    assert!(after(vec![made(&key, 998, 1)], 1000).steps.is_empty(), "two seconds ago");
    assert_eq!(after(vec![made(&key, 990, 1)], 1000).steps.len(), 1, "ten seconds ago");
    let often: Vec<Attempt> = (0..20).map(|turn| made(&key, 900 + 4 * turn, turn as i64)).collect();
    let quarrel = after(often.clone(), 1000);
    assert_eq!((concerns(&quarrel), quarrel.steps.len()), (vec!["limits-contested"], 0));
    assert_eq!(after(often, 1100).steps.len(), 1, "it is still tried, but seldom");
}

#[test]
fn what_was_made_again_is_not_made_to_wait() {
    let config = athena(service(ServiceLimits { pids: Some(512), ..ServiceLimits::default() }));
    let key = plan(&config, &running(vec![container("api", GIB)])).steps[0].key("limits");
    let again = running(vec![ContainerSeen { began: 5, ..container("api", GIB) }]);
    let at_once = |attempts: Vec<Attempt>| decide(&config, &again, &Past { attempts, ..Past::default() }, &at(1000));
    assert_eq!(at_once(vec![made(&key, 999, 1)]).steps.len(), 1, "that was for the one before");
    let often: Vec<Attempt> = (0..30).map(|turn| made(&key, 900 + 3 * turn, turn as i64)).collect();
    assert!(concerns(&at_once(often)).is_empty(), "deployments are no quarrel");
}

#[test]
fn a_slice_that_stands_still_is_told_after_two_minutes() {
    let config = athena(Project {
        envelope: Envelope { memory_high: Some(Bytes(GIB)), ..Envelope::default() },
        ..Project::default()
    });
    let mut seen = running(vec![container("api", GIB)]);
    let mut after = |seconds: u64| {
        let stalled = Some(std::time::Duration::from_secs(seconds));
        seen.slices.insert("tenants-athena.slice".into(), SliceSeen { stalled, ..SliceSeen::default() });
        plan(&config, &seen).concerns.iter().any(|concern| concern.id == "limits-stalled")
    };
    assert!(!after(119) && after(120));
}
