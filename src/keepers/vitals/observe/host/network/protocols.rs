//! The protocols' own counts: netstat, sockets, UDP queues, connection tracking, the balancer.

use super::super::filter;
use super::super::scene::{Scene, Source};
use super::Network;
use crate::host::kept::Reader;
use crate::host::procfs::{
    Conntrack, IpvsBackend, IpvsTotals, parse_conntrack_stat, parse_ipvs_backends, parse_ipvs_totals, parse_netstat,
    parse_number, parse_snmp6, parse_sockstat, parse_udp_queues,
};
use crate::host::{Error, Roots};

/// Bytes waiting, sent and received, of IPv4 and IPv6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpQueues {
    pub v4: Option<(u64, u64)>,
    pub v6: Option<(u64, u64)>,
}

/// Entries and their limit, and what the tracker did.
type Tracked = ((u64, u64), Option<Conntrack>);

/// How protocols are looked at.
pub struct Protocols {
    page_size: u64,
    netstat: [Source<Vec<(String, i64)>>; 3],
    sockstat: [Source<Vec<(String, u64)>>; 2],
    udp: [Source<(u64, u64)>; 2],
    conntrack: [Source<u64>; 2],
    conntrack_stat: Source<Conntrack>,
    ipvs_totals: Source<IpvsTotals>,
    ipvs_backends: Source<Vec<IpvsBackend>>,
}

impl Protocols {
    pub fn new(roots: &Roots) -> Protocols {
        let net = |file: &str| roots.net().join(file);
        let netfilter = |file: &str| Source::piece(roots.procfs.join("sys/net/netfilter").join(file), parse_number);
        let page_size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
        Protocols {
            page_size: page_size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096),
            netstat: [
                Source::piece(net("netstat"), |bytes| parse_netstat(bytes, filter::wants_netstat)),
                Source::piece(net("snmp"), |bytes| parse_netstat(bytes, filter::wants_netstat)),
                Source::piece(net("snmp6"), |bytes| parse_snmp6(bytes, filter::wants_netstat)),
            ],
            sockstat: [Source::piece(net("sockstat"), parse_sockstat), Source::piece(net("sockstat6"), parse_sockstat)],
            udp: [Source::rows(net("udp"), parse_udp_queues), Source::rows(net("udp6"), parse_udp_queues)],
            conntrack: [netfilter("nf_conntrack_count"), netfilter("nf_conntrack_max")],
            conntrack_stat: Source::rows(net("stat/nf_conntrack"), parse_conntrack_stat),
            ipvs_totals: Source::new(net("ip_vs_stats"), parse_ipvs_totals),
            ipvs_backends: Source::new(net("ip_vs"), parse_ipvs_backends),
        }
    }

    pub fn look(&mut self, scene: &mut Scene<'_>) -> Network {
        let sockstat = scene.run("sockstat", |reader| joined(&mut self.sockstat, reader));
        let sockets = |protocol: &str| {
            let count = sockstat.as_ref()?.iter().find(|(name, _)| name == protocol);
            count.map(|(_, count)| *count)
        };
        let (udp4, udp6) = (sockets("UDP_inuse"), sockets("UDP6_inuse"));
        let conntrack = scene.run("conntrack", |reader| self.look_at_conntrack(reader));
        let (entries, conntrack_stat) = conntrack.unzip();
        Network {
            page_size: self.page_size,
            netstat: scene.run("netstat", |reader| joined(&mut self.netstat, reader)),
            sockstat,
            udp: scene.run("udp_queues", |reader| {
                let [v4, v6] = &mut self.udp;
                let (v4, v6) = (look_at_queues(v4, udp4, reader)?, look_at_queues(v6, udp6, reader)?);
                Ok((v4.is_some() || v6.is_some()).then_some(UdpQueues { v4, v6 }))
            }),
            conntrack: entries,
            conntrack_stat: conntrack_stat.flatten(),
            ipvs: scene.run("ipvs", |reader| {
                let totals = self.ipvs_totals.look(reader)?;
                Ok(totals.zip(self.ipvs_backends.look(reader)?))
            }),
            ..Network::default()
        }
    }

    fn look_at_conntrack(&mut self, reader: &mut Reader) -> Result<Option<Tracked>, Error> {
        let [count, most] = &mut self.conntrack;
        let Some(entries) = count.look(reader)?.zip(most.look(reader)?) else { return Ok(None) };
        Ok(Some((entries, self.conntrack_stat.look(reader)?)))
    }
}

/// Without a socket nothing waits: the kernel would walk its whole table to say so.
fn look_at_queues(
    table: &mut Source<(u64, u64)>,
    sockets: Option<u64>,
    reader: &mut Reader,
) -> Result<Option<(u64, u64)>, Error> {
    if sockets == Some(0) { Ok(Some((0, 0))) } else { table.look(reader) }
}

/// The values of several files as one list; a file that is absent (no IPv6) adds none.
fn joined<T>(sources: &mut [Source<Vec<T>>], reader: &mut Reader) -> Result<Option<Vec<T>>, Error> {
    let mut all: Option<Vec<T>> = None;
    for source in sources {
        if let Some(values) = source.look(reader)? {
            all.get_or_insert_default().extend(values);
        }
    }
    Ok(all)
}
