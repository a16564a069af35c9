//! `/proc/net/rpc/nfs` and `/proc/net/rpc/nfsd`: NFS as client and as server.

use super::text::{lines, numbers, words};

/// The `net` line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RpcNet {
    pub packets: u64,
    pub udp: u64,
    pub tcp: u64,
    pub tcp_connections: u64,
}

/// The client's counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nfs {
    pub net: RpcNet,
    pub rpcs: u64,
    pub retransmissions: u64,
    pub authentication_refreshes: u64,
    /// Calls by procedure, in the order of the protocol; by version 2, 3, 4. Empty: the kernel does not have it.
    pub calls: [Vec<u64>; 3],
}

/// The server's counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nfsd {
    pub net: RpcNet,
    pub reply_cache: [u64; 3],
    pub stale_handles: u64,
    pub read_bytes: u64,
    pub written_bytes: u64,
    pub threads: u64,
    pub read_ahead_size: u64,
    pub read_ahead_not_found: u64,
    /// Calls; malformed by format, authentication, client.
    pub rpc: [u64; 5],
    /// Calls by procedure for versions 2 and 3, and by operation for version 4.
    pub calls: [Vec<u64>; 3],
}

/// Parses `/proc/net/rpc/nfs`.
pub fn parse_nfs(bytes: &[u8]) -> Option<Nfs> {
    let mut nfs = Nfs::default();
    for line in lines(bytes) {
        let (key, values) = keyed(line)?;
        match (key, values.as_slice()) {
            (b"net", values) => nfs.net = parse_net(values)?,
            (b"rpc", [rpcs, retransmissions, refreshes, ..]) => {
                (nfs.rpcs, nfs.retransmissions, nfs.authentication_refreshes) = (*rpcs, *retransmissions, *refreshes);
            }
            _ => keep_calls(key, &values, &mut nfs.calls, b"proc4"),
        }
    }
    Some(nfs)
}

/// Parses `/proc/net/rpc/nfsd`.
pub fn parse_nfsd(bytes: &[u8]) -> Option<Nfsd> {
    let mut nfsd = Nfsd::default();
    for line in lines(bytes) {
        let (key, values) = keyed(line)?;
        match (key, values.as_slice()) {
            (b"net", values) => nfsd.net = parse_net(values)?,
            (b"rc", [hits, misses, nocache, ..]) => nfsd.reply_cache = [*hits, *misses, *nocache],
            (b"fh", [stale, ..]) => nfsd.stale_handles = *stale,
            (b"io", [read, written, ..]) => (nfsd.read_bytes, nfsd.written_bytes) = (*read, *written),
            (b"th", [threads, ..]) => nfsd.threads = *threads,
            (b"ra", [size, .., missed]) => (nfsd.read_ahead_size, nfsd.read_ahead_not_found) = (*size, *missed),
            (b"rpc", [calls, bad, format, auth, client, ..]) => nfsd.rpc = [*calls, *bad, *format, *auth, *client],
            _ => keep_calls(key, &values, &mut nfsd.calls, b"proc4ops"),
        }
    }
    Some(nfsd)
}

fn keyed(line: &[u8]) -> Option<(&[u8], Vec<u64>)> {
    let key = words(line).next()?;
    Some((key, numbers(line.get(key.len()..)?).collect()))
}

fn parse_net(values: &[u64]) -> Option<RpcNet> {
    let [packets, udp, tcp, tcp_connections] = values.first_chunk::<4>()?;
    Some(RpcNet { packets: *packets, udp: *udp, tcp: *tcp, tcp_connections: *tcp_connections })
}

/// `proc3 22 2 112 …`: the count of values, then the values.
fn keep_calls(key: &[u8], values: &[u64], calls: &mut [Vec<u64>; 3], fourth: &[u8]) {
    let [two, three, four] = calls;
    let slot = match key {
        b"proc2" => two,
        b"proc3" => three,
        key if key == fourth => four,
        _ => return,
    };
    if let Some((_, values)) = values.split_first() {
        *slot = values.to_vec();
    }
}
