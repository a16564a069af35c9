//! One bcache device, `/sys/block/bcacheN`: what a round looks at, and how an attribute of it is set. A file that is
//! missing is `None`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::class::{is_numbered, parse_chosen};
use crate::host::sysfs::{Printed, list_names, parse_human, parse_printed, read_attribute};
use crate::host::{Error, Roots};

/// What the kernel says of a bcache device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CachedDevice {
    /// `bcache0`.
    pub device: String,
    /// The identity of what it is made of, as its superblock has it (Linux 5.9).
    pub backing: Option<String>,
    /// The cache set it is attached to.
    pub set: Option<String>,
    /// The kernel's word: `clean`, `dirty`, `inconsistent`, `no cache`.
    pub state: Option<String>,
    pub running: Option<bool>,
    /// The mode in force, such as `writearound`.
    pub mode: Option<String>,
    /// Bytes that are in the cache only.
    pub dirty: Option<Printed>,
    /// The same, as it is shown.
    pub dirty_bytes: Option<i64>,
    pub writeback_rate: Option<i64>,
    pub writeback_percent: Option<u64>,
    pub sequential_cutoff: Option<Printed>,
    pub sequential_cutoff_bytes: Option<i64>,
    pub readahead_bytes: Option<i64>,
    /// Errors of the backing device.
    pub io_errors: Option<i64>,
    pub hits: Vec<HitWindow>,
    pub caches: Vec<CacheDevice>,
    pub cache_available_percent: Option<i64>,
    pub average_key_size: Option<i64>,
    pub congested: Option<i64>,
}

/// What came of reads over a window of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HitWindow {
    /// `five_minute`, `hour`, `day`, `total`.
    pub window: &'static str,
    pub hit_percent: Option<i64>,
    pub hits: Option<i64>,
    pub misses: Option<i64>,
    pub bypassed_bytes: Option<i64>,
}

/// A device that caches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheDevice {
    /// `cache0`.
    pub name: String,
    pub io_errors: Option<i64>,
    pub size: Option<u64>,
}

impl CachedDevice {
    /// Whether a cache is attached to it.
    pub fn has_cache(&self) -> bool {
        matches!(self.state.as_deref(), Some(state) if state != "no cache")
    }

    /// Size of all that caches for it.
    pub fn cache_size(&self) -> Option<u64> {
        let sizes = self.caches.iter().map(|cache| cache.size);
        sizes.sum::<Option<u64>>().filter(|size| *size > 0)
    }
}

/// What may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    CacheMode,
    SequentialCutoff,
    WritebackPercent,
}

const WINDOWS: [&str; 4] = ["five_minute", "hour", "day", "total"];

/// Whether a block device of this name is a bcache device as a whole: `bcache0`, not its partition `bcache0p1`.
pub fn is_bcache(name: &str) -> bool {
    is_numbered(name, "bcache") && name.bytes().skip("bcache".len()).all(|byte| byte.is_ascii_digit())
}

/// Looks at one bcache device; `None`: it is not there.
pub fn read_cached_device(roots: &Roots, device: &str) -> Option<CachedDevice> {
    let directory = directory_of(roots, device);
    if !is_bcache(device) || !directory.is_dir() {
        return None;
    }
    let text = |file: &str| read_attribute(&directory.join(file));
    let number = |file: &str| text(file).as_deref().and_then(parse_human);
    let printed = |file: &str| text(file).as_deref().and_then(parse_printed);
    let set = fs::read_link(directory.join("cache")).ok();
    let set = set.and_then(|link| Some(link.file_name()?.to_str()?.to_owned()));
    let mut found = CachedDevice {
        device: device.to_owned(),
        backing: text("backing_dev_uuid").filter(|uuid| !uuid.is_empty()),
        state: text("state"),
        running: text("running").map(|running| running == "1"),
        mode: text("cache_mode").as_deref().and_then(parse_chosen),
        dirty: printed("dirty_data"),
        dirty_bytes: number("dirty_data"),
        writeback_rate: text("writeback_rate").and_then(|rate| parse_human(rate.trim_end_matches("/sec"))),
        writeback_percent: text("writeback_percent").and_then(|percent| percent.parse().ok()),
        sequential_cutoff: printed("sequential_cutoff"),
        sequential_cutoff_bytes: number("sequential_cutoff"),
        readahead_bytes: number("readahead"),
        io_errors: number("io_errors"),
        hits: WINDOWS.iter().map(|window| read_window(&directory, window)).collect(),
        ..CachedDevice::default()
    };
    if let Some(uuid) = &set {
        let set = roots.sysfs.join("fs/bcache").join(uuid);
        let number = |file: &str| read_attribute(&set.join(file)).as_deref().and_then(parse_human);
        found.cache_available_percent = number("cache_available_percent");
        found.average_key_size = number("average_key_size");
        found.congested = number("congested");
        found.caches = read_caches(&set);
    }
    found.set = set;
    Some(found)
}

fn directory_of(roots: &Roots, device: &str) -> PathBuf {
    roots.sysfs.join("block").join(device).join("bcache")
}

fn read_window(directory: &Path, window: &'static str) -> HitWindow {
    let number =
        |file: &str| read_attribute(&directory.join(format!("stats_{window}/{file}"))).as_deref().and_then(parse_human);
    HitWindow {
        window,
        hit_percent: number("cache_hit_ratio"),
        hits: number("cache_hits"),
        misses: number("cache_misses"),
        bypassed_bytes: number("bypassed"),
    }
}

fn read_caches(set: &Path) -> Vec<CacheDevice> {
    let names = list_names(set).unwrap_or_default();
    let caches = names.into_iter().filter(|name| is_numbered(name, "cache"));
    let read = |name: String| {
        let directory = set.join(&name);
        let sectors = || {
            // The link leads to the directory `bcache` of the block device, or of its partition.
            let device = fs::canonicalize(&directory).ok()?;
            read_attribute(&device.parent()?.join("size"))?.parse::<u64>().ok()?.checked_mul(512)
        };
        let io_errors = read_attribute(&directory.join("io_errors")).as_deref().and_then(parse_human);
        CacheDevice { io_errors, size: sectors(), name }
    };
    caches.map(read).collect()
}

/// Sets one attribute of a bcache device. The caller has proved that it is the one that was meant.
pub fn write_attribute(roots: &Roots, device: &str, attribute: Attribute, value: &str) -> Result<(), Error> {
    if !is_bcache(device) {
        return Err(Error::reply(device, "is no bcache device"));
    }
    let file = match attribute {
        Attribute::CacheMode => "cache_mode",
        Attribute::SequentialCutoff => "sequential_cutoff",
        Attribute::WritebackPercent => "writeback_percent",
    };
    let path = directory_of(roots, device).join(file);
    let opened = fs::OpenOptions::new().write(true).open(&path);
    let written = opened.and_then(|mut file| file.write_all(value.as_bytes()));
    written.map_err(|error| Error::file("write", path, error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A bcache on `vdc` with a cache on `vdb`, as Linux 6.1 shows it.
    pub fn tree() -> (tempfile::TempDir, Roots) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        let file = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{text}\n")).unwrap();
        };
        for (name, text) in [
            ("state", "dirty"),
            ("running", "1"),
            ("cache_mode", "writethrough [writeback] writearound none"),
            ("dirty_data", "1.1M"),
            ("writeback_rate", "4.0k/sec"),
            ("writeback_percent", "10"),
            ("sequential_cutoff", "4.0M"),
            ("io_errors", "0"),
            ("backing_dev_uuid", "e91bc4ae-2d6b-4a9e-8e3b-71a6e5b7f0c1"),
            ("stats_total/cache_hit_ratio", "87"),
            ("stats_total/cache_hits", "870"),
            ("stats_total/cache_misses", "130"),
            ("stats_total/bypassed", "4.1M"),
        ] {
            file(&format!("devices/vdc/bcache/{name}"), text);
        }
        file("devices/vdb/size", "2097152");
        file("devices/vdb/bcache/io_errors", "3");
        file("fs/bcache/deaddd54-c735/cache_available_percent", "99");
        symlink("../../../devices/vdb/bcache", root.join("fs/bcache/deaddd54-c735/cache0")).unwrap();
        symlink("../../../fs/bcache/deaddd54-c735", root.join("devices/vdc/bcache/cache")).unwrap();
        fs::create_dir_all(root.join("block/bcache0")).unwrap();
        symlink("../../devices/vdc/bcache", root.join("block/bcache0/bcache")).unwrap();
        let roots = Roots { sysfs: root, ..Roots::default() };
        (directory, roots)
    }

    #[test]
    fn a_device_is_read_with_its_cache() {
        let (_directory, roots) = tree();
        let found = read_cached_device(&roots, "bcache0").unwrap();
        assert_eq!((found.state.as_deref(), found.mode.as_deref()), (Some("dirty"), Some("writeback")));
        assert!(found.has_cache() && found.running == Some(true) && found.readahead_bytes.is_none());
        assert_eq!(found.set.as_deref(), Some("deaddd54-c735"));
        assert!(found.dirty.unwrap().may_be(1_154_048) && found.sequential_cutoff.unwrap().may_be(4 << 20));
        assert_eq!((found.writeback_rate, found.writeback_percent), (Some(4096), Some(10)));
        assert_eq!((found.cache_size(), found.cache_available_percent), (Some(1 << 30), Some(99)));
        assert_eq!(found.caches[0].io_errors, Some(3));
        let total = found.hits.iter().find(|window| window.window == "total").unwrap();
        assert_eq!((total.hit_percent, total.hits), (Some(87), Some(870)));
        assert_eq!(found.hits[0].hit_percent, None);
    }

    #[test]
    fn without_a_cache_only_its_own_files_are_there() {
        let (_directory, roots) = tree();
        fs::remove_file(roots.sysfs.join("devices/vdc/bcache/cache")).unwrap();
        fs::write(roots.sysfs.join("devices/vdc/bcache/state"), "no cache\n").unwrap();
        let found = read_cached_device(&roots, "bcache0").unwrap();
        assert!(!found.has_cache() && found.set.is_none() && found.caches.is_empty() && found.cache_size().is_none());
    }

    #[test]
    fn only_whole_bcache_devices_are_read_and_written() {
        let (_directory, roots) = tree();
        for name in ["bcache1", "bcache", "bcache0p1", "sda", "../block/bcache0", "bcache0/../bcache0"] {
            assert_eq!(read_cached_device(&roots, name), None, "{name}");
            assert!(write_attribute(&roots, name, Attribute::CacheMode, "none").is_err(), "{name}");
        }
        write_attribute(&roots, "bcache0", Attribute::WritebackPercent, "20").unwrap();
        assert_eq!(read_cached_device(&roots, "bcache0").unwrap().writeback_percent, Some(20));
        fs::remove_file(roots.sysfs.join("devices/vdc/bcache/cache_mode")).unwrap();
        assert!(write_attribute(&roots, "bcache0", Attribute::CacheMode, "none").is_err(), "a file was made");
    }
}
