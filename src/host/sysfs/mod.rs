//! `/sys`: classes of devices and their attributes. A class is listed now and then, its attributes are read every time
//! through kept files. Knows no metric names.

mod class;
mod human;
mod sensor;

pub use class::{Class, Member};
pub use human::{Printed, WritebackRate, parse_human, parse_printed, parse_writeback_rate};
pub use sensor::{chip_name, list_sensor_files, parse_sensor_file};

use std::path::Path;

/// A trimmed attribute read once; `None` when it is absent or cannot be read now. For what is looked at seldom.
pub fn read_attribute(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// The names in a directory, sorted; `None` when it cannot be listed.
pub fn list_names(dir: &Path) -> Option<Vec<String>> {
    let entries = std::fs::read_dir(dir).ok()?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Some(names)
}

#[cfg(test)]
mod tests;
