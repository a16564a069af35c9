//! `/sys/class/hwmon`: how sensors are named by the kernel, and a name for a chip that does not change with the order in
//! which drivers were loaded.

use std::path::{Component, Path};

use super::{list_names, read_attribute};

/// The kinds of sensors that are read, as in the kernel's `Documentation/hwmon/sysfs-interface.rst`.
const KINDS: [&str; 13] = [
    "vrm",
    "beep_enable",
    "update_interval",
    "in",
    "cpu",
    "fan",
    "pwm",
    "temp",
    "curr",
    "power",
    "energy",
    "humidity",
    "intrusion",
];

/// Splits `temp2_crit_alarm` into kind, number and element: `("temp", 2, "crit_alarm")`. `None` for other files.
pub fn parse_sensor_file(name: &str) -> Option<(&'static str, u32, &str)> {
    let kind_of = |text: &str| KINDS.iter().find(|kind| **kind == text).copied();
    if let Some(kind) = kind_of(name) {
        return Some((kind, 0, ""));
    }
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (kind, rest) = name.split_at_checked(digits)?;
    let kind = kind_of(kind)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, rest) = rest.split_at_checked(end)?;
    let element = if rest.is_empty() { "" } else { rest.strip_prefix('_').filter(|element| !element.is_empty())? };
    Some((kind, number.parse().ok()?, element))
}

/// The files of a chip that are sensors, as paths below its directory; its device's own files count too.
pub fn list_sensor_files(dir: &Path) -> Vec<String> {
    let sensors = |names: Option<Vec<String>>| {
        names.unwrap_or_default().into_iter().filter(|name| parse_sensor_file(name).is_some())
    };
    let mut files: Vec<String> = sensors(list_names(dir)).collect();
    files.extend(sensors(list_names(&dir.join("device"))).map(|name| format!("device/{name}")));
    files
}

/// A stable name of the chip at `dir`: bus and device, else the driver's name, else the kernel's number.
pub fn chip_name(dir: &Path) -> String {
    if let Ok(device) = dir.join("device").canonicalize() {
        let mut parts = device.components().rev().filter_map(|part| match part {
            Component::Normal(part) => Some(clean_name(&part.to_string_lossy())),
            _ => None,
        });
        let (name, bus) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if !name.is_empty() {
            return if bus.is_empty() { name } else { format!("{bus}_{name}") };
        }
    }
    let named = read_attribute(&dir.join("name")).map(|name| clean_name(&name)).filter(|name| !name.is_empty());
    let numbered = || dir.canonicalize().ok()?.file_name().map(|name| clean_name(&name.to_string_lossy()));
    named.or_else(numbered).unwrap_or_default()
}

/// Lower case, everything but letters, digits, `:` and `_` replaced, no `_` at the ends.
fn clean_name(name: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() || c == ':' || c == '_' { c } else { '_' };
    let cleaned: String = name.to_lowercase().chars().map(clean).collect();
    cleaned.trim_matches('_').to_owned()
}
