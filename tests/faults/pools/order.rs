//! The order of a move, as the kernel is told: the copy is on the disk before it has its name, and its name before the
//! original goes. And what is found in between is looked at once more.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use hostkeeper::keepers::storage::pools::Item;
use hostkeeper::keepers::storage::pools::moving::{End, LOT, Report, Road, move_files, settle};

use crate::mounted::may_mount;
use crate::scene::{Scene, later, list};

/// Moves all that is recorded. At each point `act` gets its name and how often it was there.
fn go(scene: &Scene, act: &(dyn Fn(&'static str) + Sync)) -> Report {
    let (from, to) = scene.open();
    let road = Road { from: &from, to: &to, until: later(), lot: LOT, is_open: &|_| true, point: act };
    move_files(&road, &scene.recorded(), &mut None)
}

fn settled(scene: &Scene, items: &[Item]) -> Report {
    let (from, to) = scene.open();
    let road = Road { from: &from, to: &to, until: later(), lot: LOT, is_open: &|_| true, point: &|_| () };
    settle(&road, items)
}

fn append(path: &std::path::Path, text: &str) {
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn names(path: &std::path::Path) -> Vec<String> {
    list(path).into_iter().map(|(name, _)| name).collect()
}

/// Calls of one kind in the order in which the kernel had them: `(position, call)`.
fn positions(calls: &[String], is_it: impl Fn(&str) -> bool) -> Vec<usize> {
    calls.iter().enumerate().filter(|(_, call)| is_it(call)).map(|(position, _)| position).collect()
}

#[test]
fn each_step_is_on_the_disk_before_the_next() {
    let test = "each_step_is_on_the_disk_before_the_next";
    let have_strace =
        Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !may_mount(test) || !have_strace {
        assert!(std::env::var_os("CI").is_none(), "{test} needs strace");
        println!("skipped: {test} (needs strace)");
        return;
    }
    // Fewer than are synced one by one, and more.
    for files in [5, 34] {
        let scene = Scene::on_two();
        for number in 0..files {
            std::fs::write(scene.from(&format!("f{number:02}")), format!("file {number}")).unwrap();
        }
        scene.record();
        let place = scene.place().to_owned();
        let trace = format!("{place}/trace");
        let status = Command::new("strace")
            .args(["-f", "-y", "-o", &trace, "-e", "trace=syncfs,fsync,renameat2,unlinkat"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "pool_child", "--nocapture"])
            .env(crate::PLACE, format!("move {place} 1000000"))
            .env(crate::LOT_OF, "1000")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        scene.verify("traced");
        let calls: Vec<String> = read(trace.as_ref()).lines().map(str::to_owned).collect();
        let target = format!("<{place}/to>");
        let named = positions(&calls, |call| call.contains("renameat2") && call.contains("\".hostkeeper-move-"));
        let away = positions(&calls, |call| call.contains("renameat2") && call.contains("\".hostkeeper-gone-"));
        let gone = positions(&calls, |call| call.contains("unlinkat") && call.contains("\".hostkeeper-gone-"));
        assert_eq!((named.len(), away.len(), gone.len()), (files, files, files), "{calls:#?}");
        let many = positions(&calls, |call| call.contains("syncfs") && call.contains(&target));
        let each = positions(&calls, |call| call.contains("fsync") && call.contains(".hostkeeper-move-"));
        let copies_synced =
            many.iter().any(|at| *at < named[0]) || (each.len() == files && each.iter().all(|at| *at < named[0]));
        assert!(copies_synced, "a copy had its name before it was on the disk: {calls:#?}");
        let names_synced = positions(&calls, |call| call.contains("sync") && call.contains(&target))
            .into_iter()
            .any(|at| named[files - 1] < at && at < away[0]);
        assert!(names_synced, "an original went before the name of its copy was on the disk: {calls:#?}");
        assert!(away[files - 1] < gone[0], "{calls:#?}");
        let source = format!("<{place}/from>");
        let end = positions(&calls, |call| call.contains("sync") && call.contains(&source));
        assert!(end.last().is_some_and(|at| *at > gone[files - 1]), "the end was not waited for: {calls:#?}");
    }
}

/// A bit that falls over on the way to the disk: the copy looks as it should, and does not hold what it should.
#[test]
fn a_copy_that_reads_back_wrong_gets_no_name() {
    if !may_mount("a_copy_that_reads_back_wrong_gets_no_name") {
        return;
    }
    for files in [1, 20] {
        let scene = Scene::on_two();
        scene.fill(files, 3);
        std::fs::write(scene.from("one"), "a".repeat(5000)).unwrap();
        scene.record();
        let items = scene.recorded();
        let one = items.iter().find(|item| item.name == "one").unwrap();
        let copy = scene.to(&one.copy_name());
        let report = go(&scene, &|now| {
            if now == "copied" {
                let facts = std::fs::metadata(&copy).unwrap();
                let file = std::fs::OpenOptions::new().write(true).open(&copy).unwrap();
                std::os::unix::fs::FileExt::write_all_at(&file, b"b", 2500).unwrap();
                file.set_modified(facts.modified().unwrap()).unwrap();
            }
        });
        let trouble = report.trouble.unwrap().chain();
        assert!(trouble.contains("differs from it when read back"), "{trouble}");
        assert!(names(&scene.to("")).is_empty());
        scene.verify("read back");
    }
}

/// Somebody takes the name exactly when the copy is whole.
#[test]
fn a_name_that_is_taken_at_the_last_moment_stays_theirs() {
    for (scene, when) in [(Scene::on_one(), "before")]
        .into_iter()
        .chain(may_mount("a_name_that_is_taken_at_the_last_moment_stays_theirs").then(|| (Scene::on_two(), "durable")))
    {
        std::fs::write(scene.from("x"), "ours").unwrap();
        scene.record();
        let path = scene.to("x");
        let report = go(&scene, &|now| {
            if now == when {
                std::fs::write(&path, "theirs").unwrap();
            }
        });
        assert!(report.trouble.is_none(), "{:?}", report.trouble);
        assert_eq!(report.ends, [End::Clash], "{when}");
        assert_eq!((read(&scene.from("x")), read(&scene.to("x"))), ("ours".to_owned(), "theirs".to_owned()));
        assert_eq!(names(&scene.to("")), ["x"]);
    }
}

/// Who writes to the original while its copy has no name must not find the copy next.
#[test]
fn what_was_changed_before_its_copy_had_a_name_never_shows_twice() {
    if !may_mount("what_was_changed_before_its_copy_had_a_name_never_shows_twice") {
        return;
    }
    let scene = Scene::on_two();
    std::fs::write(scene.from("x"), "old").unwrap();
    scene.record();
    let (path, copy, seen) = (scene.from("x"), scene.to("x"), Mutex::new(Vec::new()));
    let report = go(&scene, &|now| {
        if now == "durable" {
            append(&path, " and new");
        }
        seen.lock().unwrap().push((now, copy.exists()));
    });
    assert_eq!(report.ends, [End::Changed]);
    assert!(report.trouble.is_none(), "{:?}", report.trouble);
    assert!(seen.lock().unwrap().iter().all(|(_, visible)| !visible), "{:?}", seen.lock().unwrap());
    assert_eq!((read(&scene.from("x")).as_str(), names(&scene.to("")).len()), ("old and new", 0));
}

/// One file is written to in both members at once, which nobody can mend: the others are moved all the same.
#[test]
fn one_file_in_trouble_does_not_leave_the_others_twice() {
    if !may_mount("one_file_in_trouble_does_not_leave_the_others_twice") {
        return;
    }
    let scene = Scene::on_two();
    for name in ["a", "b", "c"] {
        std::fs::write(scene.from(name), name).unwrap();
    }
    scene.record();
    let (original, copy) = (scene.from("b"), scene.to("b"));
    let report = go(&scene, &|now| {
        if now == "named durably" {
            append(&original, " here");
            append(&copy, " there");
        }
    });
    assert!(report.trouble.unwrap().chain().contains("is in both members"));
    assert_eq!(report.ends, [End::Moved, End::Later, End::Moved]);
    assert_eq!(
        (names(&scene.from("")), names(&scene.to(""))),
        (vec!["b".into()], ["a", "b", "c"].map(String::from).into())
    );
    // Nothing tells which of them is right: both stay, and it is said.
    let report = settled(&scene, &scene.recorded());
    assert!(report.trouble.is_none(), "{:?}", report.trouble);
    assert_eq!(report.ends, [End::Moved, End::Clash, End::Moved]);
    assert_eq!((read(&scene.from("b")), read(&scene.to("b"))), ("b here".to_owned(), "b there".to_owned()));
}

/// Whatever happens to the original until the very end is found, and the original stays with it.
#[test]
fn who_reaches_the_original_at_the_last_moment_keeps_it() {
    if !may_mount("who_reaches_the_original_at_the_last_moment_keeps_it") {
        return;
    }
    for what in ["mode", "another name", "written by who had it open", "open"] {
        let scene = Scene::on_two();
        std::fs::write(scene.from("x"), "old").unwrap();
        scene.record();
        let (original, held) = (scene.from("x"), Mutex::new(None));
        let away = scene.from(&scene.recorded()[0].gone_name());
        let report = go(&scene, &|now| match (what, now) {
            ("mode", "named durably") => {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o4711);
                std::fs::set_permissions(&original, mode).unwrap();
            }
            ("another name", "named durably") => std::fs::hard_link(&original, scene.from("y")).unwrap(),
            ("written by who had it open", "taken away") => append(&away, " and new"),
            ("open", "taken away") => *held.lock().unwrap() = Some(std::fs::File::open(&away).unwrap()),
            _ => {}
        });
        assert!(report.trouble.is_none(), "{what}: {:?}", report.trouble);
        let expected = if what == "open" { End::Open } else { End::Changed };
        assert_eq!(report.ends, [expected], "{what}");
        assert!(names(&scene.to("")).is_empty(), "{what}");
        assert!(read(&original).starts_with("old") && !away.exists(), "{what}");
    }
}

/// What a killed life can leave, and what others do to it before the next life settles it.
#[test]
fn settling_removes_only_what_is_proved_to_be_there_twice() {
    for scene in [Some(Scene::on_one()), may_mount("settling_removes").then(Scene::on_two)].into_iter().flatten() {
        let all = ["equal", "written", "copied over", "foreign", "away", "away written", "away alone", "nowhere"];
        for name in all {
            std::fs::write(scene.from(name), format!("{name}, as it was")).unwrap();
        }
        scene.record();
        let items = scene.recorded();
        let item = |name: &str| items.iter().find(|item| item.name == name).unwrap().clone();
        let reveal = |name: &str| {
            std::fs::copy(scene.from(name), scene.to(name)).unwrap();
            let facts = std::fs::metadata(scene.from(name)).unwrap();
            let copy = std::fs::OpenOptions::new().write(true).open(scene.to(name)).unwrap();
            copy.set_modified(facts.modified().unwrap()).unwrap();
        };
        for name in ["equal", "written", "copied over", "away", "away written"] {
            reveal(name);
        }
        append(&scene.from("written"), " and more");
        append(&scene.to("copied over"), " and more");
        std::fs::write(scene.to("foreign"), "somebody else's").unwrap();
        for name in ["away", "away written", "away alone"] {
            std::fs::rename(scene.from(name), scene.from(&item(name).gone_name())).unwrap();
        }
        append(&scene.from(&item("away written").gone_name()), " and more");
        std::fs::remove_file(scene.from("nowhere")).unwrap();
        let half = item("nowhere").copy_name();
        std::fs::write(scene.to(&half), "half").unwrap();
        let report = settled(&scene, &items);
        assert!(report.trouble.is_none(), "{:?}", report.trouble);
        let end = |name: &str| report.ends[items.iter().position(|item| item.name == name).unwrap()].clone();
        let ends = all.map(end);
        let (moved, changed, clash) = (End::Moved, End::Changed, End::Clash);
        let expected = [&moved, &changed, &clash, &clash, &moved, &changed, &changed, &End::Vanished].map(Clone::clone);
        assert_eq!(ends, expected);
        assert_eq!(names(&scene.from("")), ["away alone", "away written", "copied over", "foreign", "written"]);
        assert_eq!(names(&scene.to("")), ["away", "copied over", "equal", "foreign"]);
        assert_eq!(read(&scene.from("written")), "written, as it was and more");
        assert_eq!(read(&scene.from("away written")), "away written, as it was and more");
        assert_eq!(read(&scene.to("copied over")), "copied over, as it was and more");
        assert_eq!(read(&scene.to("foreign")), "somebody else's");
        assert_eq!(std::fs::metadata(scene.from("away alone")).unwrap().size(), item("away alone").size);
    }
}

/// Another program has a lease on a file (a file server has): it is open, and keeps no other file from going.
#[test]
fn a_file_that_another_program_has_leased_is_open() {
    let scenes = [Some(Scene::on_one()), may_mount("a_file_that_another_program_has_leased").then(Scene::on_two)];
    for scene in scenes.into_iter().flatten() {
        for name in ["a", "b", "c"] {
            std::fs::write(scene.from(name), name).unwrap();
        }
        scene.record();
        let held = std::fs::OpenOptions::new().read(true).write(true).open(scene.from("b")).unwrap();
        // SAFETY: an open descriptor and an integer; the signal is one that is ignored.
        #[allow(unsafe_code)]
        let leased = unsafe {
            let held = std::os::fd::AsRawFd::as_raw_fd(&held);
            libc::fcntl(held, 10, libc::SIGURG) | libc::fcntl(held, libc::F_SETLEASE, libc::F_WRLCK)
        };
        assert_eq!(leased, 0);
        let report = go(&scene, &|_| ());
        assert!(report.trouble.is_none(), "{:?}", report.trouble);
        assert_eq!(report.ends, [End::Moved, End::Open, End::Moved]);
        assert_eq!(names(&scene.from("")), ["b"]);
        drop(held);
        assert_eq!(read(&scene.from("b")), "b");
        assert_eq!(go(&scene, &|_| ()).ends, [End::Vanished, End::Moved, End::Vanished]);
    }
}
