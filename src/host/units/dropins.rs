//! What `SetUnitProperties` leaves on the disk: one file for each property, in a folder for each unit. Read to know what
//! outlives a boot; removed only here, and only files of the names that we set.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::property::WRITTEN;
use crate::host::{Error, Roots};

/// Bytes of one file that are read.
const MOST: u64 = 16 * 1024;
/// Units whose files are listed.
const MOST_UNITS: usize = 4096;
/// Folders of what outlives a boot, and of what does not.
const LASTING: &str = "etc/systemd/system.control";
const RUNTIME: &str = "run/systemd/system.control";

/// What is written of one unit, by property, as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Outlives a boot.
    pub lasting: BTreeMap<String, String>,
    /// Until the next boot.
    pub runtime: BTreeMap<String, String>,
}

impl Written {
    pub fn is_empty(&self) -> bool {
        self.lasting.is_empty() && self.runtime.is_empty()
    }
}

/// What is written of `unit`.
pub fn read_written(roots: &Roots, unit: &str) -> Written {
    let read = |place: &str| {
        let folder = folder_of(roots, place, unit);
        let value = |name: &&str| Some(((*name).to_owned(), parse_value(&read_text(&file_of(&folder, name))?, name)));
        WRITTEN.iter().filter_map(value).collect()
    };
    Written { lasting: read(LASTING), runtime: read(RUNTIME) }
}

/// The units whose name begins with `prefix` of which anything is written.
pub fn list_written(roots: &Roots, prefix: &str) -> Vec<String> {
    let mut units = Vec::new();
    for place in [LASTING, RUNTIME] {
        let Ok(entries) = fs::read_dir(roots.rootfs.join(place)) else { continue };
        for entry in entries.flatten().take(MOST_UNITS) {
            let name = entry.file_name();
            let unit = name.to_str().and_then(|name| name.strip_suffix(".d")).filter(|unit| unit.starts_with(prefix));
            units.extend(unit.filter(|unit| !read_written(roots, unit).is_empty()).map(str::to_owned));
        }
    }
    units.sort();
    units.dedup();
    units
}

/// Removes what is written of `unit`; other files of the folder stay. What systemd holds in memory is not changed by it.
pub fn remove_written(roots: &Roots, unit: &str) -> Result<(), Error> {
    for place in [LASTING, RUNTIME] {
        let folder = folder_of(roots, place, unit);
        for name in WRITTEN {
            let path = file_of(&folder, name);
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(error) => return Err(Error::file("remove", path, error)),
            }
        }
        // Not empty: somebody else has files there.
        let _ = fs::remove_dir(&folder);
    }
    Ok(())
}

fn folder_of(roots: &Roots, place: &str, unit: &str) -> PathBuf {
    roots.rootfs.join(place).join(format!("{unit}.d"))
}

fn file_of(folder: &Path, property: &str) -> PathBuf {
    folder.join(format!("50-{property}.conf"))
}

fn read_text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last value of a property in a drop-in; several devices stand in several lines, which are joined by a comma.
pub fn parse_value(text: &str, property: &str) -> String {
    let mut values: Vec<&str> = Vec::new();
    for line in text.lines() {
        let Some(value) = line.trim().strip_prefix(property).and_then(|rest| rest.strip_prefix('=')) else { continue };
        if value.is_empty() || !property.starts_with("IO") {
            values.clear();
        }
        values.push(value.trim());
    }
    values.retain(|value| !value.is_empty());
    values.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_devices_add_up() {
        let text = "# written by systemctl\n[Slice]\nMemoryMax=1048576\nMemoryMax=2097152\n";
        assert_eq!(parse_value(text, "MemoryMax"), "2097152");
        assert_eq!(parse_value(text, "MemoryHigh"), "");
        let text = "[Slice]\nIOWriteBandwidthMax=\nIOWriteBandwidthMax=/data 5000000\nIOWriteBandwidthMax=/srv 1000\n";
        assert_eq!(parse_value(text, "IOWriteBandwidthMax"), "/data 5000000, /srv 1000");
    }

    #[test]
    fn only_our_files_are_removed() {
        let scratch = tempfile::tempdir().unwrap();
        let roots = Roots { rootfs: scratch.path().to_owned(), ..Roots::default() };
        let folder = scratch.path().join(LASTING).join("tenants-a.slice.d");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("50-MemoryMax.conf"), "[Slice]\nMemoryMax=1048576\n").unwrap();
        fs::write(folder.join("90-mine.conf"), "[Slice]\nMemorySwapMax=0\n").unwrap();
        assert_eq!(list_written(&roots, "tenants"), ["tenants-a.slice"]);
        assert_eq!(read_written(&roots, "tenants-a.slice").lasting["MemoryMax"], "1048576");
        remove_written(&roots, "tenants-a.slice").unwrap();
        assert!(read_written(&roots, "tenants-a.slice").is_empty() && folder.join("90-mine.conf").exists());
        assert!(list_written(&roots, "tenants").is_empty());
        fs::remove_file(folder.join("90-mine.conf")).unwrap();
        remove_written(&roots, "tenants-a.slice").unwrap();
        assert!(!folder.exists(), "a folder of ours goes when nothing is left in it");
    }
}
