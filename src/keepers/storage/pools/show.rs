//! What the API, the command line and the page show of pools. Pure.

use std::collections::BTreeMap;

use super::super::config::Config;
use super::super::observe::Key;
use super::super::verdict::Wanted;
use super::config::Pool;
use super::metrics::count_unsettled;
use super::seen::{MemberSeen, PoolSeen, PoolsSeen};
use super::verdict::{find_difference, find_moves, judge};
use crate::round::{PoolMemberView, PoolView};
use crate::values::Known;

/// Every configured pool.
pub fn show(config: &Config, seen: &PoolsSeen) -> Vec<PoolView> {
    let view = |(key, pool): (&Key, &Pool)| Some(pool_view(config, (key, pool), seen.pools.get(key)?, seen));
    config.pools.iter().filter_map(view).collect()
}

fn pool_view(config: &Config, (key, pool): (&Key, &Pool), found: &PoolSeen, seen: &PoolsSeen) -> PoolView {
    let (state, why) = judge(pool, found);
    PoolView {
        project: key.0.clone(),
        pool: key.1.clone(),
        balance: pool.balance.as_str().into(),
        threshold: pool.least(),
        difference: find_difference(pool, found),
        moves_needed: find_moves(pool, found),
        every_seconds: pool.every.0.as_secs_f64(),
        settle_seconds: pool.settle.0.as_secs_f64(),
        max_moves: pool.max_moves,
        hurry_since: found.hurry,
        state: state.as_str().into(),
        why,
        last_balanced: found.last_balanced,
        unsettled: count_unsettled(seen, key),
        hook_trouble: found.hook_trouble.clone(),
        members: found.members.iter().map(|(dir, member)| member_view(config, key, dir, member, found)).collect(),
    }
}

fn member_view(config: &Config, key: &Key, dir: &str, member: &Known<MemberSeen>, pool: &PoolSeen) -> PoolMemberView {
    let declared = config.dirs.get(&(key.0.clone(), dir.to_owned()));
    let wanted = declared.and_then(|declared| Wanted::of(config, declared));
    let view = PoolMemberView {
        member: dir.to_owned(),
        tier: declared.map(|declared| declared.tier.clone()).unwrap_or_default(),
        path: wanted.map(|wanted| wanted.place.to_string()).unwrap_or_default(),
        ..PoolMemberView::default()
    };
    match member {
        Known::Unknown(why) => PoolMemberView { state: why.clone(), ..view },
        Known::Known(seen) => PoolMemberView {
            state: "ok".into(),
            counted_at: Some(seen.at),
            files: Some(seen.count.files),
            bytes: Some(seen.count.bytes),
            movable: Some(seen.count.movable),
            drained_since: seen.drained.map(|drained| drained.since),
            empty_since: seen.drained.and_then(|drained| drained.empty),
            skipped: skipped(seen, pool),
            ..view
        },
    }
}

fn skipped(seen: &MemberSeen, pool: &PoolSeen) -> BTreeMap<String, u64> {
    let refused = pool.refused.get(&seen.member.dir).copied().unwrap_or_default();
    let count = &seen.count;
    let all = [
        ("young", count.young),
        ("open", refused.open),
        ("clash", refused.clash),
        ("refused", refused.other),
        ("hard_links", count.linked),
        ("odd_names", count.odd),
        ("symlinks", count.symlinks),
        ("special", count.special),
        ("mounts", count.mounts),
        ("orphans", count.orphans),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).map(|(word, count)| (word.to_owned(), count)).collect()
}
