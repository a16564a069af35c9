//! `storage diagnostics`: everything that is known of a pool, and why nothing moves.

use super::super::super::desk::Desk;
use super::super::super::failure::{DONE, Failure};
use super::super::super::out::{Tint, plain, tinted};
use super::super::super::storage_args::DiagnosticsArgs;
use super::super::super::words;
use super::{find_pools, listing, read_storage};
use crate::api::storage::PoolShown;
use crate::values::Bytes;

pub fn run(desk: &mut Desk<'_>, args: &DiagnosticsArgs) -> Result<u8, Failure> {
    let (storage, value) = read_storage(desk)?;
    let pools = find_pools(&storage, args.pool.as_deref())?;
    if desk.json {
        return listing::print_pools_json(desk, &storage, value, args.pool.as_deref());
    }
    if pools.is_empty() {
        desk.out().say("no pool is declared")?;
    }
    for pool in &pools {
        listing::print_pool(desk.out(), pool)?;
        for (label, text) in facts(desk, pool) {
            desk.out().hang(&[tinted(Tint::Dim, format!("    {label:<14} "))], &plain(text))?;
        }
    }
    Ok(DONE)
}

fn facts(desk: &Desk<'_>, pool: &PoolShown) -> Vec<(String, String)> {
    let view = &pool.view;
    let amount = |value: u64| match view.balance.as_str() {
        "bytes" => Bytes(value).to_string(),
        _ => words::count(usize::try_from(value).unwrap_or(usize::MAX), "file"),
    };
    let unknown = || "not known".to_owned();
    let at = |at: Option<jiff::Timestamp>| at.map(|at| desk.local(at));
    let mut facts = vec![
        ("balances".to_owned(), view.balance.clone()),
        ("threshold".to_owned(), amount(view.threshold)),
        ("difference".to_owned(), view.difference.map_or_else(unknown, amount)),
        ("moves to go".to_owned(), view.moves_needed.map_or_else(unknown, |moves| moves.to_string())),
        (
            "pace".to_owned(),
            format!(
                "every {}, at most {} files, older than {}",
                words::length(view.every_seconds),
                view.max_moves,
                words::length(view.settle_seconds)
            ),
        ),
        ("last balanced".to_owned(), at(view.last_balanced).unwrap_or_else(|| "not since the agent started".into())),
    ];
    let mut add = |label: &str, text: Option<String>| facts.extend(text.map(|text| (label.to_owned(), text)));
    add("in a hurry", at(view.hurry_since).map(|since| format!("since {since}, on a person's word")));
    add("unsettled", (view.unsettled > 0).then(|| format!("{} moves were broken off", view.unsettled)));
    add("path_changed", view.hook_trouble.as_ref().map(|trouble| format!("failed: {trouble}")));
    add("not moving", pool.blocked.clone());
    for member in &view.members {
        let skipped: Vec<String> =
            member.skipped.iter().map(|(why, count)| format!("{count} {}", why.replace('_', " "))).collect();
        let mut words = vec![match member.counted_at {
            Some(counted) => format!("counted {}", desk.local(counted)),
            None => "not counted".into(),
        }];
        words.extend((!skipped.is_empty()).then(|| format!("left alone: {}", skipped.join(", "))));
        words.extend(at(member.drained_since).map(|since| format!("drained since {since}")));
        words.extend(at(member.empty_since).map(|since| format!("empty since {since}")));
        facts.push((member.member.clone(), words.join("; ")));
    }
    facts
}
