//! Walks of real trees, whole and in pieces, and while others change them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::host::files::{Found, open_root};

fn open(path: &Path) -> Directory {
    match open_root(Path::new("/"), path).unwrap() {
        Found::There(directory) => directory,
        other => panic!("{other:?}"),
    }
}

fn whole(root: &Path) -> Tally {
    let mut walk = Walk::new(Duty::Count);
    let far = Instant::now() + Duration::from_secs(600);
    assert!(walk.advance(&open(root), Path::new("a"), far).unwrap());
    walk.tally()
}

/// 700 files in three levels, a file of two names, links to elsewhere.
fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("a/b/c")).unwrap();
    fs::create_dir_all(root.path().join("a/empty")).unwrap();
    for index in 0..700 {
        let place = ["a", "a/b", "a/b/c"][index % 3];
        fs::write(root.path().join(place).join(format!("file {index}")), "x".repeat(index * 13)).unwrap();
    }
    fs::hard_link(root.path().join("a/file 699"), root.path().join("a/b/again")).unwrap();
    fs::write(root.path().join("outside"), "y".repeat(1 << 20)).unwrap();
    symlink("../outside", root.path().join("a/link")).unwrap();
    symlink("/", root.path().join("a/b/root")).unwrap();
    root
}

fn du(path: &Path, seen: &mut BTreeSet<u64>) -> u64 {
    let facts = fs::symlink_metadata(path).unwrap();
    let mut bytes = if seen.insert(facts.ino()) { facts.blocks() * 512 } else { 0 };
    if facts.is_dir() {
        bytes += fs::read_dir(path).unwrap().map(|entry| du(&entry.unwrap().path(), seen)).sum::<u64>();
    }
    bytes
}

#[test]
fn everything_is_counted_once_as_du_does() {
    let root = tree();
    let tally = whole(root.path());
    assert_eq!((tally.files, tally.directories, tally.refused), (702, 4, 0));
    assert_eq!(tally.bytes, du(&root.path().join("a"), &mut BTreeSet::new()));
}

#[test]
fn a_walk_in_the_smallest_pieces_counts_the_same() {
    let root = tree();
    let expected = whole(root.path());
    let mut walk = Walk::new(Duty::Count);
    let mut pieces = 0;
    loop {
        // Over before it begins: an entry or two at a time.
        let until = Instant::now() + Duration::from_micros(150);
        if walk.advance(&open(root.path()), Path::new("a"), until).unwrap() {
            break;
        }
        pieces += 1;
    }
    assert_eq!(walk.tally(), expected);
    assert!(pieces > 0);
}

#[test]
fn what_vanishes_and_what_becomes_a_link_is_passed_over() {
    let root = tree();
    let mut walk = Walk::new(Duty::Count);
    // The top is listed, what is below it is not yet walked.
    while walk.course.depth() < 2 {
        let until = Instant::now() + Duration::from_micros(20);
        assert!(!walk.advance(&open(root.path()), Path::new("a"), until).unwrap());
    }
    fs::rename(root.path().join("a/b"), root.path().join("b")).unwrap();
    symlink("../b", root.path().join("a/b")).unwrap();
    let far = Instant::now() + Duration::from_secs(600);
    assert!(walk.advance(&open(root.path()), Path::new("a"), far).unwrap());
    assert!(walk.tally().files < 702);
    fs::rename(root.path().join("a"), root.path().join("gone")).unwrap();
    let mut walk = Walk::new(Duty::Count);
    assert!(walk.advance(&open(root.path()), Path::new("a"), far).is_err());
}

#[test]
fn twenty_thousand_names_in_one_directory() {
    let root = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::create_dir(root.path().join("a")).unwrap();
    for index in 0..20_000 {
        fs::write(root.path().join(format!("a/{index}")), "").unwrap();
    }
    let mut walk = Walk::new(Duty::Count);
    while !walk.advance(&open(root.path()), Path::new("a"), Instant::now() + Duration::from_millis(3)).unwrap() {}
    assert_eq!(walk.tally().files, 20_000);
}

#[test]
fn pipes_and_devices_are_not_opened() {
    let root = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&root.path().join("pipe"), Mode::S_IRWXU).unwrap();
    symlink("/etc/passwd", root.path().join("link")).unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    let directory = open(root.path());
    let opened = |name: &str| open_regular(&directory, &CString::new(name).unwrap());
    assert!(opened("file").unwrap().is_some());
    assert!(opened("pipe").unwrap().is_none() && opened("link").unwrap().is_none());
    assert_eq!(opened("none").unwrap_err(), Errno::ENOENT);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse_dirents(&bytes);
    }
}
