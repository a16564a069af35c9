//! The daemon itself drains and balances a pool between two file systems, is killed again and again, and loses nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout
)] // A test says so.

#[path = "../../support/agent.rs"]
#[allow(dead_code)]
mod agent;
#[path = "../mounted.rs"]
mod mounted;

use std::collections::BTreeMap;
use std::path::Path;

use agent::Agent;
use mounted::{Tmpfs, may_mount};

const FILES: usize = 20_000;

const CONFIG: &str = r#"
[host]
mode = "enforce"
interval = "1s"
kill_switch = "@DIR@/disable"
[guard]
boot_grace = "0s"
quiet_period = "0s"
backoff_first = "1s"
backoff_max = "1s"
breaker_tries = 1000
[metrics]
compat = []
[storage.tier.one]
path = "@DIR@/one"
[storage.tier.two]
path = "@DIR@/two"
require_mount = true
[project.zkdemo.dir]
zk1 = { tier = "one", path = "zk1" }
zk2 = { tier = "two", path = "zk2" }
zk3 = { tier = "two", path = "zk3" }
[project.zkdemo.pool.uploads]
members = ["zk1", "zk2", "zk3"]
every = "1s"
settle = "0s"
"#;

/// Every file of the three members with its content; a name that is visible twice fails.
fn all(agent: &Agent) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for member in ["one/zk1", "two/zk2", "two/zk3"] {
        for entry in std::fs::read_dir(agent.path(member)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let twice = found.insert(name.clone(), std::fs::read_to_string(&path).unwrap());
            assert!(twice.is_none(), "{name} is visible twice");
        }
    }
    found
}

fn count(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

fn pool(agent: &Agent) -> serde_json::Value {
    agent.json(&["storage", "pool", "uploads"])["pools"][0].clone()
}

#[test]
fn a_drain_survives_kills_and_ends_empty() {
    if !may_mount("a_drain_survives_kills_and_ends_empty") {
        return;
    }
    let mut agent = Agent::with_config(CONFIG);
    std::fs::create_dir_all(agent.path("one/zk1")).unwrap();
    let _two = Tmpfs::mount(&agent.path("two"), "size=200m");
    for member in ["zk2", "zk3"] {
        std::fs::create_dir(agent.path("two").join(member)).unwrap();
    }
    let expected: BTreeMap<String, String> =
        (0..FILES).map(|number| (format!("file-{number:05}"), format!("content of {number}").repeat(20))).collect();
    for (name, content) in &expected {
        std::fs::write(agent.path("one/zk1").join(name), content).unwrap();
    }
    // In observe nothing is moved, and an order says so.
    agent.write_config(&CONFIG.replace("enforce", "observe"));
    agent.start();
    let refused = agent.cli(&["storage", "drain", "uploads", "zk1"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("mode is observe"), "{said}");
    assert_eq!(pool(&agent)["blocked"], "mode is observe");
    assert_eq!(count(&agent.path("one/zk1")), FILES);
    agent.stop();
    agent.write_config(CONFIG);
    agent.start();
    agent.say(&["storage", "drain", "uploads", "zk1"]);
    let mut killed = 0;
    while count(&agent.path("one/zk1")) > 0 && killed < 25 {
        std::thread::sleep(std::time::Duration::from_millis(30 + killed * 37 % 200));
        agent.signal(nix::sys::signal::Signal::SIGKILL);
        agent.wait_end();
        killed += 1;
        agent.start();
    }
    assert!(killed > 2, "it was done before it was killed often: {killed} times");
    agent.wait_for("the empty member", |agent| pool(agent)["members"][0]["empty_since"].is_string());
    agent.wait_for("a balanced pool", |agent| pool(agent)["state"] == "balanced");
    assert!(all(&agent) == expected, "files were lost or changed");
    let history = agent.json(&["history", "--kind", "move", "--limit", "1000"]);
    assert_eq!(history["entries"].as_array().unwrap().len(), 1000);
    // It takes files again, and is balanced at once on a person's word.
    agent.say(&["storage", "undrain", "uploads", "zk1"]);
    agent.say(&["storage", "balance", "uploads", "--now"]);
    agent.wait_for("files in zk1", |agent| {
        let pool = pool(agent);
        pool["state"] == "balanced" && pool["hurry_since"].is_null() && pool["members"][0]["files"].as_u64() > Some(990)
    });
    assert!(all(&agent) == expected, "files were lost or changed");
    // Examples come and go, and nothing else goes with them.
    agent.say(&["storage", "stress", "uploads", "--member", "zk2", "--files", "30", "--size", "1KiB"]);
    assert_eq!(all(&agent).len(), FILES + 30);
    agent.say(&["storage", "stress", "uploads", "--clean"]);
    assert!(all(&agent) == expected);
}
