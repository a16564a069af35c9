use std::collections::HashSet;
use std::sync::Arc;

use super::super::{gpu, machine, project};
use super::*;
use crate::host::cgroups::{Counters, Cpu, DeviceIo, Limits, Memory, Pressure, Throttle};
use crate::keepers::vitals::observe::containers::{ContainerSeen, Identity, Machine, Nic, Rates};
use crate::keepers::vitals::observe::projects::{ProjectMemory, ProjectSeen, Totals};
use crate::metrics::Filter;

fn usage() -> Usage {
    Usage {
        rendered: "id=\"/docker/1\",name=\"web\"".into(),
        counters: Counters {
            cpu: Some(Cpu { usage_ns: 1_500_000_000, user_ns: Some(1_000_000_000), system_ns: Some(0) }),
            throttle: Some(Throttle { periods: 10, throttled_periods: 2, throttled_ns: 250_000_000 }),
            memory: Some(Memory { usage: 1000, inactive_file: 400, page_faults: Some(9), ..Memory::default() }),
            io: vec![DeviceIo { major: 8, minor: 0, read_bytes: 7, written_bytes: 8, reads: 1, writes: 2 }],
            tasks: Some(3),
            processes: Some(2),
            cpu_pressure: Some(Pressure { some_us: Some(1_500_000), full_us: None }),
            ..Counters::default()
        },
        limits: Limits { memory: Some(5000), ..Limits::default() },
        nics: vec![Nic { index: 4, name: "eth0".into(), receive_bytes: 11, transmit_bytes: 12, ..Nic::default() }],
        ..Usage::default()
    }
}

fn seen() -> ContainersSeen {
    let life = Life { state: "running".into(), health: Some("starting".into()), ..Life::default() };
    let rates = Some(Rates { cpu_cores: 7.0, ..Rates::default() });
    let container =
        ContainerSeen { identity: Arc::new(Identity::default()), life: Some(life), usage: Some(usage()), rates };
    let project = ProjectSeen {
        project: "shop".parse().unwrap(),
        dir: None,
        slice: None,
        counters: Totals::new(),
        memory: Some(ProjectMemory { usage: 1000, ..ProjectMemory::default() }),
        cpu_limit_cores: None,
        memory_limit_bytes: None,
        states: None,
        running: 1,
        total: 1,
        rates,
    };
    ContainersSeen {
        containers: vec![container],
        projects: vec![project],
        machine: Machine { cpu_cores: 28, memory_bytes: Some(64) },
        devices: [((8, 0), "/dev/sda".to_owned())].into(),
        at: 1_700_000_000,
        ..ContainersSeen::default()
    }
}

fn page(filter: Filter) -> String {
    let mut page = Page::new(filter, 1000);
    project::measure(&seen(), &mut page);
    measure(&seen(), &mut page);
    machine::measure(&seen(), &mut page);
    assert_eq!((page.dropped_twice(), page.dropped_over_cap()), (0, 0));
    String::from_utf8(page.finish()).unwrap()
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|each| each == line)
}

#[test]
fn samples_are_cadvisors() {
    let text = page(Filter::default());
    let five = "id=\"/docker/1\",name=\"web\"";
    for line in [
        format!("container_cpu_usage_seconds_total{{{five},cpu=\"total\"}} 1.5"),
        format!("container_cpu_user_seconds_total{{{five}}} 1"),
        format!("container_memory_working_set_bytes{{{five}}} 600"),
        format!("container_memory_usage_bytes{{{five}}} 1000"),
        format!("container_memory_failures_total{{{five},failure_type=\"pgfault\",scope=\"hierarchy\"}} 9"),
        format!("container_fs_reads_bytes_total{{{five},device=\"/dev/sda\"}} 7"),
        format!(
            "container_blkio_device_usage_total{{{five},device=\"/dev/sda\",major=\"8\",minor=\"0\",operation=\"Write\"}} 8"
        ),
        format!("container_network_transmit_bytes_total{{{five},interface=\"eth0\"}} 12"),
        format!("container_pressure_cpu_waiting_seconds_total{{{five}}} 1.5"),
        format!("container_spec_memory_limit_bytes{{{five}}} 5000"),
        format!("container_spec_memory_swap_limit_bytes{{{five}}} 0"),
        format!("container_health_state{{{five}}} 0"),
        format!("container_last_seen{{{five}}} 1700000000"),
        "machine_cpu_cores 28".to_owned(),
    ] {
        assert!(has(&text, &line), "{line}\n{text}");
    }
}

#[test]
fn what_the_kernel_does_not_tell_has_no_sample() {
    let text = page(Filter::default());
    for absent in [
        "container_memory_swap",
        "container_memory_failcnt",
        "container_oom_events_total",
        "container_pressure_cpu_stalled_seconds_total",
        "container_pressure_io_waiting_seconds_total",
        "container_start_time_seconds",
        "container_cpu_cfs_periods_total",
    ] {
        assert!(!text.contains(&format!("{absent}{{")), "{absent}: {text}");
    }
}

#[test]
fn the_manuals_names_share_one_family_with_cadvisors() {
    let text = page(Filter::default());
    assert_eq!(text.matches("# TYPE container_memory_usage_bytes ").count(), 1);
    assert!(has(&text, "container_memory_usage_bytes{project=\"shop\"} 1000"));
    assert!(has(&text, "container_cpu_usage_percent{project=\"shop\"} 25"), "7 of 28 cores");
    let only = |group: &str| page(Filter { collect: vec![group.into()], ..Filter::default() });
    let manual = only("manual");
    assert!(manual.contains("{project=") && !manual.contains("name=\"web\""));
    let cadvisor = only("container");
    assert!(cadvisor.contains("name=\"web\"") && !cadvisor.contains("{project="));
    let off = page(Filter { off: vec![Group::Container, Group::Manual], ..Filter::default() });
    assert!(!off.contains("container_memory_usage_bytes"));
}

#[test]
fn collectors_can_be_left_out() {
    let without = |collector: &str| page(Filter { exclude: vec![collector.into()], ..Filter::default() });
    assert!(!without("cgroup").contains("container_cpu_usage_seconds_total"));
    assert!(!without("links").contains("container_network_"));
    assert!(!without("docker").contains("hostkeeper_container_state"));
    assert!(!without("project").contains("hostkeeper_project_"));
    assert!(!without("machine").contains("machine_"));
}

#[test]
fn every_family_has_one_table_entry_and_counters_say_so() {
    let mut all = families();
    all.extend(project::FAMILIES);
    all.extend(gpu::families());
    all.extend(machine::FAMILIES);
    let mut names = HashSet::new();
    for family in all {
        assert!(names.insert(family.name.clone()), "{} twice", family.name);
        assert!(!family.help.is_empty());
        if family.name.starts_with("hostkeeper_") {
            let counter = family.kind == crate::metrics::Kind::Counter;
            assert_eq!(counter, family.name.ends_with("_total"), "{}", family.name);
        }
    }
    let text = page(Filter::default());
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(names.contains(name), "{name} is written and not in a table");
    }
}
