//! Mending real trees: what is counted is what is done, and nothing outside is ever touched.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::host::files::open_root;

fn open(path: &Path) -> Directory {
    match open_root(Path::new("/"), path).unwrap() {
        Found::There(directory) => directory,
        other => panic!("{other:?}"),
    }
}

fn fit(directory_mode: u32, file_mode: u32) -> Fit {
    Fit { owner: None, directory_mode: Some(directory_mode), file_mode: Some(file_mode) }
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

fn run(root: &Path, fit: Fit, change: bool) -> Mended {
    let mut walk = Mend::new(fit, true, change);
    assert!(walk.advance((&open(root), Path::new("a")), far(), u64::MAX).unwrap());
    walk.tally().clone()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn links_pipes_and_files_of_several_names_are_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let at = |below: &str| root.path().join(below);
    fs::create_dir_all(at("a/b")).unwrap();
    for name in ["outside", "linked", "a/b/plain"] {
        fs::write(at(name), "x").unwrap();
        set(&at(name), 0o644);
    }
    fs::hard_link(at("linked"), at("a/hard")).unwrap();
    symlink("../outside", at("a/link")).unwrap();
    symlink("..", at("a/up")).unwrap();
    nix::unistd::mkfifo(&at("a/pipe"), Mode::from_bits_truncate(0o644)).unwrap();
    set(root.path(), 0o755);
    let met = run(root.path(), fit(0o700, 0o600), true);
    assert_eq!((met.directories, met.files, met.others, met.linked, met.refused), (2, 2, 3, 1, 0));
    assert_eq!((met.unfit, met.modes, met.owners, met.changed), (3, 3, 0, 3));
    assert_eq!((mode(&at("outside")), mode(&at("linked")), mode(root.path())), (0o644, 0o644, 0o755));
    assert_eq!((mode(&at("a")), mode(&at("a/b")), mode(&at("a/b/plain"))), (0o700, 0o700, 0o600));
    assert_eq!(met.left, ["hard: has 2 names"]);
    assert_eq!(mode(&at("a/pipe")), 0o644);
}

#[test]
fn set_id_bits_are_never_added() {
    let root = tempfile::tempdir().unwrap();
    let at = |below: &str| root.path().join(below);
    for (name, bits) in [("a", 0o755), ("a/with", 0o2755), ("a/without", 0o755)] {
        fs::create_dir(at(name)).unwrap();
        set(&at(name), bits);
    }
    fs::write(at("a/program"), "").unwrap();
    set(&at("a/program"), 0o4755);
    assert_eq!(run(root.path(), fit(0o2770, 0o640), true).changed, 4);
    // The declared directory itself is as declared.
    assert_eq!((mode(&at("a")), mode(&at("a/with")), mode(&at("a/without"))), (0o2770, 0o2770, 0o770));
    assert_eq!(mode(&at("a/program")), 0o640);
    // Without a mode for files theirs is left, but a new owner gets no set-id program.
    set(&at("a/program"), 0o4755);
    let owner = Some((nix::unistd::geteuid().as_raw() + 1, 4243));
    if nix::unistd::geteuid().is_root() {
        assert_eq!(run(root.path(), Fit { owner, ..Fit::default() }, true).owners, 4);
        assert_eq!((mode(&at("a/program")), fs::metadata(at("a/program")).unwrap().gid()), (0o755, 4243));
    }
    assert_eq!(run(root.path(), Fit { owner, ..Fit::default() }, false).changed, 0);
}

#[test]
fn without_recursion_only_the_directory_itself() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("a/b")).unwrap();
    let mut walk = Mend::new(fit(0o700, 0o600), false, true);
    assert!(walk.advance((&open(root.path()), Path::new("a")), far(), 1).unwrap());
    assert_eq!((walk.tally().changed, mode(&root.path().join("a"))), (1, 0o700));
    assert_ne!(mode(&root.path().join("a/b")), 0o700);
    let mut walk = Mend::new(fit(0o700, 0o600), false, true);
    assert!(walk.advance((&open(root.path()), Path::new("none")), far(), 1).is_err());
}

#[test]
fn a_hundred_thousand_entries_in_parts_that_hold_little() {
    let root = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::create_dir(root.path().join("a")).unwrap();
    for index in 0..50_000 {
        let name = root.path().join(format!("a/{index}"));
        fs::create_dir(&name).unwrap();
        fs::write(name.join("file"), "").unwrap();
    }
    let counted = run(root.path(), fit(0o711, 0o640), false);
    assert_eq!((counted.unfit, counted.changed, counted.examples.len()), (100_001, 0, 5));
    let mut walk = Mend::new(fit(0o711, 0o640), true, true);
    let (mut parts, mut before) = (0, 0);
    loop {
        let ended = walk.advance((&open(root.path()), Path::new("a")), far(), 5000).unwrap();
        let changed = walk.tally().changed - before;
        assert!(changed <= 5000 && walk.course.held() < 3000, "{changed} {}", walk.course.held());
        (parts, before) = (parts + 1, walk.tally().changed);
        if ended {
            break;
        }
    }
    assert_eq!((walk.tally().changed, parts), (100_001, 21));
    assert_eq!(run(root.path(), fit(0o711, 0o640), false).unfit, 0);
}

/// One swaps a directory and a file for links to what lies outside, and for hard links, while another mends.
#[test]
fn who_swaps_entries_gets_nothing_outside_mended() {
    let root = tempfile::tempdir_in("/dev/shm").unwrap();
    let at = |below: &str| root.path().join(below);
    fs::create_dir_all(at("a/dir")).unwrap();
    fs::create_dir_all(at("outside/dir")).unwrap();
    for name in ["outside/dir/file", "outside/file", "outside/one name", "a/dir/file", "a/file"] {
        fs::write(at(name), "x").unwrap();
        set(&at(name), 0o644);
    }
    set(&at("outside/dir"), 0o755);
    symlink("../outside/dir", at("a/link to dir")).unwrap();
    symlink("../outside/one name", at("a/link to file")).unwrap();
    fs::hard_link(at("outside/file"), at("a/hard")).unwrap();
    let stop = AtomicBool::new(false);
    let exchange = |one: &str, other: &str| {
        let base = open(root.path());
        let flags = nix::fcntl::RenameFlags::RENAME_EXCHANGE;
        nix::fcntl::renameat2(&base, Path::new(one), &base, Path::new(other), flags).unwrap();
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..10_000 {
                exchange("a/dir", "a/link to dir");
                exchange("a/file", "a/link to file");
                exchange("a/file", "a/hard");
            }
            stop.store(true, Ordering::Relaxed);
        });
        let mut round = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            round += 1;
            // Now one mode, now the other: something is to be done each time.
            let bits = if round.is_multiple_of(2) { 0o700 } else { 0o711 };
            let mut walk = Mend::new(fit(bits, bits & 0o666), true, true);
            let _ = walk.advance((&open(root.path()), Path::new("a")), far(), u64::MAX);
        }
        assert!(round > 1);
    });
    for (name, untouched) in
        [("outside/dir", 0o755), ("outside/dir/file", 0o644), ("outside/file", 0o644), ("outside/one name", 0o644)]
    {
        assert_eq!(mode(&at(name)), untouched, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_is_counted_is_what_is_done(
        modes in proptest::collection::vec((0_u32..0o10000, any::<bool>(), any::<bool>()), 1..30),
        (wanted, files) in (0_u32..0o1000, 0_u32..0o777),
    ) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        for (index, (bits, is_dir, linked)) in modes.iter().enumerate() {
            let path = root.path().join(format!("a/{index}"));
            if *is_dir {
                fs::create_dir(&path).unwrap();
            } else {
                fs::write(&path, "").unwrap();
                if *linked {
                    fs::hard_link(&path, root.path().join(format!("{index}"))).unwrap();
                }
            }
            // So that also who is not root may list it.
            set(&path, bits | if *is_dir { 0o700 } else { 0o400 });
        }
        let fit = fit(wanted | 0o700, files | 0o400);
        let counted = run(root.path(), fit, false);
        let done = run(root.path(), fit, true);
        prop_assert_eq!((counted.unfit, counted.modes, counted.linked), (done.changed, done.modes, done.linked));
        let after = run(root.path(), fit, false);
        prop_assert_eq!((after.unfit, after.linked), (0, counted.linked));
    }
}
