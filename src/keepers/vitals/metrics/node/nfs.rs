//! nfs and nfsd. The words for procedures are node_exporter's; so is its list of version 4 operations of the server, which
//! leaves out some, so that the last three words stand for other operations than they say.

use super::{Column, single};
use crate::keepers::vitals::observe::host::{Disks, Nfs, Nfsd, RpcNet};
use crate::metrics::{Family, Group, Page};

const V2: &str = "Null GetAttr SetAttr Root Lookup ReadLink Read WrCache Write Create Remove Rename Link SymLink MkDir \
    RmDir ReadDir FsStat";
const V3: &str = "Null GetAttr SetAttr Lookup Access ReadLink Read Write Create MkDir SymLink MkNod Remove RmDir Rename \
    Link ReadDir ReadDirPlus FsStat FsInfo PathConf Commit";
const CLIENT_V4: &str = "Null Read Write Commit Open OpenConfirm OpenNoattr OpenDowngrade Close Setattr FsInfo Renew \
    SetClientID SetClientIDConfirm Lock Lockt Locku Access Getattr Lookup LookupRoot Remove Rename Link Symlink Create \
    Pathconf StatFs ReadLink ReadDir ServerCaps DelegReturn GetACL SetACL FsLocations ReleaseLockowner Secinfo \
    FsidPresent ExchangeID CreateSession DestroySession Sequence GetLeaseTime ReclaimComplete LayoutGet GetDeviceInfo \
    LayoutCommit LayoutReturn SecinfoNoName TestStateID FreeStateID GetDeviceList BindConnToSession DestroyClientID Seek \
    Allocate DeAllocate LayoutStats Clone";
/// `-`: not shown.
const SERVER_V2: &str = "- GetAttr SetAttr Root Lookup ReadLink Read WrCache Write Create Remove Rename Link SymLink \
    MkDir RmDir ReadDir FsStat";
const SERVER_V3: &str = "- GetAttr SetAttr Lookup Access ReadLink Read Write Create MkDir SymLink MkNod Remove RmDir \
    Rename Link ReadDir ReadDirPlus FsStat FsInfo PathConf Commit";
const SERVER_V4: &str = "- - - Access Close Commit Create DelegPurge DelegReturn GetAttr GetFH Link Lock Lockt Locku \
    Lookup LookupRoot Nverify Open OpenAttr OpenConfirm OpenDgrd PutFH - - Read ReadDir ReadLink Remove Rename Renew \
    RestoreFH SaveFH SecInfo SetAttr Verify Write RelLockOwner";

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family::counter(name, help)
}

pub fn measure(seen: &Disks, page: &mut Page) {
    if let Some(nfs) = seen.nfs.as_ref().filter(|_| page.wants(Group::Node, "nfs")) {
        measure_client(nfs, page);
    }
    if let Some(nfsd) = seen.nfsd.as_ref().filter(|_| page.wants(Group::Node, "nfsd")) {
        measure_server(nfsd, page);
    }
}

fn measure_client(nfs: &Nfs, page: &mut Page) {
    const PACKETS: Family =
        counter("node_nfs_packets_total", "Total NFSd network packets (sent+received) by protocol type.");
    const CONNECTIONS: Family = counter("node_nfs_connections_total", "Total number of NFSd TCP connections.");
    const RPCS: Family = counter("node_nfs_rpcs_total", "Total number of RPCs performed.");
    const AGAIN: Family = counter("node_nfs_rpc_retransmissions_total", "Number of RPC transmissions performed.");
    const REFRESHES: Family =
        counter("node_nfs_rpc_authentication_refreshes_total", "Number of RPC authentication refreshes performed.");
    const REQUESTS: Family = counter("node_nfs_requests_total", "Number of NFS procedures invoked.");
    measure_packets(&PACKETS, "protocol", nfs.net, page);
    page.single(&CONNECTIONS, nfs.net.tcp_connections);
    page.single(&RPCS, nfs.rpcs);
    page.single(&AGAIN, nfs.retransmissions);
    page.single(&REFRESHES, nfs.authentication_refreshes);
    measure_calls(&REQUESTS, &nfs.calls, [V2, V3, CLIENT_V4], page);
}

fn measure_server(nfsd: &Nfsd, page: &mut Page) {
    const SINGLES: [Column<Nfsd>; 11] = [
        (counter("node_nfsd_connections_total", "Total number of NFSd TCP connections."), |n| n.net.tcp_connections),
        (counter("node_nfsd_disk_bytes_read_total", "Total NFSd bytes read."), |n| n.read_bytes),
        (counter("node_nfsd_disk_bytes_written_total", "Total NFSd bytes written."), |n| n.written_bytes),
        (counter("node_nfsd_file_handles_stale_total", "Total number of NFSd stale file handles"), |n| n.stale_handles),
        (
            counter("node_nfsd_read_ahead_cache_not_found_total", "Total number of NFSd read ahead cache not found."),
            |n| n.read_ahead_not_found,
        ),
        (
            Family::gauge("node_nfsd_read_ahead_cache_size_blocks", "How large the read ahead cache is in blocks."),
            |n| n.read_ahead_size,
        ),
        (
            counter(
                "node_nfsd_reply_cache_hits_total",
                "Total number of NFSd Reply Cache hits (client lost server response).",
            ),
            |n| n.reply_cache[0],
        ),
        (
            counter(
                "node_nfsd_reply_cache_misses_total",
                "Total number of NFSd Reply Cache an operation that requires caching (idempotent).",
            ),
            |n| n.reply_cache[1],
        ),
        (
            counter(
                "node_nfsd_reply_cache_nocache_total",
                "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
            ),
            |n| n.reply_cache[2],
        ),
        (counter("node_nfsd_server_rpcs_total", "Total number of NFSd RPCs."), |n| n.rpc[0]),
        (Family::gauge("node_nfsd_server_threads", "Total number of NFSd kernel threads that are running."), |n| {
            n.threads
        }),
    ];
    const PACKETS: Family =
        counter("node_nfsd_packets_total", "Total NFSd network packets (sent+received) by protocol type.");
    const ERRORS: Family = counter("node_nfsd_rpc_errors_total", "Total number of NFSd RPC errors by error type.");
    const REQUESTS: Family = counter("node_nfsd_requests_total", "Total number NFSd Requests by method and protocol.");
    for (family, value) in &SINGLES {
        single(page, family, Some(value(nfsd)));
    }
    measure_packets(&PACKETS, "proto", nfsd.net, page);
    page.family(&ERRORS);
    let [_, _, format, authentication, client] = nfsd.rpc;
    page.sample(&[("error", "fmt")], format);
    page.sample(&[("error", "auth")], authentication);
    page.sample(&[("error", "cInt")], client);
    measure_calls(&REQUESTS, &nfsd.calls, [SERVER_V2, SERVER_V3, SERVER_V4], page);
}

fn measure_packets(family: &Family, label: &str, net: RpcNet, page: &mut Page) {
    page.family(family);
    page.sample(&[(label, "udp")], net.udp);
    page.sample(&[(label, "tcp")], net.tcp);
}

/// A version that the kernel does not speak has zeros.
fn measure_calls(family: &Family, calls: &[Vec<u64>; 3], words: [&str; 3], page: &mut Page) {
    page.family(family);
    for (version, (calls, words)) in ["2", "3", "4"].into_iter().zip(calls.iter().zip(words)) {
        let counts = calls.iter().copied().chain(std::iter::repeat(0));
        for (method, count) in words.split_whitespace().zip(counts).filter(|(method, _)| *method != "-") {
            page.sample(&[("method", method), ("proto", version)], count);
        }
    }
}
