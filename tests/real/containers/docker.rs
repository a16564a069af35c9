//! With a real Docker: numbers agree with the kernel's, what is removed is absent, what is re-created does not make its
//! project fall, secrets stay where they are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hostkeeper::keepers::vitals::observe::containers::{ContainersSeen, DockerState};

use crate::dockerd::{Dockerd, IMAGE};
use crate::exposition::{find, only};
use crate::looker::{Looker, error_of, read_page, render};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_real_docker() {
    let Some(dockerd) = Dockerd::start("a_real_docker") else { return };
    let mut looker = Looker::new(&dockerd.socket(), PATIENCE);
    looker.config.container_labels = vec!["tier.name".into()];
    let seen = looker.look().await;
    assert!(matches!(seen.docker, DockerState::Up(_)), "{:?}", seen.docker);
    assert!(seen.containers.is_empty());

    let ids = twenty_containers(&dockerd, &mut looker).await;
    agrees_with_the_kernel(&ids, &mut looker).await;
    network_agrees(&dockerd, &mut looker).await;
    removed_is_absent(&dockerd, &mut looker).await;
    exited_keeps_its_code(&dockerd, &mut looker).await;
    secrets_stay(&dockerd, &mut looker).await;
    recreation_never_falls(&dockerd, &mut looker).await;
}

async fn twenty_containers(dockerd: &Dockerd, looker: &mut Looker) -> HashMap<String, String> {
    let mut ids = HashMap::new();
    for number in 1..=20 {
        let project = if number % 2 == 0 { "shop" } else { "lab" };
        let name = format!("{project}-web-{number}");
        // Each uses some processor time and page cache, and then rests.
        let work = "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; cat /bin/busybox > /copy; sleep 3600";
        ids.insert(name.clone(), dockerd.run(&name, project, "web", &["sh", "-c", work]));
    }
    let running = |seen: &ContainersSeen| seen.containers.iter().filter(|seen| seen.usage.is_some()).count();
    let seen = looker.look_until("20 running containers", |seen| running(seen) == 20).await;
    assert!(seen.runs.iter().all(|run| run.outcome.is_ok()), "{:?}", seen.runs);
    let page = read_page(&seen);
    for project in ["shop", "lab"] {
        let label = format!("project=\"{project}\"");
        assert_eq!(only(&page, "hostkeeper_project_containers", &[&label, "state=\"running\""]), 10.0);
        assert_eq!(only(&page, "hostkeeper_project_containers", &[&label, "state=\"exited\""]), 0.0);
    }
    let five = ["id", "name", "image", "container_label_com_docker_compose_project"];
    for (series, _) in find(&page, "container_memory_working_set_bytes", &[]) {
        assert!(five.iter().all(|label| series.contains(&format!("{label}=\""))), "{series}");
        assert_eq!(series.matches("=\"").count(), 5, "{series}");
    }
    ids
}

/// The directory of container `id` in the tree of `controller` (v1) or in the unified one.
fn cgroup_of(id: &str, controller: &str) -> PathBuf {
    let root = Path::new("/sys/fs/cgroup");
    let unified = root.join("cgroup.controllers").exists();
    let top = if unified { root.to_owned() } else { root.join(controller) };
    let places = [format!("docker/{id}"), format!("system.slice/docker-{id}.scope")];
    places.iter().map(|place| top.join(place)).find(|path| path.is_dir()).expect("the container's cgroup")
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap()
}

fn key(text: &str, key: &str) -> u64 {
    let line = text.lines().find(|line| line.split(' ').next() == Some(key)).expect("the key");
    number(line.split(' ').nth(1).unwrap())
}

fn cpu_seconds(id: &str) -> f64 {
    let directory = cgroup_of(id, "cpuacct");
    match std::fs::read_to_string(directory.join("cpuacct.usage")) {
        Ok(ns) => number(&ns) as f64 / 1e9,
        Err(_) => key(&std::fs::read_to_string(directory.join("cpu.stat")).unwrap(), "usage_usec") as f64 / 1e6,
    }
}

fn working_set(id: &str) -> f64 {
    let directory = cgroup_of(id, "memory");
    let read = |name: &str| std::fs::read_to_string(directory.join(name));
    let stat = read("memory.stat").unwrap();
    match read("memory.usage_in_bytes") {
        Ok(usage) => number(&usage).saturating_sub(key(&stat, "total_inactive_file")) as f64,
        Err(_) => number(&read("memory.current").unwrap()).saturating_sub(key(&stat, "inactive_file")) as f64,
    }
}

async fn agrees_with_the_kernel(ids: &HashMap<String, String>, looker: &mut Looker) {
    // Until all have done their work and rest.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before: HashMap<&str, (f64, f64)> =
        ids.iter().map(|(name, id)| (name.as_str(), (cpu_seconds(id), working_set(id)))).collect();
    let seen = looker.look().await;
    let page = read_page(&seen);
    for (name, id) in ids {
        let label = format!(",name=\"{name}\"");
        let (cpu_before, memory_before) = before[name.as_str()];
        let cpu = only(&page, "container_cpu_usage_seconds_total", &[&label, "cpu=\"total\""]);
        assert!(cpu_before <= cpu && cpu <= cpu_seconds(id), "{name}: {cpu_before} <= {cpu} <= {}", cpu_seconds(id));
        assert!(cpu > 0.0);
        let memory = only(&page, "container_memory_working_set_bytes", &[&label]);
        assert!([memory_before, working_set(id)].contains(&memory), "{name}: {memory_before}, {memory}");
    }
    for project in ["shop", "lab"] {
        let label = format!("project=\"{project}\"");
        let members = find(&page, "container_cpu_usage_seconds_total", &[&format!("_compose_project=\"{project}\"")]);
        let sum: f64 = members.iter().map(|(_, seconds)| seconds).sum();
        let told = only(&page, "hostkeeper_project_cpu_seconds_total", &[&label]);
        assert!((sum - told).abs() < 1e-6, "{project}: {sum} and {told}");
    }
}

async fn network_agrees(dockerd: &Dockerd, looker: &mut Looker) {
    if !dockerd.has_network() {
        return;
    }
    let server = dockerd.docker(&["inspect", "-f", "{{.NetworkSettings.IPAddress}}", "shop-web-2"]);
    dockerd.docker(&["exec", "-d", "shop-web-2", "httpd", "-f", "-p", "80", "-h", "/bin"]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let url = format!("http://{server}/busybox");
    let got =
        dockerd.try_docker(&["exec", "lab-web-1", "busybox", "timeout", "20", "wget", "-q", "-O", "/download", &url]);
    let why =
        "containers on one bridge do not reach each other: is what the host forwards dropped (iptables -S FORWARD)?";
    assert!(got.status.success(), "{why} {}", String::from_utf8_lossy(&got.stderr));
    let inside = dockerd.docker(&["exec", "lab-web-1", "cat", "/proc/net/dev"]);
    let words: Vec<&str> =
        inside.lines().find_map(|line| line.trim().strip_prefix("eth0:")).unwrap().split_whitespace().collect();
    let page = read_page(&looker.look().await);
    let labels = [",name=\"lab-web-1\"", "interface=\"eth0\""];
    let received = only(&page, "container_network_receive_bytes_total", &labels);
    let sent = only(&page, "container_network_transmit_bytes_total", &labels);
    // A stray broadcast may come between the two readings.
    assert!(
        received >= number(words[0]) as f64 && received - (number(words[0]) as f64) < 5000.0,
        "{received} {inside}"
    );
    assert!(sent >= number(words[8]) as f64 && sent - (number(words[8]) as f64) < 5000.0, "{sent} {inside}");
    assert!(received > 10.0 * sent, "a download receives more than it sends: {received}, {sent}");
    assert!(only(&page, "hostkeeper_project_network_bytes_total", &["project=\"lab\"", "receive"]) >= received);
}

async fn removed_is_absent(dockerd: &Dockerd, looker: &mut Looker) {
    dockerd.docker(&["rm", "-f", "lab-web-19"]);
    let text = String::from_utf8(render(&looker.look().await)).unwrap();
    assert!(!text.contains("lab-web-19"), "absent at the very next look");
    assert!(text.contains("lab-web-17"));
}

async fn exited_keeps_its_code(dockerd: &Dockerd, looker: &mut Looker) {
    dockerd.run("shop-job-1", "shop", "job", &["sh", "-c", "exit 3"]);
    let exited = |seen: &ContainersSeen| {
        let life =
            seen.containers.iter().find(|seen| seen.identity.name == "shop-job-1").and_then(|seen| seen.life.clone());
        life.is_some_and(|life| life.state == "exited" && life.exit_code.is_some())
    };
    let page = read_page(&looker.look_until("an exited container", exited).await);
    let label = "name=\"shop-job-1\"";
    assert_eq!(only(&page, "hostkeeper_container_last_exit_code", &[label]), 3.0);
    assert_eq!(only(&page, "hostkeeper_container_state", &[label, "state=\"exited\""]), 1.0);
    assert_eq!(only(&page, "hostkeeper_container_state", &[label, "state=\"running\""]), 0.0);
    assert_eq!(only(&page, "hostkeeper_container_restarts_total", &[label]), 0.0);
    assert!(find(&page, "container_cpu_usage_seconds_total", &[label]).is_empty(), "what does not run uses nothing");
    dockerd.docker(&["stop", "-t", "0", "shop-web-4"]);
    let page = read_page(&looker.look().await);
    assert!(find(&page, "container_memory_rss", &["name=\"shop-web-4\""]).is_empty());
    assert_eq!(only(&page, "hostkeeper_container_state", &["name=\"shop-web-4\"", "exited"]), 1.0, "told at once");
}

async fn secrets_stay(dockerd: &Dockerd, looker: &mut Looker) {
    let secret = "PLANTED-SECRET-4711";
    let (env, label) = (format!("PASSWORD={secret}"), format!("traefik.auth={secret}"));
    let health = ["--health-cmd", "true", "--health-interval", "1s"];
    let mut args = vec!["run", "-d", "--name", "vault", "-e", &env, "--label", &label, "--label", "tier.name=gold"];
    args.extend(health);
    args.extend([IMAGE, "sleep", "3600"]);
    dockerd.docker(&args);
    let healthy = |seen: &ContainersSeen| {
        seen.containers
            .iter()
            .any(|seen| seen.life.as_ref().is_some_and(|life| life.health.as_deref() == Some("healthy")))
    };
    let seen = looker.look_until("a healthy container", healthy).await;
    let text = String::from_utf8(render(&seen)).unwrap();
    assert!(!text.contains(secret) && !format!("{seen:?}").contains(secret));
    let page = read_page(&seen);
    assert_eq!(only(&page, "hostkeeper_container_info", &["container_label_tier_name=\"gold\"", "vault"]), 1.0);
    assert_eq!(only(&page, "container_health_state", &["name=\"vault\""]), 1.0);
    assert_eq!(only(&page, "hostkeeper_container_health", &["name=\"vault\"", "\"healthy\""]), 1.0);
    dockerd.docker(&["rm", "-f", "vault"]);
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Files of ours that would keep a network name space alive.
fn held_namespaces() -> usize {
    let links =
        std::fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter(|link| link.to_string_lossy().contains("net:[") || link.to_string_lossy().contains("/net/")).count()
}

async fn recreation_never_falls(dockerd: &Dockerd, looker: &mut Looker) {
    let work = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 3600";
    let told = |seen: &ContainersSeen| {
        let page = read_page(seen);
        let of = |family: &str, more: &str| {
            find(&page, family, &["project=\"shop\"", more]).first().map_or(0.0, |found| found.1)
        };
        let network = of("hostkeeper_project_network_bytes_total", "transmit");
        (
            [of("hostkeeper_project_cpu_seconds_total", ""), network],
            page.values().map(|family| family.samples.len()).sum::<usize>(),
        )
    };
    dockerd.run("shop-worker-1", "shop", "worker", &["sh", "-c", work]);
    let running = |seen: &ContainersSeen| {
        seen.containers.iter().any(|seen| seen.identity.name == "shop-worker-1" && seen.usage.is_some())
    };
    let (mut last, series) = told(&looker.look_until("the worker", running).await);
    let (files, first) = (open_files(), last);
    for round in 0..60 {
        dockerd.docker(&["rm", "-f", "shop-worker-1"]);
        let (now, fewer) = told(&looker.look().await);
        assert!(now[0] >= last[0] && now[1] >= last[1], "round {round}: {last:?} fell to {now:?}");
        assert!(fewer < series);
        dockerd.run("shop-worker-1", "shop", "worker", &["sh", "-c", work]);
        let (now, again) = told(&looker.look_until("the worker again", running).await);
        assert!(now[0] >= last[0] && now[1] >= last[1], "round {round}: {last:?} fell to {now:?}");
        assert_eq!(again, series, "as many series as before");
        last = now;
    }
    assert!(last[0] > first[0] + 0.01, "60 workers used time: {first:?} {last:?}");
    assert!(open_files() <= files + 2, "{files} files open before, {} after", open_files());
    assert_eq!(held_namespaces(), 0);
    assert_eq!(error_of(&looker.look().await, "docker"), None);
}
