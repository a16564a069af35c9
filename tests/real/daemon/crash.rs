//! Part of the daemon tests: killed at a system call of its own, again and again. What was begun is examined, nothing is
//! done twice, nothing stays half done, the ledger says what happened.

use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::agent::{Agent, have};

/// Calls between an intent and its result: those of the ledger and those of the steps.
const CALLS: [&str; 5] = ["pwrite64", "fdatasync", "mkdirat", "fchmod", "openat2"];

fn config() -> String {
    let mut config = crate::KEPT.replace("\"200ms\"", "\"100ms\"");
    for n in 0..6 {
        let words = format!("[project.shop.dir.d{n}]\ntier = \"bulk\"\npath = \"deep/er/d{n}\"\nmode = \"07{n}5\"\n");
        config.push_str(&words);
    }
    config
}

/// `HOSTKEEPER_TEST_SEEDS` sets how many lives are ended; CI and a laptop use the same default.
fn seeds() -> u64 {
    std::env::var("HOSTKEEPER_TEST_SEEDS").ok().and_then(|words| words.parse().ok()).unwrap_or(60)
}

fn random(state: &mut u64, below: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % below
}

#[test]
fn killed_at_any_call_it_is_whole_after_the_next_start() {
    if !have("strace", "kills at system calls") {
        return;
    }
    let mut killed = 0;
    for seed in 1..=seeds() {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut agent = Agent::with_config(&config());
        std::fs::create_dir(agent.path("bulk")).unwrap();
        let call = CALLS[random(&mut state, CALLS.len() as u64) as usize];
        let number = 1 + random(&mut state, 12);
        killed += u32::from(live_and_die(&mut agent, call, number));
        agent.start();
        agent.wait_for("all directories", |agent| (0..6).all(|n| agent.path(&format!("bulk/deep/er/d{n}")).is_dir()));
        agent.wait_for("an empty plan", |agent| agent.json(&["plan"])["steps"].as_array().unwrap().is_empty());
        check(&agent, &format!("seed {seed}: {call} number {number}"));
        assert!(agent.stop().success());
    }
    println!("{killed} of {} lives ended between an intent and its result or near it", seeds());
    assert!(u64::from(killed) > seeds() / 3, "the kills do not hit");
}

/// A life under strace that is killed at the `number`th `call`, or after its work is done. Whether the call killed it.
fn live_and_die(agent: &mut Agent, call: &str, number: u64) -> bool {
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let trace = format!("trace={call}");
    let mut command = agent.command_under(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
    let mut child =
        command.arg("daemon").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    loop {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        if begun.elapsed() > Duration::from_secs(2) {
            // Ends the traced program with its tracer's death at the latest.
            let children = format!("/proc/{0}/task/{0}/children", child.id());
            for pid in std::fs::read_to_string(children).unwrap_or_default().split_whitespace() {
                let _ = Command::new("kill").args(["-KILL", pid]).status();
            }
            let _ = child.wait();
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn check(agent: &Agent, what: &str) {
    for n in 0..6 {
        let facts = std::fs::metadata(agent.path(&format!("bulk/deep/er/d{n}"))).unwrap();
        assert_eq!(facts.mode() & 0o7777, 0o705 + n * 8, "{what}: d{n}");
    }
    let history = agent.json(&["history", "--limit", "1000"]);
    let entries = history["entries"].as_array().unwrap();
    let steps: Vec<_> = entries.iter().filter(|entry| entry["kind"] == "step").collect();
    assert!(steps.iter().all(|step| !step["outcome"].is_null()), "{what}: an order without a result: {history}");
    for n in 0..6 {
        let subject = format!("shop/d{n}");
        let created = |entry: &&&serde_json::Value| {
            entry["subject"] == subject.as_str()
                && entry["text"].as_str().unwrap().starts_with("create")
                && ["made", "found_done"].contains(&entry["outcome"].as_str().unwrap())
        };
        let times = steps.iter().filter(created).count();
        assert!(times <= 1, "{what}: {subject} was made {times} times: {history}");
    }
    assert!(!steps.iter().any(|step| step["outcome"] == "failed"), "{what}: {history}");
}
