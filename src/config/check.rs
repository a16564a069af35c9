//! What no single key can tell: whether the values make sense, alone and together. Pure.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::path::key_of;
use super::settings::{Api, HostSettings, Ledger, Metrics, Project, ProjectTable, Settings, Web, WebTable};
use super::tree::{Node, Value};
use super::value::Step;
use crate::keepers::storage::config::check_path;
use crate::keepers::{isolation, limits, reclaim, storage, vitals};
use crate::round::Limits;
use crate::values::{Bytes, Every, Mode, Problem, ProjectName};

/// Every section as it was read, not yet checked.
pub struct Draft {
    pub host: HostSettings,
    pub guard: Limits,
    pub metrics: Metrics,
    pub vitals: vitals::config::Config,
    pub storage: storage::config::Table,
    pub limits: limits::config::Table,
    pub reclaim: reclaim::config::Table,
    pub isolation: isolation::config::Table,
    pub projects: Vec<(ProjectName, ProjectTable)>,
    pub api: Api,
    pub web: WebTable,
    pub ledger: Ledger,
}

impl Draft {
    /// The settings and everything that is wrong with them. Without a usable address there are no settings.
    pub fn settle(self) -> (Option<Settings>, Vec<Problem>) {
        let mut problems = check_host(&self.host);
        problems.extend(self.guard.check());
        problems.extend(check_metrics(&self.metrics));
        problems.extend(self.vitals.check());
        problems.extend(self.reclaim.check());
        problems.extend(check_api(&self.api));
        problems.extend(check_ledger(&self.ledger));
        let listen = match parse_listen(&self.web) {
            Ok(listen) => Some(listen),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        problems.extend(check_hosts(&self.web.hosts));
        problems.extend(check_web_config(self.web.config_file.as_deref()));
        let storage_mode = self.storage.mode;
        let pick = |(name, table): &(ProjectName, ProjectTable)| (name.clone(), super::isolated::pick(table));
        let isolated = self.projects.iter().map(pick).collect();
        let (storage, limits, projects) =
            sort_out(&self.host, &self.vitals, self.storage, (self.limits.mode, self.projects));
        problems.extend(storage.check());
        problems.extend(limits.check());
        let (mut isolation, wrong) = super::isolated::settle(&self.isolation, &isolated, &storage, &self.vitals);
        isolation.gpu_owner = limits::gpu::config::owner_of(&limits.projects).map(ToString::to_string);
        problems.extend(wrong);
        let socket = self.vitals.docker_socket.clone();
        let reclaim = reclaim::config::Config { socket, every: self.reclaim.every.0 };
        let settings = listen.map(|listen| Settings {
            host: self.host,
            guard: self.guard,
            metrics: self.metrics,
            vitals: self.vitals,
            storage,
            storage_mode,
            limits,
            limits_mode: self.limits.mode,
            reclaim,
            isolation,
            projects,
            api: self.api,
            web: Web { listen, config_file: self.web.config_file, hosts: self.web.hosts },
            ledger: self.ledger,
        });
        (settings, problems)
    }
}

type Sorted = (storage::config::Config, limits::config::Config, std::collections::BTreeMap<ProjectName, Project>);

/// Gives each keeper its part of what projects say.
fn sort_out(
    host: &HostSettings,
    vitals: &vitals::config::Config,
    storage: storage::config::Table,
    (limits_mode, tables): (Option<Mode>, Vec<(ProjectName, ProjectTable)>),
) -> Sorted {
    let (tiers, smart) = (storage.tier, storage.smart);
    let mut storage = storage::config::Config { tiers, smart, ..storage::config::Config::default() };
    let mut projects = std::collections::BTreeMap::new();
    let mut limits = limits::config::Config {
        socket: vitals.docker_socket.clone(),
        docker_interval: vitals.docker_interval.0,
        labels: vitals.container_labels.clone(),
        nvml: vitals.nvml.clone(),
        gpu_interval: vitals.gpu_interval.0,
        reserve: host.reserve,
        pressure: host.pressure.clone(),
        ..limits::config::Config::default()
    };
    let mode = limits_mode.unwrap_or(Mode::Enforce).min(host.mode);
    for (name, table) in tables {
        if table.mode.unwrap_or(Mode::Enforce).min(mode) == Mode::Trial {
            limits.on_trial.insert(name.clone());
        }
        limits.projects.insert(name.clone(), table.bounded());
        storage.dirs.extend(table.dir.into_iter().map(|(dir, value)| ((name.clone(), dir), value)));
        storage.pools.extend(table.pool.into_iter().map(|(pool, value)| ((name.clone(), pool), value)));
        storage.cleans.extend(table.clean.into_iter().map(|(rule, value)| ((name.clone(), rule), value)));
        projects.insert(name, Project { mode: table.mode, windows: table.maintenance_windows });
    }
    (storage, limits, projects)
}

/// Whether `problem` is only a consequence of another one that is listed: a tier that is declared, but wrongly; a
/// bound compared with one that could not be read; something not found in files that could not be read whole.
pub fn follows(problem: &Problem, node: &Node, declared: &Node, removed: &BTreeSet<Vec<Step>>, torn: bool) -> bool {
    if problem.what.starts_with("unknown tier") {
        let tiers = declared.child("storage").and_then(|storage| storage.child("tier"));
        let named = if let Value::Text(name) = &node.value { Some(name) } else { None };
        return torn || tiers.zip(named).is_some_and(|(tiers, name)| tiers.child(name).is_some());
    }
    let nothing = [storage::clean::config::SAYS_NOTHING, limits::config::BOUNDS_NOTHING];
    if nothing.contains(&problem.what.as_str()) {
        let table = format!("{}.", problem.key);
        return removed.iter().any(|path| key_of(path).starts_with(&table));
    }
    let Some((_, other)) = problem.what.split_once("is shorter than ") else { return false };
    let (section, _) = problem.key.split_once('.').unwrap_or((&problem.key, ""));
    removed.contains(&vec![Step::Key(section.into()), Step::Key(other.into())])
}

fn check_host(host: &HostSettings) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(name) = &host.name
        && (name.is_empty() || name.len() > 253 || name.chars().any(|c| c.is_whitespace() || c.is_control()))
    {
        problems.push(Problem::new("host.name", "is no host name", "use letters, digits, - and ., such as \"db1\""));
    }
    let (least, most) = (Duration::from_millis(100), Duration::from_secs(3600));
    if !(least..=most).contains(&host.interval.0) {
        problems.push(Problem::new("host.interval", "must be 100ms to 1h", "use \"10s\""));
    }
    let switch = &host.kill_switch;
    if check_path(&switch.to_string_lossy()).is_err() || switch.file_name().is_none() {
        let cure = "write the whole path of a file, such as \"/run/hostkeeper/disable\"";
        problems.push(Problem::new("host.kill_switch", "is no absolute path of a file", cure));
    }
    problems
}

fn check_metrics(metrics: &Metrics) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, group) in metrics.compat.iter().enumerate() {
        if metrics.compat.iter().take(index).any(|earlier| earlier == group) {
            let what = format!("\"{}\" is named twice", group.as_str());
            problems.push(Problem::new(format!("metrics.compat[{index}]"), what, "name it once"));
        }
    }
    if !(1..=1_000_000).contains(&metrics.max_series) {
        problems.push(Problem::new("metrics.max_series", "must be 1 to 1000000", "use 20000"));
    }
    problems
}

fn check_api(api: &Api) -> Vec<Problem> {
    let group = &api.group;
    let fits = group.len() <= 32
        && group.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && group.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    if fits {
        return Vec::new();
    }
    vec![Problem::new("api.group", "is no name of a group", "use a-z, 0-9, _ and -, such as \"hostkeeper\"")]
}

fn check_ledger(ledger: &Ledger) -> Vec<Problem> {
    let mut problems = Vec::new();
    if ledger.keep < Every(Duration::from_secs(86_400)) {
        problems.push(Problem::new("ledger.keep", "must be at least one day", "use \"400d\""));
    }
    if ledger.max_size < Bytes(1 << 20) {
        problems.push(Problem::new("ledger.max_size", "must be at least 1MiB", "use \"512MiB\""));
    }
    problems
}

/// An address with port. Whoever reaches the page reads everything about the host: beyond loopback something must say
/// who may; the page itself looks whether that is enough.
fn parse_listen(web: &WebTable) -> Result<SocketAddr, Problem> {
    let wrong = |what: &str, cure: String| Err(Problem::new("web.listen", what, cure));
    let Ok(address) = web.listen.parse::<SocketAddr>() else {
        let port = web.listen.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).unwrap_or(9733);
        return wrong("is no address with a port", format!("use \"127.0.0.1:{port}\" or \"[::1]:{port}\""));
    };
    if !address.ip().to_canonical().is_loopback() && web.config_file.is_none() {
        let port = address.port();
        let cure = format!("use \"127.0.0.1:{port}\", or set config_file to a file with TLS and users");
        return wrong("the page would be open to the network", cure);
    }
    Ok(address)
}

fn check_web_config(file: Option<&Path>) -> Option<Problem> {
    let file = file?;
    let fits = check_path(&file.to_string_lossy()).is_ok() && file.file_name().is_some();
    let cure = "write the whole path of a file, such as \"/etc/hostkeeper/web.yml\"";
    (!fits).then(|| Problem::new("web.config_file", "is no absolute path of a file", cure))
}

fn check_hosts(hosts: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || (bracketed && ":[]".contains(c));
        if host.is_empty() || host.len() > 253 || !host.chars().all(allowed) {
            let cure = "write a host name without scheme, port or *, such as \"db1.example\"";
            problems.push(Problem::new(format!("web.hosts[{index}]"), "is no host name", cure));
        }
    }
    problems
}
