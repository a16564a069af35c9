//! Writes what running containers use under cAdvisor's names, always with its five labels, and the manual's two names.
//!
//! `container_memory_usage_bytes` is both cAdvisor's (five labels) and the manual's (`project` alone). It is written as
//! one family, cAdvisor's samples first: queries on `name`, `image` or a Compose label see only containers, queries on
//! `project` only projects. Only a sum over everything would count twice, as it does with cAdvisor's own parent groups.

mod families;
#[cfg(test)]
mod tests;

use families::{
    BLKIO, CPU_USAGE, CPU_USAGE_PERCENT, DISK, HEALTH_STATE, LAST_SEEN, MEMORY_FAILURES, MEMORY_USAGE, NETWORK,
    PRESSURES, SINGLES, START_TIME,
};

use crate::keepers::vitals::observe::containers::DeviceIo;
use crate::keepers::vitals::observe::containers::{ContainersSeen, Life, Usage};
use crate::metrics::{Family, Group, Number, Page};

/// The families written here.
pub fn families() -> Vec<&'static Family> {
    const OTHERS: &[Family] =
        &[CPU_USAGE, MEMORY_USAGE, CPU_USAGE_PERCENT, MEMORY_FAILURES, BLKIO, START_TIME, LAST_SEEN, HEALTH_STATE];
    let mut all: Vec<&'static Family> = OTHERS.iter().collect();
    all.extend(SINGLES.iter().chain(PRESSURES).map(|single| &single.0));
    all.extend(NETWORK.iter().map(|per| &per.0));
    all.extend(DISK.iter().map(|per| &per.0));
    all
}

/// Writes them.
pub fn measure(seen: &ContainersSeen, page: &mut Page) {
    let cgroup = page.wants(Group::Container, "cgroup");
    let manual = page.wants(Group::Manual, "project");
    let running: Vec<&Usage> = seen.containers.iter().filter_map(|container| container.usage.as_ref()).collect();
    if cgroup || manual {
        write_memory_usage(seen, &running, (cgroup, manual), page);
    }
    if manual {
        write_cpu_percent(seen, page);
    }
    if cgroup {
        write_usage(&running, page);
        write_disk(seen, &running, page);
    }
    if page.wants(Group::Container, "links") {
        write_network(&running, page);
    }
    if page.wants(Group::Container, "docker") {
        write_life(seen, page);
    }
}

fn write_memory_usage(seen: &ContainersSeen, running: &[&Usage], wanted: (bool, bool), page: &mut Page) {
    let (cgroup, manual) = wanted;
    page.family(&MEMORY_USAGE);
    for usage in running.iter().filter(|_| cgroup) {
        if let Some(memory) = usage.counters.memory {
            page.sample_after(&usage.rendered, &[], memory.usage);
        }
    }
    for project in seen.projects.iter().filter(|_| manual) {
        if let Some(memory) = project.memory {
            page.sample(&[("project", project.project.as_str())], memory.usage);
        }
    }
}

fn write_cpu_percent(seen: &ContainersSeen, page: &mut Page) {
    let cores = f64::from(seen.machine.cpu_cores);
    page.family(&CPU_USAGE_PERCENT);
    for project in &seen.projects {
        if let Some(rates) = project.rates.filter(|_| cores > 0.0) {
            page.sample(&[("project", project.project.as_str())], 100.0 * rates.cpu_cores / cores);
        }
    }
}

fn write_usage(running: &[&Usage], page: &mut Page) {
    page.family(&CPU_USAGE);
    for usage in running {
        if let Some(cpu) = usage.counters.cpu {
            page.sample_after(&usage.rendered, &[("cpu", "total")], cpu.usage_ns as f64 / 1e9);
        }
    }
    for single in SINGLES.iter().chain(PRESSURES) {
        page.family(&single.0);
        for usage in running {
            if let Some(value) = (single.1)(usage) {
                page.sample_after(&usage.rendered, &[], value);
            }
        }
    }
    page.family(&MEMORY_FAILURES);
    for usage in running {
        let Some(memory) = usage.counters.memory else { continue };
        for (kind, count) in [("pgfault", memory.page_faults), ("pgmajfault", memory.major_page_faults)] {
            // The kernel's counters are those of the whole subtree: cAdvisor gives them in both scopes.
            for scope in ["container", "hierarchy"] {
                if let Some(count) = count {
                    page.sample_after(&usage.rendered, &[("failure_type", kind), ("scope", scope)], count);
                }
            }
        }
    }
}

fn write_disk(seen: &ContainersSeen, running: &[&Usage], page: &mut Page) {
    let device = |io: &DeviceIo| seen.devices.get(&(io.major, io.minor)).map_or("", String::as_str);
    for per in DISK {
        page.family(&per.0);
        for usage in running {
            for io in &usage.counters.io {
                page.sample_after(&usage.rendered, &[("device", device(io))], (per.1)(io));
            }
        }
    }
    page.family(&BLKIO);
    for usage in running {
        for io in &usage.counters.io {
            let (major, minor) = (io.major.to_string(), io.minor.to_string());
            for (operation, bytes) in [("Read", io.read_bytes), ("Write", io.written_bytes)] {
                let labels = [("device", device(io)), ("major", &major), ("minor", &minor), ("operation", operation)];
                page.sample_after(&usage.rendered, &labels, bytes);
            }
        }
    }
}

fn write_network(running: &[&Usage], page: &mut Page) {
    for per in NETWORK {
        page.family(&per.0);
        for usage in running {
            for nic in &usage.nics {
                page.sample_after(&usage.rendered, &[("interface", &nic.name)], (per.1)(nic));
            }
        }
    }
}

/// Of running containers, what only Docker knows.
fn write_life(seen: &ContainersSeen, page: &mut Page) {
    let lives = |page: &mut Page, family: &Family, value: &dyn Fn(&Life) -> Option<Number>| {
        page.family(family);
        for container in &seen.containers {
            let (Some(usage), Some(life)) = (&container.usage, &container.life) else { continue };
            if let Some(value) = value(life) {
                page.sample_after(&usage.rendered, &[], value);
            }
        }
    };
    lives(page, &START_TIME, &|life| life.started.map(|started| started.as_second().into()));
    lives(page, &LAST_SEEN, &|_| Some(seen.at.into()));
    lives(page, &HEALTH_STATE, &|life| Some(health_number(life.health.as_deref()).into()));
}

/// cAdvisor's numbers: 1 healthy, 0 unhealthy or starting, -1 no health check.
fn health_number(health: Option<&str>) -> i64 {
    match health {
        Some("healthy") => 1,
        Some(_) => 0,
        None => -1,
    }
}
