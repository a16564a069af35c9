//! Ledgers of every earlier schema version are opened and lose nothing; newer and foreign ones are left alone.

use std::path::Path;

use super::super::{Book, FILE, Journal, Outcome, Query, Sqlite};
use super::{at, order};

fn copy_of(version: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/captured/ledger/v{version}.sqlite"));
    let to = directory.path().join(FILE);
    std::fs::write(&to, std::fs::read(kept).unwrap()).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
    directory
}

fn number(ledger: &Sqlite, sql: &str) -> i64 {
    ledger.connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn version_1_is_carried_over_whole() {
    let directory = copy_of("1");
    let mut ledger = Sqlite::open(&directory.path().join(FILE)).unwrap();
    assert_eq!(number(&ledger, "PRAGMA user_version"), 4);
    assert_eq!(number(&ledger, "SELECT count(*) FROM entries"), 5);
    let past = ledger.past(&at(10)).unwrap();
    let outcomes: Vec<_> = past.attempts.iter().map(|attempt| attempt.outcome.clone()).collect();
    assert_eq!(outcomes, [Some(Outcome::Made), Some(Outcome::Failed("no space".into())), None]);
    assert_eq!((past.trials.len(), past.held.as_slice()), (1, &["held".to_owned()][..]));
    // What version 2 added: the last act of a person, taken from the orders that version 1 had written down.
    assert_eq!(past.human, [(Some("athena".parse().unwrap()), at(4).stamp())]);
    ledger.intend(&order("new"), &at(11)).unwrap();
    drop(ledger);
    assert_eq!(number(&Sqlite::open(&directory.path().join(FILE)).unwrap(), "SELECT count(*) FROM intents"), 4);
}

#[test]
fn version_2_is_carried_over_whole() {
    let directory = copy_of("2");
    let mut ledger = Sqlite::open(&directory.path().join(FILE)).unwrap();
    assert_eq!(number(&ledger, "PRAGMA user_version"), 4);
    assert_eq!(
        (number(&ledger, "SELECT count(*) FROM entries"), number(&ledger, "SELECT count(*) FROM results")),
        (5, 2)
    );
    let past = ledger.past(&at(10)).unwrap();
    assert_eq!((past.attempts.len(), past.trials.len(), past.human.len()), (3, 1, 1));
    // What version 3 added is empty, and can be written.
    assert_eq!(past.pools, super::super::PoolsPast::default());
    ledger.drain(&"athena".parse().unwrap(), "uploads", "zk1", &at(11)).unwrap();
    assert_eq!(ledger.past(&at(12)).unwrap().pools.drained.len(), 1);
}

#[test]
fn version_3_is_carried_over_whole() {
    let directory = copy_of("3");
    let mut ledger = Sqlite::open(&directory.path().join(FILE)).unwrap();
    assert_eq!(number(&ledger, "PRAGMA user_version"), 4);
    let past = ledger.past(&at(20)).unwrap();
    assert_eq!((past.attempts.len(), past.trials.len(), past.pools.drained.len()), (3, 1, 1));
    assert!(past.evictions.is_empty(), "none was known to version 3");
    // What version 4 added: those that were stopped for want of memory are found by an index of their own.
    let evicted = super::super::Intent { kind: super::super::EVICTION.into(), ..order("e") };
    let intent = ledger.intend(&evicted, &at(21)).unwrap();
    assert!(ledger.past(&at(22)).unwrap().evictions.is_empty(), "it is not done yet");
    ledger.conclude(intent, &Outcome::Made, &at(22)).unwrap();
    let remembered = ledger.past(&at(1_000_000)).unwrap();
    assert_eq!((remembered.attempts.len(), remembered.evictions.len()), (0, 1), "also when the day is long over");
    let plan = "EXPLAIN QUERY PLAN SELECT id FROM intents i WHERE i.kind = 'evict_container' ORDER BY i.id DESC";
    let how: String = ledger.connection.query_row(plan, [], |row| row.get(3)).unwrap();
    assert!(how.contains("evictions"), "{how}");
}

#[test]
fn a_fresh_ledger_has_the_tables_of_a_migrated_one() {
    let tables = |directory: &Path| -> Vec<String> {
        let ledger = Sqlite::open(&directory.join(FILE)).unwrap();
        let mut statement = ledger.connection.prepare("SELECT sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0)).unwrap();
        rows.map(|row| row.unwrap().unwrap_or_default()).collect()
    };
    let fresh = tempfile::tempdir().unwrap();
    assert_eq!(tables(fresh.path()), tables(copy_of("1").path()));
    assert_eq!(tables(fresh.path()), tables(copy_of("2").path()));
    assert_eq!(tables(fresh.path()), tables(copy_of("3").path()));
}

#[test]
fn a_newer_ledger_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(FILE);
    Sqlite::open(&file).unwrap().connection.execute_batch("PRAGMA user_version = 99").unwrap();
    let before = std::fs::read(&file).unwrap();
    let refused = Sqlite::open(&file).unwrap_err().chain();
    assert!(refused.contains("version 99") && refused.contains("newer"), "{refused}");
    let book = Book::open(directory.path(), &at(1));
    assert!(book.trouble().unwrap().contains("version 99"));
    assert!(super::super::Reader::open(directory.path()).is_err());
    assert!(before == std::fs::read(&file).unwrap());
    assert_eq!(super::super::list_aside(&file).len(), 0);
}

#[test]
fn a_foreign_database_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(FILE);
    let foreign = rusqlite::Connection::open(&file).unwrap();
    foreign.execute_batch("CREATE TABLE customers (name TEXT)").unwrap();
    drop(foreign);
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let before = std::fs::read(&file).unwrap();
    let mut book = Book::open(directory.path(), &at(1));
    assert!(book.trouble().unwrap().contains("not a ledger"));
    assert!(book.intend(&order("a"), &at(2)).is_err());
    assert!(before == std::fs::read(&file).unwrap());
}

/// Writes `tests/captured/ledger/v1.sqlite` anew. Run by hand, and only before version 1 was released.
#[test]
#[ignore = "writes a kept file"]
fn write_version_1() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captured/ledger/v1.sqlite");
    let _ = std::fs::remove_file(&kept);
    let mut ledger = Sqlite::open(&kept).unwrap();
    let trial = ledger.intend(&super::super::Intent { trial: true, ..order("a") }, &at(1)).unwrap();
    ledger.conclude(trial, &Outcome::Made, &at(2)).unwrap();
    let failed = ledger.intend(&order("b"), &at(2)).unwrap();
    ledger.conclude(failed, &Outcome::Failed("no space".into()), &at(3)).unwrap();
    ledger.intend(&order("c"), &at(3)).unwrap();
    let acted =
        super::super::Event { project: Some("athena".parse().unwrap()), ..super::super::Event::new("order", "apply") };
    ledger.note(&[(acted.clone(), at(3)), (acted, at(4))]).unwrap();
    let back = "INSERT INTO holds VALUES ('held'); DROP TABLE activity; DROP INDEX steps_by_boot;
                DROP INDEX steps_by_wall; DROP TABLE pool_members; DROP TABLE pool_hurries; DROP TABLE open_moves;
                DROP TABLE operations; DROP INDEX evictions; PRAGMA user_version = 1; PRAGMA journal_mode = DELETE; VACUUM;";
    ledger.connection.execute_batch(back).unwrap();
    assert_eq!(number(&ledger, "SELECT count(*) FROM results"), 2);
    assert_eq!(ledger.history(&Query::default()).unwrap().len(), 5);
}

/// Writes `tests/captured/ledger/v2.sqlite` anew from version 1's. Run by hand, and only before version 2 was released.
#[test]
#[ignore = "writes a kept file"]
fn write_version_2() {
    let from = copy_of("1");
    let file = from.path().join(FILE);
    let ledger = Sqlite::open(&file).unwrap();
    let back = "DROP TABLE pool_members; DROP TABLE pool_hurries; DROP TABLE open_moves; DROP TABLE operations;
                DROP INDEX evictions; PRAGMA user_version = 2; PRAGMA journal_mode = DELETE; VACUUM;";
    ledger.connection.execute_batch(back).unwrap();
    drop(ledger);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captured/ledger/v2.sqlite");
    std::fs::copy(file, kept).unwrap();
}

/// Writes `tests/captured/ledger/v3.sqlite` anew from version 2's. Run by hand, and only before version 3 was released.
#[test]
#[ignore = "writes a kept file"]
fn write_version_3() {
    let from = copy_of("2");
    let file = from.path().join(FILE);
    let mut ledger = Sqlite::open(&file).unwrap();
    ledger.drain(&"athena".parse().unwrap(), "uploads", "zk1", &at(11)).unwrap();
    let back = "DROP INDEX evictions; PRAGMA user_version = 3; PRAGMA journal_mode = DELETE; VACUUM;";
    ledger.connection.execute_batch(back).unwrap();
    drop(ledger);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captured/ledger/v3.sqlite");
    std::fs::copy(file, kept).unwrap();
}
