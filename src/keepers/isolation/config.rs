//! `[isolation]`, and of `[project.NAME]` the keys `ports`, `networks`, `hardened` and `rotated`. Pure.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use super::decide::ports::{PortPolicy, ProjectPorts};
use super::facts::{Protocol, Subnet};
use super::ids::IDS;
use super::policy::{Allow, Policy, ProjectPolicy};
use crate::values::{Every, Problem, ProjectName, one_line};

const LEAST: Duration = Duration::from_secs(30);
const MOST: Duration = Duration::from_secs(24 * 3600);

/// The `[isolation]` table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Time between two looks; events of Docker bring one earlier.
    pub every: Every,
    #[serde(default)]
    pub allow: Vec<AllowTable>,
}

/// One entry of `[[isolation.allow]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowTable {
    pub finding: String,
    pub container: Option<String>,
    pub project: Option<String>,
    pub other: Option<String>,
    pub reason: String,
    pub until: String,
}

/// What `[project.NAME]` declares of isolation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    pub ports: Option<Ports>,
    pub networks: Option<Networks>,
    pub hardened: bool,
    pub rotated: Option<String>,
}

/// `ports = { tcp = ["48000-48999"], udp = [], bind = ["127.0.0.1"] }`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ports {
    pub tcp: Vec<String>,
    pub udp: Vec<String>,
    pub bind: Vec<String>,
}

/// `networks = { shared = ["edge"], subnets = ["172.20.0.0/16"] }`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Networks {
    pub shared: Vec<String>,
    pub subnets: Vec<String>,
}

/// What the keeper works from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Docker's socket; empty: nothing is looked at.
    pub socket: String,
    pub every: Duration,
    pub allow: Vec<Allow>,
    pub ports: BTreeMap<String, ProjectPorts>,
    pub projects: BTreeMap<String, ProjectPolicy>,
    /// Declared directories by project, whole paths.
    pub places: Vec<(String, String)>,
    pub gpu_owner: Option<String>,
}

impl Config {
    /// From what was read. `dirs`: the declared directories with the roots of their tiers, by project.
    pub fn settle(
        table: &Table,
        declared: &BTreeMap<ProjectName, Declared>,
        dirs: Vec<(String, String, String)>,
        socket: String,
    ) -> (Config, Vec<Problem>) {
        let mut problems = Vec::new();
        if !(LEAST..=MOST).contains(&table.every.0) {
            problems.push(Problem::new("isolation.every", "must be 30s to 1d", "use \"5m\""));
        }
        let mut config = Config { socket, every: table.every.0, ..Config::default() };
        for (index, allow) in table.allow.iter().enumerate() {
            config.allow.extend(parse_allow(index, allow, &mut problems));
        }
        for (project, one) in declared {
            let ports = parse_project_ports(project, one.ports.as_ref(), &mut problems);
            config.ports.extend(ports.map(|ports| (project.to_string(), ports)));
            config.projects.insert(project.to_string(), parse_project(project, one, &mut problems));
        }
        for (project, tier, path) in dirs {
            let tiers = &mut config.projects.entry(project.clone()).or_default().tiers;
            if !tiers.contains(&tier) {
                tiers.push(tier);
            }
            config.places.push((project, path));
        }
        problems.extend(config.check_apart());
        (config, problems)
    }

    /// What is declared, with what was read of the host.
    pub fn policy(&self, ephemeral: &EphemeralPorts, now: Timestamp) -> Policy {
        let (range, reserved) = (ephemeral.range.clone(), ephemeral.reserved.clone());
        Policy {
            ports: PortPolicy { projects: self.ports.clone(), ephemeral: range, reserved },
            projects: self.projects.clone(),
            gpu_owner: self.gpu_owner.clone(),
            allow: self.allow.clone(),
            now,
        }
    }

    /// Ranges and subnets of two projects have nothing in common.
    fn check_apart(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, (name, ports)) in self.ports.iter().enumerate() {
            for (other, beside) in self.ports.iter().take(index) {
                if let Some((protocol, range)) = find_common(&ports.ranges, &beside.ranges) {
                    let what = format!("{range} is declared in project.{other}.ports as well");
                    let key = format!("project.{name}.ports.{}", if protocol == Protocol::Udp { "udp" } else { "tcp" });
                    problems.push(Problem::new(key, what, format!("leave it to {name} or to {other}")));
                }
            }
        }
        for (index, (name, project)) in self.projects.iter().enumerate() {
            for (other, beside) in self.projects.iter().take(index) {
                let common = project.subnets.iter().find(|one| beside.subnets.iter().any(|two| one.overlaps(two)));
                if let Some(subnet) = common {
                    let what = format!("{subnet} has addresses of project.{other}.networks.subnets as well");
                    let cure = format!("give {name} and {other} subnets that are apart");
                    problems.push(Problem::new(format!("project.{name}.networks.subnets"), what, cure));
                }
            }
        }
        problems
    }
}

/// What the kernel takes for outgoing connections, and of that what it leaves alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EphemeralPorts {
    pub range: Option<RangeInclusive<u16>>,
    pub reserved: Vec<RangeInclusive<u16>>,
}

type Ranges = Vec<(Protocol, RangeInclusive<u16>)>;

fn find_common(ours: &Ranges, theirs: &Ranges) -> Option<(Protocol, String)> {
    ours.iter().find_map(|(protocol, one)| {
        let same = theirs.iter().filter(|(other, _)| other == protocol);
        let meets = |(_, two): &&(Protocol, RangeInclusive<u16>)| one.start() <= two.end() && two.start() <= one.end();
        let (_, two) = same.clone().find(meets)?;
        let (first, last) = (one.start().max(two.start()), one.end().min(two.end()));
        Some((*protocol, if first == last { first.to_string() } else { format!("{first}-{last}") }))
    })
}

fn parse_allow(index: usize, allow: &AllowTable, problems: &mut Vec<Problem>) -> Option<Allow> {
    let before = problems.len();
    let key = |field: &str| format!("isolation.allow[{index}].{field}");
    if !IDS.contains(&allow.finding.as_str()) || allow.finding == "allow-expired" {
        let what = format!("there is no finding \"{}\"", one_line(&allow.finding, 40));
        problems.push(Problem::new(key("finding"), what, near_id(&allow.finding)));
    }
    if allow.reason.trim().is_empty() {
        problems.push(Problem::new(key("reason"), "says nothing", "write why it is right, for who reads it in a year"));
    }
    if allow.container.is_none() && allow.project.is_none() {
        let cure = "name a container or a project, as hostkeeper audit shows them";
        problems.push(Problem::new(format!("isolation.allow[{index}]"), "allows it everywhere", cure));
    }
    let until = parse_date(&key("until"), &allow.until, problems);
    let until = until.filter(|_| problems.len() == before)?;
    Some(Allow {
        finding: allow.finding.clone(),
        container: allow.container.clone(),
        project: allow.project.clone(),
        other: allow.other.clone(),
        reason: one_line(allow.reason.trim(), 300),
        until,
    })
}

/// The finding that was perhaps meant: the one with the most words in common.
fn near_id(word: &str) -> String {
    let words: Vec<&str> = word.split(['-', '_', ' ']).filter(|word| word.len() > 2).collect();
    let common = |id: &&&str| words.iter().filter(|word| id.contains(**word)).count();
    match IDS.iter().max_by_key(common).filter(|id| common(id) > 0) {
        Some(id) => format!("did you mean \"{id}\"? hostkeeper audit shows the names"),
        None => "hostkeeper audit shows the names, such as \"host-network\"".into(),
    }
}

fn parse_date(key: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Date> {
    let date = text.parse::<Date>().ok().filter(|_| text.len() == "2026-12-31".len());
    if date.is_none() {
        let what = format!("\"{}\" is no day", one_line(text, 40));
        problems.push(Problem::new(key, what, "write year, month and day, such as \"2026-12-31\""));
    }
    date
}

fn parse_project_ports(
    project: &ProjectName,
    ports: Option<&Ports>,
    problems: &mut Vec<Problem>,
) -> Option<ProjectPorts> {
    let ports = ports?;
    let mut ranges = Vec::new();
    for (word, protocol, list) in [("tcp", Protocol::Tcp, &ports.tcp), ("udp", Protocol::Udp, &ports.udp)] {
        for (index, text) in list.iter().enumerate() {
            match parse_range(text) {
                Some(range) => ranges.push((protocol, range)),
                None => {
                    let what = format!("\"{}\" is no port and no range of ports", one_line(text, 40));
                    let key = format!("project.{project}.ports.{word}[{index}]");
                    problems.push(Problem::new(key, what, "use 1 to 65535, such as \"49090\" or \"48000-48999\""));
                }
            }
        }
    }
    let mut addresses = Vec::new();
    for (index, text) in ports.bind.iter().enumerate() {
        match text.parse::<IpAddr>() {
            Ok(address) => addresses.push(address),
            Err(_) => {
                let what = format!("\"{}\" is no address", one_line(text, 60));
                let key = format!("project.{project}.ports.bind[{index}]");
                problems.push(Problem::new(key, what, "use \"127.0.0.1\", \"::1\" or an address of this host"));
            }
        }
    }
    Some(ProjectPorts { ranges, addresses })
}

/// `48000-48999`, `49090`.
pub fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
}

fn parse_project(project: &ProjectName, declared: &Declared, problems: &mut Vec<Problem>) -> ProjectPolicy {
    let networks = declared.networks.clone().unwrap_or_default();
    let mut subnets = Vec::new();
    for (index, text) in networks.subnets.iter().enumerate() {
        match Subnet::parse(text) {
            Some(subnet) => subnets.push(subnet),
            None => {
                let what = format!("\"{}\" is no subnet", one_line(text, 60));
                let key = format!("project.{project}.networks.subnets[{index}]");
                problems.push(Problem::new(key, what, "use an address and a length, such as \"172.20.0.0/16\""));
            }
        }
    }
    let key = format!("project.{project}.rotated");
    let rotated = declared.rotated.as_deref().and_then(|text| parse_date(&key, text, problems));
    ProjectPolicy { hardened: declared.hardened, shared: networks.shared, subnets, tiers: Vec::new(), rotated }
}
