//! A clean rule by the real program: planned and nothing more in observe, carried out in enforce, each file in the ledger;
//! killed in the middle, nothing but what the rule lets go is gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout
)] // A test says so.

#[path = "../support/agent.rs"]
#[allow(dead_code)]
mod agent;
#[path = "mounted.rs"]
mod mounted;

use std::time::{Duration, SystemTime};

use agent::Agent;
use mounted::{Tmpfs, may_mount};
use nix::sys::signal::Signal;

const CONFIG: &str = r#"
[host]
mode = "observe"
interval = "1s"
kill_switch = "@DIR@/disable"
[guard]
boot_grace = "0s"
quiet_period = "0s"
[metrics]
compat = []
[storage.tier.one]
path = "@DIR@/one"
[project.wx.dir.logs]
tier = "one"
path = "logs"
[project.wx.clean.old]
path = "logs/*.gz"
older_than = "30d"
keep_last = 5
"#;

fn make(agent: &Agent, files: usize) {
    std::fs::create_dir_all(agent.path("one/logs")).unwrap();
    for index in 0..files {
        let file = std::fs::File::create(agent.path("one/logs").join(format!("{index:04}.gz"))).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(100 * 86_400 - index as u64)).unwrap();
    }
    std::fs::write(agent.path("one/logs/access.log"), "x").unwrap();
}

fn count(agent: &Agent) -> usize {
    std::fs::read_dir(agent.path("one/logs")).unwrap().count()
}

#[test]
fn planned_in_observe_and_done_in_enforce() {
    let mut agent = Agent::with_config(CONFIG);
    make(&agent, 40);
    agent.start();
    let step = |agent: &Agent| agent.json(&["plan"])["steps"][0].clone();
    agent.wait_for("a plan", |agent| step(agent)["kind"] == "delete_files" || !step(agent).is_null());
    let plan = agent.say(&["plan"]);
    assert!(plan.contains("delete 35 files (0B)") && plan.contains("/one/logs/*.gz"), "{plan}");
    assert!(plan.contains("cannot be taken back") && plan.contains("mode is observe"), "{plan}");
    assert!(plan.contains("oldest = 0000.gz") && plan.contains("newest = 0034.gz"), "{plan}");
    let id = step(&agent)["id"].as_str().unwrap().to_owned();
    let told = agent.json(&["explain", &id]).to_string();
    assert!((0..35).all(|index| told.contains(&format!("{index:04}.gz"))) && !told.contains("0035.gz"), "{told}");
    assert_eq!(count(&agent), 41);
    agent.write_config(&CONFIG.replace("observe", "enforce"));
    agent.say(&["reload"]);
    agent.wait_for("the deletion", |agent| count(agent) == 6);
    let history = agent.json(&["history", "--kind", "delete", "--limit", "100"]);
    let entries = history["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 35, "{history}");
    assert!(entries.iter().all(|entry| entry["text"].as_str().unwrap().starts_with("delete 00")), "{history}");
    agent.wait_for("an empty plan", |agent| step(agent).is_null());
}

#[test]
fn killed_in_the_middle_nothing_else_is_gone() {
    let mut agent = Agent::with_config(&CONFIG.replace("observe", "enforce"));
    make(&agent, 1005);
    agent.spawn({
        let mut command = agent.command();
        command.arg("daemon");
        command
    });
    agent.wait_for("the first deletion", |agent| count(agent) < 1006);
    agent.signal(Signal::SIGKILL);
    agent.wait_end();
    for index in 1000..1005 {
        assert!(agent.path("one/logs").join(format!("{index}.gz")).exists(), "{index} is among the newest five");
    }
    assert!(agent.path("one/logs/access.log").exists());
    agent.start();
    agent.wait_for("the rest", |agent| count(agent) == 6);
}

#[test]
fn what_is_mounted_below_is_left_alone() {
    if !may_mount("what_is_mounted_below_is_left_alone") {
        return;
    }
    let whole = CONFIG.replace("observe", "enforce").replace("logs/*.gz", "logs").replace("keep_last = 5", "");
    let mut agent = Agent::with_config(&whole);
    make(&agent, 3);
    let _disk = Tmpfs::mount(&agent.path("one/logs/disk"), "size=1m");
    let old = |below: &str| {
        let file = std::fs::File::create(agent.path(below)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(200 * 86_400)).unwrap();
    };
    for below in ["one/logs/disk/old", "outside"] {
        old(below);
    }
    let _same = Tmpfs::bind(&agent.path("outside"), &agent.path("one/logs/bound"));
    let _other = Tmpfs::bind(&agent.path("one/logs/disk/old"), &agent.path("one/logs/elsewhere"));
    agent.start();
    agent.wait_for("the deletion", |agent| !agent.path("one/logs/0002.gz").exists());
    for kept in ["one/logs/disk/old", "outside", "one/logs/bound", "one/logs/elsewhere", "one/logs/access.log"] {
        assert!(agent.path(kept).exists(), "{kept}");
    }
    let history = agent.json(&["history", "--kind", "delete", "--limit", "100"]).to_string();
    assert!(!history.contains("elsewhere") && !history.contains("disk"), "{history}");
}

/// What the ledger knows of the life before tells a clock that was set forward while nobody looked.
#[test]
fn a_clock_that_was_set_forward_while_the_agent_was_stopped_deletes_nothing() {
    let mut agent = Agent::with_config(CONFIG);
    make(&agent, 40);
    agent.start();
    agent.stop();
    let ledger = rusqlite::Connection::open(agent.path("state/ledger.sqlite")).unwrap();
    let hours = 3 * 3600 * 1_000_000_i64;
    assert_eq!(ledger.execute("UPDATE pulse SET wall = wall - ?1", [hours]).unwrap(), 1);
    drop(ledger);
    agent.write_config(&CONFIG.replace("observe", "enforce"));
    agent.start();
    let blind = |agent: &Agent| agent.metrics().contains(r#"id="dir-clean-blind""#);
    agent.wait_for("the concern", |agent| blind(agent));
    let rules = agent.json(&["storage", "clean", "old"]);
    let rule = &rules["cleans"][0];
    assert!(rule["state"] == "blind" && rule["why"].as_str().unwrap().contains("set forward"), "{rule}");
    assert_eq!(count(&agent), 41);
    // To start it again is a person's word that the clock is right.
    agent.stop();
    agent.start();
    let deleted = |agent: &Agent| agent.json(&["storage", "clean", "wx/old"])["cleans"][0]["deleted"]["files"].clone();
    agent.wait_for("the deletion", |agent| count(agent) == 6 && deleted(agent) == 35);
    assert!(agent.say(&["storage"]).contains("35 files (0B)"), "{}", agent.say(&["storage"]));
}
