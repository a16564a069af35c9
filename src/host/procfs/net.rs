//! `/proc/net/{dev,arp,udp,udp6}`: interfaces, neighbours, queues.

use std::collections::BTreeMap;

use super::text::{hex, lines, number, text, words};

/// The names of an interface's counters, in the order of [`NetCounters::values`]. The last is known to netlink only.
pub const NETWORK_COUNTERS: [&str; 17] = [
    "receive_bytes",
    "receive_packets",
    "receive_errs",
    "receive_drop",
    "receive_fifo",
    "receive_frame",
    "receive_compressed",
    "receive_multicast",
    "transmit_bytes",
    "transmit_packets",
    "transmit_errs",
    "transmit_drop",
    "transmit_fifo",
    "transmit_colls",
    "transmit_carrier",
    "transmit_compressed",
    "receive_nohandler",
];

/// An interface's counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetCounters {
    pub device: String,
    /// By [`NETWORK_COUNTERS`].
    pub values: [Option<u64>; NETWORK_COUNTERS.len()],
}

impl NetCounters {
    pub fn received_bytes(&self) -> Option<u64> {
        self.values.first().copied().flatten()
    }

    pub fn sent_bytes(&self) -> Option<u64> {
        self.values.get(8).copied().flatten()
    }
}

/// Parses `/proc/net/dev`.
pub fn parse_net_dev(bytes: &[u8]) -> Option<Vec<NetCounters>> {
    let counters = |line: &[u8]| {
        let colon = line.iter().rposition(|byte| *byte == b':')?;
        let (device, fields) = line.split_at_checked(colon)?;
        let mut values = [None; NETWORK_COUNTERS.len()];
        let mut fields = words(fields.strip_prefix(b":")?).map_while(number);
        for value in values.iter_mut().take(16) {
            *value = Some(fields.next()?);
        }
        Some(NetCounters { device: text(device.trim_ascii()), values })
    };
    let mut all = lines(bytes);
    all.next().filter(|head| head.starts_with(b"Inter-"))?;
    Some(all.filter_map(counters).collect())
}

/// Counts the entries of `/proc/net/arp` by interface.
pub fn parse_arp(bytes: &[u8]) -> Option<BTreeMap<String, u64>> {
    let mut all = lines(bytes);
    all.next().filter(|head| head.starts_with(b"IP address"))?;
    let mut entries = BTreeMap::new();
    for device in all.filter_map(|line| words(line).nth(5)) {
        match entries.get_mut(std::str::from_utf8(device).unwrap_or_default()) {
            Some(count) => *count += 1,
            None => drop(entries.insert(text(device), 1)),
        }
    }
    Some(entries)
}

/// Sums the queues of `/proc/net/udp` or `/proc/net/udp6`: sent but not gone, received but not read. Bytes.
pub fn parse_udp_queues(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut all = lines(bytes);
    all.next().filter(|head| head.trim_ascii_start().starts_with(b"sl"))?;
    let queues = all.filter_map(|line| {
        let field = words(line).nth(4)?;
        let colon = field.iter().position(|byte| *byte == b':')?;
        let (sent, received) = field.split_at_checked(colon)?;
        Some((hex(sent)?, hex(received.strip_prefix(b":")?)?))
    });
    Some(
        queues.fold((0, 0), |(sent, received), queue| (queue.0.saturating_add(sent), queue.1.saturating_add(received))),
    )
}
