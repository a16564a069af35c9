//! Journals whole and torn.

use super::super::{FILE, Journal, Outcome, Sqlite, Tear, parse_journal};
use super::{at, order};

/// The journal of a ledger into which `count` orders were written and whose writer was killed.
fn journal(count: i64) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = Sqlite::open(&directory.path().join(FILE)).unwrap();
    for second in 0..count {
        let id = ledger.intend(&order("a"), &at(second)).unwrap();
        ledger.conclude(id, &Outcome::Made, &at(second)).unwrap();
    }
    std::fs::read(directory.path().join(format!("{FILE}-wal"))).unwrap()
}

#[test]
fn a_real_journal_is_whole_also_behind_a_reset() {
    assert_eq!(parse_journal(&journal(3)), Tear::Whole);
    // Enough to pass the checkpoint at 256 pages, after which the journal is written again from its beginning.
    assert_eq!(parse_journal(&journal(150)), Tear::Whole);
    assert_eq!(parse_journal(b""), Tear::Whole);
}

#[test]
fn a_flip_anywhere_in_the_frames_is_noticed() {
    let whole = journal(3);
    for at in (0..whole.len()).step_by(29) {
        let mut torn = whole.clone();
        torn[at] ^= 0x10;
        let header_slack = (12..16).contains(&at);
        assert!(header_slack || parse_journal(&torn) != Tear::Whole, "a flip at {at} went unnoticed");
    }
}

#[test]
fn a_journal_cut_short_is_survived_everywhere() {
    let whole = journal(1);
    for end in 0..whole.len() {
        parse_journal(&whole[..end]);
    }
    let mut last = whole.clone();
    let at = last.len() - 10;
    last[at] ^= 1;
    assert_eq!(parse_journal(&last), Tear::End);
    // Nothing there tells any more that it was a frame.
    let frame = last.len() - 4096 - 24;
    last[frame..].fill(0);
    assert_eq!(parse_journal(&last), Tear::End);
    let mut early = whole;
    early[60] ^= 1;
    assert!(matches!(parse_journal(&early), Tear::Lost(count) if count >= 2));
}
