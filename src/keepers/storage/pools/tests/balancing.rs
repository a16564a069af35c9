//! The fewest moves: compared with every possible end, and with what the plan does.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::balance::{Level, Move, count_moves, difference, plan_moves};
use super::super::config::Measure;
use super::super::step::Item;

type Files = Vec<(u64, bool)>;

fn items(member: usize, count: u64) -> Vec<Item> {
    (0..count).map(|number| Item { name: format!("{member}-{number:05}"), size: 1, modified: (0, 0) }).collect()
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn levels<'a>(amounts: &Files, items: &'a [Vec<Item>]) -> Vec<Level<'a>> {
    let level = |(index, (amount, drained)): (usize, &(u64, bool))| Level {
        name: NAMES[index],
        amount: *amount,
        drained: *drained,
        room: u64::MAX,
        items: items[index].iter().collect(),
    };
    amounts.iter().enumerate().map(level).collect()
}

/// What the members have after the moves.
fn after(amounts: &Files, moves: &[Move<'_>]) -> Files {
    let mut after = amounts.clone();
    for step in moves {
        let at = |name: &str| NAMES.iter().position(|known| *known == name).unwrap();
        after[at(step.from)].0 -= step.item.size;
        after[at(step.to)].0 += step.item.size;
    }
    after
}

/// The fewest moves to any allowed end, by trying every end.
fn brute(amounts: &Files, least: u64) -> u64 {
    let total: u64 = amounts.iter().map(|(amount, _)| amount).sum();
    let alive: Vec<usize> = (0..amounts.len()).filter(|index| !amounts[*index].1).collect();
    let mut ends = vec![vec![]];
    for _ in &alive[1..] {
        ends = ends
            .into_iter()
            .flat_map(|end: Vec<u64>| {
                let left = total - end.iter().sum::<u64>();
                (0..=left).map(move |amount| [end.clone(), vec![amount]].concat())
            })
            .collect();
    }
    let cost = |end: Vec<u64>| {
        let last = total - end.iter().sum::<u64>();
        let end = [end, vec![last]].concat();
        let gap = end.iter().max().unwrap() - end.iter().min().unwrap();
        let comes: u64 = alive.iter().zip(&end).map(|(index, end)| end.saturating_sub(amounts[*index].0)).sum();
        (gap < least).then_some(comes)
    };
    ends.into_iter().filter_map(cost).min().unwrap()
}

fn pools(members: std::ops::Range<usize>, most: u64) -> impl Strategy<Value = (Files, u64)> {
    let member = (0..most, prop::bool::weighted(0.2));
    (prop::collection::vec(member, members), 2..7_u64)
        .prop_filter("one must take files", |(members, _)| members.iter().any(|(_, drained)| !drained))
}

proptest! {
    #[test]
    fn no_end_is_reached_with_fewer_moves((amounts, least) in pools(2..4, 12)) {
        let all: Vec<Vec<Item>> = amounts.iter().enumerate().map(|(index, (count, _))| items(index, *count)).collect();
        let moves = plan_moves(&levels(&amounts, &all), Measure::Files, least, usize::MAX);
        let fewest = brute(&amounts, least);
        prop_assert_eq!(moves.len() as u64, fewest, "{:?} {}", amounts, least);
        prop_assert_eq!(count_moves(&amounts, least), fewest);
    }

    #[test]
    fn the_plan_balances_and_is_then_empty((amounts, least) in pools(2..6, 400)) {
        let all: Vec<Vec<Item>> = amounts.iter().enumerate().map(|(index, (count, _))| items(index, *count)).collect();
        let moves = plan_moves(&levels(&amounts, &all), Measure::Files, least, usize::MAX);
        prop_assert_eq!(moves.len() as u64, count_moves(&amounts, least));
        let end = after(&amounts, &moves);
        prop_assert!(difference(&end) < least && end.iter().all(|(amount, drained)| !drained || *amount == 0));
        let left: Vec<Vec<Item>> = end.iter().enumerate().map(|(index, (count, _))| items(index, *count)).collect();
        prop_assert!(plan_moves(&levels(&end, &left), Measure::Files, least, usize::MAX).is_empty());
        prop_assert_eq!(count_moves(&end, least), 0);
    }

    #[test]
    fn the_order_of_what_is_seen_does_not_matter((amounts, least) in pools(2..5, 40), seed in 0_usize..100) {
        let all: Vec<Vec<Item>> = amounts.iter().enumerate().map(|(index, (count, _))| items(index, *count)).collect();
        let plain = levels(&amounts, &all);
        let mut mixed = plain.clone();
        let length = mixed.len();
        mixed.rotate_left(seed % length);
        for level in &mut mixed {
            let count = level.items.len().max(1);
            level.items.rotate_left(seed % count);
            level.items.reverse();
        }
        for measure in [Measure::Files, Measure::Bytes] {
            prop_assert_eq!(plan_moves(&plain, measure, least, 50), plan_moves(&mixed, measure, least, 50));
        }
    }

    #[test]
    fn bytes_never_overshoot(sizes in prop::collection::vec((0..3_usize, 1..5000_u64), 1..60), least in 4096..9000_u64) {
        let mut all: Vec<Vec<Item>> = vec![Vec::new(); 3];
        for (number, (member, size)) in sizes.iter().enumerate() {
            all[*member].push(Item { name: number.to_string(), size: *size, modified: (0, 0) });
        }
        let amounts: Files = all.iter().map(|items| (items.iter().map(|item| item.size).sum(), false)).collect();
        let moves = plan_moves(&levels(&amounts, &all), Measure::Bytes, least, usize::MAX);
        prop_assert!(difference(&after(&amounts, &moves)) <= difference(&amounts));
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for step in &moves {
            *times.entry(step.item.name.as_str()).or_default() += 1;
        }
        prop_assert!(times.values().all(|count| *count == 1), "a file goes to and fro");
        // Every file is smaller than the threshold: there is always one that fits.
        prop_assert!(difference(&after(&amounts, &moves)) < least.max(5000));
    }
}

#[test]
fn a_hundred_thousand_files_need_as_many_moves_as_must_be() {
    assert_eq!(count_moves(&[(90_000, false), (5_000, false), (5_000, false)], 5), 56_664);
    assert_eq!(count_moves(&[(90_000, true), (5_000, false), (5_000, false)], 5), 90_000);
    assert_eq!(count_moves(&[(4, false), (0, false)], 5), 0);
    assert_eq!(count_moves(&[(5, false), (0, false)], 5), 1);
    assert_eq!(count_moves(&[(7, true)], 5), 0);
}

#[test]
fn a_target_without_room_takes_nothing() {
    let all = vec![items(0, 10), items(1, 0), items(2, 2)];
    let amounts = vec![(10, false), (0, false), (2, false)];
    let mut levels = levels(&amounts, &all);
    levels[1].room = 100;
    let moves = plan_moves(&levels, Measure::Files, 5, usize::MAX);
    assert!(!moves.is_empty() && moves.iter().all(|step| step.to == "c"), "{moves:?}");
}
