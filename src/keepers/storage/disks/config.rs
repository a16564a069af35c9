//! `[storage.smart]`: which disks are asked for their health, and how often. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::values::{Every, Problem, one_line};

/// Disks are asked no more often: each question is a command to the disk.
const LEAST: Duration = Duration::from_secs(30 * 60);
/// Disks at most.
const MOST: usize = 64;

/// The `[storage.smart]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smart {
    /// Time between two questions to a disk.
    pub every: Every,
    /// Kernel names, with the controller's way to a disk behind it after a colon: `sda:megaraid,0`. Without it the whole
    /// disks below the declared tiers.
    #[serde(default)]
    pub devices: Option<Vec<String>>,
}

impl Default for Smart {
    fn default() -> Smart {
        Smart { every: Every(LEAST), devices: None }
    }
}

impl Smart {
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.every.0 < LEAST {
            let cure = "write \"30m\" or more, such as \"1h\"";
            problems.push(Problem::new("storage.smart.every", "disks are not asked more often than every 30m", cure));
        }
        let devices = self.devices.as_deref().unwrap_or_default();
        for (index, device) in devices.iter().enumerate() {
            let key = format!("storage.smart.devices[{index}]");
            if devices.iter().take(index).any(|other| other == device) {
                problems.push(Problem::new(key, format!("\"{}\" is named twice", one_line(device, 40)), "remove one"));
            } else if parse_device(device).is_none() {
                let what = format!("\"{}\" is no disk", one_line(device, 40));
                let cure = "use the name in /proc/partitions, such as \"sda\", or \"sda:megaraid,0\" for one behind it";
                problems.push(Problem::new(key, what, cure));
            }
        }
        if devices.len() > MOST {
            let what = format!("{} disks, and {MOST} are the most", devices.len());
            problems.push(Problem::new("storage.smart.devices", what, "name those that hold declared tiers"));
        }
        problems
    }
}

/// `sda` or `sda:megaraid,0`: name and way.
pub fn parse_device(text: &str) -> Option<(&str, Option<&str>)> {
    let (name, kind) = text.split_once(':').map_or((text, None), |(name, kind)| (name, Some(kind)));
    let plain = |text: &str, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty()
            && text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(fits)
    };
    (plain(name, "-_") && kind.is_none_or(|kind| plain(kind, ",+/"))).then_some((name, kind))
}
