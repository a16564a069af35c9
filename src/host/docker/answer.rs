//! What is kept of Docker's answers: few fields, each cut to a bound here and nowhere else. Environments are never taken,
//! and of the labels only Compose's own and the ones on the allow-list: secrets live in the others.

use std::collections::HashMap;

use bollard::models::{ContainerInspectResponse, ContainerSummary};

use crate::values::one_line;

/// Characters kept of a name, a label or a path that comes from a container.
const TEXT_LIMIT: usize = 256;
/// Characters kept of `depends_on` and the list of Compose files: they name many things.
const LIST_LIMIT: usize = 4096;

/// Compose's labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compose {
    pub project: Option<String>,
    pub service: Option<String>,
    pub number: Option<u32>,
    /// Made by `compose run`.
    pub oneoff: bool,
    pub working_dir: Option<String>,
    pub config_files: Option<String>,
    pub depends_on: Option<String>,
}

/// One container as the list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// 64 hexadecimal digits.
    pub id: String,
    pub name: String,
    /// As written at creation, without a digest; empty when the image has lost its name.
    pub image: String,
    pub image_id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// Docker's word: created, running, paused, restarting, removing, exited, dead.
    pub state: String,
    /// Docker's word: healthy, unhealthy, starting.
    pub health: Option<String>,
    /// It uses the network of another container.
    pub borrows_network: bool,
    pub compose: Compose,
    /// The allowed labels it has, in the order of the allow-list.
    pub labels: Vec<(String, String)>,
}

/// What only an inspect tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// The main process, when it runs.
    pub pid: Option<i32>,
    pub exit_code: Option<i64>,
    pub restarts: Option<u64>,
    pub started: Option<jiff::Timestamp>,
    pub finished: Option<jiff::Timestamp>,
    pub health: Option<String>,
    pub oom_killed: bool,
    pub resources: Resources,
}

/// What Docker was told that a container may use. Zero: it was told nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Bytes.
    pub memory: u64,
    /// Memory and swap together, bytes; -1: as much as there is.
    pub memory_swap: i64,
    pub memory_reservation: u64,
    /// Billionths of a core. A container has these or a quota, never both.
    pub nano_cpus: u64,
    /// Microseconds within each period; -1: as many as there are.
    pub cpu_quota: i64,
    pub cpu_period: u64,
    /// v1's unit, 1024 is the default.
    pub cpu_shares: u64,
    /// Tasks; -1: as many as there may be.
    pub pids: i64,
    /// A slice or a directory of cgroups.
    pub cgroup_parent: String,
}

/// Text from a container made fit to be stored: one line, at most 256 characters.
pub fn cut(text: &str) -> String {
    one_line(text, TEXT_LIMIT)
}

/// Whether `id` is a container's id. Nothing else is put into the path of a question.
pub fn is_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// An image's name without its digest. A bare id is no name.
pub fn parse_image_name(image: &str) -> String {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let bare_id = name.starts_with("sha256:") || (name.len() >= 12 && name.bytes().all(|b| b.is_ascii_hexdigit()));
    if bare_id { String::new() } else { cut(name) }
}

/// Whether two names mean the same image: without a tag `latest` is meant.
pub fn is_same_image(one: &str, other: &str) -> bool {
    let tagged = |name: &str| name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    let whole = |name: &str| if tagged(name) { name.to_owned() } else { format!("{name}:latest") };
    !one.is_empty() && whole(one) == whole(other)
}

/// The health in the list's status text: `Up 5 minutes (healthy)`, `Up 2 seconds (health: starting)`.
pub fn parse_health(status: &str) -> Option<&'static str> {
    match status.rsplit_once('(')?.1 {
        "healthy)" => Some("healthy"),
        "unhealthy)" => Some("unhealthy"),
        "health: starting)" => Some("starting"),
        _ => None,
    }
}

fn pick_compose(labels: &HashMap<String, String>) -> Compose {
    let label = |name: &str| labels.get(&format!("com.docker.compose.{name}")).filter(|value| !value.is_empty());
    Compose {
        project: label("project").map(|value| cut(value)),
        service: label("service").map(|value| cut(value)),
        number: label("container-number").and_then(|value| value.parse().ok()),
        oneoff: label("oneoff").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        working_dir: label("project.working_dir").map(|value| one_line(value, LIST_LIMIT)),
        config_files: label("project.config_files").map(|value| one_line(value, LIST_LIMIT)),
        depends_on: label("depends_on").map(|value| one_line(value, LIST_LIMIT)),
    }
}

/// The answer to `/containers/json`, as it is kept. `None`: it is not that.
pub fn parse_list(answer: &[u8], allowed: &[String]) -> Option<Vec<Listed>> {
    let summaries: Vec<ContainerSummary> = serde_json::from_slice(answer).ok()?;
    Some(summaries.into_iter().filter_map(|summary| pick_listed(summary, allowed)).collect())
}

/// The answer to `/containers/{id}/json`, as it is kept. `None`: it is not that.
pub fn parse_inspect(answer: &[u8]) -> Option<Inspected> {
    serde_json::from_slice(answer).ok().map(pick_inspected)
}

/// What is kept of one entry of the list; `None` when its id is not one.
pub(super) fn pick_listed(summary: ContainerSummary, allowed: &[String]) -> Option<Listed> {
    let id = summary.id.filter(|id| is_id(id))?;
    let labels = summary.labels.unwrap_or_default();
    let name = summary.names.unwrap_or_default().into_iter().min_by_key(|name| name.matches('/').count());
    let network = summary.host_config.and_then(|config| config.network_mode).unwrap_or_default();
    let health = summary.health.and_then(|health| health.status).map(|status| status.to_string());
    let health = health.filter(|word| !word.is_empty() && word != "none");
    let from_status = || summary.status.as_deref().and_then(parse_health).map(str::to_owned);
    Some(Listed {
        name: name.map(|name| cut(name.trim_start_matches('/'))).unwrap_or_default(),
        image: summary.image.as_deref().map(parse_image_name).unwrap_or_default(),
        image_id: summary.image_id.as_deref().map(cut).unwrap_or_default(),
        created: summary.created.unwrap_or_default(),
        state: summary.state.map(|state| state.to_string()).unwrap_or_default(),
        health: health.or_else(from_status),
        borrows_network: network.starts_with("container:"),
        compose: pick_compose(&labels),
        labels: allowed.iter().filter_map(|key| Some((key.clone(), cut(labels.get(key)?)))).collect(),
        id,
    })
}

/// What is kept of an inspect.
pub(super) fn pick_inspected(answer: ContainerInspectResponse) -> Inspected {
    let state = answer.state.unwrap_or_default();
    // Docker writes the year 1 for "never".
    let moment = |text: Option<String>| {
        text.and_then(|text| text.parse::<jiff::Timestamp>().ok()).filter(|moment| moment.as_second() > 0)
    };
    let health = state.health.and_then(|health| health.status).map(|status| status.to_string());
    Inspected {
        pid: state.pid.and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid > 0),
        exit_code: state.exit_code,
        restarts: answer.restart_count.and_then(|count| u64::try_from(count).ok()),
        started: moment(state.started_at),
        finished: moment(state.finished_at),
        health: health.filter(|word| !word.is_empty() && word != "none"),
        oom_killed: state.oom_killed.unwrap_or_default(),
        resources: answer.host_config.map(pick_resources).unwrap_or_default(),
    }
}

fn pick_resources(config: bollard::models::HostConfig) -> Resources {
    let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
    Resources {
        memory: count(config.memory),
        memory_swap: config.memory_swap.unwrap_or_default(),
        memory_reservation: count(config.memory_reservation),
        nano_cpus: count(config.nano_cpus),
        cpu_quota: config.cpu_quota.unwrap_or_default(),
        cpu_period: count(config.cpu_period),
        cpu_shares: count(config.cpu_shares),
        pids: config.pids_limit.unwrap_or_default(),
        cgroup_parent: config.cgroup_parent.as_deref().map(cut).unwrap_or_default(),
    }
}
