//! Part of the daemon tests: a bad configuration at start and at reload.

use nix::sys::signal::Signal;

use crate::agent::Agent;
use crate::{KEPT, keeping};

const BAD: &str = "[host]\nmode = \"enforse\"\n[storage.tier.bulk]\npath = \"bulk\"\nmin_free = \"1Gb\"\n";

#[test]
fn at_start_a_bad_configuration_ends_with_78_and_all_problems() {
    let mut agent = Agent::with_config(BAD);
    let mut command = agent.command();
    command.arg("daemon");
    agent.spawn(command);
    assert_eq!(agent.wait_end().code(), Some(78));
    let said = agent.log();
    for part in ["hostkeeper.toml:2:8", "enforse", "hostkeeper.toml:4:8", "hostkeeper.toml:5:12", "1GiB"] {
        assert!(said.contains(part), "no {part} in:\n{said}");
    }
    assert!(!agent.path("state/ledger.sqlite").exists(), "a bad configuration leaves nothing behind");
}

#[test]
fn at_reload_the_old_one_stays_in_force_and_says_so() {
    let mut agent = keeping();
    agent.write_config(BAD);
    let refused = agent.cli(&["reload"]);
    assert_eq!(refused.status.code(), Some(78), "{refused:?}");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("enforse") && words.contains("keeps running with the configuration"), "{words}");
    agent.signal(Signal::SIGHUP);
    agent.wait_for("the concern", |agent| agent.metrics().contains("hostkeeper_concern{id=\"config-refused\""));
    assert!(agent.metrics().contains("\nhostkeeper_config_last_reload_successful 0\n"));
    std::fs::remove_dir(agent.path("bulk/shop/orders")).unwrap();
    agent.wait_for("the old configuration at work", |agent| agent.path("bulk/shop/orders").is_dir());
    agent.write_config(&KEPT.replace("shop/orders", "shop/bills"));
    agent.signal(Signal::SIGHUP);
    agent.wait_for("the new directory", |agent| agent.path("bulk/shop/bills").is_dir());
    agent.wait_for("the end of the concern", |agent| !agent.metrics().contains("config-refused"));
    let history = agent.json(&["history"]).to_string();
    assert!(history.contains("\"reload_refused\"") && history.contains("\"reloaded\""), "{history}");
    assert!(agent.stop().success());
}

#[test]
fn only_one_agent_per_state_directory() {
    let agent = keeping();
    let second = agent.command().arg("daemon").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(words.contains(&agent.pid().to_string()), "it names the other: {words}");
    assert_eq!(agent.get("/readyz").unwrap().0, 200, "the first is not disturbed");
}
