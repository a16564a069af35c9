//! The dump of this machine, made-up messages cut anywhere, and noise.

use proptest::prelude::*;

use super::*;

/// The question that the messages here answer.
const ASKED: u32 = 5;

fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(16 + payload.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 2]);
    bytes.extend(ASKED.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(4 + value.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A veth of index 7 whose other end is link 6 of name space 3.
fn veth() -> Vec<u8> {
    let mut payload = vec![0, 0, 1, 0];
    payload.extend(7u32.to_ne_bytes());
    payload.extend([3, 0, 1, 0, 0, 0, 0, 0]);
    payload.extend(attribute(3, b"veth12\0"));
    payload.extend(attribute(1, &[2, 0xfc, 0, 0, 0, 1]));
    payload.extend(attribute(16, &[6]));
    payload.extend(attribute(5, &6u32.to_ne_bytes()));
    payload.extend(attribute(37, &3i32.to_ne_bytes()));
    payload.extend(attribute(23, &(0..25_u64).flat_map(|n| (n * 100).to_ne_bytes()).collect::<Vec<u8>>()));
    message(16, &payload)
}

#[test]
fn a_dump_gives_links_with_properties_and_counters_and_ends() {
    let mut datagram = veth();
    let mut links = Vec::new();
    assert_eq!(parse_links(&datagram, ASKED, &mut links), End::More);
    datagram.extend(message(3, &[0; 4]));
    links.clear();
    assert_eq!(parse_links(&datagram, ASKED, &mut links), End::Done);
    let [link] = links.as_slice() else { panic!("{links:?}") };
    assert_eq!((link.name.as_str(), link.address.as_str()), ("veth12", "02:fc:00:00:00:01"));
    assert_eq!((link.index, link.peer_index, link.peer_namespace), (7, Some(6), Some(3)));
    assert_eq!((link.kind, link.flags, link.operstate), (1, 0x10003, 6));
    let stats = &link.stats;
    assert_eq!((stats.receive_packets(), stats.transmit_packets()), (0, 100));
    assert_eq!((stats.receive_bytes(), stats.transmit_bytes()), (200, 300));
    let counters = link.counters();
    assert_eq!((counters.received_bytes(), counters.sent_bytes()), (Some(200), Some(300)));
    assert_eq!(counters.values[3], Some(600 + 1500), "drops and missed");
    assert_eq!(counters.values[16], Some(2300));
}

#[test]
fn a_refusal_carries_its_number() {
    let refusal = message(2, &(-1i32).to_ne_bytes());
    assert_eq!(parse_links(&refusal, ASKED, &mut Vec::new()), End::Refused(1));
}

#[test]
fn a_message_is_read_whole_or_not_at_all() {
    let datagram = veth();
    for end in 1..datagram.len() {
        let mut links = Vec::new();
        assert_eq!(parse_links(&datagram[..end], ASKED, &mut links), End::Broken, "{end}");
        assert!(links.is_empty());
        assert_eq!(parse_namespace(&datagram[..end], ASKED), None);
    }
}

#[test]
fn answers_to_another_question_are_passed_over() {
    let mut links = Vec::new();
    assert_eq!(parse_links(&veth(), ASKED + 1, &mut links), End::More);
    assert!(links.is_empty());
}

#[test]
fn lengths_of_zero_do_not_go_round_for_ever() {
    assert_eq!(parse_links(&[0; 64], 0, &mut Vec::new()), End::Broken);
    assert_eq!(parse_links(&message(16, &[0; 64]), ASKED, &mut Vec::new()), End::More);
}

#[test]
fn a_name_space_without_a_number_is_none() {
    let answer = |number: i32| {
        let mut payload = vec![0; 4];
        payload.extend(attribute(1, &number.to_ne_bytes()));
        message(88, &payload)
    };
    assert_eq!(parse_namespace(&answer(4), ASKED), Some(4));
    assert_eq!(parse_namespace(&answer(-1), ASKED), None);
    assert_eq!(parse_namespace(&answer(4), ASKED + 1), None);
}

#[test]
fn the_kernel_lists_the_same_links_in_both_ways() {
    let (mut socket, mut links) = (Links::default(), Vec::new());
    socket.list_links(&mut links).unwrap();
    socket.list_links(&mut links).unwrap();
    let mut names: Vec<String> = links.iter().map(|link| link.name.clone()).collect();
    let file = std::fs::read("/proc/net/dev").unwrap();
    let mut listed: Vec<String> =
        crate::host::procfs::parse_net_dev(&file).unwrap().into_iter().map(|counters| counters.device).collect();
    // Links of containers come and go; the loop stays.
    names.retain(|name| !name.starts_with("veth"));
    listed.retain(|name| !name.starts_with("veth"));
    names.sort();
    listed.sort();
    assert_eq!(names, listed);
    assert!(names.contains(&"lo".to_owned()));
}

#[test]
fn the_socket_serves_on_after_every_kind_of_question() {
    let mut socket = Links::default();
    let pid = std::process::id().cast_signed();
    let known = socket.ask_namespace(Path::new("/proc"), pid).unwrap();
    assert_eq!(socket.ask_namespace(Path::new("/proc"), pid).unwrap(), known);
    assert_eq!(socket.ask_namespace(Path::new("/proc"), i32::MAX).unwrap(), None, "no such process");
    assert!(socket.ask_name(1, i32::MAX).is_err(), "no such name space");
    socket.list_links(&mut Vec::new()).unwrap();
}

proptest! {
    #[test]
    fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..400), at in any::<prop::sample::Index>()) {
        parse_links(&bytes, 0, &mut Vec::new());
        parse_namespace(&bytes, 0);
        let mut real = veth();
        let at = at.index(real.len());
        bytes.truncate(real.len() - at);
        real[at..at + bytes.len()].copy_from_slice(&bytes);
        parse_links(&real, ASKED, &mut Vec::new());
        parse_namespace(&real, ASKED);
    }
}
