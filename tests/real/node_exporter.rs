//! Side by side with Debian's `prometheus-node-exporter`: names, types, help, label keys, label values and values, on this
//! machine and on a server in files. What may differ stands in `docs/metrics.md`, with its reason.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice, clippy::print_stderr)]

#[path = "../support/exposition.rs"]
mod exposition;
#[path = "../support/tree.rs"]
mod tree;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use exposition::{Exposition, Family};
use hostkeeper::host::{Clock, Roots};
use hostkeeper::keepers::vitals::metrics::node::measure_host;
use hostkeeper::keepers::vitals::observe::host::HostLook;
use hostkeeper::metrics::{Filter, Page};

const THEIRS: &str = "/usr/bin/prometheus-node-exporter";
const DOCS: &str = include_str!("../../docs/metrics.md");

/// node_exporter, running on a free port of the loopback until dropped.
struct NodeExporter {
    child: Child,
    port: u16,
}

impl NodeExporter {
    /// `None`: it is not installed, which is an error in CI.
    fn start(flags: &[String]) -> Option<NodeExporter> {
        if !Path::new(THEIRS).exists() {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{THEIRS} is not installed");
            eprintln!("skipped: {THEIRS} is not installed");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(THEIRS);
        command.arg(format!("--web.listen-address=127.0.0.1:{port}")).args(flags);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let theirs = NodeExporter { child, port };
        let patience = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "node_exporter does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(theirs)
    }

    fn scrape(&self) -> Exposition {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let body = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let mut page = exposition::parse(&answer[body..]).unwrap();
        page.retain(|name, _| name.starts_with("node_"));
        page
    }
}

impl Drop for NodeExporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ours(look: &mut HostLook) -> Exposition {
    let seen = look.look(&Clock::of_this_boot().now());
    for run in &seen.runs {
        assert_eq!(run.outcome, Ok(()), "{}", run.name);
    }
    let mut page = Page::new(Filter::default(), 20_000);
    measure_host(&seen, &mut page);
    assert_eq!((page.dropped_twice(), page.dropped_over_cap()), (0, 0));
    exposition::parse(&page.finish()).unwrap()
}

/// The words in the first column of the table under `heading`; `*` at the end stands for anything.
fn listed(heading: &str) -> Vec<&'static str> {
    let section = DOCS.split(heading).nth(1).unwrap_or_else(|| panic!("no {heading} in docs/metrics.md"));
    let section = section.split("\n#").next().unwrap();
    let words: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(!words.is_empty(), "nothing under {heading}");
    words
}

fn is_listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|word| word.strip_suffix('*').map_or(*word == name, |prefix| name.starts_with(prefix)))
}

/// The sets of label keys in use.
fn keys(family: &Family) -> BTreeSet<Vec<&str>> {
    family.samples.keys().map(|(_, labels)| labels.keys().map(String::as_str).collect()).collect()
}

/// How ours may differ from two scrapes of theirs, one before and one after.
struct Rules {
    left_out: Vec<&'static str>,
    collectors: Vec<&'static str>,
    moving: Vec<&'static str>,
    /// Relative.
    gauges: f64,
}

impl Rules {
    fn from_docs(gauges: f64) -> Rules {
        Rules {
            left_out: listed("### Families that are left out"),
            collectors: listed("### Collectors that are left out"),
            moving: listed("### Gauges that move"),
            gauges,
        }
    }

    /// Everything that differs, in words.
    fn differences(&self, before: &Exposition, ours: &Exposition, after: &Exposition) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, theirs) in before.iter().filter(|(name, _)| !is_listed(&self.left_out, name)) {
            match (ours.get(name), after.get(name)) {
                (Some(our), Some(after)) => self.compare(theirs, our, after, &mut wrong),
                (None, Some(_)) => wrong.push(format!("{name}: missing")),
                (_, None) => {}
            }
        }
        let extra = ours.keys().filter(|name| !before.contains_key(*name) && !after.contains_key(*name));
        wrong.extend(extra.map(|name| format!("{name}: node_exporter has no such family")));
        wrong
    }

    fn compare(&self, before: &Family, ours: &Family, after: &Family, wrong: &mut Vec<String>) {
        let name = &before.name;
        for (what, theirs, our) in [("type", &before.kind, &ours.kind), ("help", &before.help, &ours.help)] {
            if theirs != our {
                wrong.push(format!("{name}: {what} {our:?} instead of {theirs:?}"));
            }
        }
        if keys(before) != keys(ours) {
            wrong.push(format!("{name}: label keys {:?} instead of {:?}", keys(ours), keys(before)));
        }
        let left_out = |labels: &exposition::Labels| {
            labels.get("collector").is_some_and(|collector| self.collectors.contains(&collector.as_str()))
        };
        for (key, low) in before.samples.iter().filter(|((_, labels), _)| !left_out(labels)) {
            let Some(high) = after.samples.get(key) else { continue };
            match ours.samples.get(key) {
                None => wrong.push(format!("{name}{:?}: missing", key.1)),
                Some(our) if is_listed(&self.moving, name) || self.fits(&before.kind, *low, *our, *high) => {}
                Some(our) => wrong.push(format!("{name}{:?}: {our} not between {low} and {high}", key.1)),
            }
        }
        let known: BTreeSet<_> = before.samples.keys().chain(after.samples.keys()).collect();
        wrong.extend(
            ours.samples.keys().filter(|key| !known.contains(key)).map(|key| format!("{name}{:?}: extra", key.1)),
        );
    }

    fn fits(&self, kind: &str, before: f64, ours: f64, after: f64) -> bool {
        let slack = if kind == "gauge" { self.gauges } else { 1e-12 };
        let (low, high) = (before.min(after), before.max(after));
        low - low.abs() * slack <= ours && ours <= high + high.abs() * slack
    }
}

#[test]
fn this_machine_looks_the_same_in_both() {
    let Some(theirs) = NodeExporter::start(&[]) else { return };
    let mut look = HostLook::new(Roots::default());
    ours(&mut look);
    // A gauge may jump between two reads on a busy machine; what is wrong stays wrong.
    let mut wrong = Vec::new();
    for _ in 0..10 {
        let before = theirs.scrape();
        let our = ours(&mut look);
        let after = theirs.scrape();
        assert!(before.len() > 150, "{} families", before.len());
        wrong = Rules::from_docs(0.01).differences(&before, &our, &after);
        if wrong.is_empty() {
            return;
        }
    }
    panic!("{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn node_exporter_full_finds_everything_it_finds_there() {
    let Some(theirs) = NodeExporter::start(&[]) else { return };
    let names = include_str!("../captured/node_exporter_full_names.txt");
    let names: Vec<&str> = names.lines().filter(|line| !line.starts_with('#')).collect();
    let (theirs, our) = (theirs.scrape(), ours(&mut HostLook::new(Roots::default())));
    let left_out = listed("### Families that are left out");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| theirs.contains_key(**name) && !our.contains_key(**name) && !is_listed(&left_out, name))
        .collect();
    assert!(names.len() > 200 && names.iter().filter(|name| theirs.contains_key(**name)).count() > 100);
    assert!(missing.is_empty(), "{missing:?}");
}

/// What node_exporter reads from elsewhere than the tree is left to the test above.
const ELSEWHERE: [&str; 5] = ["os", "selinux", "systemd", "netdev.netlink", "timex"];

#[test]
fn a_server_in_files_looks_the_same_in_both() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    tree::unpack(include_str!("../captured/server_tree.txt"), &root);
    let at = |path: &str| root.join(path);
    let mut flags: Vec<String> = [
        ("path.procfs", at("proc")),
        ("path.sysfs", at("sys")),
        ("path.rootfs", root.clone()),
        ("path.udev.data", at("run/udev/data")),
        ("collector.textfile.directory", at("var/lib/prometheus/node-exporter")),
    ]
    .map(|(flag, path)| format!("--{flag}={}", path.display()))
    .to_vec();
    flags.extend(ELSEWHERE.map(|collector| format!("--no-collector.{collector}")));
    let Some(theirs) = NodeExporter::start(&flags) else { return };
    let mut look = HostLook::new(Roots { procfs: at("proc"), sysfs: at("sys"), rootfs: root.clone() });
    let before = theirs.scrape();
    let mut our = ours(&mut look);
    let after = theirs.scrape();
    our.retain(|name, _| {
        name.starts_with("node_") && !["node_os_", "node_selinux_", "node_timex_"].iter().any(|p| name.starts_with(p))
    });
    for name in ["node_scrape_collector_success", "node_scrape_collector_duration_seconds"] {
        our.get_mut(name).unwrap().samples.retain(|(_, labels), _| !ELSEWHERE.contains(&labels["collector"].as_str()));
    }
    assert!(before.len() > 350, "{} families", before.len());
    let wrong = Rules::from_docs(1e-9).differences(&before, &our, &after);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
