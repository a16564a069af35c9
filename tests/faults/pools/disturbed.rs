//! Moves that meet writers, readers, taken names, links, full disks and vanished members.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hostkeeper::host::transfer::Progress;
use hostkeeper::keepers::storage::pools::Item;
use hostkeeper::keepers::storage::pools::moving::{End, LOT, Partial, Report, Road, move_files, settle};

use crate::mounted::may_mount;
use crate::scene::{Scene, later, list};

fn go(scene: &Scene, items: &[Item]) -> Report {
    go_with(scene, items, &|_| ())
}

fn go_with(scene: &Scene, items: &[Item], point: &(dyn Fn(&'static str) + Sync)) -> Report {
    let (from, to) = scene.open();
    let road = Road { from: &from, to: &to, until: later(), lot: LOT, is_open: &|_| true, point };
    move_files(&road, items, &mut None)
}

fn item(scene: &Scene, name: &str) -> Item {
    let facts = std::fs::symlink_metadata(scene.from(name)).unwrap();
    Item { name: name.into(), size: facts.size(), modified: (facts.mtime(), facts.mtime_nsec()) }
}

fn scenes(test: &str) -> Vec<Scene> {
    let mut scenes = vec![Scene::on_one()];
    if may_mount(test) {
        scenes.push(Scene::on_two());
    }
    scenes
}

#[test]
fn what_is_open_taken_linked_or_changed_stays() {
    for scene in scenes("what_is_open_taken_linked_or_changed_stays") {
        for name in ["open", "taken", "linked", "changed", "gone", "free"] {
            std::fs::write(scene.from(name), name).unwrap();
        }
        let names = ["open", "taken", "linked", "changed", "gone", "free"];
        let items: Vec<Item> = names.iter().map(|name| item(&scene, name)).collect();
        let reader = std::fs::File::open(scene.from("open")).unwrap();
        std::fs::write(scene.to("taken"), "somebody else's").unwrap();
        std::fs::hard_link(scene.from("linked"), scene.from("other")).unwrap();
        std::fs::write(scene.from("changed"), "longer than before").unwrap();
        std::fs::remove_file(scene.from("gone")).unwrap();
        let report = go(&scene, &items);
        assert!(report.trouble.is_none(), "{:?}", report.trouble);
        assert_eq!(report.ends, [End::Open, End::Clash, End::Changed, End::Changed, End::Vanished, End::Moved]);
        assert_eq!(std::fs::read_to_string(scene.to("taken")).unwrap(), "somebody else's");
        assert_eq!(std::fs::read_to_string(scene.from("taken")).unwrap(), "taken");
        let left: Vec<String> = list(&scene.to("")).into_iter().map(|(name, _)| name).collect();
        assert_eq!(left, ["free", "taken"]);
        drop(reader);
        assert_eq!(go(&scene, &items[..1]).ends, [End::Moved]);
    }
}

#[test]
fn links_and_devices_are_never_opened_as_files() {
    for scene in scenes("links_and_devices_are_never_opened_as_files") {
        std::fs::write(scene.place().to_owned() + "/secret", "secret").unwrap();
        symlink(scene.place().to_owned() + "/secret", scene.from("link")).unwrap();
        nix::unistd::mkfifo(&scene.from("pipe"), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        std::fs::create_dir(scene.from("directory")).unwrap();
        let items: Vec<Item> = ["link", "pipe", "directory"].iter().map(|name| item(&scene, name)).collect();
        assert_eq!(go(&scene, &items).ends, [End::Vanished, End::Vanished, End::Vanished]);
        assert!(list(&scene.to("")).is_empty());
    }
}

#[test]
fn a_member_that_is_a_link_is_not_entered() {
    let scene = Scene::on_one();
    std::fs::create_dir(scene.from("real")).unwrap();
    std::fs::write(scene.from("real/x"), "x").unwrap();
    let one = item(&scene, "real/x");
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), scene.to("real")).unwrap();
    let report = go(&scene, &[one]);
    assert!(report.ends == [End::Vanished] || report.trouble.is_some(), "{report:?}");
    assert!(list(outside.path()).is_empty() && scene.from("real/x").exists());
}

/// Everything that belongs to a file goes with it.
#[test]
fn owner_times_attributes_and_holes_are_kept() {
    if !may_mount("owner_times_attributes_and_holes_are_kept") {
        return;
    }
    let scene = Scene::on_two();
    let path = scene.from("sparse");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(8 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"in the middle", 4 << 20).unwrap();
    drop(file);
    nix::unistd::chown(&path, Some(4242.into()), Some(4243.into())).unwrap();
    let named = Command::new("setfattr").args(["-n", "trusted.note", "-v", "kept"]).arg(&path).status();
    let named = named.is_ok_and(|status| status.success());
    std::fs::create_dir(scene.from("dir")).unwrap();
    nix::unistd::chown(&scene.from("dir"), Some(7.into()), Some(8.into())).unwrap();
    std::fs::write(scene.from("dir/x"), "x").unwrap();
    let before = std::fs::metadata(&path).unwrap();
    let items = [item(&scene, "sparse"), item(&scene, "dir/x")];
    assert_eq!(go(&scene, &items).ends, [End::Moved, End::Moved]);
    let after = std::fs::metadata(scene.to("sparse")).unwrap();
    let facts = |m: &std::fs::Metadata| (m.uid(), m.gid(), m.mode(), m.len(), m.mtime(), m.mtime_nsec());
    assert_eq!(facts(&after), facts(&before));
    assert!(after.blocks() * 512 < 1 << 20, "{} blocks", after.blocks());
    assert_eq!(std::fs::metadata(scene.to("dir")).unwrap().uid(), 7);
    if named {
        let mut said = Command::new("getfattr");
        said.args(["--absolute-names", "--only-values", "-n", "trusted.note"]).arg(scene.to("sparse"));
        assert_eq!(said.output().unwrap().stdout, b"kept");
    }
}

/// A full target: nothing of ours stays there, nothing is lost, what fits is not half moved.
#[test]
fn a_full_target_loses_nothing() {
    if !may_mount("a_full_target_loses_nothing") {
        return;
    }
    for lot in [LOT, 2] {
        let scene = Scene::with_target("size=256k");
        for number in 0..20 {
            std::fs::write(scene.from(&format!("f{number:02}")), vec![number as u8; 40_000]).unwrap();
        }
        scene.record();
        let (from, to) = scene.open();
        let road = Road { from: &from, to: &to, until: later(), lot, is_open: &|_| true, point: &|_| () };
        let report = move_files(&road, &scene.recorded(), &mut None);
        let trouble = report.trouble.unwrap().chain();
        assert!(trouble.contains("No space left") && trouble.contains("copy f"), "{trouble}");
        // What became durable before the disk was full has its name, and nothing else is there.
        let moved = report.ends.iter().filter(|end| **end == End::Moved).count();
        assert_eq!(moved == 0, lot == LOT, "{:?}", report.ends);
        assert_eq!(list(&scene.to("")).len(), moved, "{:?}", list(&scene.to("")));
        scene.verify("full");
        // As the next round does.
        assert!(settle(&road, &scene.recorded()).trouble.is_none());
        scene.verify("settled");
    }
}

/// A program that opens a file by its name, writes a line and closes it, again and again, while the file is moved.
#[test]
fn no_line_of_a_writer_is_lost() {
    if !may_mount("no_line_of_a_writer_is_lost") {
        return;
    }
    let scene = Scene::on_two();
    let (written, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (path, count, over) = (scene.from("log"), written.clone(), stop.clone());
    std::fs::write(&path, "").unwrap();
    let writer = std::thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            let line = count.load(Ordering::SeqCst);
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&path).unwrap();
            // Half of a line now, the rest later: a move in between would cut it.
            write!(file, "line ").unwrap();
            std::thread::yield_now();
            writeln!(file, "{line}").unwrap();
            drop(file);
            count.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(line % 4));
        }
    });
    let (mut moved, mut ends) = (0_usize, std::collections::BTreeMap::new());
    let mut all = String::new();
    for _ in 0..200_000 {
        if moved >= 100 {
            break;
        }
        let Ok(facts) = std::fs::metadata(scene.from("log")) else { continue };
        let item = Item { name: "log".into(), size: facts.size(), modified: (facts.mtime(), facts.mtime_nsec()) };
        let report = go(&scene, &[item]);
        assert!(report.trouble.is_none(), "{:?}", report.trouble);
        *ends.entry(format!("{:?}", report.ends[0])).or_insert(0) += 1;
        if report.ends == [End::Moved] {
            moved += 1;
            all.push_str(&std::fs::read_to_string(scene.to("log")).unwrap());
            std::fs::remove_file(scene.to("log")).unwrap();
        }
        assert!(list(&scene.to("")).is_empty(), "{:?}", list(&scene.to("")));
    }
    stop.store(true, Ordering::SeqCst);
    writer.join().unwrap();
    all.push_str(&std::fs::read_to_string(scene.from("log")).unwrap_or_default());
    let expected: String = (0..written.load(Ordering::SeqCst)).map(|line| format!("line {line}\n")).collect();
    eprintln!("{moved} moves between {} lines: {ends:?}", written.load(Ordering::SeqCst));
    assert!(moved > 0, "{ends:?}");
    assert!(all == expected, "lines were lost or doubled");
}

/// Somebody writes to the file exactly while its original is away, and when its copy is visible already.
#[test]
fn a_write_at_any_point_wins_over_the_copy() {
    if !may_mount("a_write_at_any_point_wins_over_the_copy") {
        return;
    }
    for when in ["before", "begun", "copied", "durable", "named", "named durably"] {
        let scene = Scene::on_two();
        std::fs::write(scene.from("x"), "old").unwrap();
        let one = item(&scene, "x");
        let path = scene.from("x");
        let point = |now: &'static str| {
            // The lease is held while the file is copied: there the writer is on another thread, and waits.
            if now == when && !matches!(when, "before" | "begun") {
                std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b" and new").unwrap();
            }
        };
        let waiting = matches!(when, "before" | "begun").then(|| {
            let path = scene.from("x");
            std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(1));
                std::fs::OpenOptions::new()
                    .append(true)
                    .open(&path)
                    .is_ok_and(|mut file| file.write_all(b" and new").is_ok())
            })
        });
        let report = go_with(&scene, &[one], &point);
        let late = waiting.map(|writer| writer.join().unwrap());
        assert!(report.trouble.is_none(), "{when}: {:?}", report.trouble);
        let files: Vec<String> =
            list(&scene.from("")).into_iter().chain(list(&scene.to(""))).map(|(name, _)| name).collect();
        assert_eq!(files, ["x"], "{when}");
        if late.is_none() {
            assert_eq!(report.ends, [End::Changed], "{when}");
            assert_eq!(std::fs::read_to_string(scene.from("x")).unwrap(), "old and new", "{when}");
        }
    }
}

/// A large file takes several orders, goes on where it was, and begins anew when it was changed.
#[test]
fn a_large_file_is_carried_from_order_to_order() {
    if !may_mount("a_large_file_is_carried_from_order_to_order") {
        return;
    }
    let scene = Scene::on_two();
    let whole: Vec<u8> = (0..3_000_000_u32).map(|index| (index / 7) as u8).collect();
    std::fs::write(scene.from("large"), &whole).unwrap();
    let one = item(&scene, "large");
    let mut partial: Option<Partial> = None;
    let slice = |partial: &mut Option<Partial>| {
        let (from, to) = scene.open();
        // Over as soon as it is begun.
        let until = std::time::Instant::now() + std::time::Duration::from_micros(300);
        let road = Road { from: &from, to: &to, until, lot: LOT, is_open: &|_| true, point: &|_| () };
        move_files(&road, std::slice::from_ref(&one), partial)
    };
    let mut slices = 0;
    let mut shrank = false;
    loop {
        let report = slice(&mut partial);
        assert!(report.trouble.is_none(), "{:?}", report.trouble);
        slices += 1;
        if report.ends == [End::Moved] {
            break;
        }
        assert_eq!(report.ends, [End::Later]);
        if slices == 3 && !shrank {
            // A torn copy is found out: it is begun anew.
            shrank = true;
            let copy = scene.to(&one.copy_name());
            if copy.exists() {
                std::fs::OpenOptions::new().write(true).open(copy).unwrap().set_len(1).unwrap();
            }
        }
        assert!(slices < 10_000);
    }
    assert!(slices > 2, "{slices} slices");
    assert!(std::fs::read(scene.to("large")).unwrap() == whole);
    assert_eq!(list(&scene.to("")).len(), 1);
    assert_eq!(Progress::default().done, 0);
}

/// The file system below a member goes away (lazily, as with a pulled disk) in the middle: the file is whole on one side.
#[test]
fn a_member_that_is_unmounted_in_the_middle_loses_nothing() {
    if !may_mount("a_member_that_is_unmounted_in_the_middle_loses_nothing") {
        return;
    }
    let scene = Scene::on_two();
    scene.fill(5, 1);
    scene.record();
    let to = scene.to("");
    let held = std::fs::File::open(&to).unwrap();
    let point = |now: &'static str| {
        if now == "durable" {
            nix::mount::umount2(&to, nix::mount::MntFlags::MNT_DETACH).unwrap();
        }
    };
    let report = go_with(&scene, &scene.recorded(), &point);
    // Nothing was written to the disk below.
    assert!(list(&scene.to("")).is_empty());
    let moved = report.ends.iter().filter(|end| **end == End::Moved).count();
    assert_eq!(list(&scene.from("")).len() + moved, 5, "{report:?}");
    drop(held);
}
