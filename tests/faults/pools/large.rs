//! A member with a million files is counted in little memory.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use hostkeeper::host::files::{Found, open_root};
use hostkeeper::keepers::storage::pools::KEPT;
use hostkeeper::keepers::storage::pools::walk::{Rules, count};

const PLACE: &str = "HOSTKEEPER_TEST_MILLION";
const FILES: usize = 1_000_000;

/// Counts in a process of its own, and says what it found and the most memory it ever had, kB.
#[test]
fn million_child() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let Found::There(member) = open_root(std::path::Path::new("/"), std::path::Path::new(&place)).unwrap() else {
        panic!("no member");
    };
    for largest in [false, true] {
        let rules = Rules { keep: KEPT, largest, ..Rules::default() };
        let found = count(&member, &rules, &|| true).unwrap();
        assert_eq!(found.kept.len(), KEPT);
        println!("counted {}", found.files);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().to_owned();
    println!("peak {}", peak.trim_end_matches(" kB"));
}

#[test]
fn a_million_files_are_counted_in_little_memory() {
    // In memory where there is such a place: the disk is not what is tried here.
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let member = directory.path().canonicalize().unwrap();
    for below in 0..100 {
        let inner = member.join(format!("d{below:02}"));
        std::fs::create_dir(&inner).unwrap();
        for number in 0..FILES / 100 {
            std::fs::File::create(inner.join(format!("a file with a name of some length {number:06}"))).unwrap();
        }
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "large::million_child", "--nocapture"])
        .env(PLACE, &member)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<String> = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success());
    assert_eq!(lines.iter().filter(|line| line.contains(&format!("counted {FILES}"))).count(), 2, "{lines:?}");
    let peak =
        lines.iter().find_map(|line| line.split_once("peak ")).map(|(_, peak)| peak.trim().parse::<u64>().unwrap());
    eprintln!("1 000 000 files counted twice with a peak of {peak:?} kB");
    assert!(peak.unwrap() < 50_000, "{peak:?} kB");
}
