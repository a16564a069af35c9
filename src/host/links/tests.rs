use super::*;

fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(16 + payload.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 10]);
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
    let mut payload = vec![0; 4];
    payload.extend(7u32.to_ne_bytes());
    payload.extend([0; 8]);
    payload.extend(attribute(3, b"veth12\0"));
    payload.extend(attribute(5, &6u32.to_ne_bytes()));
    payload.extend(attribute(37, &3i32.to_ne_bytes()));
    let stats: Vec<u8> = [11u64, 12, 13, 14, 0, 0].iter().flat_map(|number| number.to_ne_bytes()).collect();
    payload.extend(attribute(23, &stats));
    message(16, &payload)
}

#[test]
fn a_dump_gives_links_with_counters_and_ends() {
    let mut datagram = veth();
    let mut links = Vec::new();
    assert_eq!(parse_links(&datagram, &mut links), End::More);
    datagram.extend(message(3, &[0; 4]));
    links.clear();
    assert_eq!(parse_links(&datagram, &mut links), End::Done);
    let expected = Link {
        index: 7,
        name: "veth12".into(),
        peer_index: Some(6),
        peer_namespace: Some(3),
        receive_packets: 11,
        transmit_packets: 12,
        receive_bytes: 13,
        transmit_bytes: 14,
    };
    assert_eq!(links, [expected]);
}

#[test]
fn a_refusal_carries_its_number() {
    let refusal = message(2, &(-1i32).to_ne_bytes());
    assert_eq!(parse_links(&refusal, &mut Vec::new()), End::Refused(1));
}

#[test]
fn every_truncation_is_taken_without_harm() {
    let datagram = veth();
    for end in 0..datagram.len() {
        let mut links = Vec::new();
        assert_eq!(parse_links(&datagram[..end], &mut links), End::More);
        assert!(links.is_empty());
        assert_eq!(parse_namespace(&datagram[..end]), None);
    }
}

#[test]
fn lengths_of_zero_do_not_go_round_for_ever() {
    assert_eq!(parse_links(&[0; 64], &mut Vec::new()), End::More);
    assert_eq!(parse_links(&message(16, &[0; 64]), &mut Vec::new()), End::More);
}

#[test]
fn a_name_space_without_a_number_is_none() {
    let answer = |number: i32| {
        let mut payload = vec![0; 4];
        payload.extend(attribute(1, &number.to_ne_bytes()));
        message(88, &payload)
    };
    assert_eq!(parse_namespace(&answer(4)), Some(4));
    assert_eq!(parse_namespace(&answer(-1)), None);
}

#[test]
fn this_machine_has_a_loopback_link() {
    let mut links = Vec::new();
    Links::open().unwrap().list_links(&mut links).unwrap();
    assert!(links.iter().any(|link| link.name == "lo"));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let mut links = Vec::new();
        parse_links(&bytes, &mut links);
        parse_namespace(&bytes);
    }
}
