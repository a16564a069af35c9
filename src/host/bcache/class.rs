//! All cache sets, from `/sys/fs/bcache/UUID`, and all bcache devices, for a scrape: read through files that stay open.
//! A file that is missing takes only its own value with it. `priority_stats` is never read: the kernel walks the whole
//! cache for it.

use std::path::Path;

use crate::host::Roots;
use crate::host::sysfs::{Class, Member, WritebackRate, list_names, parse_human, parse_writeback_rate};

/// A cache set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bcache {
    pub uuid: String,
    pub average_key_size: Option<i64>,
    pub btree_cache_size: Option<i64>,
    pub cache_available_percent: Option<i64>,
    pub congested: Option<i64>,
    pub root_usage_percent: Option<i64>,
    pub tree_depth: Option<i64>,
    pub active_journal_entries: Option<i64>,
    pub btree_nodes: Option<i64>,
    /// Microseconds.
    pub btree_read_average: Option<i64>,
    pub cache_read_races: Option<i64>,
    pub backing: Vec<BcacheBacking>,
    pub caches: Vec<BcacheCache>,
}

/// A backing device of a cache set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BcacheBacking {
    /// `bdev0`.
    pub name: String,
    pub dirty_data: Option<i64>,
    pub writeback: WritebackRate,
    pub bypassed: Option<i64>,
    pub hits: Option<i64>,
    pub misses: Option<i64>,
    pub bypass_hits: Option<i64>,
    pub bypass_misses: Option<i64>,
    pub miss_collisions: Option<i64>,
    pub readaheads: Option<i64>,
}

/// A bcache device, `/sys/block/bcacheN`: it is there also when its cache is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BcacheDevice {
    /// `bcache0`.
    pub device: String,
    /// The kernel's word: `clean`, `dirty`, `inconsistent`, `no cache`.
    pub state: Option<String>,
    /// The mode in force, such as `writearound`.
    pub cache_mode: Option<String>,
    pub running: Option<bool>,
    pub io_errors: Option<i64>,
}

/// A cache device of a cache set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BcacheCache {
    /// `cache0`.
    pub name: String,
    pub io_errors: Option<i64>,
    pub metadata_written: Option<i64>,
    pub written: Option<i64>,
}

const SET: [&str; 10] = [
    "average_key_size",
    "btree_cache_size",
    "cache_available_percent",
    "congested",
    "root_usage_percent",
    "tree_depth",
    "internal/active_journal_entries",
    "internal/btree_nodes",
    "internal/btree_read_average_duration_us",
    "internal/cache_read_races",
];
const BACKING: [&str; 9] = [
    "dirty_data",
    "writeback_rate_debug",
    "stats_total/bypassed",
    "stats_total/cache_hits",
    "stats_total/cache_misses",
    "stats_total/cache_bypass_hits",
    "stats_total/cache_bypass_misses",
    "stats_total/cache_miss_collisions",
    "stats_total/cache_readaheads",
];
const CACHE: [&str; 3] = ["io_errors", "metadata_written", "written"];

/// All cache sets.
pub fn sets(roots: &Roots) -> Class {
    Class::choosing(roots.sysfs.join("fs/bcache"), |name| name.contains('-'), list_files)
}

fn list_files(set: &Path) -> Vec<String> {
    let mut files: Vec<String> = SET.map(str::to_owned).to_vec();
    for name in list_names(set).unwrap_or_default() {
        if is_numbered(&name, "bdev") {
            files.extend(BACKING.map(|file| format!("{name}/{file}")));
        } else if is_numbered(&name, "cache") {
            files.extend(CACHE.map(|file| format!("{name}/{file}")));
        }
    }
    files
}

pub(super) fn is_numbered(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

pub fn parse_bcache(member: &Member) -> Bcache {
    let value = |file: &str| member.get(file).and_then(parse_human);
    let mut set = Bcache { uuid: member.name.to_string(), ..Bcache::default() };
    for (slot, file) in [
        &mut set.average_key_size,
        &mut set.btree_cache_size,
        &mut set.cache_available_percent,
        &mut set.congested,
        &mut set.root_usage_percent,
        &mut set.tree_depth,
        &mut set.active_journal_entries,
        &mut set.btree_nodes,
        &mut set.btree_read_average,
        &mut set.cache_read_races,
    ]
    .into_iter()
    .zip(SET)
    {
        *slot = value(file);
    }
    let mut names: Vec<&str> =
        member.attributes().filter_map(|(file, _)| file.split_once('/')).map(|at| at.0).collect();
    names.dedup();
    for name in names {
        if is_numbered(name, "bdev") {
            set.backing.push(parse_backing(member, name));
        } else if is_numbered(name, "cache") {
            let [io_errors, metadata_written, written] = CACHE.map(|file| value(&format!("{name}/{file}")));
            set.caches.push(BcacheCache { name: name.to_owned(), io_errors, metadata_written, written });
        }
    }
    set
}

fn parse_backing(member: &Member, name: &str) -> BcacheBacking {
    let text = |file: &str| member.get(&format!("{name}/{file}"));
    let total = |file: &str| text(&format!("stats_total/{file}")).and_then(parse_human);
    BcacheBacking {
        name: name.to_owned(),
        dirty_data: text("dirty_data").and_then(parse_human),
        writeback: text("writeback_rate_debug").map(parse_writeback_rate).unwrap_or_default(),
        bypassed: total("bypassed"),
        hits: total("cache_hits"),
        misses: total("cache_misses"),
        bypass_hits: total("cache_bypass_hits"),
        bypass_misses: total("cache_bypass_misses"),
        miss_collisions: total("cache_miss_collisions"),
        readaheads: total("cache_readaheads"),
    }
}

/// All bcache devices.
pub fn devices(roots: &Roots) -> Class {
    let files = &["bcache/state", "bcache/cache_mode", "bcache/running", "bcache/io_errors"];
    Class::new(roots.sysfs.join("block"), |name| is_numbered(name, "bcache"), files)
}

pub fn parse_device(member: &Member) -> BcacheDevice {
    BcacheDevice {
        device: member.name.to_string(),
        state: member.get("bcache/state").map(str::to_owned),
        cache_mode: member.get("bcache/cache_mode").and_then(parse_chosen),
        running: member.get("bcache/running").map(|running| running == "1"),
        io_errors: member.get("bcache/io_errors").and_then(parse_human),
    }
}

/// `writethrough writeback [writearound] none`
pub fn parse_chosen(text: &str) -> Option<String> {
    let chosen = text.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
    chosen.map(str::to_owned)
}
