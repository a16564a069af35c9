use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::containers::{Identity, Life, Nic, Usage};
use super::*;
use crate::host::Roots;
use crate::host::cgroups::{Counters, Cpu, DeviceIo, Memory};

fn cgroups(top: &Path) -> Cgroups {
    Cgroups::of(&Roots { procfs: top.join("proc"), sysfs: top.join("sys"), rootfs: "/".into() })
}

fn no_cgroups() -> Cgroups {
    cgroups(Path::new("/nonexistent"))
}

/// A running container that used so much.
fn container(project: &str, instance: u64, used: u64) -> ContainerSeen {
    let counters = Counters {
        cpu: Some(Cpu { usage_ns: used, ..Cpu::default() }),
        memory: Some(Memory { usage: 100, inactive_file: 30, oom_kills: Some(used / 100), ..Memory::default() }),
        io: vec![DeviceIo { major: 8, read_bytes: used, ..DeviceIo::default() }],
        ..Counters::default()
    };
    let nics = vec![Nic { index: instance as u32, receive_bytes: used, ..Nic::default() }];
    let path = format!("/docker/{instance:064x}").into();
    let project = Some(project.parse().unwrap());
    ContainerSeen {
        identity: Arc::new(Identity { id: format!("{instance:064x}"), project, ..Identity::default() }),
        life: Some(Life { state: "running".into(), ..Life::default() }),
        usage: Some(Usage { instance, counters, nics, path, ..Usage::default() }),
        rates: None,
    }
}

fn sum(seen: &[ProjectSeen], counter: Counter) -> u64 {
    assert_eq!(seen.len(), 1);
    seen[0].counters[&counter]
}

const RECEIVED: Counter = Counter::Network(0, Direction::Receive);

#[test]
fn a_thousand_recreations_never_make_a_project_fall_and_leave_nothing_behind() {
    let (mut sums, nowhere) = (ProjectSums::default(), no_cgroups());
    let mut before = 0;
    for instance in 1..=1000 {
        for used in [10, 60] {
            let members = [container("shop", 0, 5), container("shop", instance, used)];
            let seen = sums.look(&members, &nowhere, Duration::ZERO);
            let now = sum(&seen, Counter::Cpu);
            assert!(now >= before, "{instance}: {before} fell to {now}");
            before = now;
        }
        let seen = sums.look(&[container("shop", 0, 5)], &nowhere, Duration::ZERO);
        assert_eq!(sum(&seen, Counter::Cpu), before, "what it was last read to have used stays");
    }
    assert_eq!(before, 5 + 1000 * 60);
    let seen = sums.look(&[container("shop", 0, 5)], &nowhere, Duration::ZERO);
    assert_eq!(sum(&seen, RECEIVED), 5 + 1000 * 60);
    assert_eq!(sum(&seen, Counter::Io(8, 0, Operation::Read)), 5 + 1000 * 60);
    assert_eq!(seen[0].counters.len(), 7, "as many counters as in the beginning");
    let carried = sums.carried.values().next().unwrap();
    assert_eq!((carried.before.len(), sums.carried.len()), (1, 1));
}

#[test]
fn a_project_that_goes_and_comes_back_goes_on_where_it_was() {
    let (mut sums, nowhere) = (ProjectSums::default(), no_cgroups());
    sums.look(&[container("shop", 1, 50)], &nowhere, Duration::ZERO);
    assert!(sums.look(&[], &nowhere, Duration::ZERO).is_empty(), "without containers it has no series");
    let seen = sums.look(&[container("shop", 2, 7)], &nowhere, Duration::ZERO);
    assert_eq!(sum(&seen, Counter::Cpu), 57);
}

#[test]
fn of_projects_that_rest_only_so_many_are_kept() {
    let (mut sums, nowhere) = (ProjectSums::default(), no_cgroups());
    for number in 0..1000 {
        sums.look(&[container(&format!("p{number}"), number, 1)], &nowhere, Duration::ZERO);
    }
    assert!(sums.carried.len() <= MAX_RESTING + 1);
    assert!(sums.carried.contains_key("p999"), "the longest resting go first");
}

#[test]
fn a_counter_that_could_not_be_read_for_once_is_not_counted_twice() {
    let (mut sums, nowhere) = (ProjectSums::default(), no_cgroups());
    sums.look(&[container("shop", 1, 50)], &nowhere, Duration::ZERO);
    let mut blind = container("shop", 1, 60);
    let usage = blind.usage.as_mut().unwrap();
    usage.nics.clear();
    usage.counters.io.clear();
    sums.look(&[blind], &nowhere, Duration::ZERO);
    let seen = sums.look(&[container("shop", 1, 70)], &nowhere, Duration::ZERO);
    assert_eq!((sum(&seen, RECEIVED), sum(&seen, Counter::Io(8, 0, Operation::Read))), (70, 70));
}

#[test]
fn gauges_are_those_of_the_living_and_limits_only_when_all_have_one() {
    let (mut sums, nowhere) = (ProjectSums::default(), no_cgroups());
    let mut limited = container("shop", 1, 1);
    limited.usage.as_mut().unwrap().limits =
        Limits { cpu_quota_us: Some(150_000), cpu_period_us: Some(100_000), memory: Some(1000), ..Limits::default() };
    let mut exited = container("shop", 3, 0);
    exited.usage = None;
    exited.life = Some(Life { state: "exited".into(), health: Some("unhealthy".into()), ..Life::default() });
    let seen = sums.look(&[limited.clone(), exited.clone()], &nowhere, Duration::ZERO);
    assert_eq!((seen[0].cpu_limit_cores, seen[0].memory_limit_bytes), (Some(1.5), Some(1000)));
    assert_eq!((seen[0].running, seen[0].total), (1, 2));
    assert_eq!(seen[0].states, Some([0, 1, 0, 0, 0, 1, 0, 1]));
    let seen = sums.look(&[limited, container("shop", 2, 1)], &nowhere, Duration::ZERO);
    assert_eq!((seen[0].cpu_limit_cores, seen[0].memory_limit_bytes), (None, None));
    assert_eq!(seen[0].memory.unwrap().working_set, 140);
    exited.life = None;
    assert_eq!(sums.look(&[exited], &nowhere, Duration::ZERO)[0].states, None, "nobody can tell");
}

#[test]
fn rates_are_means_over_the_time_between_looks() {
    let (mut sums, nowhere) = (ProjectSums::default(), no_cgroups());
    let at = Duration::from_secs;
    assert_eq!(sums.look(&[container("shop", 1, 0)], &nowhere, at(10))[0].rates, None);
    let seen = sums.look(&[container("shop", 1, 3_000_000_000)], &nowhere, at(12));
    let rates = seen[0].rates.unwrap();
    assert_eq!((rates.cpu_cores, rates.io_read_bytes), (1.5, 1.5e9));
    assert_eq!(rates.network, Some((1.5e9, 0.0)));
}

const SCOPE: &str = "/tenants.slice/tenants-shop.slice/docker-x.scope";

/// A container of the captured v2 tree's slice.
fn in_slice(instance: u64, used: u64, path: &str) -> ContainerSeen {
    let mut seen = container("shop", instance, used);
    seen.usage.as_mut().unwrap().path = path.into();
    seen
}

#[test]
fn a_project_with_a_slice_of_its_own_is_counted_by_it() {
    let captured = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captured/cgroup/v2");
    let (mut sums, cgroups) = (ProjectSums::default(), cgroups(&captured));
    let seen = sums.look(&[in_slice(1, 5, SCOPE)], &cgroups, Duration::ZERO);
    assert_eq!(seen[0].slice.as_deref(), Some("/tenants.slice/tenants-shop.slice"));
    assert_eq!(sum(&seen, Counter::Cpu), 90_000_000_000, "with what short-lived containers used");
    assert_eq!(sum(&seen, Counter::OomKills), 6);
    assert_eq!(sum(&seen, Counter::Pressure(Resource::Io, Stall::Full)), 19_493);
    assert_eq!(sum(&seen, RECEIVED), 5, "a slice knows no network");
    assert_eq!((seen[0].memory.unwrap().usage, seen[0].memory_limit_bytes), (8_340_032, Some(128 << 20)));
}

#[test]
fn moving_into_a_slice_and_out_of_it_never_makes_a_project_fall() {
    let captured = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captured/cgroup/v2");
    let (mut sums, cgroups) = (ProjectSums::default(), cgroups(&captured));
    let mut told = Vec::new();
    let elsewhere = "/system.slice/docker-y.scope";
    for members in [
        vec![in_slice(1, 100, elsewhere)],
        vec![in_slice(1, 110, elsewhere), in_slice(2, 10, SCOPE)],
        vec![in_slice(2, 20, SCOPE)],
        vec![in_slice(2, 30, SCOPE)],
        vec![in_slice(2, 40, SCOPE), in_slice(3, 7, elsewhere)],
    ] {
        let seen = sums.look(&members, &cgroups, Duration::ZERO);
        told.push((seen[0].slice.is_some(), sum(&seen, Counter::Cpu)));
    }
    // The slice's own count starts where the containers' ended; what it grows afterwards is added.
    assert_eq!(told, [(false, 100), (false, 120), (true, 120), (true, 120), (false, 137)]);
}

#[test]
fn a_slice_is_the_projects_own_only_by_name_and_without_strangers() {
    let captured = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captured/cgroup/v2");
    let cgroups = cgroups(&captured);
    let slice_of = |members: &[ContainerSeen]| {
        let seen = ProjectSums::default().look(members, &cgroups, Duration::ZERO);
        seen.into_iter().find(|seen| seen.project.as_str() == "shop").unwrap().slice
    };
    assert!(slice_of(&[in_slice(1, 1, SCOPE)]).is_some());
    let mut stranger = container("lab", 2, 1);
    stranger.usage.as_mut().unwrap().path = format!("{SCOPE}/inner").into();
    assert_eq!(slice_of(&[in_slice(1, 1, SCOPE), stranger]), None, "somebody else is inside");
    assert_eq!(slice_of(&[in_slice(1, 1, "/tenants.slice/docker-x.scope")]), None, "not named after it");
    assert_eq!(slice_of(&[in_slice(1, 1, SCOPE), in_slice(2, 1, "/docker/y")]), None, "not all are inside");
}

proptest! {
    /// Containers come, go, restart, and are not always readable: no counter of the project ever falls, and none counts
    /// more than all containers ever said.
    #[test]
    fn sums_never_fall_and_never_exceed_what_was_used(
        looks in prop::collection::vec(prop::collection::btree_map(0u64..6, 0u64..50, 0..4), 1..40),
    ) {
        let (mut sums, nowhere) = (ProjectSums::default(), no_cgroups());
        let mut used: std::collections::BTreeMap<u64, u64> = std::collections::BTreeMap::new();
        let mut before = 0;
        for look in looks {
            let mut members = Vec::new();
            for (instance, grown) in &look {
                let now = used.entry(*instance).or_default();
                *now += grown;
                members.push(container("shop", *instance, *now));
            }
            // An instance that is not seen any more never comes back: its number is not used again.
            let gone: Vec<u64> = used.keys().filter(|instance| !look.contains_key(instance)).copied().collect();
            let seen = sums.look(&members, &nowhere, Duration::ZERO);
            if let [project] = &seen[..] {
                let now = project.counters[&Counter::Cpu];
                prop_assert!(now >= before);
                before = now;
            }
            for instance in gone {
                let carried = used.remove(&instance).unwrap_or_default();
                *used.entry(u64::MAX).or_default() += carried;
            }
            prop_assert_eq!(before, used.values().sum::<u64>());
        }
    }
}
