//! Disks: counters, what udev knows of them, software RAID, NVMe, bcache, XFS, NFS.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::host::bcache::{Bcache, BcacheBacking, BcacheCache, BcacheDevice};

use super::filesystems::{FilesystemSeen, Filesystems};
use super::filter;
use super::scene::{Scene, Source};
use crate::host::bcache;
use crate::host::kept::{Kept, Reader};
use crate::host::procfs::{
    Disk, MdArray, Nfs, Nfsd, UdevProperties, XfsStats, parse_diskstats, parse_mdstat, parse_nfs, parse_nfsd,
    parse_udev_properties, parse_xfs,
};
use crate::host::sysfs::{Class, Member, list_names};
use crate::host::{Error, Roots};

/// What was seen of the disks.
#[derive(Clone, Debug, Default)]
pub struct Disks {
    pub disks: Option<Vec<DiskSeen>>,
    pub filesystems: Option<Vec<FilesystemSeen>>,
    pub arrays: Option<Vec<MdArray>>,
    /// Attributes `firmware_rev`, `model`, `serial`, `state`.
    pub nvme: Option<Vec<Member>>,
    pub bcache: Vec<Bcache>,
    pub bcache_devices: Vec<BcacheDevice>,
    pub xfs: Vec<XfsSeen>,
    pub nfs: Option<Nfs>,
    pub nfsd: Option<Nfsd>,
    /// Whether SELinux's filesystem is mounted.
    pub has_selinux: bool,
}

/// A block device, and what udev knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskSeen {
    pub disk: Disk,
    pub udev: Arc<UdevProperties>,
}

/// An XFS filesystem's counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XfsSeen {
    pub device: String,
    pub stats: XfsStats,
}

/// How disks are looked at.
pub struct Look {
    diskstats: Source<Vec<Disk>>,
    udev_dir: PathBuf,
    udev: BTreeMap<String, Arc<UdevProperties>>,
    filesystems: Filesystems,
    mdstat: Source<Vec<MdArray>>,
    nvme: Class,
    bcache: Class,
    bcache_devices: Class,
    xfs_dir: PathBuf,
    xfs: Vec<(String, Kept)>,
    nfs: Source<Nfs>,
    nfsd: Source<Nfsd>,
}

impl Look {
    pub fn new(roots: &Roots) -> Look {
        let proc = |path: &str| roots.procfs.join(path);
        let nvme = &["firmware_rev", "model", "serial", "state"];
        Look {
            diskstats: Source::rows(proc("diskstats"), |bytes| parse_diskstats(bytes, filter::wants_disk)),
            udev_dir: roots.rootfs.join("run/udev/data"),
            udev: BTreeMap::new(),
            filesystems: Filesystems::new(roots),
            mdstat: Source::new(proc("mdstat"), parse_mdstat),
            nvme: Class::new(roots.sysfs.join("class/nvme"), |_| true, nvme),
            bcache: bcache::sets(roots),
            bcache_devices: bcache::devices(roots),
            xfs_dir: roots.sysfs.join("fs/xfs"),
            xfs: Vec::new(),
            nfs: Source::new(roots.net().join("rpc/nfs"), parse_nfs),
            nfsd: Source::new(roots.net().join("rpc/nfsd"), parse_nfsd),
        }
    }

    pub fn look(&mut self, scene: &mut Scene<'_>) -> Disks {
        if scene.list {
            self.nvme.list_devices();
            self.bcache.list_devices();
            self.bcache_devices.list_devices();
            self.udev.clear();
            self.list_xfs();
        }
        let bcache = scene.run("bcache", |reader| Ok(Some(self.look_at_bcache(reader))));
        let (bcache, bcache_devices) = bcache.unwrap_or_default();
        Disks {
            bcache,
            bcache_devices,
            disks: scene.run("diskstats", |reader| self.look_at_disks(reader)),
            filesystems: self.filesystems.look(scene),
            has_selinux: self.filesystems.has_selinux(),
            arrays: scene.run("mdadm", |reader| self.mdstat.look(reader)),
            nvme: scene.run("nvme", |reader| Ok(self.nvme.read(reader))),
            xfs: scene.run("xfs", |reader| self.look_at_xfs(reader).map(Some)).unwrap_or_default(),
            nfs: scene.run("nfs", |reader| self.nfs.look(reader)),
            nfsd: scene.run("nfsd", |reader| self.nfsd.look(reader)),
        }
    }

    /// What udev knows is read for devices that are new, and again once a minute.
    fn look_at_disks(&mut self, reader: &mut Reader) -> Result<Option<Vec<DiskSeen>>, Error> {
        let Some(disks) = self.diskstats.look(reader)? else { return Ok(None) };
        let with_udev = |disk: Disk| {
            let udev = self.udev.entry(disk.name.clone()).or_insert_with(|| {
                let file = self.udev_dir.join(format!("b{}:{}", disk.major, disk.minor));
                Arc::new(std::fs::read(file).map(|bytes| parse_udev_properties(&bytes)).unwrap_or_default())
            });
            DiskSeen { udev: udev.clone(), disk }
        };
        Ok(Some(disks.into_iter().map(with_udev).collect()))
    }

    fn look_at_bcache(&mut self, reader: &mut Reader) -> (Vec<Bcache>, Vec<BcacheDevice>) {
        let (sets, devices) = (self.bcache.read(reader), self.bcache_devices.read(reader));
        (
            sets.unwrap_or_default().iter().map(bcache::parse_bcache).collect(),
            devices.unwrap_or_default().iter().map(bcache::parse_device).collect(),
        )
    }

    fn list_xfs(&mut self) {
        let mut old = std::mem::take(&mut self.xfs);
        for name in list_names(&self.xfs_dir).unwrap_or_default() {
            let path = self.xfs_dir.join(&name).join("stats/stats");
            if let Some(at) = old.iter().position(|(device, _)| *device == name) {
                self.xfs.push(old.swap_remove(at));
            } else if path.exists() {
                self.xfs.push((name, Kept::attribute(path)));
            }
        }
    }

    fn look_at_xfs(&mut self, reader: &mut Reader) -> Result<Vec<XfsSeen>, Error> {
        let mut all = Vec::with_capacity(self.xfs.len());
        for (device, file) in &mut self.xfs {
            let stats = reader.read(file)?.and_then(parse_xfs);
            all.extend(stats.map(|stats| XfsSeen { device: device.clone(), stats }));
        }
        Ok(all)
    }
}
