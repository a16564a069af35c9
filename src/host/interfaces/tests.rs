//! The dump of this machine, a made-up message cut anywhere, and noise.

use proptest::prelude::*;

use super::*;

#[test]
fn the_kernel_lists_the_same_interfaces_in_both_ways() {
    let mut dump = LinkDump::default();
    dump.read().unwrap();
    let mut names: Vec<String> = dump.read().unwrap().iter().map(|link| link.name.clone()).collect();
    let file = std::fs::read("/proc/net/dev").unwrap();
    let mut listed: Vec<String> =
        super::super::procfs::parse_net_dev(&file).unwrap().into_iter().map(|counters| counters.device).collect();
    // Interfaces of containers come and go; the loop stays.
    names.retain(|name| !name.starts_with("veth"));
    listed.retain(|name| !name.starts_with("veth"));
    names.sort();
    listed.sort();
    assert_eq!(names, listed);
    assert!(names.contains(&"lo".to_owned()));
}

/// One interface as the kernel would write it.
fn message(sequence: u32) -> Vec<u8> {
    let mut body = vec![0, 0, 1, 0, 7, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0];
    let mut add = |kind: u16, value: &[u8]| {
        body.extend((value.len() as u16 + 4).to_ne_bytes());
        body.extend(kind.to_ne_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    };
    add(3, b"eth0\0");
    add(1, &[2, 0xfc, 0, 0, 0, 1]);
    add(16, &[6]);
    add(23, &(0..25_u64).flat_map(|n| (n * 100).to_ne_bytes()).collect::<Vec<u8>>());
    let mut bytes = (body.len() as u32 + 16).to_ne_bytes().to_vec();
    bytes.extend(RTM_NEWLINK.to_ne_bytes());
    bytes.extend([0, 0]);
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes
}

#[test]
fn a_message_is_read_whole_or_not_at_all() {
    let bytes = message(5);
    let mut links = Vec::new();
    assert_eq!(parse_links(&bytes, 5, &mut links), Dump::More);
    let link = &links[0];
    assert_eq!((link.name.as_str(), link.address.as_str()), ("eth0", "02:fc:00:00:00:01"));
    assert_eq!((link.index, link.link, link.operstate), (7, 7, 6));
    let counters = link.counters();
    assert_eq!((counters.received_bytes(), counters.sent_bytes()), (Some(200), Some(300)));
    assert_eq!(counters.values[3], Some(600 + 1500), "drops and missed");
    assert_eq!(counters.values[16], Some(2300));
    for end in 1..bytes.len() {
        assert_eq!(parse_links(&bytes[..end], 5, &mut Vec::new()), Dump::Refused, "{end}");
    }
    assert_eq!(parse_links(&bytes, 6, &mut links), Dump::More);
    assert_eq!(links.len(), 1, "answers to another question are passed over");
}

proptest! {
    #[test]
    fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
        parse_links(&bytes, 0, &mut Vec::new());
        let mut real = message(0);
        let at = at.index(real.len());
        bytes.truncate(real.len() - at);
        real[at..at + bytes.len()].copy_from_slice(&bytes);
        parse_links(&real, 0, &mut Vec::new());
    }
}
