//! The network: interfaces, their counters and properties, neighbours, protocols, connection tracking, bonds, balancer.

mod devices;
mod protocols;

use std::collections::BTreeMap;

use devices::Devices;
use protocols::Protocols;

pub use devices::{NET_PROPERTIES, NetDevice};
pub use protocols::UdpQueues;

use super::scene::{Scene, Source};
use crate::host::procfs::{Conntrack, IpvsBackend, IpvsTotals, NetCounters, parse_arp};
use crate::host::sysfs::{list_names, read_attribute};
use crate::host::{Error, Roots};

/// What was seen of the network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Counters of all interfaces but the loop.
    pub counters: Option<Vec<NetCounters>>,
    pub devices: Option<Vec<NetDevice>>,
    /// Of the interfaces that are hardware, since the last look.
    pub rate: Option<NetworkRate>,
    /// Entries by interface.
    pub arp: Option<BTreeMap<String, u64>>,
    /// `Tcp_InSegs` and its value.
    pub netstat: Option<Vec<(String, i64)>>,
    /// `TCP_inuse` and its value; `TCP_mem` is in pages.
    pub sockstat: Option<Vec<(String, u64)>>,
    /// Bytes of one page.
    pub page_size: u64,
    pub udp: Option<UdpQueues>,
    /// Entries now, and how many there may be.
    pub conntrack: Option<(u64, u64)>,
    pub conntrack_stat: Option<Conntrack>,
    pub bonds: Option<Vec<Bond>>,
    pub ipvs: Option<(IpvsTotals, Vec<IpvsBackend>)>,
}

/// Bytes per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkRate {
    pub received: f64,
    pub sent: f64,
}

/// A bond and its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bond {
    pub name: String,
    pub members: u64,
    pub active: u64,
}

/// How the network is looked at.
pub struct Look {
    roots: Roots,
    devices: Devices,
    protocols: Protocols,
    arp: Source<BTreeMap<String, u64>>,
}

impl Look {
    pub fn new(roots: &Roots) -> Look {
        Look {
            roots: roots.clone(),
            devices: Devices::new(roots),
            protocols: Protocols::new(roots),
            arp: Source::rows(roots.net().join("arp"), parse_arp),
        }
    }

    pub fn look(&mut self, scene: &mut Scene<'_>) -> Network {
        let (now, list) = (scene.now.up, scene.list);
        let counters = scene.run("netdev", |reader| self.devices.look_counters(reader, list));
        let devices = scene.run("netclass", |_| Ok(self.devices.look_properties(list)));
        let rate = self.devices.take_rate(now);
        let arp = scene.run("arp", |reader| self.arp.look(reader));
        let bonds = scene.run("bonding", |_| self.look_at_bonds());
        Network { counters, devices, rate, arp, bonds, ..self.protocols.look(scene) }
    }

    /// Bonds are few and their members change by hand: their files are opened each time.
    fn look_at_bonds(&self) -> Result<Option<Vec<Bond>>, Error> {
        if !self.devices.may_have_bonds() {
            return Ok(None);
        }
        let class = self.roots.sysfs.join("class/net");
        let Some(masters) = read_attribute(&class.join("bonding_masters")) else { return Ok(None) };
        let bonds = masters.split_whitespace().map(|name| {
            let dir = class.join(name);
            let members = read_attribute(&dir.join("bonding/slaves")).unwrap_or_default();
            let is_up = |member: &&str| {
                let status =
                    |link: &str| read_attribute(&dir.join(format!("{link}_{member}/bonding_slave/mii_status")));
                status("lower").or_else(|| status("slave")).is_some_and(|status| status == "up")
            };
            let members: Vec<&str> = members.split_whitespace().collect();
            let active = members.iter().filter(|member| is_up(member)).count() as u64;
            Bond { name: name.to_owned(), members: members.len() as u64, active }
        });
        let bonds: Vec<Bond> = bonds.collect();
        // A bond without a directory of its own is being taken down.
        Ok(Some(bonds).filter(|_| list_names(&class).is_some()))
    }
}
