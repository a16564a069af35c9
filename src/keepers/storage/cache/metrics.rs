//! The metrics of caches, by tier. State, mode and whether it runs are given by `vitals` for every bcache. Pure.

use super::config::Cache;
use super::decide::is_draining;
use super::observe::CachedDevice;
use crate::metrics::{Family, Number, Page};

const DIRTY: Family = Family::gauge(
    "hostkeeper_bcache_dirty_bytes",
    "Data of the tier that is in the cache only, as the kernel rounds it.",
);
const MAX_DIRTY: Family =
    Family::gauge("hostkeeper_bcache_max_dirty_bytes", "Dirty data that is declared to be the most for the tier.");
const RATE: Family = Family::gauge(
    "hostkeeper_bcache_writeback_rate_bytes",
    "Bytes per second at which the kernel writes dirty data of the tier back.",
);
const PERCENT: Family = Family::gauge(
    "hostkeeper_bcache_writeback_percent",
    "Share of the cache that may be dirty before the kernel writes back faster.",
);
const CUTOFF: Family = Family::gauge(
    "hostkeeper_bcache_sequential_cutoff_bytes",
    "Sequential reads and writes longer than this go past the cache.",
);
const HIT_RATIO: Family = Family::gauge(
    "hostkeeper_bcache_hit_ratio",
    "Share of the reads of the tier that its cache answered, over a window of time.",
);
const AVAILABLE: Family = Family::gauge(
    "hostkeeper_bcache_cache_available_ratio",
    "Share of the cache set of the tier that holds no dirty data.",
);
const ERRORS: Family = Family::gauge(
    "hostkeeper_bcache_cache_io_errors",
    "Errors of a cache device of the tier, which the kernel lets decay.",
);
const DRAINING: Family = Family::gauge(
    "hostkeeper_bcache_draining",
    "Whether the tier left writeback and dirty data is still being written back (1) or not (0).",
);
const AS_DECLARED: Family = Family::gauge(
    "hostkeeper_bcache_mode_as_declared",
    "Whether the cache of the tier is in the declared mode (1) or not (0).",
);

/// Every family of this file.
#[cfg(test)]
pub const FAMILIES: [&Family; 10] =
    [&DIRTY, &MAX_DIRTY, &RATE, &PERCENT, &CUTOFF, &HIT_RATIO, &AVAILABLE, &ERRORS, &DRAINING, &AS_DECLARED];

/// A tier that is proved, its cache as declared and as seen.
pub type Row<'s> = (&'s str, Option<&'s Cache>, &'s CachedDevice);

/// Writes what was seen of caches.
pub fn measure(rows: &[Row<'_>], page: &mut Page) {
    each(rows, page, &DIRTY, |_, device| Some(device.dirty_bytes?.into()));
    each(rows, page, &MAX_DIRTY, |cache, device| Some(cache?.max_dirty?.of(device.cache_size())?.into()));
    each(rows, page, &RATE, |_, device| Some(device.writeback_rate?.into()));
    each(rows, page, &PERCENT, |_, device| Some(device.writeback_percent?.into()));
    each(rows, page, &CUTOFF, |_, device| Some(device.sequential_cutoff_bytes?.into()));
    page.family(&HIT_RATIO);
    for (tier, _, device) in rows {
        for (window, percent) in device.hits.iter().filter_map(|hits| Some((hits.window, hits.hit_percent?))) {
            let labels = [("tier", *tier), ("device", device.device.as_str()), ("window", window)];
            page.sample(&labels, percent as f64 / 100.0);
        }
    }
    each(rows, page, &AVAILABLE, |_, device| Some((device.cache_available_percent? as f64 / 100.0).into()));
    page.family(&ERRORS);
    for (tier, _, device) in rows {
        for (name, errors) in device.caches.iter().filter_map(|cache| Some((cache.name.as_str(), cache.io_errors?))) {
            page.sample(&[("tier", *tier), ("device", device.device.as_str()), ("cache_device", name)], errors);
        }
    }
    each(rows, page, &DRAINING, |cache, device| Some(is_draining(cache?, device).into()));
    each(rows, page, &AS_DECLARED, |cache, device| {
        let (wanted, found) = (cache?.mode?, device.mode.as_deref()?);
        Some((wanted.as_str() == found).into())
    });
}

fn each(
    rows: &[Row<'_>],
    page: &mut Page,
    family: &Family,
    value: impl Fn(Option<&Cache>, &CachedDevice) -> Option<Number>,
) {
    page.family(family);
    for (tier, cache, device) in rows {
        if let Some(value) = value(*cache, device) {
            page.sample(&[("tier", *tier), ("device", device.device.as_str())], value);
        }
    }
}
