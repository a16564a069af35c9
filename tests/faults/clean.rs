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

use std::time::{Duration, SystemTime};

use agent::Agent;
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
