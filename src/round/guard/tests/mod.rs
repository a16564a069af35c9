//! The guard's rules one by one, then over random histories.

mod random;
mod table;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ledger::{Attempt, Outcome, Past};
use crate::round::{
    Circumstances, Class, Gate, LedgerState, PlannedView, Proposal, Purpose, Reason, Rules, Storm, Subject,
};
use crate::values::{Mode, Now, ProjectName, Stamp};

const T0: &str = "2026-11-21T12:00:00Z";

pub(super) fn at(seconds: u64) -> Now {
    let wall: jiff::Timestamp = T0.parse().unwrap();
    let up = Duration::from_secs(100_000 + seconds);
    Now { wall: wall + Duration::from_secs(seconds), up, boot: "boot".into() }
}

pub(super) fn stamp(seconds: u64) -> Stamp {
    at(seconds).stamp()
}

pub(super) fn project(name: &str) -> ProjectName {
    name.parse().unwrap()
}

pub(super) fn proposal(subject: &str, class: Class, purpose: Purpose) -> Proposal {
    let subject = match subject.split_once('/') {
        Some((name, thing)) => Subject::of(project(name), thing),
        None => Subject::thing(subject),
    };
    let key = format!("health:restart:{subject}");
    let view = PlannedView {
        id: format!("id-{subject}"),
        key,
        keeper: "health".into(),
        kind: "restart".into(),
        text: format!("restart {subject}"),
        subject,
        because: Reason::new("unhealthy", Vec::new()),
        class,
        gate: Gate::Open,
        undo: None,
    };
    Proposal { view, purpose, waits_for: Vec::new() }
}

pub(super) fn restart(subject: &str) -> Proposal {
    proposal(subject, Class::Disruptive, Purpose::Heal)
}

pub(super) fn rules() -> Rules {
    Rules { host: Mode::Enforce, ..Rules::default() }
}

pub(super) fn calm() -> Circumstances {
    Circumstances {
        kill_switch: false,
        ledger: LedgerState::Writable,
        agent_started: stamp(0),
        storm: Storm { bad: 0, watched: 20 },
        ordered: BTreeSet::new(),
    }
}

pub(super) fn attempt(of: &Proposal, number: i64, seconds: u64, outcome: Option<Outcome>) -> Attempt {
    Attempt {
        intent: number,
        step: of.view.id.clone(),
        key: of.view.key.clone(),
        keeper: of.view.keeper.clone(),
        kind: of.view.kind.clone(),
        project: of.view.subject.project.clone(),
        thing: of.view.subject.thing.clone(),
        class: of.view.class.as_str().into(),
        began: stamp(seconds),
        ended: outcome.as_ref().map(|_| stamp(seconds + 1)),
        outcome,
    }
}

/// The rule that blocks the only proposal, or `open`.
pub(super) fn rule(
    rules: &Rules,
    proposal: &Proposal,
    past: &Past,
    circumstances: &Circumstances,
    now: &Now,
) -> String {
    let gates = super::decide_gates(rules, std::slice::from_ref(proposal), past, circumstances, now);
    word(&gates[0])
}

pub(super) fn word(gate: &Gate) -> String {
    match gate {
        Gate::Open => "open".into(),
        Gate::Blocked(block) => block.rule.clone(),
    }
}
