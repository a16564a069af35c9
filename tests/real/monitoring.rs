//! What is shipped for Prometheus and Grafana: every metric that a rule or a dashboard names exists, every alert has its
//! heading and its test, and a real Prometheus answers every query of the dashboards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(clippy::string_slice)]
#![allow(dead_code)] // The support files are shared with other test programs.

#[path = "../support/agent.rs"]
mod agent;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use agent::{Agent, have};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The words of `text` that look like names of metrics.
fn names(text: &str) -> BTreeSet<String> {
    const FAMILIES: [&str; 6] = ["hostkeeper_", "node_", "container_", "machine_", "nvidia_smi_", "api_"];
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| FAMILIES.iter().any(|family| word.starts_with(family))).map(str::to_owned).collect()
}

/// Every name in quotes in the program's sources, and the families of node_exporter that are made of parts.
fn known() -> BTreeSet<String> {
    let mut known: BTreeSet<String> =
        read("tests/captured/node_exporter_full_names.txt").lines().map(str::to_owned).collect();
    let mut open = vec![root().join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.to_string_lossy().contains("test") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            // In a family or a description, not in a test or a sentence.
            known.extend(text.split('"').skip(1).step_by(2).flat_map(names));
        }
    }
    known
}

/// Every query of the dashboards, with the dashboard's name.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for file in files("etc/grafana", ".json") {
        let board: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for panel in board["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                queries.push((format!("{name}: {}", panel["title"]), target["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    assert!(queries.len() > 50);
    queries
}

fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn every_metric_that_is_named_exists() {
    let known = known();
    let exists = |name: &str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        known.contains(name) || base.is_some_and(|base| known.contains(base))
    };
    assert!(!exists("hostkeeper_no_such_thing"));
    let expressions =
        read("etc/prometheus/rules.yml").lines().filter(|line| line.contains("expr:")).map(str::to_owned).collect();
    let rules: Vec<String> = expressions;
    assert!(rules.len() > 10);
    let all = queries().into_iter().chain(rules.into_iter().map(|rule| ("rules.yml".to_owned(), rule)));
    let missing: Vec<_> = all
        .flat_map(|(place, query)| names(&query).into_iter().map(move |name| (place.clone(), name)))
        .filter(|(_, name)| !exists(name))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_alert_has_its_heading_and_its_test() {
    let (rules, tests, runbook) =
        (read("etc/prometheus/rules.yml"), read("etc/prometheus/rules.test.yml"), read("docs/runbook.md"));
    let headings: BTreeSet<String> = runbook
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches(['#', ' ']).to_lowercase())
        .collect();
    let mut alerts = 0;
    for line in rules.lines() {
        if let Some((_, name)) = line.split_once("alert: ") {
            alerts += 1;
            assert!(tests.matches(&format!("alertname: {name}\n")).count() >= 2, "{name} is tested to fire and not to");
        }
        if let Some((_, anchor)) = line.split_once("runbook.md#") {
            let anchor = anchor.trim_end_matches('"');
            assert!(
                anchor.contains("$labels.id") || headings.contains(anchor),
                "{anchor} is no heading of docs/runbook.md"
            );
        }
    }
    assert_eq!(alerts, rules.matches("runbook_url:").count());
}

#[test]
fn promtool_takes_rules_tests_and_the_scrape() {
    if !have("promtool", "promtool_takes_rules_tests_and_the_scrape") {
        return;
    }
    for arguments in
        [["check", "rules", "rules.yml"], ["test", "rules", "rules.test.yml"], ["check", "config", "scrape.yml"]]
    {
        let mut command = Command::new("promtool");
        command.args(arguments).current_dir(root().join("etc/prometheus"));
        if arguments[1] == "config" {
            command.arg("--syntax-only");
        }
        let told = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
        assert!(told.status.success(), "promtool {arguments:?}: {said}");
    }
}

/// Processes that end with the test.
struct Running(Vec<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn ask(port: u16, query: &str) -> Value {
    let told = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--get", "--data-urlencode", &format!("query={query}")])
        .arg(format!("http://127.0.0.1:{port}/api/v1/query"))
        .output()
        .unwrap();
    serde_json::from_slice(&told.stdout).unwrap_or(Value::Null)
}

const KEPT: &str = "[host]\ninterval = \"200ms\"\n[vitals]\ndocker_socket = \"\"\n[api]\ngroup = \"nogroup\"\n\
    [storage.tier.bulk]\npath = \"@DIR@\"\nmin_free = \"1MB\"\n[project.shop.dir.uploads]\ntier = \"bulk\"\npath = \"up\"\n";

#[test]
fn a_real_prometheus_answers_every_query_of_the_dashboards() {
    let test = "a_real_prometheus_answers_every_query_of_the_dashboards";
    if !have("prometheus", test) || !have("curl", test) {
        return;
    }
    let agent = Agent::started(KEPT);
    let (page, port) = (free_port(), free_port());
    let quiet = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let web = quiet(agent.command().args(["web", "--listen", &format!("127.0.0.1:{page}")]));
    let scrape = read("etc/prometheus/scrape.yml").replace("127.0.0.1:9733", &format!("127.0.0.1:{page}"));
    let rules = root().join("etc/prometheus/rules.yml").display().to_string();
    let scrape = scrape.replace("/usr/share/hostkeeper/prometheus/rules.yml", &rules).replace("15s", "1s");
    fs::write(agent.path("prometheus.yml"), scrape).unwrap();
    let mut command = Command::new("prometheus");
    command.arg("--config.file=prometheus.yml").arg("--storage.tsdb.path=tsdb");
    let prometheus = quiet(command.arg(format!("--web.listen-address=127.0.0.1:{port}")).current_dir(agent.dir.path()));
    let _running = Running(vec![web, prometheus]);
    let instance = format!("127.0.0.1:{page}");
    let filled = |query: &str| query.replace("$instance", &instance).replace("$__rate_interval", "1m");
    let mut tries = 0..240;
    while ask(port, "count_over_time(hostkeeper_build_info[1m]) > 2")["data"]["result"]
        .as_array()
        .is_none_or(Vec::is_empty)
    {
        assert!(tries.next().is_some(), "Prometheus does not scrape");
        std::thread::sleep(Duration::from_millis(250));
    }
    let mut empty = 0;
    for (place, query) in queries() {
        let told = ask(port, &filled(&query));
        assert_eq!(told["status"], "success", "{place}: {query}: {told}");
        empty += usize::from(told["data"]["result"].as_array().is_none_or(Vec::is_empty));
    }
    println!("{empty} queries of {} have no data on this machine (bcache, GPU, containers)", queries().len());
    for query in [
        "hostkeeper_mode{instance=\"$instance\"} == 1",
        "hostkeeper_tier_size_bytes{instance=\"$instance\"}",
        "hostkeeper_datadir_state{instance=\"$instance\", state!=\"ok\"} == 1",
    ] {
        assert_eq!(ask(port, &filled(query))["data"]["result"].as_array().map(Vec::len), Some(1), "{query}");
    }
}
