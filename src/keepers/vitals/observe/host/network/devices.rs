//! Interfaces. From one netlink dump where the host is our own; from files where it is elsewhere (a container, a test).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::super::SHORTEST_SPAN;
use super::super::filter;
use super::super::scene::Source;
use super::NetworkRate;
use crate::host::kept::Reader;
use crate::host::links::{Link, Links};
use crate::host::procfs::{NetCounters, parse_net_dev};
use crate::host::sysfs::{list_names, read_attribute};
use crate::host::{Error, Roots};

/// The files of an interface that hold a number, in the order of [`NetDevice::numbers`].
pub const NET_PROPERTIES: [&str; 17] = [
    "addr_assign_type",
    "carrier",
    "carrier_changes",
    "carrier_up_count",
    "carrier_down_count",
    "dev_id",
    "dormant",
    "flags",
    "ifindex",
    "iflink",
    "link_mode",
    "mtu",
    "name_assign_type",
    "netdev_group",
    "speed",
    "tx_queue_len",
    "type",
];

/// An interface's properties, as `/sys/class/net` shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetDevice {
    pub name: String,
    pub address: String,
    pub broadcast: String,
    pub duplex: String,
    pub alias: String,
    pub operstate: String,
    /// By [`NET_PROPERTIES`].
    pub numbers: [Option<i64>; NET_PROPERTIES.len()],
    /// Whether hardware is behind it.
    pub physical: bool,
}

impl NetDevice {
    pub fn number(&self, property: &str) -> Option<i64> {
        let at = NET_PROPERTIES.iter().position(|name| *name == property)?;
        self.numbers.get(at).copied().flatten()
    }
}

/// What netlink does not tell of an interface, and what it was when this was read.
#[derive(Clone, Debug, Default)]
struct Slow {
    seen: (u32, u8, Option<u32>),
    duplex: String,
    addr_assign_type: Option<i64>,
    dev_id: Option<i64>,
    name_assign_type: Option<i64>,
    speed: Option<i64>,
    physical: bool,
}

/// How interfaces are looked at.
pub struct Devices {
    class: PathBuf,
    netlink: Option<Links>,
    links: Vec<Link>,
    files: Source<Vec<NetCounters>>,
    slow: BTreeMap<String, Slow>,
    listed: Vec<String>,
    sum: Option<(u64, u64)>,
    last_sum: Option<(Duration, (u64, u64))>,
    rate: Option<NetworkRate>,
}

impl Devices {
    pub fn new(roots: &Roots) -> Devices {
        let ours = roots.procfs == Roots::default().procfs && roots.sysfs == Roots::default().sysfs;
        Devices {
            class: roots.sysfs.join("class/net"),
            netlink: ours.then(Links::default),
            links: Vec::new(),
            files: Source::rows(roots.net().join("dev"), parse_net_dev),
            slow: BTreeMap::new(),
            listed: Vec::new(),
            sum: None,
            last_sum: None,
            rate: None,
        }
    }

    pub fn look_counters(&mut self, reader: &mut Reader, list: bool) -> Result<Option<Vec<NetCounters>>, Error> {
        let all = match &mut self.netlink {
            Some(netlink) => {
                netlink.list_links(&mut self.links)?;
                self.read_slow(list);
                Some(self.links.iter().map(Link::counters).collect())
            }
            None => self.files.look(reader)?,
        };
        let Some(mut all): Option<Vec<NetCounters>> = all else { return Ok(None) };
        all.retain(|counters| filter::wants_network_counters(&counters.device));
        self.sum = Some(self.sum_physical(&all));
        Ok(Some(all))
    }

    pub fn look_properties(&mut self, list: bool) -> Option<Vec<NetDevice>> {
        if self.netlink.is_some() {
            let device = |link: &Link| from_link(link, self.slow.get(&link.name));
            return (!self.links.is_empty()).then(|| self.links.iter().map(device).collect());
        }
        if list || self.listed.is_empty() {
            self.listed = list_names(&self.class)?.into_iter().filter(|name| self.class.join(name).is_dir()).collect();
        }
        Some(self.listed.iter().map(|name| self.read_files(name)).collect())
    }

    /// Whether there can be a bond: `bonding_masters` exists with the driver only.
    pub fn may_have_bonds(&self) -> bool {
        const IFF_MASTER: u32 = 0x400;
        self.netlink.is_none() || self.links.iter().any(|link| link.flags & IFF_MASTER != 0)
    }

    /// Bytes per second since the last look that was long enough ago to tell.
    pub fn take_rate(&mut self, up: Duration) -> Option<NetworkRate> {
        let sum = self.sum?;
        if let Some((then, last)) = self.last_sum {
            let span = up.saturating_sub(then);
            if span < SHORTEST_SPAN {
                return self.rate;
            }
            let seconds = span.as_secs_f64();
            let per_second = |new: u64, old: u64| new.saturating_sub(old) as f64 / seconds;
            self.rate = Some(NetworkRate { received: per_second(sum.0, last.0), sent: per_second(sum.1, last.1) });
        }
        self.last_sum = Some((up, sum));
        self.rate
    }

    /// Only hardware counts, so that what passes a bridge or a bond is not counted twice; without hardware, everything.
    fn sum_physical(&self, all: &[NetCounters]) -> (u64, u64) {
        let physical = |counters: &&NetCounters| self.slow.get(&counters.device).is_some_and(|slow| slow.physical);
        let any = all.iter().any(|counters| physical(&counters));
        let counted = all.iter().filter(|counters| !any || physical(counters));
        counted.fold((0, 0), |(received, sent), counters| {
            let add = |sum: u64, more: Option<u64>| sum.saturating_add(more.unwrap_or(0));
            (add(received, counters.received_bytes()), add(sent, counters.sent_bytes()))
        })
    }

    /// Reads what netlink does not tell, of interfaces that are new or whose state changed, and of all once a minute.
    fn read_slow(&mut self, list: bool) {
        if list {
            self.slow.retain(|name, _| self.links.iter().any(|link| link.name == *name));
        }
        for link in &self.links {
            let state = (link.flags, link.operstate, link.carrier_changes);
            if list || self.slow.get(&link.name).is_none_or(|slow| slow.seen != state) {
                let slow = read_slow(&self.class.join(&link.name), state);
                self.slow.insert(link.name.clone(), slow);
            }
        }
    }

    fn read_files(&self, name: &str) -> NetDevice {
        let dir = self.class.join(name);
        let text = |file: &str| read_attribute(&dir.join(file)).unwrap_or_default();
        NetDevice {
            name: name.to_owned(),
            address: text("address"),
            broadcast: text("broadcast"),
            duplex: text("duplex"),
            alias: text("ifalias"),
            operstate: text("operstate"),
            numbers: NET_PROPERTIES.map(|file| parse_property(&text(file))),
            physical: dir.join("device").exists(),
        }
    }
}

fn read_slow(dir: &std::path::Path, seen: (u32, u8, Option<u32>)) -> Slow {
    let number = |file: &str| read_attribute(&dir.join(file)).as_deref().and_then(parse_property);
    Slow {
        seen,
        duplex: read_attribute(&dir.join("duplex")).unwrap_or_default(),
        addr_assign_type: number("addr_assign_type"),
        dev_id: number("dev_id"),
        name_assign_type: number("name_assign_type"),
        speed: number("speed"),
        physical: dir.join("device").exists(),
    }
}

/// Decimal, or hexadecimal with `0x`.
fn parse_property(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The same values that sysfs shows, from netlink.
fn from_link(link: &Link, slow: Option<&Slow>) -> NetDevice {
    const IFF_UP: u32 = 0x1;
    const IFF_PROMISC: u32 = 0x100;
    const IFF_ALLMULTI: u32 = 0x200;
    const IFF_DORMANT: u32 = 0x2_0000;
    /// Running, lower-up, dormant: netlink adds them, sysfs does not show them.
    const VOLATILE: u32 = 0x40 | 0x1_0000 | IFF_DORMANT;
    let default = Slow::default();
    let slow = slow.unwrap_or(&default);
    let running = link.flags & IFF_UP != 0;
    let mut flags = link.flags & !(VOLATILE | IFF_PROMISC);
    if link.promiscuity > 0 {
        flags |= IFF_PROMISC;
    }
    if let Some(count) = link.allmulti {
        flags = flags & !IFF_ALLMULTI | if count > 0 { IFF_ALLMULTI } else { 0 };
    }
    NetDevice {
        name: link.name.clone(),
        address: link.address.clone(),
        broadcast: link.broadcast.clone(),
        duplex: slow.duplex.clone(),
        alias: link.alias.clone(),
        operstate: operstate(link.operstate).to_owned(),
        physical: slow.physical,
        numbers: [
            slow.addr_assign_type,
            link.carrier.filter(|_| running).map(i64::from),
            link.carrier_changes.map(i64::from),
            link.carrier_up.map(i64::from),
            link.carrier_down.map(i64::from),
            slow.dev_id,
            running.then_some(i64::from(link.flags & IFF_DORMANT != 0)),
            Some(flags.into()),
            Some(link.index.into()),
            Some(link.peer_index.unwrap_or(link.index).into()),
            Some(link.link_mode.into()),
            link.mtu.map(i64::from),
            slow.name_assign_type,
            Some(link.group.into()),
            slow.speed,
            link.queue_length.map(i64::from),
            Some(link.kind.into()),
        ],
    }
}

/// RFC 2863, in the words of sysfs.
fn operstate(state: u8) -> &'static str {
    match state {
        1 => "notpresent",
        2 => "down",
        3 => "lowerlayerdown",
        4 => "testing",
        5 => "dormant",
        6 => "up",
        _ => "unknown",
    }
}
