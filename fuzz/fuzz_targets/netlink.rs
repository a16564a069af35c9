//! Answers of the kernel over netlink: bounded by their bytes, a piece gives the beginning of what the whole gives, and
//! what the kernel would write of a link is read as that link.
#![no_main]

use hostkeeper::host::links::{End, parse_links, parse_namespace};
use hostkeeper_fuzz::choose;
use libfuzzer_sys::fuzz_target;

/// The number of the question that the answers belong to.
const QUESTION: u32 = 7;

fuzz_target!(|data: &[u8]| {
    match choose(data, 3) {
        Some((0, rest)) => links(rest),
        Some((1, rest)) => assert!(parse_namespace(rest, QUESTION).is_none_or(|number| number >= 0)),
        Some((_, rest)) => written(rest),
        None => {}
    }
});

fn links(data: &[u8]) {
    let (mut all, mut half) = (Vec::new(), Vec::new());
    let end = parse_links(data, QUESTION, &mut all);
    parse_links(&data[..data.len() / 2], QUESTION, &mut half);
    assert!(all.starts_with(&half) && all.len() * 32 <= data.len());
    assert!(!matches!(end, End::Refused(0)));
    for link in all {
        assert_eq!(link.counters().received_bytes(), Some(link.stats.receive_bytes()));
    }
}

/// The first bytes as a link's numbers, the rest as its name.
fn written(data: &[u8]) {
    let Some((numbers, name)) = data.split_first_chunk::<16>() else { return };
    let number = |at: usize| u64::from_ne_bytes(std::array::from_fn(|byte| numbers[at + byte]));
    let name: String = String::from_utf8_lossy(name).chars().filter(|c| *c != '\0').take(15).collect();
    let mut stats = [number(0), number(8), number(0) / 2, number(8) / 3].map(u64::to_ne_bytes).concat();
    stats.resize(200, 0);
    let index = numbers[0].into();
    let mut body = vec![0; 16];
    body[4..8].copy_from_slice(&u32::to_ne_bytes(index));
    push(&mut body, 3, format!("{name}\0").as_bytes());
    push(&mut body, 23, &stats);
    let mut datagram = Vec::new();
    message(&mut datagram, 16, &body);
    message(&mut datagram, 3, &[0; 4]);

    let mut found = Vec::new();
    assert_eq!(parse_links(&datagram, QUESTION, &mut found), End::Done);
    // A link without a name is none.
    assert_eq!(found.len(), usize::from(!name.is_empty()));
    for link in found {
        assert_eq!((link.name.as_str(), link.index), (name.as_str(), index));
        let stats = &link.stats;
        assert_eq!((stats.receive_packets(), stats.transmit_packets()), (number(0), number(8)));
        assert_eq!((stats.receive_bytes(), stats.transmit_bytes()), (number(0) / 2, number(8) / 3));
    }
}

fn push(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.extend_from_slice(&u16::try_from(value.len() + 4).unwrap_or(u16::MAX).to_ne_bytes());
    body.extend_from_slice(&kind.to_ne_bytes());
    body.extend_from_slice(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn message(datagram: &mut Vec<u8>, kind: u16, body: &[u8]) {
    datagram.extend_from_slice(&u32::try_from(body.len() + 16).unwrap_or(u32::MAX).to_ne_bytes());
    datagram.extend_from_slice(&kind.to_ne_bytes());
    datagram.extend_from_slice(&[0; 2]);
    datagram.extend_from_slice(&QUESTION.to_ne_bytes());
    datagram.extend_from_slice(&[0; 4]);
    datagram.extend_from_slice(body);
}
