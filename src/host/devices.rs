//! What a file system lies on, as the kernel's device tree says: name, the devices below, spinning or not, bcache or not.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::procfs::{MdArray, parse_mdstat};
use super::{Error, Roots};

/// Devices looked at before the tree is taken as too deep.
const MOST: usize = 64;

/// A block device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The kernel's name: `sda1`, `bcache0`, `dm-0`.
    pub name: String,
    /// The device mapper's name for it, such as `vg-data`.
    pub mapped: Option<String>,
    /// Names of all devices it lies on, itself first.
    pub chain: Vec<String>,
    /// Names of the whole disks at the bottom.
    pub disks: Vec<String>,
    /// Whether any of the disks below turns; `None` where the kernel does not say.
    pub rotational: Option<bool>,
    /// Whether a bcache is in the chain.
    pub bcache: bool,
}

/// The block device with these numbers; `None` for file systems without one (tmpfs, network, btrfs).
pub fn read_device(roots: &Roots, number: (u32, u32)) -> Result<Option<Device>, Error> {
    read_at(&roots.sysfs.join(format!("dev/block/{}:{}", number.0, number.1)))
}

/// The block device that a mount names as its source (`/dev/mapper/vg-data`); `None` when the source is no device.
pub fn read_device_of_source(roots: &Roots, source: &Path) -> Result<Option<Device>, Error> {
    if !source.starts_with("/dev") {
        return Ok(None);
    }
    let node = roots.rootfs.join(source.strip_prefix("/").unwrap_or(source));
    let node = fs::canonicalize(&node).unwrap_or(node);
    let Some(name) = node.file_name() else { return Ok(None) };
    read_at(&roots.sysfs.join("class/block").join(name))
}

/// The software arrays of the host, as `/proc/mdstat` lists them; none where the kernel has none.
pub fn read_arrays(roots: &Roots) -> Vec<MdArray> {
    let listed = fs::read(roots.procfs.join("mdstat")).ok();
    listed.and_then(|bytes| parse_mdstat(&bytes)).unwrap_or_default()
}

fn read_at(entry: &Path) -> Result<Option<Device>, Error> {
    let directory = match fs::canonicalize(entry) {
        Ok(directory) => directory,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("resolve", entry, error)),
    };
    let mut device =
        Device { name: name_of(&directory), mapped: read_word(&directory.join("dm/name")), ..Device::default() };
    let mut seen = BTreeSet::new();
    let mut waiting = vec![directory];
    while let Some(directory) = waiting.pop() {
        if seen.len() >= MOST || !seen.insert(directory.clone()) {
            continue;
        }
        let name = name_of(&directory);
        device.bcache |= name.starts_with("bcache");
        let below = list_below(&directory);
        device.chain.push(name.clone());
        if below.is_empty() {
            device.disks.push(name);
            let turns = read_word(&directory.join("queue/rotational")).map(|word| word == "1");
            device.rotational = match (device.rotational, turns) {
                (Some(before), Some(turns)) => Some(before || turns),
                (before, turns) => before.or(turns),
            };
        }
        waiting.extend(below);
    }
    Ok(Some(device))
}

/// The devices that this one lies on: the whole disk of a partition, or the slaves of a composed device.
fn list_below(directory: &Path) -> Vec<PathBuf> {
    if directory.join("partition").exists() {
        return directory.parent().map(Path::to_owned).into_iter().collect();
    }
    let Ok(entries) = fs::read_dir(directory.join("slaves")) else { return Vec::new() };
    let mut below: Vec<PathBuf> =
        entries.filter_map(|entry| fs::canonicalize(entry.ok()?.path()).ok()).take(MOST).collect();
    below.sort_unstable_by(|a, b| b.cmp(a));
    below
}

fn name_of(directory: &Path) -> String {
    directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read_word(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A disk `sda` with a partition, an SSD `nvme0n1`, and a mapped device and a bcache on both.
    fn tree() -> (tempfile::TempDir, Roots) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let file = |path: &str, text: &str| {
            let path = root.join("devices").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        file("sda/queue/rotational", "1\n");
        file("sda/sda1/partition", "1\n");
        file("nvme0n1/queue/rotational", "0\n");
        file("dm-0/dm/name", "vg-data\n");
        fs::create_dir_all(root.join("devices/dm-0/slaves")).unwrap();
        fs::create_dir_all(root.join("devices/bcache0/slaves")).unwrap();
        symlink("../../nvme0n1", root.join("devices/dm-0/slaves/nvme0n1")).unwrap();
        symlink("../../sda/sda1", root.join("devices/bcache0/slaves/sda1")).unwrap();
        symlink("../../nvme0n1", root.join("devices/bcache0/slaves/nvme0n1")).unwrap();
        fs::create_dir_all(root.join("dev/block")).unwrap();
        fs::create_dir_all(root.join("class/block")).unwrap();
        for (number, path) in [("8:1", "sda/sda1"), ("252:0", "dm-0"), ("251:0", "bcache0")] {
            symlink(format!("../../devices/{path}"), root.join("dev/block").join(number)).unwrap();
        }
        symlink("../../devices/dm-0", root.join("class/block/dm-0")).unwrap();
        let roots = Roots { sysfs: root.into(), rootfs: root.join("host"), ..Roots::default() };
        (directory, roots)
    }

    #[test]
    fn a_device_is_followed_down_to_its_disks() {
        let (_directory, roots) = tree();
        let partition = read_device(&roots, (8, 1)).unwrap().unwrap();
        assert_eq!((partition.name.as_str(), partition.rotational, partition.bcache), ("sda1", Some(true), false));
        assert_eq!(partition.chain, ["sda1", "sda"]);
        let mapped = read_device(&roots, (252, 0)).unwrap().unwrap();
        assert_eq!((mapped.mapped.as_deref(), mapped.rotational), (Some("vg-data"), Some(false)));
        let cached = read_device(&roots, (251, 0)).unwrap().unwrap();
        assert_eq!((cached.rotational, cached.bcache), (Some(true), true));
        assert_eq!(cached.chain, ["bcache0", "nvme0n1", "sda1", "sda"]);
        assert_eq!(read_device(&roots, (0, 44)).unwrap(), None);
    }

    #[test]
    fn a_source_is_a_device_only_below_dev() {
        let (directory, roots) = tree();
        fs::create_dir_all(directory.path().join("host/dev/mapper")).unwrap();
        fs::write(directory.path().join("host/dev/dm-0"), "").unwrap();
        symlink("../dm-0", directory.path().join("host/dev/mapper/vg-data")).unwrap();
        let found = read_device_of_source(&roots, Path::new("/dev/mapper/vg-data")).unwrap().unwrap();
        assert_eq!(found.name, "dm-0");
        assert_eq!(read_device_of_source(&roots, Path::new("tmpfs")).unwrap(), None);
        assert_eq!(read_device_of_source(&roots, Path::new("/dev/nothing")).unwrap(), None);
    }

    #[test]
    fn a_circle_ends() {
        let (directory, roots) = tree();
        symlink("../../bcache0", directory.path().join("devices/bcache0/slaves/self")).unwrap();
        assert!(read_device(&roots, (251, 0)).unwrap().is_some());
    }
}
