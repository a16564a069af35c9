//! Orders about pools, broken-off moves and moved files: kept, read back, bounded.

use super::super::{FILE, Journal, Notes, Operation, Outcome, Query, Sqlite};
use super::{at, order};

fn ledger() -> (tempfile::TempDir, Sqlite) {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Sqlite::open(&directory.path().join(FILE)).unwrap();
    (directory, ledger)
}

fn operation(file: &str, outcome: &str) -> Operation {
    let why = (outcome != "moved").then(|| "somebody has it open".to_owned());
    let (file, outcome) = (file.to_owned(), outcome.to_owned());
    Operation { file, source: "zk1".into(), target: "zk2".into(), bytes: 4096, outcome, why }
}

#[test]
fn drains_and_hurries_survive_a_restart() {
    let (directory, mut ledger) = ledger();
    let shop = "shop".parse().unwrap();
    ledger.drain(&shop, "uploads", "zk1", &at(5)).unwrap();
    ledger.drain(&shop, "uploads", "zk1", &at(9)).unwrap();
    ledger.set_empty(&shop, ("uploads", "zk1"), Some(&at(7))).unwrap();
    ledger.hurry(&shop, "uploads", &at(6)).unwrap();
    drop(ledger);
    let mut ledger = Sqlite::open(&directory.path().join(FILE)).unwrap();
    let pools = ledger.past(&at(10)).unwrap().pools;
    assert_eq!((pools.drained[0].since.clone(), pools.drained[0].empty.clone()), (at(5).stamp(), Some(at(7).stamp())));
    assert_eq!(pools.hurried[0].since, at(6).stamp());
    ledger.set_empty(&shop, ("uploads", "zk1"), None).unwrap();
    assert_eq!(ledger.past(&at(10)).unwrap().pools.drained[0].empty, None);
    assert!(ledger.calm(&shop, "uploads").unwrap() && !ledger.calm(&shop, "uploads").unwrap());
    assert!(ledger.undrain(&shop, "uploads", "zk1").unwrap() && !ledger.undrain(&shop, "uploads", "zk1").unwrap());
}

#[test]
fn a_broken_off_move_stays_open_until_it_is_settled() {
    let (_directory, mut ledger) = ledger();
    let moving = |step: &str| super::super::Intent { kind: "move_files".into(), ..order(step) };
    let failed = ledger.intend(&moving("a"), &at(1)).unwrap();
    ledger.conclude(failed, &Outcome::Failed("no space".into()), &at(2)).unwrap();
    let made = ledger.intend(&moving("b"), &at(2)).unwrap();
    ledger.conclude(made, &Outcome::Made, &at(3)).unwrap();
    let other = ledger.intend(&order("c"), &at(3)).unwrap();
    ledger.conclude(other, &Outcome::FoundUnclear, &at(4)).unwrap();
    let open = ledger.past(&at(5)).unwrap().pools.open;
    assert_eq!(open.iter().map(|open| open.intent).collect::<Vec<_>>(), [failed]);
    // Neither age nor size takes it away.
    ledger.prune(&at(99_999_999), std::time::Duration::from_secs(1), 1).unwrap();
    assert_eq!(ledger.past(&at(5)).unwrap().pools.open.len(), 1);
    ledger.record(other, &Notes { settled: Some(failed), ..Notes::default() }, &at(6)).unwrap();
    assert!(ledger.past(&at(7)).unwrap().pools.open.is_empty());
}

#[test]
fn moved_files_are_history_of_their_own_kind() {
    let (_directory, mut ledger) = ledger();
    let intent = ledger.intend(&order("a"), &at(1)).unwrap();
    let operations = vec![operation("x/y", "moved"), operation("z", "open")];
    ledger.record(intent, &Notes { operations, settled: None }, &at(2)).unwrap();
    let moves = |after| {
        let query = Query { kind: Some("move".into()), after, ..Query::default() };
        ledger.history(&query).unwrap()
    };
    let found = moves(None);
    assert_eq!(found[1].text, "move x/y (4KiB) from zk1 to zk2");
    assert_eq!((found[1].outcome.clone(), found[1].kind.as_str()), (Some(Outcome::Made), "move"));
    assert_eq!(found[0].outcome, Some(Outcome::Failed("somebody has it open".into())));
    assert_eq!(moves(Some(found[1].id)).len(), 1);
    assert_eq!(ledger.history(&Query::default()).unwrap().len(), 1);
}
