//! The metrics of tiers and declared directories. Pure.

use super::cache::metrics::Row;
use super::config::Config;
use super::disks;
use super::observe::{CacheSeen, Ground, Seen};
use super::proof::declared_ground;
use super::verdict::{Verdict, is_usable, judge};
use super::{cache, clean, mend, quota};
use crate::metrics::{Family, Group, Number, Page};

const SIZE: Family = Family::gauge("hostkeeper_tier_size_bytes", "Size of the tier's file system.");
const AVAILABLE: Family =
    Family::gauge("hostkeeper_tier_available_bytes", "Free space of the tier for those who are not root.");
const MIN_FREE: Family = Family::gauge("hostkeeper_tier_min_free_bytes", "Free space that must remain on the tier.");
const FULL: Family = Family::gauge(
    "hostkeeper_tier_full_timestamp_seconds",
    "When the tier will be full at its present pace; absent while it is not filling.",
);
const USABLE: Family = Family::gauge(
    "hostkeeper_tier_usable",
    "Whether the tier is proved to be the declared one and can be written (1) or not (0).",
);
const STATE: Family =
    Family::gauge("hostkeeper_datadir_state", "State of a declared directory: 1 for the state it is in, else 0.");

/// The name of these metrics in `collect[]` and `exclude[]`.
pub const COLLECTOR: &str = "storage";

/// Every family that is always written.
pub const FAMILIES: [&Family; 6] = [&SIZE, &AVAILABLE, &MIN_FREE, &FULL, &USABLE, &STATE];

/// Writes what was seen.
pub fn measure(config: &Config, seen: &Seen, page: &mut Page) {
    if !page.wants(Group::Hostkeeper, COLLECTOR) {
        return;
    }
    // The numbers of a disk that is not the declared one would be wrong numbers of the tier.
    let grounds: Vec<(&String, &Ground)> = config
        .tiers
        .iter()
        .filter_map(|(name, tier)| Some((name, declared_ground(name, tier, seen.tiers.get(name)?)?)))
        .collect();
    let cached: Vec<Row<'_>> = grounds
        .iter()
        .filter_map(|(name, _)| match seen.caches.get(*name)? {
            CacheSeen::There(device) => Some((name.as_str(), config.tiers.get(*name)?.cache.as_ref(), &**device)),
            CacheSeen::No { .. } => None,
        })
        .collect();
    cache::metrics::measure(&cached, page);
    quota::metrics::measure(config, seen, page);
    mend::metrics::measure(seen, page);
    clean::metrics::measure(config, seen, page);
    per_ground(&grounds, page, &SIZE, |ground| Some(ground.size.into()));
    per_ground(&grounds, page, &AVAILABLE, |ground| Some(ground.available.into()));
    page.family(&MIN_FREE);
    for (name, tier) in &config.tiers {
        if let Some(least) = tier.min_free {
            page.sample(&[("tier", name)], least.0);
        }
    }
    let at = seen.at.as_microsecond() as f64 / 1e6;
    per_ground(&grounds, page, &FULL, |ground| Some((at + ground.full_in?).round().into()));
    page.family(&USABLE);
    for name in config.tiers.keys() {
        page.sample(&[("tier", name)], is_usable(config, seen, name));
    }
    disks::metrics::measure(&seen.disks, page);
    page.family(&STATE);
    for (key, dir) in &config.dirs {
        let verdict = judge(config, seen, key, dir);
        for state in Verdict::ALL {
            let labels = [("project", key.0.as_str()), ("dir", key.1.as_str()), ("state", state.as_str())];
            page.sample(&labels, state == verdict);
        }
    }
}

fn per_ground(
    grounds: &[(&String, &Ground)],
    page: &mut Page,
    family: &Family,
    value: impl Fn(&Ground) -> Option<Number>,
) {
    page.family(family);
    for (name, ground) in grounds {
        if let Some(value) = value(ground) {
            page.sample(&[("tier", name.as_str())], value);
        }
    }
}
