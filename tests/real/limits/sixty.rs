//! Part of tests/real/limits.rs: what it costs to keep 60 containers within their limits.

use std::time::Duration;

use crate::agent::Agent;
use crate::dockerd::{Dockerd, IMAGE};
use crate::{MIB, config, memory};
use hostkeeper::values::Limit;

const CONTAINERS: usize = 60;
const WATCHED: Duration = Duration::from_secs(60);

/// Processor time of a process, user and system, and its resident memory in bytes.
fn spent(pid: u32) -> (Duration, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = resident.split_whitespace().nth(1).unwrap().parse().unwrap();
    (Duration::from_millis(ticks * 10), kib * 1024)
}

#[test]
#[ignore = "a measurement: cargo test --release --test limits -- --ignored --nocapture sixty"]
fn sixty_containers() {
    let Some(dockerd) = Dockerd::start("sixty_containers") else { return };
    let mut services = String::new();
    for number in 0..CONTAINERS {
        let (project, service) = (format!("project{}", number % 6), format!("service{number}"));
        dockerd.docker(&[
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            &service,
            "--label",
            &format!("com.docker.compose.project={project}"),
            "--label",
            &format!("com.docker.compose.service={service}"),
            IMAGE,
            "sleep",
            "3600",
        ]);
        services.push_str(&format!(
            "[project.{project}.service.{service}]\nlimits = {{ memory = \"{}MiB\", cpus = 0.5, pids = 40 }}\n",
            32 + number
        ));
    }
    let pressure = "[host.pressure]\nsoft = { mem_available = \"64MiB\", hold = \"10s\" }\n\
                    hard = { mem_available = \"32MiB\", hold = \"10s\" }\n";
    let toml = config(&dockerd, "enforce", &format!("{pressure}{services}")).replace("interval = \"1s\"\n", "");
    let mut agent = Agent::with_config(&toml);
    agent.start();
    let last = format!("service{}", CONTAINERS - 1);
    let wanted = Some(Limit::At((32 + CONTAINERS as u64 - 1) * MIB));
    agent.wait_for("all limits", |_| {
        memory(&dockerd, &last) == wanted && memory(&dockerd, "service0") == Some(Limit::At(32 * MIB))
    });
    std::thread::sleep(Duration::from_secs(15));
    let round = agent.json(&["status"])["round"].as_u64().unwrap();
    let before = spent(agent.pid()).0;
    std::thread::sleep(WATCHED);
    let (after, resident) = spent(agent.pid());
    let rounds = agent.json(&["status"])["round"].as_u64().unwrap() - round;
    let used = (after - before).as_secs_f64();
    println!(
        "{CONTAINERS} containers with limits, the ladder watching, {} s: {:.2} % of a core, {rounds} rounds of {:.1} ms, {:.1} MB resident",
        WATCHED.as_secs(),
        used / WATCHED.as_secs_f64() * 100.0,
        used / rounds.max(1) as f64 * 1e3,
        resident as f64 / 1e6
    );
}
