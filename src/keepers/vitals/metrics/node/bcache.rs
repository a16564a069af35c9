//! bcache. Values that the kernel rounds are computed as node_exporter does, its wrong unit of the average read included;
//! `hostkeeper_bcache_*` gives what it lacks.

use crate::keepers::vitals::observe::host::{Bcache, BcacheBacking, BcacheCache};
use crate::metrics::{Family, Group, Page};

type Value<T> = fn(&T) -> Option<i64>;

const SET: [(Family, Value<Bcache>); 9] = [
    (Family::gauge("node_bcache_average_key_size_sectors", "Average data per key in the btree (sectors)."), |s| {
        s.average_key_size
    }),
    (Family::gauge("node_bcache_btree_cache_size_bytes", "Amount of memory currently used by the btree cache."), |s| {
        s.btree_cache_size
    }),
    (
        Family::gauge(
            "node_bcache_cache_available_percent",
            "Percentage of cache device without dirty data, usable for writeback (may contain clean cached data).",
        ),
        |s| s.cache_available_percent,
    ),
    (Family::gauge("node_bcache_congested", "Congestion."), |s| s.congested),
    (
        Family::gauge(
            "node_bcache_root_usage_percent",
            "Percentage of the root btree node in use (tree depth increases if too high).",
        ),
        |s| s.root_usage_percent,
    ),
    (Family::gauge("node_bcache_tree_depth", "Depth of the btree."), |s| s.tree_depth),
    (
        Family::gauge("node_bcache_active_journal_entries", "Number of journal entries that are newer than the index."),
        |s| s.active_journal_entries,
    ),
    (Family::gauge("node_bcache_btree_nodes", "Total nodes in the btree."), |s| s.btree_nodes),
    (
        Family::counter(
            "node_bcache_cache_read_races_total",
            "Counts instances where while data was being read from the cache, the bucket was reused and invalidated - \
             i.e. where the pointer was stale after the read completed.",
        ),
        |s| s.cache_read_races,
    ),
];
const READ_AVERAGE: Family =
    Family::gauge("node_bcache_btree_read_average_duration_seconds", "Average btree read duration.");

const BACKING: [(Family, Value<BcacheBacking>); 13] = [
    (
        Family::gauge("node_bcache_dirty_data_bytes", "Amount of dirty data for this backing device in the cache."),
        |b| b.dirty_data,
    ),
    (
        Family::gauge(
            "node_bcache_dirty_target_bytes",
            "Current dirty data target threshold for this backing device in bytes.",
        ),
        |b| b.writeback.target,
    ),
    (Family::gauge("node_bcache_writeback_rate", "Current writeback rate for this backing device in bytes."), |b| {
        b.writeback.rate
    }),
    (
        Family::gauge(
            "node_bcache_writeback_rate_proportional_term",
            "Current result of proportional controller, part of writeback rate",
        ),
        |b| b.writeback.proportional,
    ),
    (
        Family::gauge(
            "node_bcache_writeback_rate_integral_term",
            "Current result of integral controller, part of writeback rate",
        ),
        |b| b.writeback.integral,
    ),
    (Family::gauge("node_bcache_writeback_change", "Last writeback rate change step for this backing device."), |b| {
        b.writeback.change
    }),
    (
        Family::counter(
            "node_bcache_bypassed_bytes_total",
            "Amount of IO (both reads and writes) that has bypassed the cache.",
        ),
        |b| b.bypassed,
    ),
    (Family::counter("node_bcache_cache_hits_total", "Hits counted per individual IO as bcache sees them."), |b| {
        b.hits
    }),
    (Family::counter("node_bcache_cache_misses_total", "Misses counted per individual IO as bcache sees them."), |b| {
        b.misses
    }),
    (Family::counter("node_bcache_cache_bypass_hits_total", "Hits for IO intended to skip the cache."), |b| {
        b.bypass_hits
    }),
    (Family::counter("node_bcache_cache_bypass_misses_total", "Misses for IO intended to skip the cache."), |b| {
        b.bypass_misses
    }),
    (
        Family::counter(
            "node_bcache_cache_miss_collisions_total",
            "Instances where data insertion from cache miss raced with write (data already present).",
        ),
        |b| b.miss_collisions,
    ),
    (Family::counter("node_bcache_cache_readaheads_total", "Count of times readahead occurred."), |b| b.readaheads),
];

const CACHE: [(Family, Value<BcacheCache>); 3] = [
    (
        Family::gauge("node_bcache_io_errors", "Number of errors that have occurred, decayed by io_error_halflife."),
        |c| c.io_errors,
    ),
    (
        Family::counter(
            "node_bcache_metadata_written_bytes_total",
            "Sum of all non data writes (btree writes and all other metadata).",
        ),
        |c| c.metadata_written,
    ),
    (Family::counter("node_bcache_written_bytes_total", "Sum of all data that has been written to the cache."), |c| {
        c.written
    }),
];

pub fn measure(sets: &[Bcache], page: &mut Page) {
    if !page.wants(Group::Node, "bcache") || sets.is_empty() {
        return;
    }
    for (family, value) in &SET {
        page.family(family);
        for (set, value) in sets.iter().filter_map(|set| Some((set, value(set)?))) {
            page.sample(&[("uuid", &set.uuid)], value);
        }
    }
    page.family(&READ_AVERAGE);
    for (set, value) in sets.iter().filter_map(|set| Some((set, set.btree_read_average?))) {
        page.sample(&[("uuid", &set.uuid)], value as f64 * 1e-9);
    }
    for (family, value) in &BACKING {
        page.family(family);
        for (set, device) in sets.iter().flat_map(|set| set.backing.iter().map(move |device| (set, device))) {
            if let Some(value) = value(device) {
                page.sample(&[("backing_device", &device.name), ("uuid", &set.uuid)], value);
            }
        }
    }
    for (family, value) in &CACHE {
        page.family(family);
        for (set, device) in sets.iter().flat_map(|set| set.caches.iter().map(move |device| (set, device))) {
            if let Some(value) = value(device) {
                page.sample(&[("cache_device", &device.name), ("uuid", &set.uuid)], value);
            }
        }
    }
}
