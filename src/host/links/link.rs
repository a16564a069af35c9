//! One link as the kernel tells it, and its counters in the groups that people know. Pure.

use crate::host::procfs::{NETWORK_COUNTERS, NetCounters};

/// The fields of `rtnl_link_stats64` that are kept.
const STATS: usize = 24;

/// One network link, as its own name space sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub name: String,
    pub index: u32,
    /// The index of what it is attached to; of a veth, that of its other end, in that one's name space.
    pub peer_index: Option<u32>,
    /// Our number for the name space of the other end; `None` when that is ours.
    pub peer_namespace: Option<i32>,
    /// ARPHRD_*.
    pub kind: u16,
    /// IFF_*, as netlink gives them: running, lower-up and dormant are bits here.
    pub flags: u32,
    pub address: String,
    pub broadcast: String,
    pub alias: String,
    pub mtu: Option<u32>,
    pub queue_length: Option<u32>,
    /// RFC 2863: 6 is up.
    pub operstate: u8,
    pub link_mode: u8,
    pub group: u32,
    pub carrier: Option<u8>,
    pub carrier_changes: Option<u32>,
    pub carrier_up: Option<u32>,
    pub carrier_down: Option<u32>,
    pub promiscuity: u32,
    pub allmulti: Option<u32>,
    pub stats: Stats,
}

/// `rtnl_link_stats64`, in the kernel's order; `None` where this kernel has fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats([Option<u64>; STATS]);

impl Stats {
    pub(super) fn parse(bytes: &[u8]) -> Stats {
        let mut stats = Stats::default();
        for (value, chunk) in stats.0.iter_mut().zip(bytes.chunks_exact(8)) {
            *value = chunk.try_into().ok().map(u64::from_ne_bytes);
        }
        stats
    }

    fn at(&self, index: usize) -> u64 {
        self.0.get(index).copied().flatten().unwrap_or(0)
    }

    fn sum(&self, indexes: &[usize]) -> u64 {
        indexes.iter().fold(0, |sum, index| sum.saturating_add(self.at(*index)))
    }

    pub fn receive_packets(&self) -> u64 {
        self.at(0)
    }

    pub fn transmit_packets(&self) -> u64 {
        self.at(1)
    }

    pub fn receive_bytes(&self) -> u64 {
        self.at(2)
    }

    pub fn transmit_bytes(&self) -> u64 {
        self.at(3)
    }
}

impl Link {
    /// Its counters, grouped as `/proc/net/dev` groups them.
    pub fn counters(&self) -> NetCounters {
        let stats = &self.stats;
        let grouped = [
            stats.receive_bytes(),
            stats.receive_packets(),
            stats.at(4),
            stats.sum(&[6, 15]),
            stats.at(14),
            stats.sum(&[10, 11, 12, 13]),
            stats.at(21),
            stats.at(8),
            stats.transmit_bytes(),
            stats.transmit_packets(),
            stats.at(5),
            stats.at(7),
            stats.at(18),
            stats.at(9),
            stats.sum(&[17, 16, 19, 20]),
            stats.at(22),
        ];
        let mut values = [None; NETWORK_COUNTERS.len()];
        for (value, counter) in values.iter_mut().zip(grouped) {
            *value = Some(counter);
        }
        if let Some(value) = values.last_mut() {
            *value = stats.0.last().copied().flatten();
        }
        NetCounters { device: self.name.clone(), values }
    }
}
