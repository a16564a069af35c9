//! What may be forgotten, and what never.

use std::time::Duration;

use super::super::{FILE, Intent, Journal, Outcome, Query, Sqlite};
use super::{at, at_boot, order, started};

const DAY: i64 = 24 * 3600;

fn filled(count: i64) -> (tempfile::TempDir, Sqlite) {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = Sqlite::open(&directory.path().join(FILE)).unwrap();
    let events: Vec<_> = (0..count).map(|second| (started().remove(0), at_boot("old", second))).collect();
    ledger.note(&events).unwrap();
    (directory, ledger)
}

fn count(ledger: &Sqlite) -> i64 {
    ledger.connection.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap()
}

#[test]
fn age_removes_in_batches_down_to_the_newest_thousand() {
    let (_directory, mut ledger) = filled(2200);
    let keep = Duration::from_secs(DAY as u64);
    assert_eq!(ledger.prune(&at(5 * DAY), keep, u64::MAX).unwrap(), 500);
    assert_eq!(ledger.prune(&at(5 * DAY), keep, u64::MAX).unwrap(), 500);
    assert_eq!(ledger.prune(&at(5 * DAY), keep, u64::MAX).unwrap(), 200);
    assert_eq!(ledger.prune(&at(5 * DAY), keep, u64::MAX).unwrap(), 0);
    let newest = ledger.history(&Query { limit: 1, ..Query::default() }).unwrap();
    assert_eq!((count(&ledger), newest[0].id), (1000, 2200));
}

#[test]
fn entries_of_this_boot_age_by_its_own_clock() {
    let (_directory, mut ledger) = filled(2200);
    let mut jumped = at_boot("old", 2300);
    jumped.wall = "2040-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(ledger.prune(&jumped, Duration::from_secs(DAY as u64), u64::MAX).unwrap(), 0);
}

#[test]
fn open_orders_and_trials_are_never_removed() {
    let (_directory, mut ledger) = filled(0);
    let open = ledger.intend(&order("open"), &at(0)).unwrap();
    let trial = ledger.intend(&Intent { trial: true, ..order("trial") }, &at(0)).unwrap();
    ledger.conclude(trial, &Outcome::Made, &at(1)).unwrap();
    let done = ledger.intend(&order("done"), &at(0)).unwrap();
    ledger.conclude(done, &Outcome::Made, &at(1)).unwrap();
    let events: Vec<_> = (0..1500).map(|second| (started().remove(0), at(second))).collect();
    ledger.note(&events).unwrap();
    while ledger.prune(&at_boot("new", 90 * DAY), Duration::from_secs(1), 0).unwrap() > 0 {}
    assert!(ledger.undo_of(open).unwrap().is_some() && ledger.undo_of(trial).unwrap().is_some());
    assert!(ledger.undo_of(done).unwrap().is_none());
    assert_eq!(ledger.unfinished().unwrap().len(), 1);
    assert_eq!(count(&ledger), 102);
}

#[test]
fn size_is_kept_and_pages_are_given_back() {
    let (directory, mut ledger) = filled(20_000);
    let file = directory.path().join(FILE);
    let before = ledger.used_bytes().unwrap();
    let limit = 300_000;
    assert!(before > 2 * limit);
    let mut rounds = 0;
    while ledger.prune(&at(1), Duration::MAX, limit).unwrap() > 0 {
        rounds += 1;
        assert!(rounds < 100, "never ends");
    }
    assert!(ledger.used_bytes().unwrap() <= limit);
    drop(ledger);
    assert!(std::fs::metadata(file).unwrap().len() < before / 2);
}
