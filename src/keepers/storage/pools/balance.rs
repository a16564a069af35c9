//! Which files go where: the fewest moves that bring the difference below the threshold, and drained members empty. Pure.

use super::config::Measure;
use super::step::Item;

/// A member as balancing sees it.
#[derive(Clone, Debug)]
pub struct Level<'a> {
    pub name: &'a str,
    /// Files or bytes.
    pub amount: u64,
    /// It gives and takes nothing.
    pub drained: bool,
    /// Bytes that may still be written there.
    pub room: u64,
    /// Files that may be moved from it now.
    pub items: Vec<&'a Item>,
}

/// One file's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub item: &'a Item,
}

/// The moves, at most `most`: from the fullest to the emptiest, one after the other, each on what the one before leaves.
pub fn plan_moves<'a>(levels: &[Level<'a>], measure: Measure, least: u64, most: usize) -> Vec<Move<'a>> {
    let mut levels = levels.to_vec();
    levels.sort_by(|a, b| a.name.cmp(b.name));
    for level in &mut levels {
        // Taken from the end.
        match measure {
            Measure::Files => level.items.sort_by(|a, b| b.name.cmp(&a.name)),
            Measure::Bytes => level.items.sort_by(|a, b| (a.size, &b.name).cmp(&(b.size, &a.name))),
        }
    }
    let mut moves = Vec::new();
    while moves.len() < most {
        let Some((from, to, item)) = next_drained(&levels, measure).or_else(|| next_balancing(&levels, measure, least))
        else {
            break;
        };
        let Some(taken) = levels.get_mut(from) else { break };
        if item >= taken.items.len() {
            break;
        }
        let chosen = taken.items.remove(item);
        let weight = weigh(chosen, measure);
        taken.amount = taken.amount.saturating_sub(weight);
        let source = taken.name;
        let Some(given) = levels.get_mut(to) else { break };
        given.amount = given.amount.saturating_add(weight);
        given.room = given.room.saturating_sub(needed_room(chosen));
        moves.push(Move { from: source, to: given.name, item: chosen });
    }
    moves
}

fn weigh(item: &Item, measure: Measure) -> u64 {
    match measure {
        Measure::Files => 1,
        Measure::Bytes => item.size,
    }
}

/// A file takes whole blocks, and its name some more.
fn needed_room(item: &Item) -> u64 {
    item.size.div_ceil(4096).saturating_add(1).saturating_mul(4096)
}

/// The emptiest member that takes files and has room for this one.
fn emptiest(levels: &[Level<'_>], item: &Item) -> Option<usize> {
    let takers = levels.iter().enumerate().filter(|(_, level)| !level.drained && level.room >= needed_room(item));
    takers.min_by_key(|(_, level)| (level.amount, level.name)).map(|(index, _)| index)
}

/// From, to, and which of the giver's files.
type Next = (usize, usize, usize);

fn next_drained(levels: &[Level<'_>], _measure: Measure) -> Option<Next> {
    for (from, level) in levels.iter().enumerate().filter(|(_, level)| level.drained) {
        for (index, item) in level.items.iter().enumerate().rev() {
            if let Some(to) = emptiest(levels, item) {
                return Some((from, to, index));
            }
        }
    }
    None
}

fn next_balancing(levels: &[Level<'_>], measure: Measure, least: u64) -> Option<Next> {
    let alive = || levels.iter().enumerate().filter(|(_, level)| !level.drained);
    let highest = alive().map(|(_, level)| level.amount).max()?;
    for (from, level) in alive().filter(|(_, level)| level.amount == highest) {
        for (index, item) in level.items.iter().enumerate().rev() {
            let Some(to) = emptiest(levels, item) else { continue };
            let lowest = levels.get(to).map_or(u64::MAX, |level| level.amount);
            let difference = highest.saturating_sub(lowest);
            if difference < least {
                return None;
            }
            // Not so large that the receiver ends up the fuller one by the threshold.
            let weight = weigh(item, measure);
            if weight > 0 && weight.saturating_mul(2) < difference.saturating_add(least) {
                return Some((from, to, index));
            }
        }
    }
    None
}

/// The difference between the fullest and the emptiest member that takes files.
pub fn difference(levels: &[(u64, bool)]) -> u64 {
    let alive = || levels.iter().filter(|(_, drained)| !drained).map(|(amount, _)| *amount);
    alive().max().unwrap_or(0).saturating_sub(alive().min().unwrap_or(0))
}

/// The fewest moves of single files that empty the drained members and bring the difference below `least`.
pub fn count_moves(levels: &[(u64, bool)], least: u64) -> u64 {
    let given: u64 = levels.iter().filter(|(_, drained)| *drained).map(|(amount, _)| *amount).sum();
    let mut amounts: Vec<u64> = levels.iter().filter(|(_, drained)| !drained).map(|(amount, _)| *amount).collect();
    if amounts.is_empty() {
        return 0;
    }
    fill(&mut amounts, given);
    given.saturating_add(count_balancing(&amounts, least.max(2)))
}

/// Gives `extra` files to the emptiest, one after the other.
fn fill(amounts: &mut [u64], extra: u64) {
    let missing = |amounts: &[u64], level: u64| -> u64 {
        amounts.iter().fold(0, |sum: u64, amount| sum.saturating_add(level.saturating_sub(*amount)))
    };
    let highest = amounts.iter().copied().max().unwrap_or(0).saturating_add(extra);
    // The highest level that all can be brought to.
    let level = highest_where(highest, |level| missing(amounts, level) <= extra);
    let mut left = extra - missing(amounts, level).min(extra);
    amounts.sort_unstable();
    for amount in amounts {
        *amount = (*amount).max(level);
        if *amount == level && left > 0 {
            *amount += 1;
            left -= 1;
        }
    }
}

/// All must end between some `low` and `low + least - 1`: as many files leave those above as come to those below.
fn count_balancing(amounts: &[u64], least: u64) -> u64 {
    let below = |low: u64| amounts.iter().fold(0_u64, |sum, amount| sum.saturating_add(low.saturating_sub(*amount)));
    let above = |low: u64| {
        let high = low.saturating_add(least - 1);
        amounts.iter().fold(0_u64, |sum, amount| sum.saturating_add(amount.saturating_sub(high)))
    };
    let highest = amounts.iter().copied().max().unwrap_or(0);
    let low = highest_where(highest, |low| below(low) <= above(low));
    let moves = |low: u64| below(low).max(above(low));
    moves(low).min(moves(low.saturating_add(1)))
}

/// The highest number up to `most` for which `holds`, which holds for 0 and never again once it does not.
fn highest_where(most: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut good, mut bad) = (0, most.saturating_add(1));
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if holds(middle) { good = middle } else { bad = middle }
    }
    good
}
