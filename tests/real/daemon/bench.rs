//! `storage bench` with a real disk: what it says, what it refuses, and that nothing is left.

use std::fs;
use std::time::Duration;

use crate::KEPT;
use crate::agent::Agent;

const EXPECTED: &str = "[storage.tier.bulk.expected]\nsequential_write = \"1MB\"\nrandom_read = 1000000000\n";

fn started(toml: &str) -> Agent {
    let mut agent = Agent::with_config(toml);
    fs::create_dir(agent.path("bulk")).unwrap();
    agent.start();
    agent
}

/// Whether this machine's disk can be measured at all; in CI it must be.
fn can_measure(said: &str) -> bool {
    let unfit = said.contains("without direct I/O");
    assert!(!unfit || std::env::var("CI").is_ok_and(|ci| ci != "true"), "{said}");
    if unfit {
        println!("skipped: no direct I/O below the scratch directory");
    }
    !unfit
}

#[test]
fn a_tier_is_measured_compared_and_the_result_kept() {
    let agent = started(&format!("{KEPT}{EXPECTED}"));
    let output = agent.cli(&["storage", "bench", "bulk", "--size", "32MiB", "--limit", "1s", "--json"]);
    if !can_measure(&String::from_utf8_lossy(&output.stderr)) {
        return;
    }
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["schema"], "hostkeeper.bench/1");
    assert_eq!((found["size_bytes"].as_u64(), found["kept"].as_bool()), (Some(32 << 20), Some(true)));
    assert!(found["sequential_write_bytes_per_second"].as_u64().unwrap() > 1_000_000, "{found}");
    assert!(found["sequential_write_of_expected"].as_f64().unwrap() > 1.0, "{found}");
    // No disk reads so often: slower than expected is a finding.
    assert!(found["random_read_of_expected"].as_f64().unwrap() < 0.85, "{found}");
    assert_eq!(output.status.code(), Some(1));
    let history = agent.say(&["history", "--kind", "bench"]);
    assert!(history.contains("tier bulk: writes") && history.contains("32MiB"), "{history}");
    let entries = fs::read_dir(agent.path("bulk")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(entries.collect::<Vec<_>>(), ["shop"]);
}

#[test]
fn what_must_remain_free_is_not_taken_and_wrong_words_are_refused() {
    let agent =
        started(&KEPT.replace("[project.shop.dir.uploads]", "min_free = \"1000TB\"\n[project.shop.dir.uploads]"));
    let refused = agent.cli(&["storage", "bench", "bulk", "--size", "16MiB"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("must remain free") && said.contains("nothing is left"), "{said}");
    assert_eq!(refused.status.code(), Some(1));
    for (arguments, text) in [
        (&["storage", "bench", "bulk", "--size", "1MiB"][..], "16MiB to 64GiB"),
        (&["storage", "bench", "bulk", "--limit", "2h"], "1s to 60s"),
        (&["storage", "bench", "nvme"], "is not declared; there are bulk"),
        (&["storage", "bench"], "TIER"),
    ] {
        let refused = agent.cli(arguments);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(text), "{arguments:?}: {said}");
    }
}

#[test]
fn nothing_is_left_when_it_is_killed() {
    let agent = started(KEPT);
    let (size, room) = ("256MiB", || nix::sys::statvfs::statvfs(&agent.path("bulk")).unwrap());
    let free = || room().blocks_available() * room().fragment_size();
    let before = free();
    let mut child = agent.command();
    let mut child = child.args(["storage", "bench", "bulk", "--size", size, "--limit", "60s"]).spawn().unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while free() + (200 << 20) > before && std::time::Instant::now() < end {
        if child.try_wait().unwrap().is_some() {
            // It cannot be measured here, which the first test says.
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let entries = fs::read_dir(agent.path("bulk")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(entries.collect::<Vec<_>>(), ["shop"]);
    // Others use the disk, too: most of the room is back.
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while free() + (100 << 20) < before {
        assert!(std::time::Instant::now() < end, "{} of {before} bytes are free", free());
        std::thread::sleep(Duration::from_millis(50));
    }
}
