//! One round over made-up keepers and a ledger in memory: order of intent, act and result; who is hurt by whose failure.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex as Lock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::*;
use crate::host::{Error, Host, Roots};
use crate::ledger::{self, Intent, Journal, Outcome, Past};
use crate::metrics::Page;
use crate::values::{Mode, Now};

type Diary = Arc<Lock<Vec<String>>>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flip {
    lamp: String,
}

impl std::fmt::Display for Flip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "flip {}", self.lamp)
    }
}

impl Step for Flip {
    fn kind(&self) -> &'static str {
        "flip"
    }
}

/// A keeper of lamps. Its configuration: the lamps to flip, and which of them break; no lamps: it cannot look.
struct Lamps(Diary);

impl Keeper for Lamps {
    const NAME: &'static str = "lamps";
    type Config = Vec<(String, bool)>;
    type Seen = Vec<(String, bool)>;
    type Step = Flip;

    async fn observe(&mut self, config: &Self::Config, _: &Host, _: &Now) -> Result<Self::Seen, Error> {
        if config.is_empty() { Err(Error::reply("lamps", "it is dark")) } else { Ok(config.clone()) }
    }

    fn decide(_: &Self::Config, seen: &Self::Seen, _: &Past, _: &Now) -> Plan<Flip> {
        let planned = |lamp: &String| Planned {
            step: Flip { lamp: lamp.clone() },
            subject: Subject::thing(lamp),
            because: Reason::new("it is off", Vec::new()),
            undo: Some(Flip { lamp: lamp.clone() }),
            class: Class::Safe,
            gate: Gate::Open,
        };
        Plan { steps: seen.iter().map(|(lamp, _)| planned(lamp)).collect(), concerns: Vec::new() }
    }

    async fn act(&mut self, config: &Self::Config, step: &Flip, _: &Host) -> Result<Change, Error> {
        self.0.lock().unwrap().push(format!("act {}", step.lamp));
        let breaks = config.iter().any(|(lamp, breaks)| *lamp == step.lamp && *breaks);
        if breaks { Err(Error::reply("lamp", "broken")) } else { Ok(Change::Made) }
    }

    async fn examine(&mut self, _: &Self::Config, _: &Flip, _: &Host) -> Option<bool> {
        None
    }

    fn measure(_: &Self::Config, _: &Self::Seen, _: &mut Page) {}

    fn show(_: &Self::Config, _: &Self::Seen) -> Views {
        Views::default()
    }
}

/// A ledger in memory that refuses everything after `room` writes.
struct Memory {
    diary: Diary,
    room: usize,
}

impl Memory {
    fn write(&mut self, line: String) -> Result<(), ledger::Error> {
        if self.room == 0 {
            return Err(ledger::Error::new("disk full"));
        }
        self.room -= 1;
        self.diary.lock().unwrap().push(line);
        Ok(())
    }
}

impl Journal for Memory {
    fn intend(&mut self, intent: &Intent, _: &Now) -> Result<i64, ledger::Error> {
        self.write(format!("intend {} ({}{})", intent.text, intent.origin, if intent.trial { ", trial" } else { "" }))?;
        Ok(1)
    }

    fn conclude(&mut self, _: i64, outcome: &Outcome, _: &Now) -> Result<(), ledger::Error> {
        self.write(format!("conclude {outcome:?}"))
    }

    fn record(&mut self, _: i64, notes: &ledger::Notes, _: &Now) -> Result<(), ledger::Error> {
        self.write(format!("record {} files", notes.operations.len()))
    }

    fn past(&mut self, _: &Now) -> Result<Past, ledger::Error> {
        Ok(Past::default())
    }
}

fn now() -> Now {
    Now { wall: jiff::Timestamp::UNIX_EPOCH, up: Duration::from_secs(10_000), boot: "b".into() }
}

fn circumstances() -> Circumstances {
    Circumstances {
        kill_switch: false,
        ledger: LedgerState::Writable,
        agent_started: now().stamp(),
        storm: Storm::default(),
        ordered: BTreeSet::new(),
    }
}

/// Runs one round over the lamps; returns what happened in order, and the result.
fn round(
    lamps: &[(&str, bool)],
    rules: Rules,
    room: usize,
    circumstances: Circumstances,
) -> (Vec<String>, RoundResult) {
    let diary = Diary::default();
    let config: Vec<(String, bool)> = lamps.iter().map(|(lamp, breaks)| ((*lamp).to_owned(), *breaks)).collect();
    let seats: Vec<SharedSeat> = vec![Arc::new(Mutex::new(Seated::new(Lamps(diary.clone()), config)))];
    let host = Host::new(Roots::default());
    let table = Table { seats: &seats, host: &host, rules: &rules, clock: &now, progress: &|| (), stopping: &|| false };
    let mut memory = Memory { diary: diary.clone(), room };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let result = runtime.block_on(run_round(&table, &circumstances, &mut memory));
    let lines = diary.lock().unwrap().clone();
    (lines, result)
}

fn enforce() -> Rules {
    Rules { host: Mode::Enforce, ..Rules::default() }
}

#[test]
fn every_step_is_in_the_ledger_before_and_after() {
    let (lines, result) = round(&[("a", false), ("b", false)], enforce(), 99, circumstances());
    let expected =
        ["intend flip a (round)", "act a", "conclude Made", "intend flip b (round)", "act b", "conclude Made"];
    assert_eq!(lines, expected);
    assert_eq!(result.done.len(), 2);
    assert!(result.reports[0].trouble.is_none());
}

#[test]
fn without_room_in_the_ledger_nothing_is_done() {
    let (lines, result) = round(&[("a", false), ("b", false)], enforce(), 0, circumstances());
    assert!(lines.is_empty(), "{lines:?}");
    assert_eq!(result.ledger, LedgerState::Unwritable("disk full".into()));
}

#[test]
fn a_result_that_cannot_be_written_ends_all_acting() {
    let (lines, result) = round(&[("a", false), ("b", false)], enforce(), 1, circumstances());
    assert_eq!(lines, ["intend flip a (round)", "act a"]);
    assert!(matches!(result.ledger, LedgerState::Unwritable(_)));
}

#[test]
fn a_failed_step_ends_the_keepers_round_and_says_so() {
    let (lines, result) = round(&[("a", true), ("b", false)], enforce(), 99, circumstances());
    assert_eq!(lines, ["intend flip a (round)", "act a", "conclude Failed(\"lamp: broken\")"]);
    assert_eq!(result.reports[0].trouble.as_deref(), Some("lamp: broken"));
}

#[test]
fn a_blind_keeper_is_a_concern_and_plans_nothing() {
    let (lines, result) = round(&[], enforce(), 99, circumstances());
    assert!(lines.is_empty() && result.plan.is_empty() && result.sights.is_empty());
    assert_eq!(result.concerns[0].id, "keeper-blind");
    assert!(result.concerns[0].text.contains("it is dark"));
}

#[test]
fn observe_plans_and_does_nothing_warn_worries_trial_marks() {
    let (lines, result) = round(&[("a", false)], Rules::default(), 99, circumstances());
    assert!(lines.is_empty() && result.concerns.is_empty());
    assert_eq!(result.plan.len(), 1);
    let warn = Rules { host: Mode::Warn, ..Rules::default() };
    let (lines, result) = round(&[("a", false)], warn, 99, circumstances());
    assert!(lines.is_empty());
    assert_eq!(result.concerns[0].id, "drift");
    let trial = Rules { host: Mode::Trial, ..Rules::default() };
    let (lines, _) = round(&[("a", false)], trial, 99, circumstances());
    assert_eq!(lines[0], "intend flip a (round, trial)");
}

#[test]
fn a_persons_word_does_just_the_named_step() {
    let (_, seen) = round(&[("a", false), ("b", false)], Rules::default(), 99, circumstances());
    let ordered = BTreeSet::from([seen.plan[1].id.clone()]);
    let said = Circumstances { ordered, ..circumstances() };
    let (lines, result) = round(&[("a", false), ("b", false)], Rules::default(), 99, said);
    assert_eq!(lines, ["intend flip b (apply)", "act b", "conclude Made"]);
    assert_eq!(result.plan_id(), seen.plan_id());
}

#[test]
fn ids_name_the_content_and_keys_the_kind() {
    let (_, one) = round(&[("a", false)], Rules::default(), 9, circumstances());
    let (_, two) = round(&[("b", false)], Rules::default(), 9, circumstances());
    assert_ne!(one.plan[0].id, two.plan[0].id);
    assert_eq!(one.plan[0].key, "lamps:flip:a");
}
