//! The ledger against a real disk that fails: full, read-only, killed at any moment, read by another process.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr)] // A test says so.

mod mounted;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hostkeeper::ledger::{Book, Event, FILE, Intent, Journal, Outcome, Query, Reader, Sqlite};
use hostkeeper::values::Now;
use mounted::{Tmpfs, may_mount};
use nix::mount::MsFlags;

const WRITER: &str = "HOSTKEEPER_TEST_WRITER";

fn at(seconds: u64) -> Now {
    let start: jiff::Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    let up = Duration::from_secs(seconds);
    Now { wall: start + jiff::SignedDuration::try_from(up).unwrap(), up, boot: "a".into() }
}

fn order(step: &str) -> Intent {
    Intent {
        plan: "p".into(),
        step: step.into(),
        key: "k".into(),
        keeper: "storage".into(),
        kind: "create_directory".into(),
        project: None,
        thing: Some("x".into()),
        class: "safe".into(),
        text: format!("text of {step}"),
        because: "b".into(),
        evidence: "[]".into(),
        payload: format!("\"{}\"", "x".repeat(step.len() * 37 % 3000)),
        undo: None,
        origin: "round".into(),
        trial: false,
    }
}

/// Fills what is left of a disk and returns the file that does.
fn fill(disk: &Path) -> PathBuf {
    let path = disk.join("filler");
    let mut file = std::fs::File::create(&path).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    path
}

#[test]
fn a_full_disk_stops_all_orders_until_there_is_space() {
    if !may_mount("a_full_disk_stops_all_orders_until_there_is_space") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk = Tmpfs::mount(&directory.path().join("disk"), "size=1m,mode=0700");
    let mut book = Book::open(&disk.path, &at(0));
    let id = book.intend(&order("first"), &at(1)).unwrap();
    let filler = fill(&disk.path);
    let mut accepted = Vec::new();
    for count in 0..1000 {
        match book.intend(&order(&format!("s{count}")), &at(2)) {
            Ok(id) => accepted.push(id),
            Err(_) => break,
        }
    }
    assert!(accepted.len() < 1000, "the disk was not full");
    assert!(book.trouble().unwrap().contains("full"), "{:?}", book.trouble());
    assert!(book.conclude(id, &Outcome::Made, &at(3)).is_err());
    book.note(vec![Event::new("concern_raised", "ledger-unwritable")], &at(3));
    assert!(!book.probe(&at(4)), "came back without space");
    assert!(book.intend(&order("refused"), &at(4)).is_err());
    assert_eq!(book.worries()[0].id, "ledger-unwritable");
    assert_eq!(book.history(&Query { limit: 1000, ..Query::default() }).unwrap().len(), 1 + accepted.len());
    std::fs::remove_file(filler).unwrap();
    assert!(book.probe(&at(5)), "did not come back");
    let second = book.intend(&order("after"), &at(6)).unwrap();
    book.conclude(second, &Outcome::Made, &at(6)).unwrap();
    let entries = book.history(&Query { limit: 1000, ..Query::default() }).unwrap();
    let first = entries.iter().find(|entry| entry.id == id).unwrap();
    assert_eq!(first.outcome, Some(Outcome::Made), "the result that waited is not there");
    assert!(entries.iter().any(|entry| entry.kind == "concern_raised"));
    assert!(!entries.iter().any(|entry| entry.text.contains("refused")));
}

#[test]
fn a_full_disk_at_start_is_waited_for() {
    if !may_mount("a_full_disk_at_start_is_waited_for") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk = Tmpfs::mount(&directory.path().join("disk"), "size=1m,mode=0700");
    let filler = fill(&disk.path);
    let mut book = Book::open(&disk.path, &at(0));
    assert!(book.trouble().is_some());
    assert!(!book.probe(&at(1)));
    std::fs::remove_file(filler).unwrap();
    assert!(book.probe(&at(2)), "{:?}", book.trouble());
    book.intend(&order("a"), &at(3)).unwrap();
}

#[test]
fn a_read_only_disk_is_read_and_waited_for() {
    if !may_mount("a_read_only_disk_is_read_and_waited_for") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk = Tmpfs::mount(&directory.path().join("disk"), "size=4m,mode=0700");
    let mut book = Book::open(&disk.path, &at(0));
    book.intend(&order("a"), &at(1)).unwrap();
    drop(book);
    disk.remount(MsFlags::MS_RDONLY);
    let mut book = Book::open(&disk.path, &at(2));
    assert!(book.trouble().is_some());
    assert!(book.intend(&order("b"), &at(3)).is_err());
    assert_eq!(book.history(&Query::default()).unwrap().len(), 1);
    assert_eq!(book.past(&at(3)).unwrap().attempts.len(), 1);
    assert_eq!(Reader::open(&disk.path).unwrap().history(&Query::default()).unwrap().len(), 1);
    assert!(!book.probe(&at(4)));
    disk.remount(MsFlags::empty());
    assert!(book.probe(&at(5)), "{:?}", book.trouble());
    book.intend(&order("c"), &at(6)).unwrap();
}

/// The writer that is killed: orders and results until it dies, each acknowledged in a file once it is written.
#[test]
fn writer_child() {
    let Some(state) = std::env::var_os(WRITER) else { return };
    let state = Path::new(&state);
    let mut book = Book::open(state, &at(0));
    let mut said = std::fs::OpenOptions::new().append(true).create(true).open(state.join("said")).unwrap();
    let parent = std::os::unix::process::parent_id();
    // A test that failed must not leave a writer behind.
    for count in (0..).take_while(|_| std::os::unix::process::parent_id() == parent) {
        let id = book.intend(&order(&format!("s{count}")), &at(count)).unwrap();
        said.write_all(format!("intent {id}\n").as_bytes()).unwrap();
        if count % 3 != 0 {
            book.conclude(id, &Outcome::Failed(format!("w{id}")), &at(count)).unwrap();
            said.write_all(format!("result {id}\n").as_bytes()).unwrap();
        }
        if count % 50 == 0 {
            book.note(vec![Event::new("started", "s")], &at(count));
            book.write(|ledger| ledger.prune(&at(count), Duration::MAX, u64::MAX)).unwrap();
        }
    }
}

/// Ends with the test, also with one that fails.
struct Writer(Child);

impl Writer {
    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn start_writer(state: &Path) -> Writer {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer_child", "--nocapture"])
        .env(WRITER, state)
        .stdout(Stdio::null())
        .spawn();
    Writer(child.unwrap())
}

/// A small pseudo-random sequence: the moments of the kills are the same in each run, as far as the machine allows.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn killed_two_hundred_times_it_has_everything_that_it_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path();
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let mut seen = 0;
    for _ in 0..200 {
        let before = said_bytes(state);
        let mut writer = start_writer(state);
        // One in four is killed while it starts, the others while they write.
        let writing = !next(&mut seed).is_multiple_of(4);
        while writing && said_bytes(state) == before {
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(next(&mut seed) % 20_000));
        writer.end();
        seen = verify(state, seen);
    }
    assert!(seen > 200, "the writers wrote almost nothing: {seen}");
    assert_eq!(verify(state, 0), seen);
}

fn said_bytes(state: &Path) -> u64 {
    std::fs::metadata(state.join("said")).map_or(0, |facts| facts.len())
}

/// Everything acknowledged from line `from` on is there and whole. Returns how many lines there are.
fn verify(state: &Path, from: usize) -> usize {
    let mut book = Book::open(state, &at(0));
    assert_eq!(book.trouble(), None);
    assert!(book.worries().is_empty(), "{:?}", book.worries());
    let said = std::fs::read_to_string(state.join("said")).unwrap_or_default();
    for line in said.lines().skip(from) {
        let (kind, id) = line.split_once(' ').unwrap();
        let id: i64 = id.parse().unwrap();
        let found = book.write(|ledger| ledger.undo_of(id)).unwrap();
        let found = found.unwrap_or_else(|| panic!("{line} is not in the ledger"));
        assert_eq!(found.text, format!("text of {}", found.step));
        let outcome = found.outcome;
        assert!(kind == "intent" || outcome == Some(Outcome::Failed(format!("w{id}"))), "{line}: {outcome:?}");
    }
    said.lines().count()
}

#[test]
fn reading_beside_a_writer_of_another_process_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path();
    let mut writer = start_writer(state);
    let mut read = 0;
    while read < 20 {
        let reader = Reader::open(state).and_then(|reader| reader.history(&Query::default()));
        read += usize::from(reader.unwrap_or_else(|error| panic!("{}", error.chain())).len() == 100);
    }
    // Stopped, not ended: it holds the ledger open, and nothing but us could change a file.
    let pid = nix::unistd::Pid::from_raw(i32::try_from(writer.0.id()).unwrap());
    let state_of = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let mut stopped_well = false;
    for _ in 0..10 {
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
        while !state_of().contains(") T ") {
            std::thread::yield_now();
        }
        // Who is stopped while it changes the journal's index lets nobody read: then at another moment.
        stopped_well = Reader::open(state).and_then(|reader| reader.history(&Query::default())).is_ok();
        if stopped_well {
            break;
        }
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(stopped_well, "no reading beside a stopped writer");
    assert_unchanged_by_reading(state);
    writer.end();
    assert_unchanged_by_reading(state);
    // As after a copy: the journal without its index cannot be read without writing, and says so.
    std::fs::remove_file(state.join(format!("{FILE}-shm"))).unwrap();
    let refused = Reader::open(state).unwrap_err().chain();
    assert!(refused.contains("start hostkeeper once"), "{refused}");
    Sqlite::open(&state.join(FILE)).unwrap();
    assert_unchanged_by_reading(state);
}

fn assert_unchanged_by_reading(state: &Path) {
    let listing = || {
        let mut files: Vec<_> = std::fs::read_dir(state)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = listing();
    let entries = Reader::open(state).unwrap().history(&Query::default()).unwrap();
    assert_eq!(entries.len(), 100);
    assert!(before == listing(), "reading changed a file");
}

/// An ext4 on a sparse image whose own disk is full: space seems to be there, and the disk says no when it is written.
#[test]
fn a_disk_that_fails_stops_all_orders_until_it_does_not() {
    let name = "a_disk_that_fails_stops_all_orders_until_it_does_not";
    if !may_mount(name) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let below = Tmpfs::mount(&directory.path().join("below"), "size=3m,mode=0700");
    let image = below.path.join("image");
    std::fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
    let run = |program: &str, words: &[&std::ffi::OsStr]| {
        Command::new(program).args(words).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let path = directory.path().join("disk");
    std::fs::create_dir(&path).unwrap();
    let made = run("mkfs.ext4", &["-q".as_ref(), "-O".as_ref(), "^has_journal".as_ref(), image.as_os_str()])
        && run("mount", &["-o".as_ref(), "loop,errors=continue".as_ref(), image.as_os_str(), path.as_os_str()]);
    if !made {
        eprintln!("skipped: {name} needs mkfs.ext4 and loop devices");
        return;
    }
    let disk = Tmpfs { path };
    let mut book = Book::open(&disk.path, &at(0));
    book.intend(&order("first"), &at(1)).unwrap();
    let filler = fill(&below.path);
    let mut accepted = 1;
    while accepted < 5000 && book.intend(&order("s"), &at(2)).is_ok() {
        accepted += 1;
    }
    assert!(accepted < 5000, "the disk never failed");
    assert!(book.trouble().unwrap().contains("I/O"), "{:?}", book.trouble());
    assert!(!book.probe(&at(10)), "came back while the disk fails");
    assert!(book.intend(&order("refused"), &at(11)).is_err());
    std::fs::remove_file(filler).unwrap();
    book.probe(&at(20));
    book.probe(&at(30));
    assert_eq!(book.trouble(), None);
    book.intend(&order("after"), &at(31)).unwrap();
    let steps = book.past(&at(32)).unwrap().attempts.into_iter().filter(|attempt| attempt.step != "refused").count();
    assert!(steps > accepted, "{steps} of {} orders are there", accepted + 1);
}
