mod settle;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::config::{Config, Envelope, IoBound, Placement, Project, Rate, Reservation, Service, ServiceLimits};
use super::decide::decide;
use super::observe::{Bounds, ContainerSeen, IoBound as IoSeen, Layout, ProjectSeen, Resources, Seen, SliceSeen};
use super::step::{SliceBounds, Span, Step};
use crate::ledger::Past;
use crate::round::{Class, Plan};
use crate::values::{Bytes, Cpus, Known, Limit, Now, ProjectName, slice_of};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

fn name(text: &str) -> ProjectName {
    text.parse().unwrap()
}

fn at(seconds: u64) -> Now {
    Now { wall: jiff::Timestamp::UNIX_EPOCH, up: std::time::Duration::from_secs(seconds), boot: "a".into() }
}

/// A host of 64 GiB and 28 cores with systemd and cgroup v2.
fn host() -> Seen {
    Seen {
        layout: Some(Layout::Unified),
        driver: Some("systemd".into()),
        systemd: true,
        memory: Some(64 * GIB),
        cores: 28,
        projects: Some(Known::Known(BTreeMap::new())),
        ..Seen::default()
    }
}

fn unbound() -> Bounds {
    Bounds {
        memory_max: Some(Limit::Max),
        memory_high: Some(Limit::Max),
        memory_low: Some(Limit::At(0)),
        swap_max: Some(Limit::Max),
        cpus: Some(Limit::Max),
        cpu_weight: Some(100),
        pids_max: Some(Limit::Max),
        ..Bounds::default()
    }
}

fn container(service: &str, needed: u64) -> ContainerSeen {
    ContainerSeen {
        id: format!("{service:0>64}"),
        name: format!("athena-{service}-1"),
        service: service.into(),
        number: 1,
        told: Resources::default(),
        group: Some(format!("/tenants.slice/tenants-athena.slice/docker-{service}.scope")),
        bounds: Some(Bounds { used: needed, needed, ..unbound() }),
        ..ContainerSeen::default()
    }
}

fn running(containers: Vec<ContainerSeen>) -> Seen {
    let mut services: Vec<String> = containers.iter().map(|container| container.service.clone()).collect();
    services.sort();
    services.dedup();
    let project = ProjectSeen { running: containers, services, ..ProjectSeen::default() };
    Seen { projects: Some(Known::Known(BTreeMap::from([(name("athena"), project)]))), ..host() }
}

fn athena(project: Project) -> Config {
    Config {
        socket: "/run/docker.sock".into(),
        reserve: Reservation { memory: Some(Bytes(6 * GIB)), cpus: Some(Cpus(2000)) },
        projects: BTreeMap::from([(name("athena"), project)]),
        ..Config::default()
    }
}

fn service(limits: ServiceLimits) -> Project {
    let service = Service { limits, ..Service::default() };
    Project { services: BTreeMap::from([("api".into(), service)]), ..Project::default() }
}

fn plan(config: &Config, seen: &Seen) -> Plan<Step> {
    decide(config, seen, &Past::default(), &at(1000))
}

fn words(plan: &Plan<Step>) -> Vec<String> {
    plan.steps.iter().map(|planned| planned.step.to_string()).collect()
}

fn concerns(plan: &Plan<Step>) -> Vec<&str> {
    plan.concerns.iter().map(|concern| concern.id.as_str()).collect()
}

/// Carries a plan out as kernel and systemd would.
fn apply(seen: &mut Seen, plan: &Plan<Step>) {
    for planned in &plan.steps {
        match &planned.step {
            Step::Slice { unit, to, span, .. } => apply_slice(seen.slices.entry(unit.clone()).or_default(), to, *span),
            Step::Stop { .. } | Step::Start { .. } | Step::Evict { .. } | Step::Resume { .. } => {
                panic!("nobody ordered {}", planned.step)
            }
            Step::Container { target, to, .. } => {
                let Some(Known::Known(projects)) = &mut seen.projects else { panic!() };
                let containers = &mut projects.get_mut(&target.project).unwrap().running;
                let found = containers.iter_mut().find(|container| container.id == target.id).unwrap();
                let bounds = found.bounds.as_mut().unwrap();
                assert_eq!(to.memory.is_some(), to.swap.is_some(), "memory never goes without swap");
                if let Some(Limit::At(memory)) = to.memory {
                    let lowers = bounds.memory_max.unwrap() > Limit::At(memory);
                    assert!(!lowers || memory > bounds.needed, "{} would have been killed", found.name);
                }
                bounds.memory_max = to.memory.or(bounds.memory_max);
                bounds.swap_max = to.swap.or(bounds.swap_max);
                bounds.memory_low = to.low.map(Limit::At).or(bounds.memory_low);
                bounds.cpus = to.cpus.or(bounds.cpus);
                bounds.pids_max = to.pids.or(bounds.pids_max);
            }
        }
    }
}

fn carry_out(config: &Config, seen: &mut Seen) {
    let plan = plan(config, seen);
    apply(seen, &plan);
}

fn apply_slice(slice: &mut SliceSeen, to: &SliceBounds, span: Span) {
    let bounds = slice.bounds.get_or_insert_with(unbound);
    bounds.memory_max = to.memory_max.or(bounds.memory_max);
    bounds.memory_high = to.memory_high.or(bounds.memory_high);
    bounds.memory_low = to.memory_low.map(Limit::At).or(bounds.memory_low);
    bounds.cpus = to.cpus.or(bounds.cpus);
    bounds.cpu_weight = to.weight.or(bounds.cpu_weight);
    bounds.pids_max = to.pids.or(bounds.pids_max);
    if let Some(write) = &to.write {
        let one =
            |(_, rate): &(String, u64)| IoSeen { major: 253, minor: 0, read: Limit::Max, write: Limit::At(*rate) };
        bounds.io = write.iter().map(one).collect();
    }
    for property in to.properties() {
        let written = if span == Span::Always { &mut slice.written.lasting } else { &mut slice.written.runtime };
        written.insert(property.into(), "set".into());
    }
}

#[test]
fn a_container_gets_what_is_declared_in_one_order_and_then_nothing_more() {
    let limits = ServiceLimits {
        memory: Some(Bytes(8 * GIB)),
        cpus: Some(Cpus(8000)),
        pids: Some(512),
        ..ServiceLimits::default()
    };
    let config = athena(service(limits));
    let mut seen = running(vec![container("api", GIB)]);
    let first = plan(&config, &seen);
    assert_eq!(
        words(&first),
        [
            "set limits of athena/api: memory 8GiB (was none), swap 0B (was none), cpus 8 (was none), pids 512 (was none)"
        ]
    );
    assert_eq!(
        first.steps[0].because.text,
        "the configuration says memory 8GiB, swap 0B, cpus 8, pids 512, the kernel has memory unbounded, swap unbounded, cpus unbounded, pids unbounded"
    );
    assert!(first.steps[0].undo.is_some() && first.steps[0].class == Class::Tightening);
    apply(&mut seen, &first);
    assert_eq!(plan(&config, &seen), Plan::default());
}

#[test]
fn only_what_is_declared_is_touched() {
    let config = athena(service(ServiceLimits { pids: Some(512), ..ServiceLimits::default() }));
    let seen = running(vec![container("api", GIB), container("worker", GIB)]);
    assert_eq!(words(&plan(&config, &seen)), ["set limits of athena/api: pids 512 (was none)"]);
    assert!(plan(&athena(Project::default()), &seen).steps.is_empty());
}

#[test]
fn swap_that_came_back_after_a_reload_is_taken_away_again() {
    let config = athena(service(ServiceLimits { memory: Some(Bytes(8 * GIB)), ..ServiceLimits::default() }));
    let mut seen = running(vec![container("api", GIB)]);
    carry_out(&config, &mut seen);
    let Some(Known::Known(projects)) = &mut seen.projects else { panic!() };
    projects.get_mut("athena").unwrap().running[0].bounds.as_mut().unwrap().swap_max = Some(Limit::Max);
    assert_eq!(words(&plan(&config, &seen)), ["set limits of athena/api: memory 8GiB, swap 0B (was none)"]);
}

#[test]
fn a_limit_below_use_comes_down_in_stages() {
    let config = athena(service(ServiceLimits { memory: Some(Bytes(2 * GIB)), ..ServiceLimits::default() }));
    let mut seen = running(vec![container("api", 4 * GIB)]);
    let first = plan(&config, &seen);
    assert_eq!(
        words(&first),
        ["set limits of athena/api: memory 4.6GiB (was none), swap 0B (was none), a stage on the way to 2GiB"]
    );
    assert_eq!(concerns(&first), ["limits-below-use"]);
    apply(&mut seen, &first);
    let then = plan(&config, &seen);
    assert!(then.steps.is_empty(), "nothing to be gained yet: {:?}", words(&then));
    assert_eq!(concerns(&then), ["limits-below-use"]);
    for (needed, expected) in [(3 * GIB, Some("3.5GiB")), (GIB, Some("2GiB"))] {
        let Some(Known::Known(projects)) = &mut seen.projects else { panic!() };
        projects.get_mut("athena").unwrap().running[0].bounds.as_mut().unwrap().needed = needed;
        let next = plan(&config, &seen);
        assert!(words(&next)[0].contains(&format!("memory {}", expected.unwrap())), "{:?}", words(&next));
        apply(&mut seen, &next);
    }
    assert_eq!(plan(&config, &seen), Plan::default());
}

#[test]
fn a_project_gets_its_slice_and_the_one_above_its_reservation() {
    let project = Project {
        envelope: Envelope {
            memory_max: Some(Bytes(32 * GIB)),
            memory_high: Some(Bytes(30 * GIB)),
            cpus: Some(Cpus(20_000)),
            pids: Some(8000),
        },
        reservation: Reservation { memory: Some(Bytes(16 * GIB)), cpus: Some(Cpus(8000)) },
        io: vec![IoBound { path: "/data/athena".into(), read_max: None, write_max: Some(Rate(200 * MIB)) }],
        ..Project::default()
    };
    let config = athena(project);
    let mut seen = running(vec![container("api", GIB)]);
    let first = plan(&config, &seen);
    assert_eq!(
        words(&first),
        [
            "set tenants.slice: memory_max 58GiB (was none), reserved memory 16GiB (was 0B)",
            "set envelope of athena: memory_max 32GiB (was none), memory_high 30GiB (was none), reserved memory 16GiB (was 0B), \
             cpus 20 (was none), cpu weight 100, pids 8000 (was none), writing 200MiB/s of /data/athena (was none)",
        ]
    );
    apply(&mut seen, &first);
    assert_eq!(plan(&config, &seen), Plan::default());
    seen.slices.get_mut("tenants-athena.slice").unwrap().bounds.as_mut().unwrap().memory_low = Some(Limit::At(0));
    assert_eq!(plan(&config, &seen).steps.len(), 1, "drift of the reservation");
}

#[test]
fn a_trial_ends_with_the_boot_and_what_is_kept_outlives_it() {
    let project = Project { reservation: Reservation { memory: Some(Bytes(GIB)), cpus: None }, ..Project::default() };
    let mut config = athena(project);
    config.on_trial.insert(name("athena"));
    let mut seen = running(Vec::new());
    let first = plan(&config, &seen);
    assert!(words(&first).iter().all(|step| step.ends_with(", until the next boot")), "{:?}", words(&first));
    apply(&mut seen, &first);
    assert!(plan(&config, &seen).steps.is_empty());
    config.on_trial.clear();
    let kept = plan(&config, &seen);
    assert_eq!(kept.steps.len(), 2, "the same values, written for good");
    assert!(kept.steps[0].because.text.contains("over a boot"));
    apply(&mut seen, &kept);
    assert!(plan(&config, &seen).steps.is_empty());
    // Taking it back leaves what was there before.
    let Some(Step::Slice { span, .. }) = &first.steps[0].undo else { panic!() };
    assert_eq!(*span, Span::Nothing);
}

#[test]
fn a_limit_that_is_not_declared_any_more_goes() {
    let project = |high: Option<u64>| Project {
        envelope: Envelope { memory_max: Some(Bytes(32 * GIB)), memory_high: high.map(Bytes), ..Envelope::default() },
        ..Project::default()
    };
    let mut seen = running(Vec::new());
    let config = athena(project(Some(30 * GIB)));
    carry_out(&config, &mut seen);
    let then = plan(&athena(project(None)), &seen);
    assert!(words(&then)[0].contains("memory_high none (was 30GiB)"), "{:?}", words(&then));
    apply(&mut seen, &then);
    assert_eq!(plan(&athena(project(None)), &seen), Plan::default());
}

#[test]
fn cpu_time_is_divided_by_what_is_reserved() {
    let project =
        |cpus: u64| Project { reservation: Reservation { memory: None, cpus: Some(Cpus(cpus)) }, ..Project::default() };
    let mut config = athena(project(12_000));
    config.projects.insert(name("wx"), project(4000));
    config.projects.insert(
        name("plain"),
        Project { reservation: Reservation { memory: Some(Bytes(GIB)), cpus: None }, ..Project::default() },
    );
    let seen = running(Vec::new());
    let weight = |unit: &str| {
        plan(&config, &seen).steps.iter().find_map(|planned| match &planned.step {
            Step::Slice { unit: other, to, .. } if other == unit => to.weight,
            _ => None,
        })
    };
    assert_eq!(weight("tenants-athena.slice"), Some(150));
    assert_eq!(weight("tenants-wx.slice"), Some(50));
    assert_eq!(weight("tenants-plain.slice"), Some(100));
}

#[test]
fn loosening_comes_before_tightening() {
    let mut project = service(ServiceLimits { memory: Some(Bytes(2 * GIB)), ..ServiceLimits::default() });
    let more = ServiceLimits { memory: Some(Bytes(4 * GIB)), ..ServiceLimits::default() };
    project.services.insert("worker".into(), Service { limits: more, ..Service::default() });
    let mut tight = container("worker", GIB);
    tight.bounds.as_mut().unwrap().memory_max = Some(Limit::At(3 * GIB));
    tight.bounds.as_mut().unwrap().swap_max = Some(Limit::At(0));
    let plan = plan(&athena(project), &running(vec![container("api", GIB), tight]));
    let classes: Vec<Class> = plan.steps.iter().map(|planned| planned.class).collect();
    assert_eq!(classes, [Class::Safe, Class::Tightening]);
    assert!(words(&plan)[0].contains("athena/worker"));
}

#[test]
fn what_the_host_cannot_keep_is_said() {
    let reserve = |memory: u64, cpus: u64| Project {
        reservation: Reservation { memory: Some(Bytes(memory)), cpus: Some(Cpus(cpus)) },
        ..Project::default()
    };
    assert_eq!(concerns(&plan(&athena(reserve(60 * GIB, 1000)), &running(Vec::new()))), ["limits-beyond-host"]);
    assert_eq!(concerns(&plan(&athena(reserve(GIB, 27_000)), &running(Vec::new()))), ["limits-beyond-host"]);
    let config = athena(service(ServiceLimits { cpus: Some(Cpus(64_000)), ..ServiceLimits::default() }));
    let found = plan(&config, &running(vec![container("api", GIB)]));
    assert_eq!(concerns(&found), ["limits-beyond-host"]);
    assert!(words(&found)[0].contains("cpus 28"), "{:?}", words(&found));
}

#[test]
fn a_service_that_nobody_has_is_told_its_neighbour() {
    let config =
        athena(Project { services: BTreeMap::from([("wroker".into(), Service::default())]), ..Project::default() });
    let found = plan(&config, &running(vec![container("worker", GIB), container("api", GIB)]));
    assert_eq!(concerns(&found), ["limits-unknown-service"]);
    assert_eq!(found.concerns[0].cure, "did you mean [project.athena.service.worker]?");
    let down = plan(&config, &running(Vec::new()));
    assert!(down.concerns.is_empty(), "a project that is not up has no services to compare with");
}

#[test]
fn containers_beside_their_slice_are_named_with_the_way_in() {
    let config =
        athena(Project { reservation: Reservation { memory: Some(Bytes(GIB)), cpus: None }, ..Project::default() });
    let mut beside = container("api", GIB);
    beside.group = Some("/system.slice/docker-api.scope".into());
    let found = plan(&config, &running(vec![beside, container("worker", GIB)]));
    assert_eq!(concerns(&found), ["limits-not-in-slice"]);
    assert!(found.concerns[0].text.starts_with("1 of 2 containers run beside tenants-athena.slice: athena-api-1"));
    assert!(found.concerns[0].cure.contains("limits export athena"));
}

#[test]
fn an_envelope_without_systemd_is_nobodys_promise() {
    let config = athena(Project {
        envelope: Envelope { memory_max: Some(Bytes(GIB)), ..Envelope::default() },
        ..Project::default()
    });
    let legacy =
        Seen { layout: Some(Layout::Hybrid), systemd: false, driver: Some("cgroupfs".into()), ..running(Vec::new()) };
    let found = plan(&config, &legacy);
    assert_eq!(concerns(&found), ["limits-unbacked"]);
    assert!(found.steps.is_empty());
    let mut flat = config;
    flat.projects.get_mut("athena").unwrap().placement = Placement::Flat;
    assert_eq!(concerns(&plan(&flat, &running(Vec::new()))), ["limits-unbacked"]);
}

#[test]
fn without_docker_no_container_is_touched() {
    let config = athena(service(ServiceLimits { pids: Some(512), ..ServiceLimits::default() }));
    let blind = Seen { projects: Some(Known::Unknown("docker, list: no answer".into())), ..host() };
    let found = plan(&config, &blind);
    assert_eq!((concerns(&found), found.steps.len()), (vec!["limits-blind"], 0));
    let mut unread = container("api", GIB);
    (unread.bounds, unread.group, unread.unread) = (None, None, Some(Duration::from_secs(9)));
    let config = athena(Project {
        reservation: Reservation { memory: Some(Bytes(GIB)), cpus: None },
        ..service(ServiceLimits { pids: Some(512), ..ServiceLimits::default() })
    });
    let touched = |found: &Plan<Step>| found.steps.iter().any(|planned| matches!(planned.step, Step::Container { .. }));
    let found = plan(&config, &running(vec![unread.clone()]));
    assert_eq!((concerns(&found), touched(&found)), (vec![], false), "it has just ended, and Docker will say so");
    unread.unread = Some(Duration::from_secs(10));
    let found = plan(&config, &running(vec![unread]));
    assert_eq!((concerns(&found), touched(&found)), (vec!["limits-not-in-slice", "limits-blind"], false));
}

#[test]
fn what_nobody_declares_any_more_is_not_forgotten() {
    let mut seen = running(Vec::new());
    let mut slice = SliceSeen::default();
    slice.written.lasting.insert("MemoryMax".into(), "1".into());
    seen.slices.insert("tenants-gone.slice".into(), slice);
    let found = plan(&Config::default(), &seen);
    assert_eq!((concerns(&found), found.steps.len()), (vec!["limits-left-behind"], 0));
}

#[test]
fn slices_are_found_for_strange_names() {
    for strange in ["my-proj", "a--b", &"a".repeat(63)] {
        let project =
            Project { reservation: Reservation { memory: Some(Bytes(GIB)), cpus: None }, ..Project::default() };
        let config = Config { projects: BTreeMap::from([(name(strange), project)]), ..Config::default() };
        let found = plan(&config, &running(Vec::new()));
        let unit = slice_of(strange).unwrap();
        assert!(found.steps.iter().any(|planned| matches!(&planned.step, Step::Slice { unit: u, .. } if *u == unit)));
        assert!(config.check().is_empty());
    }
    let long = format!("a{}", "-".repeat(62));
    let project = Project { reservation: Reservation { memory: Some(Bytes(GIB)), cpus: None }, ..Project::default() };
    let config = Config { projects: BTreeMap::from([(name(&long), project)]), ..Config::default() };
    assert_eq!(config.check()[0].key, format!("project.{long}.placement"));
}

fn any_limits() -> impl Strategy<Value = ServiceLimits> {
    let memory = proptest::option::of((6_u64..9000).prop_map(|mib| Bytes(mib * MIB)));
    let swap = proptest::option::of((0_u64..4000).prop_map(|mib| Bytes(mib * MIB)));
    let cpus = proptest::option::of((10_u64..40_000).prop_map(Cpus));
    (memory, swap, cpus, proptest::option::of(4_u64..9000)).prop_map(|(memory, swap, cpus, pids)| ServiceLimits {
        swap: swap.filter(|_| memory.is_some()),
        memory,
        cpus,
        pids,
    })
}

fn any_bounds() -> impl Strategy<Value = Bounds> {
    let limit = |most: u64| prop_oneof![Just(Limit::Max), (1..most).prop_map(Limit::At)];
    (limit(10 * GIB), limit(5 * GIB), limit(40_000), limit(9000), 0..10 * GIB).prop_map(
        |(memory, swap, cpus, pids, needed)| {
            let needed = memory.at().map_or(needed, |memory| needed.min(memory));
            Bounds {
                memory_max: Some(memory),
                swap_max: Some(swap),
                cpus: Some(cpus),
                pids_max: Some(pids),
                used: needed,
                needed,
                ..unbound()
            }
        },
    )
}

proptest! {
    /// `apply` fails when a limit would kill. What is left over after one plan is only what waits for use to fall.
    #[test]
    fn a_plan_carried_out_leaves_nothing_to_do_and_kills_nobody(
        limits in any_limits(),
        bounds in any_bounds(),
        low in proptest::option::of(6_u64..3000),
    ) {
        let mut project = service(limits);
        project.services.get_mut("api").unwrap().reservation.memory = low.map(|mib| Bytes(mib * MIB));
        let config = athena(project);
        let mut api = container("api", 0);
        api.bounds = Some(bounds);
        let mut seen = running(vec![api]);
        let first = plan(&config, &seen);
        apply(&mut seen, &first);
        let then = plan(&config, &seen);
        prop_assert!(then.steps.is_empty(), "{:?} then {:?}", words(&first), words(&then));
    }

    #[test]
    fn the_order_of_containers_does_not_matter(first in any_bounds(), second in any_bounds(), limits in any_limits()) {
        let mut project = service(limits);
        project.services.insert("worker".into(), Service { limits, ..Service::default() });
        let config = athena(project);
        let (mut api, mut worker) = (container("api", 0), container("worker", 0));
        (api.bounds, worker.bounds) = (Some(first), Some(second));
        let one = plan(&config, &running(vec![api.clone(), worker.clone()]));
        let other = plan(&config, &running(vec![worker, api]));
        prop_assert_eq!(words(&one), words(&other));
    }
}
