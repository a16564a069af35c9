//! Limits by the real program and a real Docker, whatever cgroups this host has: set and read back from the kernel, set again
//! after a re-create and a change by hand, never below what is in use, in the way in which a container is bounded already.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::print_stdout
)] // A test says so.

#[path = "../support/agent.rs"]
#[allow(dead_code)]
mod agent;
#[path = "limits/composed.rs"]
mod composed;
#[path = "support/dockerd.rs"]
#[allow(dead_code)]
mod dockerd;
#[path = "support/driver.rs"]
mod driver;
#[path = "limits/gpu.rs"]
mod gpu;
#[path = "limits/ladder.rs"]
mod ladder;
#[path = "support/compose.rs"]
mod plugin;
#[path = "limits/sixty.rs"]
mod sixty;

use agent::Agent;
use dockerd::{Dockerd, IMAGE};
use hostkeeper::host::Roots;
use hostkeeper::host::cgroups::{Bounds, Cgroups};
use hostkeeper::values::Limit;
use nix::sys::signal::Signal;

const MIB: u64 = 1 << 20;

fn config(dockerd: &Dockerd, mode: &str, projects: &str) -> String {
    format!(
        "[host]\nmode = \"{mode}\"\ninterval = \"1s\"\nkill_switch = \"@DIR@/disable\"\n[guard]\nboot_grace = \"0s\"\n\
         [metrics]\ncompat = []\n[vitals]\ndocker_socket = \"{}\"\n{projects}",
        dockerd.socket().display()
    )
}

/// What the kernel keeps of a container; `None`: it does not run.
fn bounds(dockerd: &Dockerd, name: &str) -> Option<Bounds> {
    let said = dockerd.docker(&["inspect", "-f", "{{.State.Pid}} {{.Id}}", name]);
    let (pid, id) = said.split_once(' ').unwrap();
    let cgroups = Cgroups::of(&Roots::default());
    cgroups.read_bounds(&cgroups.read_place(pid.parse().unwrap(), id)?)
}

fn memory(dockerd: &Dockerd, name: &str) -> Option<Limit> {
    bounds(dockerd, name)?.memory_max
}

/// Starts a container of athena with further options.
fn run(dockerd: &Dockerd, name: &str, service: &str, options: &[&str], command: &[&str]) {
    let service = format!("com.docker.compose.service={service}");
    let project = "com.docker.compose.project=athena";
    let mut args = vec!["run", "-d", "--name", name, "--label", project, "--label", &service];
    args.extend(options);
    args.push(IMAGE);
    args.extend(command);
    dockerd.docker(&args);
}

fn steps(agent: &Agent, what: &str) -> usize {
    let history = agent.json(&["history", "--kind", "step", "--project", "athena"]);
    let entries = history["entries"].as_array().unwrap();
    entries.iter().filter(|entry| entry["text"].as_str().unwrap().contains(what)).count()
}

const SLEEP: &[&str] = &["sleep", "3600"];

const API: &str = "[project.athena.service.api]\nlimits = { memory = \"96MiB\", cpus = 0.5, pids = 40 }\n";

#[test]
fn limits_are_set_and_come_back_whoever_takes_them_away() {
    let Some(dockerd) = Dockerd::start("limits_are_set_and_come_back_whoever_takes_them_away") else { return };
    run(&dockerd, "api", "api", &[], SLEEP);
    run(&dockerd, "other", "other", &[], SLEEP);
    let mut agent = Agent::with_config(&config(&dockerd, "enforce", API));
    agent.start();
    let bound = |dockerd: &Dockerd| memory(dockerd, "api") == Some(Limit::At(96 * MIB));
    agent.wait_for("the limit", |_| bound(&dockerd));
    let found = bounds(&dockerd, "api").unwrap();
    assert_eq!((found.cpus, found.pids_max), (Some(Limit::At(500)), Some(Limit::At(40))));
    assert!(found.swap_max.is_none_or(|swap| swap == Limit::At(0)), "no swap is declared: {found:?}");
    assert_eq!(memory(&dockerd, "other"), Some(Limit::Max), "nothing is said of it");

    // By hand, with Docker.
    dockerd.docker(&["update", "--memory", "200m", "--memory-swap", "200m", "api"]);
    agent.wait_for("the limit after docker update", |_| bound(&dockerd));

    // Made again.
    dockerd.docker(&["rm", "-f", "api"]);
    run(&dockerd, "api", "api", &[], SLEEP);
    agent.wait_for("the limit after a re-create", |_| bound(&dockerd));
    agent.wait_for("one line for each", |agent| steps(agent, "athena/api") == 3);

    // The agent killed: the kernel's limits stay.
    agent.signal(Signal::SIGKILL);
    agent.wait_end();
    assert!(bound(&dockerd));
    agent.start();

    // Another limit in the configuration; and what is in use is shown.
    agent.write_config(&config(&dockerd, "enforce", &API.replace("96MiB", "120MiB")));
    agent.say(&["reload"]);
    agent.wait_for("the new limit", |_| memory(&dockerd, "api") == Some(Limit::At(120 * MIB)));
    agent.wait_for("what is shown", |agent| {
        let said = agent.say(&["limits", "athena"]);
        said.contains("120MiB") && said.contains("other") && said.contains("kernel")
    });
    for sample in [
        r#"hostkeeper_limit_configured{project="athena",service="api",name="api",dimension="memory"} 125829120"#,
        r#"hostkeeper_limit_in_force{project="athena",service="api",name="api",dimension="memory"} 125829120"#,
        r#"hostkeeper_limit_drift{project="athena",service="api",name="api",dimension="cpus"} 0"#,
    ] {
        agent.wait_for(sample, |agent| agent.metrics().contains(sample));
    }

    // Taken back: what it had before, as far as Docker can; nothing stops.
    agent.say(&["limits", "release", "athena", "--yes"]);
    let free = |limit: Option<Limit>| limit.is_some_and(|limit| limit >= Limit::At(512 * MIB));
    assert!(free(memory(&dockerd, "api")), "{:?}", memory(&dockerd, "api"));
    assert_eq!(dockerd.docker(&["inspect", "-f", "{{.State.Running}}", "api"]), "true");
    let round = agent.json(&["status"])["round"].as_u64().unwrap();
    agent.wait_for("further rounds", |agent| agent.json(&["status"])["round"].as_u64().unwrap() > round + 3);
    assert!(free(memory(&dockerd, "api")), "it was set again");
}

#[test]
fn in_observe_nothing_is_set_and_the_plan_says_what_would_be() {
    let Some(dockerd) = Dockerd::start("in_observe_nothing_is_set_and_the_plan_says_what_would_be") else { return };
    run(&dockerd, "api", "api", &[], SLEEP);
    let projects = format!("{API}[project.athena.service.wroker]\nlimits = {{ cpus = 4000 }}\n");
    let mut agent = Agent::with_config(&config(&dockerd, "observe", &projects));
    agent.start();
    agent.wait_for("the plan", |agent| {
        agent.say(&["plan"]).contains("set limits of athena/api: memory 96MiB (was none)")
    });
    assert_eq!(memory(&dockerd, "api"), Some(Limit::Max));
    agent.wait_for("what would fit", |agent| {
        let said = String::from_utf8_lossy(&agent.cli(&["limits", "suggest", "athena"]).stdout).into_owned();
        said.contains("[project.athena.service.api]\nreservation = { memory = \"16MiB\" }")
    });
    // Its exit status tells the worst of what it found.
    let said = String::from_utf8_lossy(&agent.cli(&["doctor"]).stdout).into_owned();
    assert!(said.contains("limits-unknown-service") && said.contains("limits-beyond-host"), "{said}");
}

#[test]
fn a_limit_below_use_waits_and_nobody_is_killed() {
    let Some(dockerd) = Dockerd::start("a_limit_below_use_waits_and_nobody_is_killed") else { return };
    // Holds 60 MB for a while, then lets them go.
    let eat = "dd if=/dev/zero of=/dev/null bs=60000000 count=1000000 & sleep 8; kill $!; exec sleep 3600";
    run(&dockerd, "eater", "eater", &[], &["sh", "-c", eat]);
    let needs = |dockerd: &Dockerd| bounds(dockerd, "eater").is_some_and(|found| found.needed > 50_000_000);
    for _ in 0..100 {
        if needs(&dockerd) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let projects = "[project.athena.service.eater]\nlimits = { memory = \"24MiB\" }\n";
    let mut agent = Agent::with_config(&config(&dockerd, "enforce", projects));
    agent.start();
    agent.wait_for("a stage", |agent| steps(agent, "a stage on the way to 24MiB") > 0);
    let Some(Limit::At(stage)) = memory(&dockerd, "eater") else { panic!("no limit was set") };
    assert!(stage > 50_000_000, "{stage}");
    agent.wait_for("the limit", |_| memory(&dockerd, "eater") == Some(Limit::At(24 * MIB)));
    assert_eq!(dockerd.docker(&["inspect", "-f", "{{.State.Running}} {{.State.OOMKilled}}", "eater"]), "true false");
}

#[test]
fn a_container_is_bounded_in_the_way_it_is_bounded_already() {
    let Some(dockerd) = Dockerd::start("a_container_is_bounded_in_the_way_it_is_bounded_already") else { return };
    run(&dockerd, "quota", "quota", &["--cpu-quota", "30000", "--cpu-period", "50000"], SLEEP);
    run(&dockerd, "nano", "nano", &["--cpus", "0.3", "-m", "300m"], SLEEP);
    let projects = "[project.athena.service]\nquota = { limits = { cpus = 0.4 } }\n\
                    nano = { limits = { cpus = 0.7, memory = \"64MiB\", swap = \"32MiB\" } }\n";
    let mut agent = Agent::with_config(&config(&dockerd, "enforce", projects));
    agent.start();
    let cpus = |name: &str| bounds(&dockerd, name).and_then(|found| found.cpus);
    agent.wait_for("both", |_| cpus("quota") == Some(Limit::At(400)) && cpus("nano") == Some(Limit::At(700)));
    let told = |name: &str| {
        dockerd.docker(&[
            "inspect",
            "-f",
            "{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}}",
            name,
        ])
    };
    assert_eq!((told("quota").as_str(), told("nano").as_str()), ("0 20000 50000", "700000000 0 0"));
    let said = dockerd.docker(&["inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}", "nano"]);
    assert_eq!(said, format!("{} {}", 64 * MIB, 96 * MIB), "memory and swap together");
}

#[test]
fn a_trial_that_nobody_confirms_is_undone_also_after_a_kill() {
    let Some(dockerd) = Dockerd::start("a_trial_that_nobody_confirms_is_undone_also_after_a_kill") else { return };
    run(&dockerd, "api", "api", &["-m", "300m", "--memory-swap", "300m"], SLEEP);
    let projects = "[project.athena.service.api]\nlimits = { memory = \"96MiB\" }\n";
    let trial = config(&dockerd, "trial", projects).replace("[guard]\n", "[guard]\ntrial = \"8s\"\n");
    let mut agent = Agent::with_config(&trial);
    agent.start();
    agent.wait_for("the trial", |_| memory(&dockerd, "api") == Some(Limit::At(96 * MIB)));
    agent.signal(Signal::SIGKILL);
    agent.wait_end();
    agent.start();
    agent.wait_for("its end", |_| memory(&dockerd, "api") == Some(Limit::At(300 * MIB)));
    let round = agent.json(&["status"])["round"].as_u64().unwrap();
    agent.wait_for("further rounds", |agent| agent.json(&["status"])["round"].as_u64().unwrap() > round + 3);
    assert_eq!(memory(&dockerd, "api"), Some(Limit::At(300 * MIB)), "it is held");
}

const NOVA: &str = "[project.nova]\ntier = \"core\"\n[project.nova.service]\ngrafana.tier = \"optional\"\nprometheus.tier = \"optional\"\n\
                    exporter.tier = \"optional\"\nui.tier = \"optional\"\nzookeeper.tier = \"optional\"\n";

fn run_nova(dockerd: &Dockerd, service: &str, depends_on: &str) {
    let labels = [
        "com.docker.compose.project=nova".to_owned(),
        format!("com.docker.compose.service={service}"),
        format!("com.docker.compose.depends_on={depends_on}"),
    ];
    let name = format!("nova-{service}");
    let mut args = vec!["run", "-d", "--init", "--name", &name];
    for label in &labels {
        args.extend(["--label", label]);
    }
    args.extend([IMAGE, "sleep", "3600"]);
    dockerd.docker(&args);
}

fn running(dockerd: &Dockerd) -> Vec<String> {
    let mut names: Vec<String> = dockerd.docker(&["ps", "--format", "{{.Names}}"]).lines().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn what_is_optional_is_parked_in_order_and_only_that_comes_back() {
    let Some(dockerd) = Dockerd::start("what_is_optional_is_parked_in_order_and_only_that_comes_back") else { return };
    for (service, uses) in [
        ("postgres", ""),
        ("zookeeper", ""),
        ("kafka", "zookeeper:service_started:false"),
        ("exporter", ""),
        ("prometheus", "exporter:service_started:false"),
        ("grafana", "prometheus:service_started:false,postgres:service_started:false"),
        ("ui", "kafka:service_started:false"),
    ] {
        run_nova(&dockerd, service, uses);
    }
    // A person's own stop, before.
    dockerd.docker(&["stop", "-t", "1", "nova-ui"]);
    let mut agent = Agent::with_config(&config(&dockerd, "observe", NOVA));
    agent.start();
    agent.wait_for("the containers", |agent| agent.say(&["status", "nova"]).contains("nova-grafana"));

    let all = running(&dockerd);
    let said = agent.say(&["park", "nova", "--dry-run"]);
    let at = |word: &str| said.find(word).unwrap_or_else(|| panic!("{word} is not in\n{said}"));
    assert!(at("nova/grafana") < at("nova/prometheus") && at("nova/prometheus") < at("nova/exporter"), "{said}");
    assert!(said.contains("zookeeper stays: kafka depends on it"), "{said}");
    assert!(!said.contains("postgres") && !said.contains("nova/ui"), "{said}");
    assert_eq!(running(&dockerd), all, "a dry run stops nothing");

    let said = agent.say(&["park", "nova", "--yes"]);
    assert!(said.contains("3 containers stopped; memory available"), "{said}");
    assert_eq!(running(&dockerd), ["nova-kafka", "nova-postgres", "nova-zookeeper"]);
    let ended = |name: &str| dockerd.docker(&["inspect", "-f", "{{.State.FinishedAt}}", name]);
    assert!(ended("nova-grafana") < ended("nova-prometheus") && ended("nova-prometheus") < ended("nova-exporter"));
    assert!(agent.say(&["park", "nova", "--yes"]).contains("0 containers use"), "nothing is left to stop");

    // One of them is started and stopped by a person: it is hers now.
    dockerd.docker(&["start", "nova-grafana"]);
    std::thread::sleep(std::time::Duration::from_secs(5));
    dockerd.docker(&["stop", "-t", "1", "nova-grafana"]);
    // The agent was restarted in between.
    agent.stop();
    agent.start();
    let said = agent.say(&["unpark", "nova"]);
    assert!(said.contains("2 containers started"), "{said}");
    let back = ["nova-exporter", "nova-kafka", "nova-postgres", "nova-prometheus", "nova-zookeeper"];
    assert_eq!(running(&dockerd), back, "neither ui nor grafana");
    let began = |name: &str| dockerd.docker(&["inspect", "-f", "{{.State.StartedAt}}", name]);
    assert!(began("nova-exporter") < began("nova-prometheus"), "what others depend on first");
    assert!(agent.say(&["unpark", "nova"]).contains("0 containers started"));

    let wrong = agent.cli(&["park", "nvoa", "--dry-run"]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && said.contains("projects: nova"), "{said}");
}
