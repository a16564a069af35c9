//! Moves between members of a pool, killed at every step, disturbed by writers, full disks and taken names: no file is
//! lost, none stays visible twice, none is half written.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr, clippy::print_stdout)] // A test says so.

mod disturbed;
mod large;
#[path = "../mounted.rs"]
mod mounted;
mod order;
mod scene;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};

use hostkeeper::keepers::storage::pools::moving::{Road, move_files, settle};
use scene::Scene;

const PLACE: &str = "HOSTKEEPER_TEST_POOL";
/// Other than `LOT`.
const LOT_OF: &str = "HOSTKEEPER_TEST_LOT";
/// Three points for each file before its name, three after, three in between: 200 kills hit 200 different ones.
const FILES: usize = 34;
/// So few files become durable together that both lanes have some of them.
const LOT: usize = 6;

static LEFT: AtomicI64 = AtomicI64::new(i64::MAX);

/// Ends the process as SIGKILL does, at the point that was chosen.
fn point(_: &'static str) {
    if LEFT.fetch_sub(1, Ordering::SeqCst) == 0 {
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}

/// The process that is killed: `move PLACE KILL` or `settle PLACE KILL`.
#[test]
fn pool_child() {
    let Some(order) = std::env::var_os(PLACE) else { return };
    let order = order.into_string().unwrap();
    let words: Vec<&str> = order.split(' ').collect();
    let scene = Scene::at(words[1].into());
    let items = scene.recorded();
    LEFT.store(words[2].parse().unwrap(), Ordering::SeqCst);
    let (from, to) = scene.open();
    let lot = std::env::var(LOT_OF).map_or(LOT, |lot| lot.parse().unwrap());
    let road = Road { from: &from, to: &to, until: scene::later(), lot, is_open: &|_| true, point: &point };
    let report = match words[0] {
        "move" => move_files(&road, &items, &mut None),
        _ => settle(&road, &items),
    };
    assert!(report.trouble.is_none(), "{:?}", report.trouble);
}

/// Whether it was killed before it was done.
fn run_child(order: &str) -> bool {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pool_child", "--nocapture"])
        .env(PLACE, order)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status()
        .unwrap();
    assert!(child.success() || child.signal() == Some(9), "{child}");
    child.signal() == Some(9)
}

fn kill_everywhere(kind: &str, scene: impl Fn() -> Scene) -> usize {
    let mut killed = 0;
    for seed in 0..200_usize {
        let scene = scene();
        scene.fill(FILES, seed);
        scene.record();
        let place = scene.place().to_owned();
        killed += usize::from(run_child(&format!("move {place} {seed}")));
        // As after a power-on: the settling is killed too, at one point or another, and then done again.
        run_child(&format!("settle {place} {}", seed % 67));
        let (from, to) = scene.open();
        let road = Road { from: &from, to: &to, until: scene::later(), lot: LOT, is_open: &|_| true, point: &|_| () };
        let report = settle(&road, &scene.recorded());
        assert!(report.trouble.is_none(), "{kind}, seed {seed}: {:?}", report.trouble);
        scene.verify(&format!("{kind}, seed {seed}"));
    }
    killed
}

#[test]
fn killed_at_two_hundred_points_between_file_systems() {
    if !mounted::may_mount("killed_at_two_hundred_points_between_file_systems") {
        return;
    }
    let killed = kill_everywhere("two file systems", Scene::on_two);
    assert!(killed > 195, "only {killed} of 200 were killed before they were done");
}

#[test]
fn killed_at_every_point_within_one_file_system() {
    let killed = kill_everywhere("one file system", Scene::on_one);
    assert!(killed > 2 * FILES - 2, "only {killed} of 200 were killed before they were done");
}
