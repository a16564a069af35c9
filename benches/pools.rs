//! Balancing a pool beside the usual ways to move files: 100 000 small files in three members, 90/5/5, each member on a
//! file system of its own. Reports ratios of one run and asserts nothing. Needs root (loop devices), mkfs.ext4 and rsync.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)] // A bench says so.

#[path = "../tests/support/agent.rs"]
#[allow(dead_code)]
mod agent;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use agent::Agent;

const SHARES: [usize; 3] = [90, 5, 5];

const CONFIG: &str = r#"
[host]
mode = "enforce"
interval = "1h"
kill_switch = "@DIR@/disable"
[guard]
boot_grace = "0s"
quiet_period = "0s"
[metrics]
compat = []
[storage.tier.m1]
path = "@DIR@/m1"
require_mount = true
[storage.tier.m2]
path = "@DIR@/m2"
require_mount = true
[storage.tier.m3]
path = "@DIR@/m3"
require_mount = true
[project.bench.dir]
m1 = { tier = "m1", path = "files" }
m2 = { tier = "m2", path = "files" }
m3 = { tier = "m3", path = "files" }
[project.bench.pool.small]
members = ["m1", "m2", "m3"]
settle = "0s"
every = "1h"
"#;

fn run(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::inherit()).status();
    status.is_ok_and(|status| status.success())
}

fn count(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

/// Fresh members: empty file systems, filled.
fn fill(agent: &Agent, files: usize) {
    let mut number = 0;
    for (index, share) in SHARES.iter().enumerate() {
        let member = agent.path(&format!("m{}/files", index + 1));
        let _ = std::fs::remove_dir_all(&member);
        std::fs::create_dir_all(&member).unwrap();
        for _ in 0..files * share / 100 {
            number += 1;
            std::fs::write(member.join(format!("file-{number:06}.dat")), [b'x'; 1000]).unwrap();
        }
    }
    run("sync", &[]);
}

/// The names of the files that balancing moves, half of them to each of the two others.
fn lists(agent: &Agent, moves: usize) -> [String; 2] {
    let mut names: Vec<String> = std::fs::read_dir(agent.path("m1/files"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names.truncate(moves);
    let half = names.len() / 2;
    [names[..half].join("\n"), names[half..].join("\n")]
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn balance(agent: &mut Agent, moves: usize) -> Duration {
    agent.start();
    let before = count(&agent.path("m1/files"));
    let took = timed(|| {
        agent.say(&["storage", "balance", "small", "--now"]);
        let is_done = |agent: &Agent| {
            let pool = agent.json(&["storage", "pool", "small"])["pools"][0].clone();
            pool["state"] == "balanced" && pool["hurry_since"].is_null()
        };
        while !is_done(agent) {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    // The first round moved some before the clock was started.
    let moved = before - count(&agent.path("m1/files"));
    println!("{moved} of {moves} moves were timed");
    agent.stop();
    took
}

fn by_shell(agent: &Agent, lists: &[String; 2], script: &str) -> Duration {
    for (index, list) in lists.iter().enumerate() {
        std::fs::write(agent.path(&format!("list{}", index + 2)), list).unwrap();
    }
    let script = script.replace("@DIR@", &agent.dir.path().display().to_string());
    timed(|| assert!(run("sh", &["-ec", &script]), "{script}"))
}

fn main() {
    let files = std::env::var("HOSTKEEPER_BENCH_FILES").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    if !nix::unistd::geteuid().is_root()
        || !agent::have("rsync", "bench pools")
        || !agent::have("mkfs.ext4", "bench pools")
    {
        println!("skipped: pools (needs root, rsync and mkfs.ext4)");
        return;
    }
    let mut agent = Agent::with_config(CONFIG);
    let images: Vec<String> = (1..=3).map(|index| agent.path(&format!("m{index}")).display().to_string()).collect();
    for mount in &images {
        std::fs::create_dir(mount).unwrap();
        std::fs::File::create(format!("{mount}.img")).unwrap().set_len(2 << 30).unwrap();
        assert!(run("mkfs.ext4", &["-q", "-F", "-N", "200000", &format!("{mount}.img")]));
        assert!(run("mount", &["-o", "loop", &format!("{mount}.img"), mount]));
    }
    let _unmount = Unmount(images);
    let amounts: Vec<(u64, bool)> = SHARES.iter().map(|share| ((files * share / 100) as u64, false)).collect();
    let moves = hostkeeper::keepers::storage::pools::count_moves(&amounts, 5) as usize;
    println!("{files} files of 1000 bytes, {moves} to be moved");

    fill(&agent, files);
    let ours = balance(&mut agent, moves);
    fill(&agent, files);
    let files_to_move = lists(&agent, moves);
    let each = "for i in 2 3; do rsync -a --fsync --remove-source-files --files-from=@DIR@/list$i @DIR@/m1/files/ @DIR@/m$i/files/; done";
    let rsync = by_shell(&agent, &files_to_move, each);
    fill(&agent, files);
    let each = "cd @DIR@/m1/files; for i in 2 3; do xargs -a @DIR@/list$i cp -a -t @DIR@/m$i/files; sync; xargs -a @DIR@/list$i rm; done; sync";
    let copy = by_shell(&agent, &files_to_move, each);
    let ratio = |other: Duration| other.as_secs_f64() / ours.as_secs_f64();
    println!("hostkeeper storage balance --now: {:.1} s", ours.as_secs_f64());
    println!("rsync -a --fsync --remove-source-files: {:.1} s, {:.1} times as long", rsync.as_secs_f64(), ratio(rsync));
    println!("cp -a, sync, rm: {:.1} s, {:.2} times as long", copy.as_secs_f64(), ratio(copy));
}

struct Unmount(Vec<String>);

impl Drop for Unmount {
    fn drop(&mut self) {
        for mount in &self.0 {
            // A daemon that a failed bench left behind may hold it.
            run("umount", &["-l", mount]);
        }
    }
}
