//! Parsers of `/proc`: one function per file, bytes in, plain data out. Pure; they survive any bytes. Only lines that end
//! with a newline count, so that a file cut short gives fewer values and never a wrong one.

mod conntrack;
mod cpu;
mod disk;
mod ipvs;
mod md;
mod memory;
mod net;
mod netstat;
mod nfs;
mod pressure;
mod text;
mod xfs;

pub use conntrack::{Conntrack, parse_conntrack_stat};
pub use cpu::{CpuTimes, RunQueue, Softnet, Stat, parse_schedstat, parse_softnet_stat, parse_stat};
pub use disk::{Disk, UdevProperties, parse_diskstats, parse_udev_properties};
pub use ipvs::{IpvsBackend, IpvsTotals, parse_ipvs_backends, parse_ipvs_totals};
pub use md::{MdArray, MdState, parse_mdstat};
pub use memory::{Field, parse_meminfo, parse_vmstat};
pub use net::{NETWORK_COUNTERS, NetCounters, parse_arp, parse_net_dev, parse_udp_queues};
pub use netstat::{parse_netstat, parse_snmp6, parse_sockstat};
pub use nfs::{Nfs, Nfsd, RpcNet, parse_nfs, parse_nfsd};
pub use pressure::{Pressure, parse_loadavg, parse_pressure};
pub use text::{parse_number, parse_numbers};
pub use xfs::{XfsStats, parse_xfs};

#[cfg(test)]
mod tests;
