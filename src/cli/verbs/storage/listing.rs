//! What there is: tiers, directories, pools, in tables. Clean rules have a file of their own.

use super::super::super::desk::Desk;
use super::super::super::failure::{BLOCKED, DONE, Failure};
use super::super::super::out::{Out, Span, Tint, plain, tinted};
use super::super::super::rows::{hang_below, print_table, state_word};
use super::super::super::storage_args::NameArgs;
use super::super::super::table::{ALWAYS, Column, numbers, words as column};
use super::super::super::words;
use super::{clean, find_pools, full_name, is_meant, print_json, read_storage, reclaim};
use crate::api::storage::{PoolShown, StorageShown};
use crate::round::{DirView, PoolMemberView, TierView};

pub fn all(desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let (storage, value) = read_storage(desk)?;
    if desk.json {
        desk.out().json(&value)?;
        return Ok(DONE);
    }
    let out = desk.out();
    if storage.tiers.is_empty() {
        out.say("no tier is declared: [storage.tier.NAME] path = \"/data\"")?;
    }
    print_tiers(out, &storage.tiers)?;
    if !storage.dirs.is_empty() {
        out.gap()?;
        print_dirs(out, &storage.dirs)?;
    }
    for pool in &storage.pools {
        out.gap()?;
        print_pool(out, pool)?;
    }
    if !storage.cleans.is_empty() {
        out.gap()?;
        clean::print_cleans(desk, &storage.cleans)?;
    }
    let out = desk.out();
    if let Some(line) = storage.reclaim.as_ref().and_then(reclaim::in_words) {
        out.gap()?;
        out.hang(&[], &plain(line))?;
    }
    Ok(DONE)
}

pub fn tiers(desk: &mut Desk<'_>, args: &NameArgs) -> Result<u8, Failure> {
    let (storage, value) = read_storage(desk)?;
    let wanted = |tier: &str| args.name.as_deref().is_none_or(|name| name == tier);
    let found: Vec<TierView> = storage.tiers.iter().filter(|tier| wanted(&tier.tier)).cloned().collect();
    known("tier", args, found.is_empty(), storage.tiers.iter().map(|tier| tier.tier.clone()).collect())?;
    if desk.json {
        return print_json(desk, value, "tiers", &|tier| {
            tier.get("tier").and_then(|name| name.as_str()).is_some_and(wanted)
        });
    }
    print_tiers(desk.out(), &found)?;
    Ok(DONE)
}

pub fn dirs(desk: &mut Desk<'_>, args: &NameArgs) -> Result<u8, Failure> {
    let (storage, value) = read_storage(desk)?;
    let named = |project: &str, dir: &str| {
        args.name.as_deref().is_none_or(|name| name == dir || name == format!("{project}/{dir}"))
    };
    let meant = |dir: &&DirView| named(dir.project.as_str(), &dir.dir);
    let found: Vec<DirView> = storage.dirs.iter().filter(meant).cloned().collect();
    let all = storage.dirs.iter().map(|dir| format!("{}/{}", dir.project, dir.dir)).collect();
    known("directory", args, found.is_empty(), all)?;
    if desk.json {
        let word = |value: &serde_json::Value, key: &str| {
            value.get(key).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
        };
        return print_json(desk, value, "dirs", &|dir| named(&word(dir, "project"), &word(dir, "dir")));
    }
    print_dirs(desk.out(), &found)?;
    Ok(DONE)
}

pub fn pools(desk: &mut Desk<'_>, args: &NameArgs) -> Result<u8, Failure> {
    let (storage, value) = read_storage(desk)?;
    let found = find_pools(&storage, args.name.as_deref())?;
    if desk.json {
        return print_pools_json(desk, &storage, value, args.name.as_deref());
    }
    if found.is_empty() {
        desk.out().say("no pool is declared")?;
    }
    for (index, pool) in found.iter().enumerate() {
        if index > 0 {
            desk.out().gap()?;
        }
        print_pool(desk.out(), pool)?;
    }
    Ok(DONE)
}

/// The pools that are meant, as JSON.
pub fn print_pools_json(
    desk: &mut Desk<'_>,
    storage: &StorageShown,
    value: serde_json::Value,
    name: Option<&str>,
) -> Result<u8, Failure> {
    let meant: Vec<(String, String)> = storage
        .pools
        .iter()
        .filter(|pool| name.is_none_or(|name| is_meant(pool, name)))
        .map(|pool| (pool.view.project.to_string(), pool.view.pool.clone()))
        .collect();
    print_json(desk, value, "pools", &|pool| {
        let word = |key: &str| pool.get(key).and_then(|text| text.as_str()).unwrap_or_default();
        meant.iter().any(|(project, name)| (word("project"), word("pool")) == (project, name))
    })
}

pub fn known(what: &str, args: &NameArgs, none: bool, all: Vec<String>) -> Result<(), Failure> {
    let Some(name) = args.name.as_ref().filter(|_| none) else { return Ok(()) };
    let cure = if all.is_empty() { "none is declared".to_owned() } else { format!("declared: {}", all.join(", ")) };
    Err(Failure::new(BLOCKED, "not_found", format!("there is no {what} \"{name}\""), cure))
}

const TIERS: &[Column] = &[
    column("TIER", ALWAYS, 6),
    column("STATE", ALWAYS, 8),
    numbers("FREE", ALWAYS),
    numbers("SIZE", 5),
    numbers("MUST REMAIN", 4),
    column("FULL IN", 3, 0),
    column("DEVICE", 2, 0),
    column("PATH", 6, 12),
];

fn print_tiers(out: &mut Out, tiers: &[TierView]) -> Result<(), Failure> {
    let row = |tier: &TierView| -> Vec<Span> {
        let state = if tier.state == "ok" { state_word("ok") } else { tinted(Tint::Bad, tier.state.as_str()) };
        vec![
            plain(tier.tier.as_str()),
            state,
            plain(words::of_bytes(tier.available_bytes, None)),
            plain(words::of_bytes(tier.size_bytes, None)),
            plain(words::of_bytes(tier.min_free_bytes, None)),
            plain(tier.full_in_seconds.map(words::length).unwrap_or_default()),
            plain(tier.device.as_deref().unwrap_or_default()),
            plain(tier.path.as_str()),
        ]
    };
    let rows: Vec<Vec<Span>> = tiers.iter().map(row).collect();
    if !rows.is_empty() {
        print_table(out, TIERS, &rows)?;
    }
    Ok(())
}

const DIRS: &[Column] =
    &[column("DIRECTORY", ALWAYS, 8), column("STATE", ALWAYS, 0), column("TIER", 2, 0), column("PATH", 3, 20)];

fn print_dirs(out: &mut Out, dirs: &[DirView]) -> Result<(), Failure> {
    let row = |dir: &DirView| {
        let name = format!("{}/{}", dir.project, dir.dir);
        vec![plain(name), state_word(&dir.state), plain(dir.tier.as_str()), plain(dir.path.as_str())]
    };
    let rows: Vec<Vec<Span>> = dirs.iter().map(row).collect();
    if !rows.is_empty() {
        print_table(out, DIRS, &rows)?;
    }
    Ok(())
}

const MEMBERS: &[Column] = &[
    column("MEMBER", ALWAYS, 8),
    column("STATE", ALWAYS, 10),
    numbers("FILES", ALWAYS),
    numbers("BYTES", 5),
    numbers("MOVABLE", 4),
    column("TIER", 2, 0),
    column("PATH", 3, 12),
];

/// A pool: its state in a line, and its members.
pub fn print_pool(out: &mut Out, pool: &PoolShown) -> Result<(), Failure> {
    let view = &pool.view;
    let head =
        [tinted(Tint::Bold, format!("pool {}", full_name(pool))), plain(": "), pool_word(&view.state), plain("; ")];
    hang_below(out, &head, &view.why, 4)?;
    let rows: Vec<Vec<Span>> = view.members.iter().map(member_row).collect();
    print_table(out, MEMBERS, &rows)?;
    for step in &pool.planned {
        out.hang(&[plain("    planned: ")], &plain(step.as_str()))?;
    }
    if let Some(blocked) = &pool.blocked {
        out.hang(&[plain("    held back: ")], &tinted(Tint::Warn, blocked.as_str()))?;
    }
    Ok(())
}

/// The word of a pool's state in its tint.
pub fn pool_word(state: &str) -> Span {
    let tint = match state {
        "balanced" => Tint::Good,
        "stuck" | "blind" => Tint::Bad,
        _ => Tint::Warn,
    };
    tinted(tint, state)
}

fn member_row(member: &PoolMemberView) -> Vec<Span> {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let state = match (&member.drained_since, &member.empty_since) {
        _ if member.state != "ok" => tinted(Tint::Bad, member.state.as_str()),
        (Some(_), Some(_)) => tinted(Tint::Good, "drained, empty"),
        (Some(_), None) => tinted(Tint::Warn, "draining"),
        _ => state_word("ok"),
    };
    vec![
        plain(member.member.as_str()),
        state,
        plain(number(member.files)),
        plain(words::of_bytes(member.bytes, None)),
        plain(number(member.movable)),
        plain(member.tier.as_str()),
        plain(member.path.as_str()),
    ]
}
