//! What is written is read back: orders, results, trials, holds, history.

use std::time::Duration;

use super::super::{Event, FILE, Journal, Outcome, Query, Reader, Sqlite};
use super::{at, at_boot, order, started};

fn fresh() -> (tempfile::TempDir, Sqlite) {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Sqlite::open(&directory.path().join(FILE)).unwrap();
    (directory, ledger)
}

#[test]
fn an_order_and_its_result_are_remembered_across_openings() {
    let (directory, mut ledger) = fresh();
    let first = ledger.intend(&order("a"), &at(10)).unwrap();
    let second = ledger.intend(&order("b"), &at(11)).unwrap();
    ledger.conclude(first, &Outcome::Failed("no\nspace".into()), &at(13)).unwrap();
    drop(ledger);
    let mut ledger = Sqlite::open(&directory.path().join(FILE)).unwrap();
    let past = ledger.past(&at(20)).unwrap();
    assert_eq!(past.attempts.iter().map(|attempt| attempt.step.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let attempt = &past.attempts[0];
    assert_eq!(attempt.outcome, Some(Outcome::Failed("no space".into())));
    assert_eq!((attempt.began.clone(), attempt.ended.clone()), (at(10).stamp(), Some(at(13).stamp())));
    assert_eq!(attempt.project.as_ref().unwrap().as_str(), "athena");
    assert_eq!((attempt.key.as_str(), attempt.class.as_str()), ("storage:create_directory:a", "safe"));
    let unfinished = ledger.unfinished().unwrap();
    assert_eq!(
        (unfinished.len(), unfinished[0].intent, unfinished[0].text.as_str()),
        (1, second, "create directory b")
    );
    assert_eq!(unfinished[0].payload, r#"{"create":"b"}"#);
}

#[test]
fn a_result_is_written_once_and_only_for_an_order() {
    let (_directory, mut ledger) = fresh();
    let id = ledger.intend(&order("a"), &at(1)).unwrap();
    ledger.conclude(id, &Outcome::Made, &at(2)).unwrap();
    assert!(ledger.conclude(id, &Outcome::AlreadySo, &at(3)).is_err());
    assert!(ledger.conclude(id + 1, &Outcome::Made, &at(3)).is_err());
    assert_eq!(ledger.past(&at(4)).unwrap().attempts[0].outcome, Some(Outcome::Made));
}

#[test]
fn a_trial_lasts_until_it_is_confirmed_or_undone() {
    let (_directory, mut ledger) = fresh();
    let trial = |step: &str| super::super::Intent { trial: true, ..order(step) };
    let ids: Vec<i64> = ["a", "b", "c"].iter().map(|step| ledger.intend(&trial(step), &at(1)).unwrap()).collect();
    ledger.conclude(ids[0], &Outcome::Made, &at(2)).unwrap();
    ledger.conclude(ids[1], &Outcome::Made, &at(3)).unwrap();
    ledger.conclude(ids[2], &Outcome::AlreadySo, &at(3)).unwrap();
    let limit = Duration::from_secs(600);
    assert!(ledger.trials_due(&at(601), limit).unwrap().is_empty());
    let due = ledger.trials_due(&at(603), limit).unwrap();
    assert_eq!(due.iter().map(|trial| trial.intent).collect::<Vec<_>>(), [ids[1], ids[0]]);
    assert_eq!(due[1].undo, r#"{"remove":"a"}"#);
    assert_eq!(ledger.confirm(Some(ids[1])).unwrap(), 1);
    ledger.undone(ids[0]).unwrap();
    ledger.undone(ids[0]).unwrap();
    let past = ledger.past(&at(604)).unwrap();
    assert_eq!((past.trials.len(), past.held), (0, vec!["a".to_owned()]));
    assert_eq!(ledger.release_holds(Some("x")).unwrap(), 0);
    assert_eq!(ledger.release_holds(None).unwrap(), 1);
    assert!(ledger.past(&at(605)).unwrap().held.is_empty());
}

#[test]
fn a_wrong_clock_of_an_earlier_boot_does_not_hold_anything_for_years() {
    let (_directory, mut ledger) = fresh();
    let mut wrong = at_boot("old", 50);
    wrong.wall = "2040-01-01T00:00:00Z".parse().unwrap();
    let id = ledger.intend(&order("a"), &wrong).unwrap();
    ledger.conclude(id, &Outcome::Failed("x".into()), &wrong).unwrap();
    ledger.human_acted(None, &wrong).unwrap();
    let now = at_boot("new", 3600);
    let past = ledger.past(&now).unwrap();
    assert_eq!(now.since(&past.attempts[0].began), Duration::from_secs(3600));
    assert_eq!(now.since(past.attempts[0].ended.as_ref().unwrap()), Duration::from_secs(3600));
    assert_eq!(now.since(&past.human[0].1), Duration::from_secs(3600));
}

#[test]
fn the_past_is_bounded_by_a_day_of_either_clock() {
    let (_directory, mut ledger) = fresh();
    let day = 24 * 3600;
    for (boot, seconds) in [("old", 0), ("old", 3600), ("a", 3700), ("a", 3700 + day)] {
        ledger.intend(&order(&format!("{boot}{seconds}")), &at_boot(boot, seconds)).unwrap();
    }
    let steps = |ledger: &mut Sqlite, now| -> Vec<String> {
        ledger.past(&now).unwrap().attempts.into_iter().map(|attempt| attempt.step).collect()
    };
    assert_eq!(steps(&mut ledger, at(3600 + day)), ["old3600", "a3700", "a90100"]);
    assert_eq!(steps(&mut ledger, at(3701 + day)), ["a90100"]);
}

#[test]
fn history_filters_and_follows() {
    let (_directory, mut ledger) = fresh();
    let nova = Event { project: Some("nova".parse().unwrap()), ..Event::new("concern_raised", "x") };
    let batch: Vec<_> = started().into_iter().chain([nova]).map(|event| (event, at(1))).collect();
    ledger.note(&batch).unwrap();
    let step = ledger.intend(&order("a"), &at(5)).unwrap();
    ledger.note(&[(Event::new("stopped", "s"), at(9))]).unwrap();
    let kinds =
        |query: Query| -> Vec<String> { ledger.history(&query).unwrap().into_iter().map(|entry| entry.kind).collect() };
    assert_eq!(kinds(Query::default()), ["stopped", "step", "concern_raised", "started"]);
    assert_eq!(kinds(Query { limit: 1, ..Query::default() }), ["stopped"]);
    assert_eq!(kinds(Query { since: Some(at(5).wall), ..Query::default() }), ["stopped", "step"]);
    assert_eq!(kinds(Query { project: Some("athena".parse().unwrap()), ..Query::default() }), ["step"]);
    assert_eq!(kinds(Query { keeper: Some("storage".into()), ..Query::default() }), ["step"]);
    assert_eq!(kinds(Query { kind: Some("started".into()), ..Query::default() }), ["started"]);
    assert_eq!(kinds(Query { after: Some(0), limit: 1, ..Query::default() }), ["started"]);
    // A follower waits for the result of an order under way.
    assert_eq!(kinds(Query { after: Some(1), ..Query::default() }), ["concern_raised"]);
    ledger.conclude(step, &Outcome::Made, &at(7)).unwrap();
    let entries = ledger.history(&Query { after: Some(2), ..Query::default() }).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [4, 3]);
    assert_eq!((entries[1].took_seconds, entries[1].subject.as_str()), (Some(2.0), "athena/postgres"));
}

#[test]
fn a_recorded_order_with_a_flipped_bit_is_not_handed_out() {
    for damage in ["payload = replace(payload, 'a', 'b')", "undo = replace(undo, 'a', 'b')"] {
        let (_directory, mut ledger) = fresh();
        let trial = super::super::Intent { trial: true, ..order("a") };
        let id = ledger.intend(&trial, &at(1)).unwrap();
        assert_eq!(ledger.undo_of(id).unwrap().unwrap().undo, trial.undo);
        ledger.connection.execute_batch(&format!("UPDATE intents SET {damage}")).unwrap();
        assert_eq!(ledger.unfinished().unwrap_err().trouble(), super::super::Trouble::Corrupt);
        ledger.conclude(id, &Outcome::Made, &at(2)).unwrap();
        assert_eq!(ledger.past(&at(3)).unwrap_err().trouble(), super::super::Trouble::Corrupt);
        assert!(ledger.undo_of(id).is_err() && ledger.trials_due(&at(9999), Duration::ZERO).is_err());
    }
}

#[test]
fn the_newest_act_of_a_person_counts() {
    let (_directory, mut ledger) = fresh();
    let athena = "athena".parse().unwrap();
    ledger.human_acted(Some(&athena), &at(1)).unwrap();
    ledger.human_acted(Some(&athena), &at(2)).unwrap();
    ledger.human_acted(None, &at(3)).unwrap();
    let human = ledger.past(&at(4)).unwrap().human;
    assert_eq!(human, [(None, at(3).stamp()), (Some(athena), at(2).stamp())]);
    assert!(ledger.past(&at(3 + 24 * 3600 + 1)).unwrap().human.is_empty());
}

#[test]
fn texts_are_bounded_and_steps_too_large_are_refused() {
    let (_directory, mut ledger) = fresh();
    let mut long = order("a");
    long.text = "ж\u{1b}[31m\n".repeat(3000);
    long.evidence = "[]".repeat(9000);
    let id = ledger.intend(&long, &at(1)).unwrap();
    ledger.conclude(id, &Outcome::Failed("x".repeat(1 << 20)), &at(2)).unwrap();
    let entry = &ledger.history(&Query::default()).unwrap()[0];
    assert!(entry.text.len() <= 4096 && entry.text.ends_with('…') && !entry.text.contains(char::is_control));
    assert!(matches!(&entry.outcome, Some(Outcome::Failed(why)) if why.len() <= 4096));
    let huge = super::super::Intent { payload: "x".repeat(257 * 1024), ..order("b") };
    let refused = ledger.intend(&huge, &at(3)).unwrap_err();
    assert_eq!(refused.trouble(), super::super::Trouble::Refused);
}

#[test]
fn reading_without_a_daemon_changes_nothing() {
    let (directory, mut ledger) = fresh();
    let listing = || {
        let mut names: Vec<_> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            // Shared between connections of one process; `tests/faults/ledger.rs` looks at it with two.
            .filter(|entry| !entry.file_name().to_string_lossy().ends_with("-shm"))
            .map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()))
            .collect();
        names.sort();
        names
    };
    for count in 1..5 {
        ledger.intend(&order("a"), &at(count)).unwrap();
        let before = listing();
        let reader = Reader::open(directory.path()).unwrap();
        assert_eq!(reader.history(&Query::default()).unwrap().len(), usize::try_from(count).unwrap());
        assert_eq!(reader.past(&at(9)).unwrap().attempts.len(), usize::try_from(count).unwrap());
        drop(reader);
        assert!(before == listing(), "reading beside a writer changed a file");
    }
    drop(ledger);
    let before = listing();
    assert_eq!(before.len(), 1, "a closed ledger is one file");
    assert_eq!(Reader::open(directory.path()).unwrap().history(&Query::default()).unwrap().len(), 4);
    assert!(before == listing());
    let nothing = tempfile::tempdir().unwrap();
    assert!(Reader::open(&nothing.path().join("no/such")).unwrap().history(&Query::default()).unwrap().is_empty());
    assert!(!nothing.path().join("no").exists());
}
