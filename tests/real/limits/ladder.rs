//! Part of tests/real/limits.rs: the host is made short of memory by bounds right below what is available, and by memory that
//! the test takes. What gives way, and what comes back. Everything is so large that what else goes on does not matter.

use crate::agent::Agent;
use crate::dockerd::{Dockerd, IMAGE};
use crate::{MIB, config, running};

/// What each container holds.
const HOG: u64 = 768 * MIB;
/// So much less than at the beginning is soft, and hard. A container comes back into its own place and a fifth more: what else
/// takes memory meanwhile may take 440 MiB.
const SOFT: u64 = 600 * MIB;
const HARD: u64 = 700 * MIB;

fn available() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = meminfo.lines().find(|line| line.starts_with("MemAvailable:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Memory that nobody but the test can give back.
fn take(bytes: u64) -> Vec<u8> {
    vec![1; usize::try_from(bytes).unwrap()]
}

/// Starts a container, and waits until it holds what it wants: what is available is measured behind it.
fn run(dockerd: &Dockerd, service: &str) {
    let service_label = format!("com.docker.compose.service={service}");
    let work = format!("dd if=/dev/zero of=/t/hog bs=1M count={}; echo full; exec sleep 3600", HOG / MIB);
    let labels = ["--label", "com.docker.compose.project=nova", "--label", &service_label];
    let mut args = vec!["run", "-d", "--name", service, "--network", "none", "--tmpfs", "/t", "--stop-signal", "KILL"];
    args.extend(labels);
    args.extend([IMAGE, "sh", "-c", &work]);
    dockerd.docker(&args);
    let is_full = || dockerd.docker(&["logs", service]).contains("full");
    assert!((0..600).any(|_| is_full() || pause()), "{service} does not hold what it should");
}

/// A moment, and nothing more.
fn pause() -> bool {
    std::thread::sleep(std::time::Duration::from_millis(100));
    false
}

#[test]
fn when_memory_is_short_the_least_important_go_first_and_come_back() {
    let Some(dockerd) = Dockerd::start("when_memory_is_short_the_least_important_go_first_and_come_back") else {
        return;
    };
    for service in ["grafana", "worker", "postgres"] {
        run(&dockerd, service);
    }
    let all = available();
    let bound = |less: u64| format!("{}MiB", (all - less) / MIB);
    let projects = format!(
        "[host.pressure]\nsoft = {{ mem_available = \"{}\", hold = \"1s\" }}\n\
         hard = {{ mem_available = \"{}\", hold = \"1s\" }}\npause = \"3s\"\n\
         [project.nova.service]\ngrafana.tier = \"optional\"\npostgres.tier = \"core\"\n",
        bound(SOFT),
        bound(HARD)
    );
    let toml = config(&dockerd, "enforce", &projects).replace("[guard]\n", "[guard]\nquiet_period = \"0s\"\n");
    let mut agent = Agent::with_config(&toml);
    agent.start();
    let first = take(950 * MIB);
    agent.wait_for("the first stop", |_| running(&dockerd) == ["postgres", "worker"]);
    let says = |agent: &Agent, word: &str| String::from_utf8_lossy(&agent.cli(&["doctor"]).stdout).contains(word);
    agent.wait_for("what is said", |agent| says(agent, "limits-evicted") && !says(agent, "limits-memory-short"));
    let history = agent.say(&["history", "--kind", "step"]);
    assert!(history.contains("stop nova/grafana to relieve the host"), "{history}");

    // Killed in between: it is remembered.
    agent.signal(nix::sys::signal::Signal::SIGKILL);
    agent.wait_end();
    agent.start();
    let second = take(1750 * MIB);
    agent.wait_for("the second stop", |_| running(&dockerd) == ["postgres"]);
    agent.wait_for("core stays", |agent| says(agent, "limits-memory-short"));
    drop((first, second));
    agent.wait_for("the first is back", |_| running(&dockerd) == ["grafana", "postgres"]);
    agent.wait_for("the second is back", |_| running(&dockerd).len() == 3);
    agent.wait_for("nothing is said", |agent| !says(agent, "limits-evicted") && !says(agent, "limits-memory-short"));
    assert!(agent.metrics().contains("hostkeeper_memory_pressure_level 0"));
}
