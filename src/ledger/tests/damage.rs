//! Damage at random places: never a panic, never a loss without a word.

use std::path::Path;

use proptest::prelude::*;

use super::super::{Book, FILE, Journal, Outcome, Query, list_aside};
use super::{at, order};

/// A ledger with `count` acknowledged orders; `closed`: without a journal beside it.
fn ledger_of(count: i64, closed: bool) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut book = Book::open(directory.path(), &at(0));
    for second in 0..count {
        let id = book.intend(&order(&format!("s{second}")), &at(second)).unwrap();
        book.conclude(id, &Outcome::Made, &at(second)).unwrap();
    }
    if !closed {
        // As a kill leaves it: the files without the close.
        let copy = tempfile::tempdir().unwrap();
        for name in [FILE.to_owned(), format!("{FILE}-wal"), format!("{FILE}-shm")] {
            std::fs::copy(directory.path().join(&name), copy.path().join(&name)).unwrap();
        }
        return copy;
    }
    drop(book);
    directory
}

/// Opens what is left and returns how many orders are there, and whether anything was said.
fn reopened(directory: &Path) -> (usize, bool) {
    let mut book = Book::open(directory, &at(100));
    for second in 101..104 {
        book.probe(&at(second * 10));
        let _ = book.past(&at(second * 10));
    }
    assert_eq!(book.trouble(), None, "did not come back");
    let entries = book.history(&Query { limit: 1000, ..Query::default() }).unwrap();
    let said = entries.iter().any(|entry| entry.kind.starts_with("ledger_"));
    let whole = entries.iter().filter(|entry| entry.kind == "step" && entry.outcome == Some(Outcome::Made));
    (whole.count(), said)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn overwritten_bytes_lose_nothing_silently(
        place in 0.0..1.0f64, length in 1usize..5000, byte in any::<u8>(), journal in any::<bool>(),
    ) {
        let directory = ledger_of(12, !journal);
        let file = directory.path().join(if journal { format!("{FILE}-wal") } else { FILE.to_owned() });
        let mut bytes = std::fs::read(&file).unwrap();
        let from = (place * bytes.len() as f64) as usize;
        let until = (from + length).min(bytes.len());
        bytes[from..until].fill(byte);
        std::fs::write(&file, bytes).unwrap();
        let (left, said) = reopened(directory.path());
        prop_assert!(left == 12 || said, "{left} orders left and nothing said");
    }

    #[test]
    fn cut_files_lose_nothing_silently(place in 0.0..1.0f64, journal in any::<bool>()) {
        let directory = ledger_of(12, !journal);
        let name = if journal { format!("{FILE}-wal") } else { FILE.to_owned() };
        let file = std::fs::OpenOptions::new().write(true).open(directory.path().join(name)).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len((place * length as f64) as u64).unwrap();
        let (left, said) = reopened(directory.path());
        // A journal cut at the end of a write looks like one that never had more.
        prop_assert!(left == 12 || said || journal, "{left} orders left and nothing said");
    }
}

#[test]
fn damaged_ledgers_are_kept_but_not_without_bound() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(FILE);
    for round in 0..6 {
        drop(Book::open(directory.path(), &at(round)));
        std::fs::write(&file, format!("garbage {round} {}", "x".repeat(9000))).unwrap();
        let book = Book::open(directory.path(), &at(round));
        assert_eq!(book.trouble(), None);
        assert!(book.worries().iter().any(|worry| worry.id == "ledger-corrupt"));
    }
    let aside = list_aside(&file);
    assert_eq!(aside.len(), 3);
    assert!(aside.iter().any(|path| std::fs::read_to_string(path).is_ok_and(|text| text.starts_with("garbage 5"))));
    for path in aside {
        std::fs::remove_file(path).unwrap();
    }
    assert!(Book::open(directory.path(), &at(9)).worries().is_empty());
}

/// The first hundred bytes: what SQLite believes about the whole file.
#[test]
fn a_head_with_one_wrong_byte_does_not_stop_the_ledger() {
    let sound = ledger_of(3, true);
    let bytes = std::fs::read(sound.path().join(FILE)).unwrap();
    // Bytes 60 to 63 are the version of our schema, of which some wrong ones look like that of a newer program; 68 to 71
    // are the mark of hostkeeper: a file with another one may be somebody else's, and is left.
    for place in (0..100).filter(|place| *place != 62 && !(68..72).contains(place)) {
        for byte in [0, 1, 5, 0xff, bytes[place] ^ 0x10] {
            if place == 63 && byte > 1 {
                continue;
            }
            let directory = tempfile::tempdir().unwrap();
            let mut damaged = bytes.clone();
            damaged[place] = byte;
            std::fs::write(directory.path().join(FILE), damaged).unwrap();
            let (left, said) = reopened(directory.path());
            assert!(left == 3 || said, "byte {place} as {byte}: {left} orders left and nothing said");
        }
    }
}
