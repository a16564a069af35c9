use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::host::Roots;

const FIRST: &str = "b1d985e9556e833ab6452d8b14b33b5aeb08e7e2b9caac54acce2844173ee5e0";
const SECOND: &str = "8d86cbccfae5e20c18a08839e4765eb0d4a2b29d6f45e6dc809734cbc26ea5a2";

fn captured(tree: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captured/cgroup").join(tree)
}

fn roots(top: &Path) -> Roots {
    Roots { procfs: top.join("proc"), sysfs: top.join("sys"), rootfs: "/".into() }
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn v1_files_captured_from_docker_20_10_are_understood() {
    let cgroups = Cgroups::of(&roots(&captured("v1")));
    assert_eq!(cgroups.layout(), Layout::Legacy);
    let place = cgroups.read_place(4242, FIRST).unwrap();
    assert_eq!(place.shown, format!("/docker/{FIRST}"));
    let group = cgroups.open(&place).unwrap();
    let counters = group.read(&mut Vec::new()).unwrap();
    let cpu = Cpu { usage_ns: 72_011_702, user_ns: Some(30_000_000), system_ns: Some(30_000_000) };
    assert_eq!(counters.cpu, Some(cpu));
    assert_eq!(counters.throttle, Some(Throttle { periods: 9, throttled_periods: 0, throttled_ns: 0 }));
    assert_eq!((counters.tasks, counters.processes), (Some(1), Some(1)));
    assert_eq!(counters.memory.unwrap().oom_kills, Some(0));
    assert_eq!(counters.cpu_pressure, None);
    let limits = group.read_limits();
    assert_eq!(limits.cpu_cores(), Some(0.5));
    assert_eq!((limits.memory, limits.swap, limits.reservation), (Some(64 << 20), Some(128 << 20), None));
}

#[test]
fn a_hybrid_tree_has_joint_controllers_a_custom_parent_and_sub_groups() {
    let cgroups = Cgroups::of(&roots(&captured("hybrid")));
    assert_eq!(cgroups.layout(), Layout::Hybrid);
    let place = cgroups.read_place(77, SECOND).unwrap();
    assert_eq!(place.shown, format!("/athena/shop/{SECOND}"));
    let group = cgroups.open(&place).unwrap();
    let counters = group.read(&mut Vec::new()).unwrap();
    let memory = counters.memory.unwrap();
    assert_eq!(memory.working_set(), 600_000);
    assert_eq!((memory.rss, memory.cache, memory.swap), (Some(350_000), Some(600_000), Some(8192)));
    assert_eq!((memory.failcnt, memory.oom_kills, memory.peak), (Some(7), Some(2), Some(2_000_000)));
    assert_eq!(counters.cpu.unwrap().usage_ns, 5_000_000_000);
    assert_eq!(counters.throttle.unwrap().throttled_ns, 1_724_314_000);
    let disk = DeviceIo { major: 8, minor: 0, read_bytes: 4096, written_bytes: 8192, reads: 1, writes: 2 };
    let mapper = DeviceIo { major: 252, minor: 3, read_bytes: 1, written_bytes: 2, reads: 3, writes: 4 };
    assert_eq!(counters.io, [disk, mapper]);
    let limits = group.read_limits();
    assert_eq!((limits.cpu_quota_us, limits.memory), (None, None), "-1 and the greatest number are no limits");
}

#[test]
fn v2_files_are_understood_also_with_a_process_in_a_sub_group() {
    let cgroups = Cgroups::of(&roots(&captured("v2")));
    assert_eq!(cgroups.layout(), Layout::Unified);
    let place = cgroups.read_place(4242, FIRST).unwrap();
    assert_eq!(place.shown, format!("/tenants.slice/tenants-shop.slice/docker-{FIRST}.scope"));
    let group = cgroups.open(&place).unwrap();
    let counters = group.read(&mut Vec::new()).unwrap();
    assert_eq!(counters.cpu.unwrap().usage_ns, 7_200_000_000);
    assert_eq!(counters.throttle.unwrap().throttled_ns, 30_000_000);
    let memory = counters.memory.unwrap();
    assert_eq!(memory.working_set(), 7_340_032 - 2_500_000);
    assert_eq!((memory.peak, memory.swap, memory.oom_kills), (Some(9_000_000), Some(65_536), Some(1)));
    assert_eq!(memory.failcnt, None, "v2 has no such counter");
    assert_eq!(counters.io.len(), 2, "a device without numbers is left out");
    assert_eq!(counters.io_pressure, Some(Pressure { some_us: Some(24_127), full_us: Some(19_493) }));
    assert_eq!(counters.processes, Some(3));
    let limits = group.read_limits();
    assert_eq!((limits.cpu_cores(), limits.memory, limits.swap), (Some(0.5), Some(64 << 20), None));
    assert_eq!(limits.cpu_shares, Some(2597), "by cAdvisor's formula");
}

#[test]
fn containers_are_found_by_a_walk_when_their_process_cannot_be_asked() {
    for (tree, id) in [("v1", FIRST), ("v2", FIRST)] {
        let cgroups = Cgroups::of(&roots(&captured(tree)));
        let place = cgroups.list_places().remove(id).unwrap();
        assert_eq!(Some(place.shown), cgroups.read_place(4242, id).map(|place| place.shown));
    }
    let nowhere = Cgroups::of(&roots(Path::new("/nonexistent")));
    assert_eq!(nowhere.layout(), Layout::Absent);
    assert!(nowhere.list_places().is_empty());
}

#[test]
fn a_process_of_another_group_is_not_taken_for_the_container() {
    let cgroups = Cgroups::of(&roots(&captured("v2")));
    assert_eq!(cgroups.read_place(4242, SECOND), None);
    assert_eq!(cgroups.read_place(1, FIRST), None);
    assert_eq!(read_container_of(&captured("v2").join("proc"), 4242).as_deref(), Some(FIRST));
    assert_eq!(read_container_of(&captured("v2").join("proc"), 1), None);
}

#[test]
fn a_removed_group_is_gone_with_kept_files_and_without() {
    for files in [0, 3, 1000] {
        let scratch = tempfile::tempdir().unwrap();
        copy_tree(&captured("v2"), scratch.path());
        let cgroups = Cgroups::of(&roots(scratch.path())).keeping(files);
        let group = cgroups.open(&cgroups.read_place(4242, FIRST).unwrap()).unwrap();
        let whole = group.read(&mut Vec::new()).unwrap();
        assert_eq!(whole.memory.unwrap().peak, Some(9_000_000), "{files} files kept");
        std::fs::remove_dir_all(scratch.path().join("sys/fs/cgroup/tenants.slice")).unwrap();
        assert_eq!(group.read(&mut Vec::new()), Err(Gone), "{files} files kept");
    }
}

#[test]
fn closing_a_group_gives_its_files_back() {
    let cgroups = Cgroups::of(&roots(&captured("v2"))).keeping(12);
    let place = cgroups.read_place(4242, FIRST).unwrap();
    for _ in 0..100 {
        let group = cgroups.open(&place).unwrap();
        let again = cgroups.open(&place).unwrap();
        assert_eq!(group.read(&mut Vec::new()), again.read(&mut Vec::new()));
    }
}

#[test]
fn numbers_and_limits() {
    for (text, number) in [("12\n", Some(12)), ("0", Some(0)), ("18446744073709551616", None), ("-1", None)] {
        assert_eq!(parse_number(text.as_bytes()), number, "{text}");
    }
    for (text, limit) in [("max", None), ("-1", None), ("9223372036854771712", None), ("4096", Some(4096))] {
        assert_eq!(parse_limit(text.as_bytes()), limit, "{text}");
    }
    assert_eq!(parse_cpu_max(b"max 100000\n"), Some((None, 100_000)));
    assert_eq!(parse_cpu_max(b"50000"), None);
}

#[test]
fn container_ids_are_taken_from_any_driver() {
    let forms = [FIRST.to_owned(), format!("docker-{FIRST}.scope"), format!("libpod-{FIRST}.scope")];
    for form in forms {
        assert_eq!(parse_container_id(&form), Some(FIRST), "{form}");
    }
    for other in ["docker.service", "", "-", ".scope", FIRST.trim_start_matches('b'), &FIRST.to_uppercase()] {
        assert_eq!(parse_container_id(other), None, "{other}");
    }
}

#[test]
fn memberships_that_lead_upwards_are_left_out() {
    let text = b"0::/../../etc\n1:cpu:relative\nrubbish\n\xff:\xff:/x\n3:memory:/docker/a\n";
    let found = parse_memberships(text);
    assert_eq!(found, [Membership { controllers: vec!["memory".into()], path: "/docker/a".into() }]);
}

proptest! {
    #[test]
    fn parsers_take_any_bytes(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse_number(&text);
        parse_limit(&text);
        parse_keyed(&text).count();
        parse_cpu_max(&text);
        parse_pressure(&text);
        parse_io_stat(&text);
        merge_blkio(&text, &text);
        parse_memberships(&text);
        let words = String::from_utf8_lossy(&text);
        parse_container_id(&words);
        parse_container_path(&words, FIRST);
    }

    #[test]
    fn io_lines_survive_what_stands_around_them(
        before in "[a-z :=\n]{0,40}",
        bytes in any::<u64>(),
        after in "[a-z :=\n]{0,40}",
    ) {
        let text = format!("{before}\n8:16 rbytes={bytes} wbytes=1 rios=2 wios=3\n{after}");
        let wanted = DeviceIo { major: 8, minor: 16, read_bytes: bytes, written_bytes: 1, reads: 2, writes: 3 };
        prop_assert!(parse_io_stat(text.as_bytes()).contains(&wanted));
    }
}
