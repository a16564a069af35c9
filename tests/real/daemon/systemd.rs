//! Part of the daemon tests: what the service manager is told, and what feeds the watchdog.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::KEPT;
use crate::agent::Agent;

/// Everything that was told, until `word` was told or a minute is over.
fn listen_until(manager: &UnixDatagram, heard: &mut Vec<String>, word: &str) {
    let begun = Instant::now();
    let from = heard.len();
    while !heard[from..].iter().any(|line| line.contains(word)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no {word} in {heard:?}");
        let mut buffer = [0; 4096];
        if let Ok(length) = manager.recv(&mut buffer) {
            heard.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
    }
}

#[test]
fn ready_status_watchdog_reload_and_stop_are_told() {
    let mut agent = Agent::with_config(&KEPT.replace("\"200ms\"", "\"30s\""));
    std::fs::create_dir(agent.path("bulk")).unwrap();
    let manager = UnixDatagram::bind(agent.path("notify.sock")).unwrap();
    manager.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut command = agent.command();
    command.arg("daemon").env("NOTIFY_SOCKET", agent.path("notify.sock")).env("WATCHDOG_USEC", "1500000");
    agent.spawn(command);
    let mut heard = Vec::new();
    listen_until(&manager, &mut heard, "READY=1");
    assert_eq!(agent.get("/readyz").unwrap().0, 200, "ready means that a round was made");
    assert!(heard.iter().any(|line| line.contains("STATUS=") && line.contains("projects")), "{heard:?}");
    // Between two rounds the loop still shows that it lives, more often than the manager's patience.
    for _ in 0..3 {
        listen_until(&manager, &mut heard, "WATCHDOG=1");
    }
    agent.signal(Signal::SIGHUP);
    listen_until(&manager, &mut heard, "RELOADING=1");
    assert!(heard.last().unwrap().contains("MONOTONIC_USEC="));
    listen_until(&manager, &mut heard, "READY=1");
    agent.signal(Signal::SIGTERM);
    listen_until(&manager, &mut heard, "STOPPING=1");
    assert!(agent.wait_end().success());
}

#[test]
fn sigterm_and_sigint_end_it_well() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut agent = crate::keeping();
        agent.signal(signal);
        assert!(agent.wait_end().success(), "{signal}");
        assert!(!agent.socket().exists(), "the socket goes with the agent");
        let history = agent.json(&["history"]).to_string();
        assert!(history.contains("\"stopped\""), "{history}");
    }
}
