//! The host as seen at one moment. Files stay open between looks; directories of devices are listed again once a minute,
//! or at once when the kernel's own lists of interfaces or disks change.

mod disks;
mod filesystems;
mod filter;
mod memory;
mod network;
mod processors;
mod scene;
mod sensors;
mod system;
mod textfile;
mod view;

use std::time::Duration;

pub use disks::{Bcache, BcacheBacking, BcacheCache, BcacheDevice, DiskSeen, Disks, XfsSeen};
pub use filesystems::FilesystemSeen;
pub use memory::{EdacController, Memory};
pub use network::{Bond, NET_PROPERTIES, NetDevice, Network, NetworkRate, UdpQueues};
pub use processors::{CpuFrequency, PressureSeen, Processors, Throttles};
pub use sensors::{Chip, CoolingDevice, PowerSupply, RaplZone, Sensor, Sensors, ThermalZone};
pub use system::{Clocksource, OsRelease, Selinux, SystemSeen, Uname};
pub use textfile::{TextFamily, TextFiles, TextSample, parse_textfile};
pub use view::host_view;

/// Data that parsers give, for rooms that have no door to the machine.
pub use crate::host::procfs::{
    Conntrack, CpuTimes, IpvsBackend, IpvsTotals, MdArray, MdState, NETWORK_COUNTERS, Nfs, Nfsd, RpcNet, RunQueue,
    Softnet,
};
pub use crate::host::space::Space;
pub use crate::host::sysfs::Member;
pub use crate::host::timex::Timex;

use super::CollectorRun;
use crate::host::Roots;
use crate::host::kept::Reader;
use crate::values::Now;
use scene::Scene;

/// How often directories of devices are listed again.
const LIST_EVERY: Duration = Duration::from_secs(60);
/// Shares and rates are taken over at least this long, however often somebody looks.
const SHORTEST_SPAN: Duration = Duration::from_secs(1);
/// How many files may stay open; further ones cost an open for each read.
const MOST_OPEN: usize = 400;

/// Everything seen of the host. A part that is `None` or empty is absent here, or its run says why it failed.
#[derive(Clone, Debug, Default)]
pub struct HostSeen {
    pub runs: Vec<CollectorRun>,
    /// Collectors that found nothing to collect on this machine.
    pub absent: Vec<&'static str>,
    /// Unix time of the look, seconds.
    pub at_seconds: f64,
    /// Time since boot, seconds.
    pub up_seconds: f64,
    pub processors: Processors,
    pub memory: Memory,
    pub network: Network,
    pub disks: Disks,
    pub sensors: Sensors,
    pub system: SystemSeen,
}

/// Looks at the host. Holds open files and the last look, from which rates are taken.
pub struct HostLook {
    roots: Roots,
    reader: Reader,
    listed_at: Option<Duration>,
    processors: processors::Look,
    memory: memory::Look,
    network: network::Look,
    disks: disks::Look,
    sensors: sensors::Look,
    system: system::Look,
}

impl HostLook {
    /// Opens nothing yet.
    pub fn new(roots: Roots) -> HostLook {
        HostLook {
            reader: Reader::new(MOST_OPEN),
            listed_at: None,
            processors: processors::Look::new(&roots),
            memory: memory::Look::new(&roots),
            network: network::Look::new(&roots),
            disks: disks::Look::new(&roots),
            sensors: sensors::Look::new(&roots),
            system: system::Look::new(&roots),
            roots,
        }
    }

    /// Looks at everything. Blocks for well under a millisecond, and for half a second at most when a network filesystem
    /// stopped answering since the last look.
    pub fn look(&mut self, now: &Now) -> HostSeen {
        let list = self.listed_at.is_none_or(|at| now.up.saturating_sub(at) >= LIST_EVERY);
        if list {
            self.listed_at = Some(now.up);
        }
        self.reader.set_time(now.up);
        let mut scene = Scene::new(&mut self.reader, now, list);
        let mut seen = HostSeen {
            at_seconds: now.wall.as_nanosecond() as f64 / 1e9,
            up_seconds: now.up.as_secs_f64(),
            processors: self.processors.look(&mut scene),
            memory: self.memory.look(&mut scene),
            network: self.network.look(&mut scene),
            disks: self.disks.look(&mut scene),
            sensors: self.sensors.look(&mut scene),
            system: self.system.look(&mut scene),
            ..HostSeen::default()
        };
        seen.system.selinux = self.system.look_at_selinux(&mut scene, seen.disks.has_selinux);
        (seen.runs, seen.absent) = scene.finish();
        seen
    }

    /// Where it looks.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// How many files are open.
    pub fn open_files(&self) -> usize {
        self.reader.open_files()
    }
}
