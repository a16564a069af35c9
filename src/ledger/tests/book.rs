//! The ledger whose disk misbehaves: no order without it, and it comes back by itself.

use std::os::unix::fs::PermissionsExt;

use super::super::{Book, Event, FILE, Journal, Outcome, Query};
use super::{at, order, started};

#[test]
fn while_another_process_holds_it_nothing_is_done_and_nothing_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let mut book = Book::open(directory.path(), &at(0));
    let id = book.intend(&order("a"), &at(1)).unwrap();
    let other = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(book.conclude(id, &Outcome::Made, &at(2)).is_err());
    assert!(book.trouble().unwrap().contains("locked"));
    assert!(book.intend(&order("b"), &at(3)).is_err());
    assert!(!book.probe(&at(4)));
    book.note(started(), &at(5));
    assert_eq!(book.worries()[0].id, "ledger-unwritable");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(book.probe(&at(6)));
    assert_eq!(book.trouble(), None);
    let entries = book.history(&Query::default()).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["started", "step"]);
    assert_eq!((entries[1].outcome.clone(), entries[0].at), (Some(Outcome::Made), at(5).wall));
    assert!(book.worries().is_empty());
}

#[test]
fn events_wait_within_a_bound_and_the_rest_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    std::fs::write(&state, "in the way").unwrap();
    let mut book = Book::open(&state, &at(0));
    assert!(book.trouble().is_some());
    for second in 0..300 {
        book.note(vec![Event::new("concern_raised", "x")], &at(second));
    }
    assert!(book.worries()[0].text.contains("256 entries wait, 44 are lost"), "{:?}", book.worries());
    std::fs::remove_file(&state).unwrap();
    assert!(book.probe(&at(301)));
    let entries = book.history(&Query { limit: 1000, ..Query::default() }).unwrap();
    assert_eq!((entries.len(), entries[0].kind.as_str()), (257, "events_lost"));
    assert!(entries[0].text.starts_with("44 events"));
}

#[test]
fn a_removed_ledger_is_noticed_and_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let mut book = Book::open(directory.path(), &at(0));
    book.intend(&order("a"), &at(1)).unwrap();
    std::fs::remove_dir_all(directory.path()).unwrap();
    book.probe(&at(2));
    assert_eq!(book.trouble(), None);
    assert_eq!(book.history(&Query::default()).unwrap()[0].kind, "ledger_lost");
    assert!(directory.path().join(FILE).exists());
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(Book::open(directory.path(), &at(0)));
    let file = directory.path().join(FILE);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let mut book = Book::open(directory.path(), &at(1));
    assert!(book.trouble().unwrap().contains("chmod 600"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(book.probe(&at(2)));
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/null", &file).unwrap();
    let mut book = Book::open(directory.path(), &at(3));
    assert!(book.trouble().unwrap().contains("not a regular file"));
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    book.probe(&at(4));
    assert!(book.trouble().unwrap().contains("chmod o-w"));
}

#[test]
fn an_emptied_ledger_is_said() {
    let directory = tempfile::tempdir().unwrap();
    drop(Book::open(directory.path(), &at(0)));
    std::fs::write(directory.path().join(FILE), "").unwrap();
    let book = Book::open(directory.path(), &at(1));
    assert_eq!(book.history(&Query::default()).unwrap()[0].kind, "ledger_lost");
}

#[test]
fn a_healthy_ledger_is_tried_now_and_then_and_quietly() {
    let directory = tempfile::tempdir().unwrap();
    let mut book = Book::open(directory.path(), &at(0));
    let pulse = |book: &mut Book| -> i64 {
        book.write(|ledger| Ok(ledger.connection.query_row("SELECT up FROM pulse", [], |row| row.get(0)).unwrap()))
            .unwrap()
    };
    assert!(!book.probe(&at(4)));
    assert_eq!(pulse(&mut book), 0);
    assert!(!book.probe(&at(5)));
    assert_eq!((pulse(&mut book), book.last_alive()), (5_000_000, None));
    assert!(book.history(&Query::default()).unwrap().is_empty());
    drop(book);
    assert_eq!(Book::open(directory.path(), &at(100)).last_alive(), Some(&at(5).stamp()));
}
