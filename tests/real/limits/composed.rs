//! Part of tests/real/limits.rs: projects that the real Compose makes, and makes again.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::agent::Agent;
use crate::dockerd::{Dockerd, IMAGE};
use crate::plugin::compose;
use crate::{MIB, bounds, config, memory, running};
use hostkeeper::values::Limit;

/// Nova's fourteen: what is core keeps data, what is optional holds 24 MiB each until it ends. With what each depends on.
const CORE: [(&str, &str); 7] = [
    ("postgres", ""),
    ("redis", ""),
    ("zookeeper", ""),
    ("kafka", "zookeeper"),
    ("clickhouse", ""),
    ("debezium", "kafka"),
    ("user-service", "postgres"),
];
const OPTIONAL: [(&str, &str); 7] = [
    ("alertmanager", ""),
    ("node-exporter", ""),
    ("prometheus", "node-exporter"),
    ("grafana", "prometheus"),
    ("kafka-ui", "kafka"),
    ("nginx-rtmp", ""),
    ("hls-origin", "nginx-rtmp"),
];

fn nova() -> String {
    let mut file = "name: nova\nservices:\n".to_owned();
    let work = |hog: bool| {
        if hog { "dd if=/dev/zero of=/t/hog bs=1M count=24; exec sleep 3600" } else { "exec sleep 3600" }
    };
    let all = CORE.iter().map(|it| (it, false)).chain(OPTIONAL.iter().map(|it| (it, true)));
    for ((service, depends_on), hog) in all {
        file.push_str(&format!(
            "  {service}:\n    image: {IMAGE}\n    init: true\n    network_mode: none\n    tmpfs: /t\n    command: [sh, -c, \"{}\"]\n",
            work(hog)
        ));
        if !depends_on.is_empty() {
            file.push_str(&format!("    depends_on: [{depends_on}]\n"));
        }
    }
    file
}

fn tiers() -> String {
    let tier = |services: &[(&str, &str)], tier: &str| -> String {
        services.iter().map(|(service, _)| format!("{service}.tier = \"{tier}\"\n")).collect()
    };
    format!("[project.nova.service]\n{}{}", tier(&CORE, "core"), tier(&OPTIONAL, "optional"))
}

fn up(dockerd: &Dockerd, plugins: &Path, file: &Path, words: &[&str]) {
    let mut command = Command::new("docker");
    command.env("DOCKER_CONFIG", plugins).env("DOCKER_HOST", format!("unix://{}", dockerd.socket().display()));
    command.args(["compose", "-f"]).arg(file).args(["up", "-d", "--quiet-pull"]).args(words);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_compose_makes_again_is_limited_again() {
    let test = "what_compose_makes_again_is_limited_again";
    let (Some(dockerd), Some(plugins)) = (Dockerd::start(test), compose(test)) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("compose.yml");
    std::fs::write(&file, nova()).unwrap();
    up(&dockerd, &plugins, &file, &["postgres", "kafka"]);
    let limits = "[project.nova.service]\npostgres.limits = { memory = \"96MiB\", pids = 40 }\n\
                  kafka.limits = { memory = \"64MiB\", cpus = 0.5 }\n";
    let mut agent = Agent::with_config(&config(&dockerd, "enforce", limits));
    agent.start();
    let name = |service: &str| format!("nova-{service}-1");
    let bound = || {
        let found = |service: &str| memory(&dockerd, &name(service));
        found("postgres") == Some(Limit::At(96 * MIB)) && found("kafka") == Some(Limit::At(64 * MIB))
    };
    agent.wait_for("the limits", |_| bound());
    let before = dockerd.docker(&["inspect", "-f", "{{.Id}}", &name("postgres")]);
    up(&dockerd, &plugins, &file, &["--force-recreate", "postgres", "kafka"]);
    let made = Instant::now();
    assert_ne!(before, dockerd.docker(&["inspect", "-f", "{{.Id}}", &name("postgres")]), "it is another container");
    agent.wait_for("the limits of what was made again", |_| bound());
    println!("limits are back {} ms after Compose had made the containers again", made.elapsed().as_millis());
    assert_eq!(bounds(&dockerd, &name("postgres")).unwrap().pids_max, Some(Limit::At(40)));
    assert_eq!(bounds(&dockerd, &name("kafka")).unwrap().cpus, Some(Limit::At(500)));
}

#[test]
fn nova_is_parked_and_what_that_frees_is_what_the_kernel_says() {
    let test = "nova_is_parked_and_what_that_frees_is_what_the_kernel_says";
    let (Some(dockerd), Some(plugins)) = (Dockerd::start(test), compose(test)) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("compose.yml");
    std::fs::write(&file, nova()).unwrap();
    up(&dockerd, &plugins, &file, &[]);
    assert_eq!(running(&dockerd).len(), 14);
    let held = || -> u64 {
        let of = |(service, _): &(&str, &str)| bounds(&dockerd, &format!("nova-{service}-1")).map_or(0, |it| it.needed);
        OPTIONAL.iter().map(of).sum()
    };
    let mut agent = Agent::with_config(&config(&dockerd, "observe", &tiers()));
    agent.start();
    agent.wait_for("all that is held", |_| held() >= 7 * 24 * MIB);
    // A round that began after that.
    let round = agent.json(&["status"])["round"].as_u64().unwrap();
    agent.wait_for("two rounds", |agent| agent.json(&["status"])["round"].as_u64().unwrap() > round + 2);
    let kernel = held();
    let said = agent.json(&["park", "nova", "--dry-run"])["text"].as_str().unwrap().to_owned();
    let words: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(&words[..3], ["7", "containers", "use"], "{said}");
    let told: hostkeeper::values::Bytes = words[3].parse().unwrap();
    println!("{said}; the kernel: {} bytes", kernel);
    assert!(told.0.abs_diff(kernel) * 10 <= kernel, "{said}, and the kernel has {kernel}");

    let available = || -> u64 {
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = meminfo.lines().find(|line| line.starts_with("MemAvailable:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    };
    let before = available();
    let said = agent.say(&["park", "nova", "--yes"]);
    println!("{}; MemAvailable rose by {} bytes", said.lines().last().unwrap(), available().saturating_sub(before));
    let core: Vec<String> = running(&dockerd);
    let mut wanted: Vec<String> = CORE.iter().map(|(service, _)| format!("nova-{service}-1")).collect();
    wanted.sort();
    assert_eq!(core, wanted);
    let ended =
        |service: &str| dockerd.docker(&["inspect", "-f", "{{.State.FinishedAt}}", &format!("nova-{service}-1")]);
    for (service, depends_on) in OPTIONAL.iter().filter(|(_, on)| OPTIONAL.iter().any(|(name, _)| name == on)) {
        assert!(ended(service) < ended(depends_on), "{service} before {depends_on}");
    }
    let back = Instant::now();
    assert!(agent.say(&["unpark", "nova"]).contains("7 containers started"));
    assert_eq!(running(&dockerd).len(), 14);
    assert!(back.elapsed() < Duration::from_secs(120));
}
