//! How a pool stands, in one word and one sentence: for decisions, metrics and the page alike. Pure.

use super::balance::{Level, count_moves, difference};
use super::config::{Measure, Pool};
use super::seen::{MemberSeen, PoolSeen};
use crate::values::{Bytes, Known};

/// The state of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The difference is below the threshold, and drained members are empty.
    Balanced,
    /// Files can be moved.
    Uneven,
    /// Files could be moved, but for now they are too young or open.
    Waiting,
    /// Nothing that is left can be moved.
    Stuck,
    /// Members are being counted for the first time.
    Counting,
    /// A member could not be looked at.
    Blind,
}

impl State {
    pub const ALL: [State; 6] =
        [State::Balanced, State::Uneven, State::Waiting, State::Stuck, State::Counting, State::Blind];

    /// The word in metrics, JSON and on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Balanced => "balanced",
            State::Uneven => "uneven",
            State::Waiting => "waiting",
            State::Stuck => "stuck",
            State::Counting => "counting",
            State::Blind => "blind",
        }
    }
}

/// What a member has of what is balanced.
pub fn amount(pool: &Pool, member: &MemberSeen) -> u64 {
    match pool.balance {
        Measure::Files => member.count.files,
        Measure::Bytes => member.count.bytes,
    }
}

/// All members, when each was counted.
pub fn members(seen: &PoolSeen) -> Option<Vec<&MemberSeen>> {
    seen.members.values().map(Known::value).collect()
}

/// Members as balancing sees them; `None`: one was not counted.
pub fn levels<'s>(pool: &Pool, seen: &'s PoolSeen) -> Option<Vec<Level<'s>>> {
    let level = |member: &'s MemberSeen| Level {
        name: &member.member.dir,
        amount: amount(pool, member),
        drained: member.drained.is_some(),
        room: member.room,
        items: member.count.kept.iter().collect(),
    };
    Some(members(seen)?.into_iter().map(level).collect())
}

fn amounts(pool: &Pool, seen: &PoolSeen) -> Option<Vec<(u64, bool)>> {
    let pair = |member: &&MemberSeen| (amount(pool, member), member.drained.is_some());
    Some(members(seen)?.iter().map(pair).collect())
}

/// The difference between the fullest and the emptiest member that takes files.
pub fn find_difference(pool: &Pool, seen: &PoolSeen) -> Option<u64> {
    Some(difference(&amounts(pool, seen)?))
}

/// The fewest moves to go; not known beforehand where bytes are balanced.
pub fn find_moves(pool: &Pool, seen: &PoolSeen) -> Option<u64> {
    if is_balanced(pool, seen) {
        return Some(0);
    }
    match pool.balance {
        Measure::Files => Some(count_moves(&amounts(pool, seen)?, pool.least())),
        Measure::Bytes => None,
    }
}

/// Files that drained members still have.
pub fn left_to_drain(seen: &PoolSeen) -> u64 {
    let drained = seen.members.values().filter_map(Known::value).filter(|member| member.drained.is_some());
    drained.map(|member| member.count.files).sum()
}

pub fn is_balanced(pool: &Pool, seen: &PoolSeen) -> bool {
    !seen.members.is_empty()
        && find_difference(pool, seen).is_some_and(|difference| difference < pool.least())
        && left_to_drain(seen) == 0
}

/// State and reason.
pub fn judge(pool: &Pool, seen: &PoolSeen) -> (State, String) {
    if seen.counting {
        return (State::Counting, "its members are being counted".into());
    }
    if seen.busy {
        return (State::Blind, "an earlier order still does not answer".into());
    }
    let Some(members) = members(seen) else { return (State::Blind, blind_words(seen)) };
    let Some(difference) = find_difference(pool, seen) else { return (State::Blind, blind_words(seen)) };
    let (shown, least) = (show_amount(pool, difference), show_amount(pool, pool.least()));
    let left = left_to_drain(seen);
    if is_balanced(pool, seen) {
        return (State::Balanced, format!("the largest difference is {shown}, less than {least}"));
    }
    let what = match (left, difference < pool.least()) {
        (0, _) => format!("the difference is {shown}, the threshold {least}"),
        (left, true) => format!("drained members still have {left} files"),
        (left, false) => format!("drained members still have {left} files, the difference is {shown}"),
    };
    let givers = givers(pool, &members, difference);
    let any = |found: &dyn Fn(&MemberSeen) -> bool| givers.iter().any(|member| found(member));
    let planned = levels(pool, seen).map(|levels| super::balance::plan_moves(&levels, pool.balance, pool.least(), 1));
    if planned.is_some_and(|moves| !moves.is_empty()) || any(&|member| is_refilling(member)) {
        return (State::Uneven, what);
    }
    let open = |member: &MemberSeen| seen.refused.get(&member.member.dir).is_some_and(|refused| refused.open > 0);
    if any(&|member| member.count.young > 0 || open(member)) {
        return (State::Waiting, format!("{what}; the files to move are younger than {} or open", pool.settle));
    }
    (State::Stuck, format!("{what}; nothing that is left can be moved: {}", stuck_words(&givers, seen)))
}

/// Candidates are used up, and more are being looked for.
fn is_refilling(member: &MemberSeen) -> bool {
    member.count.kept.is_empty() && member.count.movable > 0
}

/// Those who should give: drained ones that have files, and the fullest where the difference is too large.
fn givers<'m>(pool: &Pool, members: &[&'m MemberSeen], difference: u64) -> Vec<&'m MemberSeen> {
    let alive = || members.iter().filter(|member| member.drained.is_none());
    let highest = alive().map(|member| amount(pool, member)).max().unwrap_or(0);
    let gives = |member: &&&MemberSeen| match member.drained {
        Some(_) => member.count.files > 0,
        None => difference >= pool.least() && amount(pool, member) == highest,
    };
    members.iter().filter(gives).copied().collect()
}

fn blind_words(seen: &PoolSeen) -> String {
    let why = seen.members.iter().filter_map(|(dir, known)| Some(format!("{dir}: {}", known.why_unknown()?)));
    why.collect::<Vec<_>>().join("; ")
}

fn stuck_words(givers: &[&MemberSeen], seen: &PoolSeen) -> String {
    let mut words = Vec::new();
    for member in givers {
        let refused = seen.refused.get(&member.member.dir).copied().unwrap_or_default();
        let reasons = [
            (member.count.linked, "with more than one name"),
            (member.count.odd, "with names that are no plain text"),
            (refused.clash, "whose name is taken in the target"),
            (refused.other, "that cannot be moved as they are"),
            (member.count.movable, "too large for the difference, or without room in the targets"),
        ];
        let found = reasons.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}"));
        words.push(format!("{} has {}", member.member.dir, found.collect::<Vec<_>>().join(", ")));
    }
    words.join("; ")
}

/// `17 files`, `1.5GiB`.
pub fn show_amount(pool: &Pool, amount: u64) -> String {
    match pool.balance {
        Measure::Files if amount == 1 => "1 file".into(),
        Measure::Files => format!("{amount} files"),
        Measure::Bytes => Bytes(amount).to_string(),
    }
}
