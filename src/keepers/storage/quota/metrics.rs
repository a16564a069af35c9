//! The metrics of usage and quotas of declared directories. Pure.

use super::decide::{is_enforced, used};
use crate::keepers::storage::config::Config;
use crate::keepers::storage::observe::{Key, Seen};
use crate::metrics::{Family, Number, Page};

const SIZE: Family = Family::gauge(
    "hostkeeper_datadir_size_bytes",
    "What a declared directory holds: as its file system counts for its quota, else as it was walked.",
);
const FILES: Family =
    Family::gauge("hostkeeper_datadir_files", "Files in a declared directory when it was last walked.");
const WALKED: Family = Family::gauge(
    "hostkeeper_datadir_walked_timestamp_seconds",
    "When a declared directory was last walked as a whole.",
);
const QUOTA: Family = Family::gauge("hostkeeper_datadir_quota_bytes", "What a declared directory may hold.");
const ENFORCED: Family = Family::gauge(
    "hostkeeper_datadir_quota_enforced",
    "Whether the file system refuses what is beyond the quota of a declared directory (1) or it is only watched (0).",
);
const UNCOUNTED: Family = Family::gauge(
    "hostkeeper_datadir_uncounted",
    "Files and directories in a declared directory that are not counted to its quota, when it was last walked.",
);

/// Every family of this file.
#[cfg(test)]
pub const FAMILIES: [&Family; 6] = [&SIZE, &FILES, &WALKED, &QUOTA, &ENFORCED, &UNCOUNTED];

/// Writes what is known of the directories on tiers that are proved.
pub fn measure(config: &Config, seen: &Seen, page: &mut Page) {
    let walked = |key: &Key| seen.usage.get(key)?.figures;
    each(config, page, &SIZE, |key| used(config, seen, key).map(Number::from));
    each(config, page, &FILES, |key| Some(walked(key)?.files.into()));
    each(config, page, &WALKED, |key| Some((walked(key)?.at.as_millisecond() as f64 / 1e3).into()));
    each(config, page, &QUOTA, |key| Some(config.dirs.get(key)?.quota?.0.into()));
    each(config, page, &ENFORCED, |key| {
        Some(is_enforced(key, seen.quotas.get(key), config.dirs.get(key)?.quota?).into())
    });
    each(config, page, &UNCOUNTED, |key| Some(walked(key)?.strangers?.into()));
}

fn each(config: &Config, page: &mut Page, family: &Family, value: impl Fn(&Key) -> Option<Number>) {
    page.family(family);
    for key in config.dirs.keys() {
        if let Some(value) = value(key) {
            page.sample(&[("project", key.0.as_str()), ("dir", key.1.as_str())], value);
        }
    }
}
