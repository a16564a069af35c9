//! Every parser on a server in files: what it must find, every prefix of it, and anything else.

#![allow(clippy::string_slice)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const TREE: &str = include_str!("../../../tests/captured/server_tree.txt");

fn file(path: &str) -> &'static str {
    let head = format!("=== {path}\n");
    let start = TREE.find(&head).unwrap_or_else(|| panic!("no {path}")) + head.len();
    let end = TREE[start..].find("\n=== ").map_or(TREE.len(), |end| start + end + 1);
    &TREE[start..end]
}

/// A file and its parser, with the result in words.
type Case = (&'static str, fn(&[u8]) -> String);

fn all(_: &str, _: &str) -> bool {
    true
}

const CASES: [Case; 28] = [
    ("proc/stat", |b| format!("{:?}", parse_stat(b))),
    ("proc/schedstat", |b| format!("{:?}", parse_schedstat(b))),
    ("proc/net/softnet_stat", |b| format!("{:?}", parse_softnet_stat(b))),
    ("proc/meminfo", |b| format!("{:?}", parse_meminfo(b))),
    ("proc/vmstat", |b| format!("{:?}", parse_vmstat(b, |_| true))),
    ("proc/loadavg", |b| format!("{:?}", parse_loadavg(b))),
    ("proc/pressure/io", |b| format!("{:?}", parse_pressure(b))),
    ("proc/net/arp", |b| format!("{:?}", parse_arp(b))),
    ("proc/net/dev", |b| format!("{:?}", parse_net_dev(b))),
    ("proc/net/udp", |b| format!("{:?}", parse_udp_queues(b))),
    ("proc/net/udp6", |b| format!("{:?}", parse_udp_queues(b))),
    ("proc/net/netstat", |b| format!("{:?}", parse_netstat(b, all))),
    ("proc/net/snmp", |b| format!("{:?}", parse_netstat(b, all))),
    ("proc/net/snmp6", |b| format!("{:?}", parse_snmp6(b, all))),
    ("proc/net/sockstat", |b| format!("{:?}", parse_sockstat(b))),
    ("proc/net/sockstat6", |b| format!("{:?}", parse_sockstat(b))),
    ("proc/net/stat/nf_conntrack", |b| format!("{:?}", parse_conntrack_stat(b))),
    ("proc/sys/net/netfilter/nf_conntrack_max", |b| format!("{:?}", parse_number(b))),
    ("proc/sys/fs/file-nr", |b| format!("{:?}", parse_numbers(b))),
    ("proc/diskstats", |b| format!("{:?}", parse_diskstats(b, |_| true))),
    ("run/udev/data/b8:0", |b| format!("{:?}", parse_udev_properties(b))),
    ("proc/mdstat", |b| format!("{:?}", parse_mdstat(b))),
    ("proc/net/rpc/nfs", |b| format!("{:?}", parse_nfs(b))),
    ("proc/net/rpc/nfsd", |b| format!("{:?}", parse_nfsd(b))),
    ("proc/net/ip_vs", |b| format!("{:?}", parse_ipvs_backends(b))),
    ("proc/net/ip_vs_stats", |b| format!("{:?}", parse_ipvs_totals(b))),
    ("proc/fs/xfs/stat", |b| format!("{:?}", parse_xfs(b))),
    ("proc/1/mountinfo", |b| format!("{:?}", crate::host::mounts::parse_mountinfo(b))),
];

#[test]
fn every_prefix_is_survived() {
    for (path, parse) in CASES {
        let bytes = file(path).as_bytes();
        for end in 0..bytes.len() {
            parse(&bytes[..end]);
        }
        assert!(!parse(bytes).contains("None,") && parse(bytes) != "None", "{path}: {}", parse(bytes));
    }
}

/// A line that was cut short must not give a shorter number.
#[test]
fn a_file_cut_short_gives_no_wrong_value() {
    let whole: BTreeMap<String, u64> = fields(file("proc/meminfo").as_bytes());
    let bytes = file("proc/meminfo").as_bytes();
    for end in 0..bytes.len() {
        for (name, value) in fields(&bytes[..end]) {
            assert_eq!(whole[&name], value, "{name} at {end}");
        }
    }
    let disks = file("proc/diskstats").as_bytes();
    let whole = parse_diskstats(disks, |_| true).unwrap();
    for end in 0..disks.len() {
        let cut = parse_diskstats(&disks[..end], |_| true).unwrap_or_default();
        assert!(whole.starts_with(&cut), "at {end}");
    }
    let whole = parse_netstat(file("proc/net/snmp").as_bytes(), all).unwrap();
    for end in 0..file("proc/net/snmp").len() {
        let cut = parse_netstat(&file("proc/net/snmp").as_bytes()[..end], all).unwrap_or_default();
        assert!(whole.starts_with(&cut), "at {end}");
    }
}

fn fields(bytes: &[u8]) -> BTreeMap<String, u64> {
    let fields = parse_meminfo(bytes).unwrap_or_default();
    fields.into_iter().map(|field| (field.name, field.value)).collect()
}

#[test]
fn the_kernel_of_this_machine_is_understood() {
    for (path, parse) in CASES {
        let Ok(bytes) = std::fs::read(format!("/{path}")) else { continue };
        for end in (0..bytes.len()).step_by(7) {
            parse(&bytes[..end]);
        }
    }
    let stat = parse_stat(&std::fs::read("/proc/stat").unwrap()).unwrap();
    assert!(!stat.cpus.is_empty() && stat.boot_time.is_some() && stat.total.all() > stat.total.busy());
    assert!(fields(&std::fs::read("/proc/meminfo").unwrap()).contains_key("MemAvailable"));
}

#[test]
fn software_raid_in_all_its_states() {
    let arrays = parse_mdstat(file("proc/mdstat").as_bytes()).unwrap();
    let find = |name: &str| arrays.iter().find(|array| array.name == name).unwrap();
    let degraded = find("md127");
    assert_eq!((degraded.disks_required, degraded.disks_active, degraded.disks_failed), (2, 1, 1));
    assert_eq!((find("md6").state, find("md6").blocks_synced), (MdState::Recovering, 16_775_552));
    assert_eq!(find("md6").sync_blocks, Some(195_310_144));
    assert_eq!((find("md7").state, find("md7").sync_blocks), (MdState::Checking, Some(3_906_867_712)));
    assert_eq!((find("md8").state, find("md8").blocks_synced, find("md8").disks_spare), (MdState::Resyncing, 0, 2));
    assert_eq!((find("md9").state, find("md9").disks_required), (MdState::Inactive, 0));
    assert_eq!((find("md101").disks_required, find("md101").disks_active), (3, 3));
    assert_eq!(arrays.len(), 7);
}

#[test]
fn numbers_that_are_none() {
    for (bytes, number) in [
        (&b"12\n"[..], Some(12)),
        (b" 7 ", Some(7)),
        (b"18446744073709551615", Some(u64::MAX)),
        (b"18446744073709551616", None),
        (b"-1", None),
        (b"1e3", None),
        (b"", None),
    ] {
        assert_eq!(parse_number(bytes), number, "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for (_, parse) in CASES {
            parse(&bytes);
        }
    }

    /// A real file with a few bytes changed comes nearer to the code than noise does.
    #[test]
    fn damaged_files_are_survived(
        case in 0..CASES.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (path, parse) = CASES[case];
        let mut bytes = file(path).as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        parse(&bytes);
    }

    #[test]
    fn huge_numbers_do_not_overflow(number in "[0-9]{1,40}") {
        for (path, parse) in CASES {
            let text: String = file(path).split_inclusive(|c: char| c.is_whitespace()).map(|word| {
                if word.trim_end().parse::<u64>().is_ok() { format!("{number}{}", &word[word.trim_end().len()..]) } else { word.into() }
            }).collect();
            parse(text.as_bytes());
        }
    }
}
