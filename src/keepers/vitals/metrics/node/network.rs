//! arp, netdev, netstat, sockstat, udp_queues, conntrack, bonding, ipvs.

use super::{Column, named, render_one, rows, single};
use crate::keepers::vitals::observe::host::{Conntrack, IpvsBackend, IpvsTotals, NETWORK_COUNTERS, Network, UdpQueues};
use crate::metrics::{Family, Group, Kind, Page};

const ARP: Family = Family::gauge("node_arp_entries", "ARP entries by device");
const UDP: Family =
    Family::gauge("node_udp_queues", "Number of allocated memory in the kernel for UDP datagrams in bytes.");
const BOND_MEMBERS: Family = Family::gauge("node_bonding_slaves", "Number of configured slaves per bonding interface.");
const BOND_ACTIVE: Family = Family::gauge("node_bonding_active", "Number of active slaves per bonding interface.");

pub fn measure(seen: &Network, page: &mut Page) {
    if let Some(arp) = seen.arp.as_ref().filter(|_| page.wants(Group::Node, "arp")) {
        page.family(&ARP);
        for (device, entries) in arp {
            page.sample(&[("device", device)], *entries);
        }
    }
    if page.wants(Group::Node, "netdev") {
        measure_counters(seen, page);
    }
    if let Some(netstat) = seen.netstat.as_ref().filter(|_| page.wants(Group::Node, "netstat")) {
        for (name, value) in netstat {
            let (protocol, statistic) = name.split_once('_').unwrap_or((name, ""));
            let help = ["Statistic ", protocol, statistic, "."];
            page.single(named(Kind::Untyped, ["node_netstat_", name, ""], help), *value);
        }
    }
    if page.wants(Group::Node, "sockstat") {
        measure_sockets(seen, page);
    }
    if let Some(udp) = seen.udp.filter(|_| page.wants(Group::Node, "udp_queues")) {
        measure_udp(udp, page);
    }
    if page.wants(Group::Node, "conntrack") {
        measure_conntrack(seen, page);
    }
    if let Some(bonds) = seen.bonds.as_ref().filter(|_| page.wants(Group::Node, "bonding")) {
        let rendered = render_one("master", bonds.iter().map(|bond| bond.name.as_str()));
        rows(page, &BOND_MEMBERS, &rendered, bonds.iter().map(|bond| Some(bond.members)));
        rows(page, &BOND_ACTIVE, &rendered, bonds.iter().map(|bond| Some(bond.active)));
    }
    if let Some((totals, backends)) = seen.ipvs.as_ref().filter(|_| page.wants(Group::Node, "ipvs")) {
        measure_ipvs(totals, backends, page);
    }
}

fn measure_counters(seen: &Network, page: &mut Page) {
    let Some(all) = &seen.counters else { return };
    let rendered = render_one("device", all.iter().map(|counters| counters.device.as_str()));
    for (index, name) in NETWORK_COUNTERS.iter().enumerate() {
        let help = ["Network device statistic ", name, ".", ""];
        let family = named(Kind::Counter, ["node_network_", name, "_total"], help);
        rows(page, family, &rendered, all.iter().map(|counters| counters.values.get(index).copied().flatten()));
    }
}

/// Pages are shown in bytes too.
fn measure_sockets(seen: &Network, page: &mut Page) {
    for (name, value) in seen.sockstat.iter().flatten() {
        let Some((protocol, state)) = name.split_once('_') else { continue };
        let help = match protocol {
            "sockets" => "Number of IPv4 sockets in use.".to_owned(),
            _ => format!("Number of {protocol} sockets in state {state}."),
        };
        page.single(named(Kind::Gauge, ["node_sockstat_", name, ""], [&help, "", "", ""]), *value);
        if state == "mem" {
            let help = format!("Number of {protocol} sockets in state mem_bytes.");
            let family = named(Kind::Gauge, ["node_sockstat_", name, "_bytes"], [&help, "", "", ""]);
            page.single(family, value.saturating_mul(seen.page_size));
        }
    }
}

fn measure_udp(udp: UdpQueues, page: &mut Page) {
    page.family(&UDP);
    for (ip, queues) in [("v4", udp.v4), ("v6", udp.v6)] {
        if let Some((sent, received)) = queues {
            page.sample(&[("ip", ip), ("queue", "tx")], sent);
            page.sample(&[("ip", ip), ("queue", "rx")], received);
        }
    }
}

fn measure_conntrack(seen: &Network, page: &mut Page) {
    const ENTRIES: Family = Family::gauge(
        "node_nf_conntrack_entries",
        "Number of currently allocated flow entries for connection tracking.",
    );
    const LIMIT: Family =
        Family::gauge("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.");
    const STATS: [Column<Conntrack>; 8] = [
        (Family::gauge("node_nf_conntrack_stat_found", "Number of searched entries which were successful."), |c| {
            c.found
        }),
        (Family::gauge("node_nf_conntrack_stat_invalid", "Number of packets seen which can not be tracked."), |c| {
            c.invalid
        }),
        (
            Family::gauge(
                "node_nf_conntrack_stat_ignore",
                "Number of packets seen which are already connected to a conntrack entry.",
            ),
            |c| c.ignored,
        ),
        (Family::gauge("node_nf_conntrack_stat_insert", "Number of entries inserted into the list."), |c| c.inserted),
        (
            Family::gauge(
                "node_nf_conntrack_stat_insert_failed",
                "Number of entries for which list insertion was attempted but failed.",
            ),
            |c| c.insert_failed,
        ),
        (Family::gauge("node_nf_conntrack_stat_drop", "Number of packets dropped due to conntrack failure."), |c| {
            c.dropped
        }),
        (
            Family::gauge(
                "node_nf_conntrack_stat_early_drop",
                "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
            ),
            |c| c.early_dropped,
        ),
        (
            Family::gauge(
                "node_nf_conntrack_stat_search_restart",
                "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
            ),
            |c| c.search_restarted,
        ),
    ];
    single(page, &ENTRIES, seen.conntrack.map(|(entries, _)| entries));
    single(page, &LIMIT, seen.conntrack.map(|(_, limit)| limit));
    for (family, count) in &STATS {
        single(page, family, seen.conntrack_stat.as_ref().map(count));
    }
}

fn measure_ipvs(totals: &IpvsTotals, backends: &[IpvsBackend], page: &mut Page) {
    const CONNECTIONS: Family = Family::counter("node_ipvs_connections_total", "The total number of connections made.");
    const IN_PACKETS: Family =
        Family::counter("node_ipvs_incoming_packets_total", "The total number of incoming packets.");
    const OUT_PACKETS: Family =
        Family::counter("node_ipvs_outgoing_packets_total", "The total number of outgoing packets.");
    const IN_BYTES: Family = Family::counter("node_ipvs_incoming_bytes_total", "The total amount of incoming data.");
    const OUT_BYTES: Family = Family::counter("node_ipvs_outgoing_bytes_total", "The total amount of outgoing data.");
    const BACKENDS: [Column<IpvsBackend>; 3] = [
        (
            Family::gauge(
                "node_ipvs_backend_connections_active",
                "The current active connections by local and remote address.",
            ),
            |b| b.active,
        ),
        (
            Family::gauge(
                "node_ipvs_backend_connections_inactive",
                "The current inactive connections by local and remote address.",
            ),
            |b| b.inactive,
        ),
        (Family::gauge("node_ipvs_backend_weight", "The current backend weight by local and remote address."), |b| {
            b.weight
        }),
    ];
    page.single(&CONNECTIONS, totals.connections);
    page.single(&IN_PACKETS, totals.incoming_packets);
    page.single(&OUT_PACKETS, totals.outgoing_packets);
    page.single(&IN_BYTES, totals.incoming_bytes);
    page.single(&OUT_BYTES, totals.outgoing_bytes);
    for (family, value) in &BACKENDS {
        page.family(family);
        for backend in backends {
            let labels = [
                ("local_address", backend.local_address.as_str()),
                ("local_mark", &backend.local_mark),
                ("local_port", &backend.local_port.to_string()),
                ("proto", &backend.protocol),
                ("remote_address", &backend.remote_address),
                ("remote_port", &backend.remote_port.to_string()),
            ];
            page.sample(&labels, value(backend));
        }
    }
}
