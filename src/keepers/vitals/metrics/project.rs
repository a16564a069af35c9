//! `hostkeeper_project_*` and `hostkeeper_container_*`: what the other dialects have no name for.

use crate::keepers::vitals::observe::containers::{ContainerSeen, ContainersSeen, Identity, Life};
use crate::keepers::vitals::observe::projects::{Counter, Direction, Operation, ProjectSeen, Resource, STATES, Stall};
use crate::metrics::{Family, Group, Number, Page};

const INFO: Family = Family::gauge("hostkeeper_project_info", "A Compose project seen on this host; always 1.");
const CPU: Family = Family::counter(
    "hostkeeper_project_cpu_seconds_total",
    "CPU time used by the project's containers. Does not fall when containers are re-created.",
);
const CPU_LIMIT: Family = Family::gauge(
    "hostkeeper_project_cpu_limit_cores",
    "CPU quota of the project's slice, or of all its running containers together; absent when one has none.",
);
const THROTTLED: Family = Family::counter(
    "hostkeeper_project_cpu_throttled_seconds_total",
    "Time the project's containers were held back by their CPU quota.",
);
const MEMORY: Family = Family::gauge(
    "hostkeeper_project_memory_bytes",
    "Memory of the project's running containers by kind; kinds overlap, do not add them.",
);
const MEMORY_LIMIT: Family = Family::gauge(
    "hostkeeper_project_memory_limit_bytes",
    "Memory limit of the project's slice, or of all its running containers together; absent when one has none.",
);
const OOM_KILLS: Family =
    Family::counter("hostkeeper_project_oom_kills_total", "Processes of the project killed because memory ran out.");
const PRESSURE: Family = Family::counter(
    "hostkeeper_project_pressure_seconds_total",
    "Time in which tasks of the project's slice waited (some) or all of them stood still (full); only with a slice.",
);
const IO: Family =
    Family::counter("hostkeeper_project_io_bytes_total", "Bytes read and written by the project's containers.");
const NETWORK: Family = Family::counter(
    "hostkeeper_project_network_bytes_total",
    "Bytes received and sent by the project's containers, over networks of their own.",
);
const CONTAINERS: Family =
    Family::gauge("hostkeeper_project_containers", "Containers of the project by state; unhealthy ones also run.");
const CONTAINER_INFO: Family = Family::gauge(
    "hostkeeper_container_info",
    "A container known to Docker; always 1. Has the labels allowed by vitals.container_labels.",
);
const CONTAINER_STATE: Family =
    Family::gauge("hostkeeper_container_state", "1 for the state the container is in, 0 for the others.");
const CONTAINER_EXIT_CODE: Family =
    Family::gauge("hostkeeper_container_last_exit_code", "Exit code of a container that does not run.");
const CONTAINER_RESTARTS: Family =
    Family::counter("hostkeeper_container_restarts_total", "Restarts made by Docker's restart policy.");
const CONTAINER_HEALTH: Family = Family::gauge(
    "hostkeeper_container_health",
    "1 for what the container's health check says, 0 for the others; absent without a health check.",
);

/// The families written here.
pub const FAMILIES: &[Family] = &[
    INFO,
    CPU,
    CPU_LIMIT,
    THROTTLED,
    MEMORY,
    MEMORY_LIMIT,
    OOM_KILLS,
    PRESSURE,
    IO,
    NETWORK,
    CONTAINERS,
    CONTAINER_INFO,
    CONTAINER_STATE,
    CONTAINER_EXIT_CODE,
    CONTAINER_RESTARTS,
    CONTAINER_HEALTH,
];

const HEALTHS: [&str; 3] = ["healthy", "starting", "unhealthy"];

/// Writes them.
pub fn measure(seen: &ContainersSeen, page: &mut Page) {
    if page.wants(Group::Hostkeeper, "project") {
        write_projects(&seen.projects, page);
        write_flows(seen, page);
    }
    if page.wants(Group::Hostkeeper, "docker") {
        write_containers(&seen.containers, page);
    }
}

fn write_projects(projects: &[ProjectSeen], page: &mut Page) {
    page.family(&INFO);
    for seen in projects {
        let slice = seen.slice.as_deref().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        page.sample(&[("project", seen.project.as_str()), ("slice", slice)], 1u64);
    }
    let single = |page: &mut Page, family: &Family, value: &dyn Fn(&ProjectSeen) -> Option<Number>| {
        page.family(family);
        for seen in projects {
            if let Some(value) = value(seen) {
                page.sample(&[("project", seen.project.as_str())], value);
            }
        }
    };
    single(page, &CPU, &|seen| seconds(seen, Counter::Cpu));
    single(page, &CPU_LIMIT, &|seen| seen.cpu_limit_cores.map(Number::from));
    single(page, &THROTTLED, &|seen| seconds(seen, Counter::Throttled));
    single(page, &MEMORY_LIMIT, &|seen| seen.memory_limit_bytes.map(Number::from));
    single(page, &OOM_KILLS, &|seen| seen.counters.get(&Counter::OomKills).copied().map(Number::from));
    page.family(&MEMORY);
    for seen in projects {
        let Some(memory) = seen.memory else { continue };
        let kinds = [
            ("working_set", Some(memory.working_set)),
            ("usage", Some(memory.usage)),
            ("rss", memory.rss),
            ("cache", memory.cache),
            ("swap", memory.swap),
        ];
        for (kind, bytes) in kinds {
            if let Some(bytes) = bytes {
                page.sample(&[("project", seen.project.as_str()), ("kind", kind)], bytes);
            }
        }
    }
    page.family(&CONTAINERS);
    for seen in projects {
        for (state, count) in STATES.iter().zip(seen.states.iter().flatten()) {
            page.sample(&[("project", seen.project.as_str()), ("state", state)], *count);
        }
    }
}

fn seconds(seen: &ProjectSeen, counter: Counter) -> Option<Number> {
    seen.counters.get(&counter).map(|ns| Number::Float(*ns as f64 / 1e9))
}

/// Counters with further labels.
fn write_flows(seen: &ContainersSeen, page: &mut Page) {
    page.family(&PRESSURE);
    for project in &seen.projects {
        for (counter, us) in &project.counters {
            let Counter::Pressure(resource, stall) = counter else { continue };
            let labels = [
                ("project", project.project.as_str()),
                ("resource", resource_word(*resource)),
                ("kind", if *stall == Stall::Some { "some" } else { "full" }),
            ];
            page.sample(&labels, *us as f64 / 1e6);
        }
    }
    page.family(&IO);
    for project in &seen.projects {
        for (counter, bytes) in &project.counters {
            let Counter::Io(major, minor, operation) = counter else { continue };
            let Some(device) = seen.devices.get(&(*major, *minor)) else { continue };
            let word = if *operation == Operation::Read { "read" } else { "write" };
            page.sample(&[("project", project.project.as_str()), ("device", device), ("op", word)], *bytes);
        }
    }
    page.family(&NETWORK);
    for project in &seen.projects {
        for (counter, bytes) in &project.counters {
            let Counter::Network(_, direction) = counter else { continue };
            let word = if *direction == Direction::Receive { "receive" } else { "transmit" };
            page.sample(&[("project", project.project.as_str()), ("direction", word)], *bytes);
        }
    }
}

fn resource_word(resource: Resource) -> &'static str {
    match resource {
        Resource::Cpu => "cpu",
        Resource::Memory => "memory",
        Resource::Io => "io",
    }
}

fn write_containers(containers: &[ContainerSeen], page: &mut Page) {
    let known: Vec<(&Identity, &Life)> =
        containers.iter().filter_map(|seen| Some((&*seen.identity, seen.life.as_ref()?))).collect();
    page.family(&CONTAINER_INFO);
    for (identity, _) in &known {
        let short = identity.id.get(..12).unwrap_or(&identity.id);
        let mut labels = vec![("id", short), ("image", identity.image.as_str())];
        labels.extend(identity.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        page.sample_after(&identity.rendered, &labels, 1u64);
    }
    page.family(&CONTAINER_STATE);
    for (identity, life) in &known {
        for state in STATES.iter().filter(|state| **state != "unhealthy") {
            page.sample_after(&identity.rendered, &[("state", state)], *state == life.state);
        }
    }
    page.family(&CONTAINER_EXIT_CODE);
    for (identity, life) in &known {
        if let Some(code) = life.exit_code {
            page.sample_after(&identity.rendered, &[], code);
        }
    }
    page.family(&CONTAINER_RESTARTS);
    for (identity, life) in &known {
        if let Some(restarts) = life.restarts {
            page.sample_after(&identity.rendered, &[], restarts);
        }
    }
    page.family(&CONTAINER_HEALTH);
    for (identity, life) in &known {
        for health in HEALTHS.iter().filter(|_| life.health.is_some()) {
            page.sample_after(&identity.rendered, &[("health", health)], life.health.as_deref() == Some(health));
        }
    }
}
