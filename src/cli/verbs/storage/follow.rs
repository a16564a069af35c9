//! Waits on a terminal until a pool is where it was ordered to be, and shows how it goes on. Who ends the waiting ends
//! nothing else.

use std::time::Duration;

use super::super::super::desk::Desk;
use super::super::super::failure::{DONE, FAILED, Failure};
use super::super::super::out::{Tint, plain, tinted};
use super::{full_name, listing, read_storage};
use crate::api::storage::PoolShown;

const BREATH: Duration = Duration::from_millis(500);
/// So many looks in a row must find it stuck or blind: a round may just be looking again.
const PATIENCE: u32 = 6;

/// What is waited for.
pub struct Goal {
    pub pool: String,
    /// The member that is to become empty; `None`: the pool is to be balanced.
    pub empty: Option<String>,
}

/// Waits; at once over where nobody looks on.
pub fn follow(desk: &mut Desk<'_>, goal: &Goal) -> Result<u8, Failure> {
    if desk.json || !desk.out().screen().terminal {
        return Ok(DONE);
    }
    desk.out().line(&[tinted(Tint::Dim, "Ctrl-C ends the waiting; the agent goes on.")])?;
    let (mut shown, mut halted) = (String::new(), 0);
    loop {
        desk.out().flush()?;
        std::thread::sleep(BREATH);
        let (storage, _) = read_storage(desk)?;
        let Some(pool) = storage.pools.iter().find(|pool| full_name(pool) == goal.pool) else {
            desk.out().say("the pool is not declared any more")?;
            return Ok(FAILED);
        };
        let line = progress(pool, goal);
        if line != shown {
            desk.out().line(&[plain(line.as_str())])?;
            shown = line;
        }
        if is_reached(pool, goal) {
            desk.out().gap()?;
            listing::print_pool(desk.out(), pool)?;
            return Ok(DONE);
        }
        let halts = pool.blocked.is_some() || matches!(pool.view.state.as_str(), "stuck" | "blind");
        halted = if halts { halted + 1 } else { 0 };
        if halted >= PATIENCE {
            desk.out().gap()?;
            listing::print_pool(desk.out(), pool)?;
            desk.out().say("it does not go on by itself now; it will when the cause is gone")?;
            return Ok(FAILED);
        }
    }
}

fn progress(pool: &PoolShown, goal: &Goal) -> String {
    let count = |files: Option<u64>| files.map_or_else(|| "?".to_owned(), |files| files.to_string());
    let members: Vec<String> =
        pool.view.members.iter().map(|member| format!("{} {}", member.member, count(member.files))).collect();
    let left = pool.view.moves_needed.map(|moves| format!(", {moves} moves to go")).unwrap_or_default();
    let what = if goal.empty.is_some() { "draining" } else { "balancing" };
    format!("{what}: {}{left}", members.join("  "))
}

fn is_reached(pool: &PoolShown, goal: &Goal) -> bool {
    match &goal.empty {
        Some(dir) => pool.view.members.iter().any(|member| member.member == *dir && member.empty_since.is_some()),
        None => pool.view.hurry_since.is_none() && pool.view.state == "balanced",
    }
}
