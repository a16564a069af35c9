//! Part of the daemon tests: apply, trial, confirm and rollback, as a person gives them.

use std::os::unix::fs::PermissionsExt;

use crate::agent::Agent;
use crate::{KEPT, keeping};

fn mode_of(agent: &Agent, below: &str) -> u32 {
    std::fs::metadata(agent.path(below)).unwrap().permissions().mode() & 0o7777
}

fn set_mode(agent: &Agent, below: &str, mode: u32) {
    std::fs::set_permissions(agent.path(below), std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_plan_showed_is_applied_on_a_persons_word_in_mode_observe() {
    let agent = Agent::with_config(&KEPT.replace("\"enforce\"", "\"observe\""));
    std::fs::create_dir(agent.path("bulk")).unwrap();
    let mut agent = agent;
    agent.start();
    let plan = agent.json(&["plan"]);
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 2, "{plan}");
    assert!(steps.iter().all(|step| step["gate"]["rule"] == "mode"), "{plan}");
    let stale = agent.cli(&["apply", "--plan", "000000000000", "--yes"]);
    assert_eq!(stale.status.code(), Some(2), "{stale:?}");
    let first = steps[0]["id"].as_str().unwrap();
    agent.say(&["apply", "--plan", plan["plan_id"].as_str().unwrap(), first, "--yes"]);
    let left = agent.json(&["plan"]);
    assert_eq!(left["steps"].as_array().unwrap().len(), 1, "only the named step was done: {left}");
    let history = agent.json(&["history"]).to_string();
    assert!(history.contains("\"order\"") && history.contains("uid"), "who ordered it is recorded: {history}");
}

#[test]
fn rollback_takes_back_and_holds() {
    let mut agent = keeping();
    set_mode(&agent, "bulk/shop/uploads", 0o755);
    agent.wait_for("the mode", |agent| mode_of(agent, "bulk/shop/uploads") == 0o750);
    let history = agent.json(&["history", "--project", "shop"]);
    let entries = history["entries"].as_array().unwrap();
    let made = entries.iter().find(|e| e["text"].as_str().unwrap().contains("mode") && e["outcome"] == "made");
    let id = made.expect("the step is in the ledger")["id"].to_string();
    agent.say(&["rollback", &id]);
    agent.wait_for("the mode of before", |agent| mode_of(agent, "bulk/shop/uploads") == 0o755);
    let plan = agent.json(&["plan"]);
    assert_eq!(plan["steps"][0]["gate"]["rule"], "held", "it is not done again by itself: {plan}");
    agent.say(&["reload"]);
    agent.wait_for("the end of the hold", |agent| mode_of(agent, "bulk/shop/uploads") == 0o750);
}

#[test]
fn a_trial_is_undone_unless_confirmed_also_after_a_kill() {
    let trial = KEPT.replace("mode = \"enforce\"", "mode = \"trial\"").replace("[guard]", "[guard]\ntrial = \"3s\"");
    let mut agent = Agent::with_config(&trial);
    for dir in ["bulk", "bulk/shop", "bulk/shop/uploads", "bulk/shop/orders"] {
        std::fs::create_dir(agent.path(dir)).unwrap();
    }
    set_mode(&agent, "bulk/shop/uploads", 0o700);
    set_mode(&agent, "bulk/shop/orders", 0o700);
    agent.start();
    agent.wait_for("the trial", |agent| mode_of(agent, "bulk/shop/uploads") == 0o750);
    agent.signal(nix::sys::signal::Signal::SIGKILL);
    agent.wait_end();
    agent.start();
    agent.wait_for("the undo", |agent| mode_of(agent, "bulk/shop/uploads") == 0o700);
    let held = |agent: &mut Agent| agent.json(&["plan"])["steps"][0]["gate"]["rule"] == "held";
    agent.wait_for("the hold", held);
    // Once more, and confirmed: it stays.
    agent.say(&["reload"]);
    agent.wait_for("the second trial", |agent| mode_of(agent, "bulk/shop/uploads") == 0o750);
    agent.say(&["confirm"]);
    let round = agent.json(&["status"])["round"].as_u64().unwrap();
    agent.wait_for("twenty more rounds", |agent| agent.json(&["status"])["round"].as_u64().unwrap() > round + 20);
    assert_eq!(mode_of(&agent, "bulk/shop/uploads"), 0o750);
}

#[test]
fn the_kill_switch_stops_everything_and_is_seen() {
    let mut agent = keeping();
    std::fs::write(agent.path("disable"), "").unwrap();
    agent.wait_for("the concern", |agent| agent.metrics().contains("id=\"kill-switch\""));
    std::fs::remove_dir(agent.path("bulk/shop/orders")).unwrap();
    let blocked = |agent: &mut Agent| agent.json(&["plan"])["steps"][0]["gate"]["rule"] == "kill_switch";
    agent.wait_for("the blocked step", blocked);
    assert!(!agent.path("bulk/shop/orders").exists());
    std::fs::remove_file(agent.path("disable")).unwrap();
    agent.wait_for("the directory", |agent| agent.path("bulk/shop/orders").is_dir());
}

#[test]
fn without_a_daemon_reading_works_and_ordering_is_refused() {
    let mut agent = keeping();
    agent.stop();
    for verb in [&["status"][..], &["plan"], &["history"], &["config", "check"], &["doctor"]] {
        let output = agent.cli(verb);
        assert!(output.status.code().unwrap() <= 1, "{verb:?}: {output:?}");
    }
    assert!(agent.say(&["metrics", "--once"]).contains("node_cpu_seconds_total"));
    assert!(String::from_utf8_lossy(&agent.cli(&["status"]).stderr).contains("no daemon"));
    let refused = agent.cli(&["reload"]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
}
