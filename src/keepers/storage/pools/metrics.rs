//! The metrics of pools: per pool and member, never per file. Pure.

use super::super::config::Config;
use super::super::observe::Key;
use super::config::Pool;
use super::seen::{ENDS, MemberSeen, PoolSeen, PoolsSeen};
use super::verdict::{State, find_difference, find_moves, judge};
use crate::metrics::{Family, Page};
use crate::values::Known;

const FILES: Family = Family::gauge("hostkeeper_pool_member_files", "Files of a member of a pool, as last counted.");
const BYTES: Family = Family::gauge("hostkeeper_pool_member_bytes", "Bytes of the files of a member, as last counted.");
const DRAINED: Family =
    Family::gauge("hostkeeper_pool_member_drained", "Whether a member is drained (1): it only gives files.");
const COUNTED: Family =
    Family::gauge("hostkeeper_pool_member_counted_timestamp_seconds", "When a member was last counted.");
const DIFFERENCE: Family = Family::gauge(
    "hostkeeper_pool_difference",
    "Difference between the fullest and the emptiest member, in what is balanced (files or bytes).",
);
const THRESHOLD: Family = Family::gauge("hostkeeper_pool_threshold", "From this difference on files are moved.");
const NEEDED: Family =
    Family::gauge("hostkeeper_pool_moves_needed", "Fewest moves that balance the pool and empty drained members.");
const STATE: Family = Family::gauge("hostkeeper_pool_state", "State of a pool: 1 for the state it is in, else 0.");
const BALANCED: Family =
    Family::gauge("hostkeeper_pool_last_balanced_timestamp_seconds", "When a pool was last seen balanced.");
const UNSETTLED: Family =
    Family::gauge("hostkeeper_pool_unsettled_moves", "Moves that were broken off and are not settled yet.");
const MOVES: Family = Family::counter("hostkeeper_pool_moves_total", "Files by what became of their move.");
const MOVED: Family = Family::counter("hostkeeper_pool_moved_bytes_total", "Bytes of the files that were moved.");

/// Every family of pools.
pub const FAMILIES: [&Family; 12] = [
    &FILES,
    &BYTES,
    &DRAINED,
    &COUNTED,
    &DIFFERENCE,
    &THRESHOLD,
    &NEEDED,
    &STATE,
    &BALANCED,
    &UNSETTLED,
    &MOVES,
    &MOVED,
];

/// Writes what was seen.
pub fn measure(config: &Config, seen: &PoolsSeen, page: &mut Page) {
    let pools: Vec<(&Key, &Pool, &PoolSeen)> =
        config.pools.iter().filter_map(|(key, pool)| Some((key, pool, seen.pools.get(key)?))).collect();
    if pools.is_empty() {
        return;
    }
    per_member(&pools, page, &FILES, |member| member.count.files as f64);
    per_member(&pools, page, &BYTES, |member| member.count.bytes as f64);
    per_member(&pools, page, &DRAINED, |member| f64::from(u8::from(member.drained.is_some())));
    per_member(&pools, page, &COUNTED, |member| member.at.as_second() as f64);
    per_pool(&pools, page, &DIFFERENCE, |pool, seen| find_difference(pool, seen).map(|value| value as f64));
    per_pool(&pools, page, &THRESHOLD, |pool, _| Some(pool.least() as f64));
    per_pool(&pools, page, &NEEDED, |pool, seen| find_moves(pool, seen).map(|value| value as f64));
    page.family(&STATE);
    for (key, pool, found) in &pools {
        let (state, _) = judge(pool, found);
        for word in State::ALL {
            let labels = [("project", key.0.as_str()), ("pool", key.1.as_str()), ("state", word.as_str())];
            page.sample(&labels, state == word);
        }
    }
    per_pool(&pools, page, &BALANCED, |_, seen| seen.last_balanced.map(|at| at.as_second() as f64));
    page.family(&UNSETTLED);
    for (key, _, _) in &pools {
        page.sample(&labels_of(key), count_unsettled(seen, key));
    }
    page.family(&MOVES);
    for (key, _, _) in &pools {
        for word in ENDS {
            let moved = seen.totals.get(*key).and_then(|totals| totals.files.get(word)).copied().unwrap_or(0);
            let labels = [("project", key.0.as_str()), ("pool", key.1.as_str()), ("result", word)];
            page.sample(&labels, moved);
        }
    }
    page.family(&MOVED);
    for (key, _, _) in &pools {
        page.sample(&labels_of(key), seen.totals.get(*key).map_or(0, |totals| totals.bytes));
    }
}

/// Moves of a pool that were broken off.
pub fn count_unsettled(seen: &PoolsSeen, key: &Key) -> u64 {
    let ours = |open: &&super::seen::OpenSeen| open.order.as_ref().is_some_and(|order| order.pool().key() == *key);
    seen.open.iter().filter(ours).count() as u64
}

fn labels_of(key: &Key) -> [(&str, &str); 2] {
    [("project", key.0.as_str()), ("pool", key.1.as_str())]
}

fn per_pool(
    pools: &[(&Key, &Pool, &PoolSeen)],
    page: &mut Page,
    family: &Family,
    value: impl Fn(&Pool, &PoolSeen) -> Option<f64>,
) {
    page.family(family);
    for (key, pool, seen) in pools {
        if let Some(value) = value(pool, seen) {
            page.sample(&labels_of(key), value);
        }
    }
}

fn per_member(
    pools: &[(&Key, &Pool, &PoolSeen)],
    page: &mut Page,
    family: &Family,
    value: impl Fn(&MemberSeen) -> f64,
) {
    page.family(family);
    for (key, _, seen) in pools {
        for (dir, member) in &seen.members {
            if let Known::Known(member) = member {
                let labels = [("project", key.0.as_str()), ("pool", key.1.as_str()), ("member", dir.as_str())];
                page.sample(&labels, value(member));
            }
        }
    }
}
