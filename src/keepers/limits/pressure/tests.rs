use std::time::Duration;

use proptest::prelude::*;

use super::config::{Level, Rung, Table};
use super::ladder::{
    Candidate, Evicted, LastStop, ONLY_CORE, OUTSIDE, SETTLING, SOFT, Scene, Spans, TOO_SMALL, Verdict, decide, is_at,
};
use crate::keepers::limits::config::Tier;
use crate::keepers::limits::observe::MemoryNow;
use crate::keepers::limits::step::Target;
use crate::values::{Bytes, Every};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn table() -> Table {
    let level = |available: u64, some: Option<f64>, full: Option<f64>, hold: u64| Level {
        mem_available: Bytes(available),
        psi_some_avg60: some,
        psi_full_avg10: full,
        hold: Every(seconds(hold)),
    };
    Table {
        soft: level(4 * GIB, Some(20.0), None, 60),
        hard: level(1500 * MIB, None, Some(40.0), 10),
        ladder: vec![Rung::Alert, Rung::StopOptional, Rung::StopStandard],
        pause: Every(seconds(600)),
        resume: true,
    }
}

fn target(id: &str) -> Target {
    Target { id: id.into(), project: "nova".parse().unwrap(), service: id.into(), number: 1 }
}

pub fn candidate(id: &str, tier: Tier, priority: u32, needed: u64, reserved: u64) -> Candidate {
    Candidate { target: target(id), tier, priority, needed, reserved, began: 0 }
}

fn hard() -> (MemoryNow, Spans) {
    let host = MemoryNow { available: GIB, ..MemoryNow::default() };
    (host, Spans { soft: Some(seconds(100)), hard: Some(seconds(10)), clear: None })
}

/// Nothing was stopped or started yet.
fn scene<'a>(table: &'a Table, (host, spans): (MemoryNow, Spans), candidates: &'a [Candidate]) -> Scene<'a> {
    let (last, last_start_ago) = (None, None);
    Scene { table, host, lowest: host.available, spans, candidates, last, evicted: &[], last_start_ago }
}

fn stop_of(candidates: &[Candidate]) -> Verdict {
    decide(&scene(&table(), hard(), candidates))
}

#[test]
fn victims_go_in_the_order_that_is_promised() {
    let all = [
        candidate("within", Tier::Optional, 1, 2 * GIB, 3 * GIB),
        candidate("standard", Tier::Standard, 1, 8 * GIB, 0),
        candidate("dear", Tier::Optional, 90, 9 * GIB, 0),
        candidate("small", Tier::Optional, 10, GIB, 0),
        candidate("large", Tier::Optional, 10, 2 * GIB, 0),
        candidate("core", Tier::Core, 0, 30 * GIB, 0),
    ];
    let mut left: Vec<Candidate> = all.to_vec();
    let mut order = Vec::new();
    while let Verdict::Stop(victim) = stop_of(&left) {
        left.retain(|candidate| candidate.target != victim);
        order.push(victim.id);
    }
    assert_eq!(order, ["large", "small", "dear", "standard", "within"]);
    assert_eq!(stop_of(&left), Verdict::Alert(ONLY_CORE), "core never goes");
}

#[test]
fn of_two_alike_the_newest_goes() {
    let mut all = [candidate("old", Tier::Optional, 1, GIB, 0), candidate("new", Tier::Optional, 1, GIB, 0)];
    all[1].began = 5;
    assert_eq!(stop_of(&all), Verdict::Stop(target("new")));
}

#[test]
fn who_would_free_next_to_nothing_is_left() {
    assert_eq!(stop_of(&[candidate("a", Tier::Optional, 1, 100 * MIB, 0)]), Verdict::Alert(TOO_SMALL));
    assert_eq!(stop_of(&[candidate("a", Tier::Optional, 1, 200 * MIB, 0)]), Verdict::Stop(target("a")));
    // Short by stalls, with enough left: nothing is missing by that measure, and still nobody goes for nothing.
    let stalled = (MemoryNow { available: 5 * GIB, ..MemoryNow::default() }, hard().1);
    let of = |needed: u64| decide(&scene(&table(), stalled, &[candidate("a", Tier::Optional, 1, needed, 0)]));
    assert_eq!(of(3 * MIB), Verdict::Alert(TOO_SMALL));
    assert_eq!(of(4 * MIB), Verdict::Stop(target("a")));
}

#[test]
fn a_ladder_without_rungs_only_speaks() {
    let alert = Table { ladder: vec![Rung::Alert], ..table() };
    let all = [candidate("a", Tier::Optional, 1, GIB, 0)];
    assert_eq!(decide(&scene(&alert, hard(), &all)), Verdict::Alert(ONLY_CORE));
}

#[test]
fn shortage_has_to_last() {
    let all = [candidate("a", Tier::Optional, 1, GIB, 0)];
    let host = MemoryNow { available: GIB, ..MemoryNow::default() };
    let after = |soft: Option<u64>, hard: Option<u64>| {
        let spans = Spans { soft: soft.map(seconds), hard: hard.map(seconds), clear: None };
        decide(&scene(&table(), (host, spans), &all))
    };
    assert_eq!(after(Some(9), Some(9)), Verdict::Wait);
    assert_eq!(after(Some(60), None), Verdict::Alert(SOFT));
    assert_eq!(after(Some(10), Some(10)), Verdict::Stop(target("a")));
}

#[test]
fn stalls_count_only_where_memory_explains_them() {
    let level = table().hard;
    let at = |available: u64, full: f64| {
        is_at(&MemoryNow { available, psi_full_avg10: full, ..MemoryNow::default() }, &level)
    };
    assert!(at(GIB, 0.0) && at(2 * GIB, 50.0));
    assert!(!at(2 * GIB, 10.0));
    assert!(!at(30 * GIB, 90.0), "one group that stalls within its own limit is nobody else's shortage");
}

#[test]
fn one_stop_at_a_time_and_none_after_a_useless_one() {
    let all = [candidate("a", Tier::Optional, 1, GIB, 0)];
    let after = |last: LastStop| decide(&Scene { last: Some(last), ..scene(&table(), hard(), &all) });
    let last = LastStop { ago: seconds(5), available_before: GIB, freed: GIB, others_before: GIB, others_now: GIB };
    assert_eq!(after(last), Verdict::Alert(SETTLING), "too early to tell");
    let settled = LastStop { ago: seconds(15), ..last };
    assert_eq!(after(settled), Verdict::Alert(OUTSIDE), "1 GiB was freed, and nothing more is available");
    let grown = LastStop { others_now: 2 * GIB, ..settled };
    assert_eq!(after(grown), Verdict::Stop(target("a")), "a managed project took it: the ladder goes on");
}

fn evicted(id: &str, needed: u64, ago: u64, flaps: bool) -> Evicted {
    Evicted { target: target(id), needed, ago: seconds(ago), flaps }
}

#[test]
fn what_was_stopped_comes_back_oldest_first_with_room_and_pauses() {
    let back = |available: u64, clear: u64, evicted: &[Evicted], last_start: Option<u64>| {
        let spans = Spans { clear: Some(seconds(clear)), ..Spans::default() };
        let host = MemoryNow { available, ..MemoryNow::default() };
        let last_start_ago = last_start.map(seconds);
        decide(&Scene { evicted, last_start_ago, ..scene(&table(), (host, spans), &[]) })
    };
    let both = [evicted("later", GIB, 700, false), evicted("first", GIB, 900, false)];
    assert_eq!(back(6 * GIB, 600, &both, None), Verdict::Start(target("first")));
    assert_eq!(back(6 * GIB, 599, &both, None), Verdict::Wait, "not well for long enough");
    assert_eq!(back(5 * GIB, 600, &both, None), Verdict::Wait, "room for it and a fifth more");
    assert_eq!(back(6 * GIB, 600, &both, Some(599)), Verdict::Wait, "one at a time");
    let (table, spans) = (table(), Spans { clear: Some(seconds(600)), ..Spans::default() });
    let now = (MemoryNow { available: 9 * GIB, ..MemoryNow::default() }, spans);
    let dipped = Scene { lowest: 5 * GIB, evicted: &both, ..scene(&table, now, &[]) };
    assert_eq!(decide(&dipped), Verdict::Wait, "room now, and not all the time");
    let by_hand = Table { resume: false, ..table.clone() };
    assert_eq!(decide(&Scene { evicted: &both, ..scene(&by_hand, now, &[]) }), Verdict::Wait, "a person starts them");
    assert_eq!(back(6 * GIB, 600, &[evicted("first", GIB, 900, true)], None), Verdict::Wait, "it flaps");
}

#[test]
fn wrong_tables_are_told() {
    let keys = |table: Table| table.check().into_iter().map(|problem| problem.key).collect::<Vec<_>>();
    assert!(keys(table()).is_empty());
    let mut wrong = table();
    wrong.hard.mem_available = Bytes(8 * GIB);
    wrong.soft.psi_some_avg60 = Some(120.0);
    wrong.ladder = vec![Rung::StopStandard, Rung::StopOptional];
    wrong.pause = Every(seconds(0));
    assert_eq!(
        keys(wrong),
        [
            "host.pressure.hard.mem_available",
            "host.pressure.soft.psi_some_avg60",
            "host.pressure.pause",
            "host.pressure.ladder"
        ]
    );
}

proptest! {
    #[test]
    fn core_is_never_stopped_and_nothing_stops_while_it_settles(
        tiers in proptest::collection::vec((0_u8..3, 0_u32..100, 0_u64..40, 0_u64..40), 0..12),
        ago in 0_u64..30,
        available in 0_u64..6,
    ) {
        let tier = |number: u8| [Tier::Optional, Tier::Standard, Tier::Core][usize::from(number)];
        let all: Vec<Candidate> = tiers.iter().enumerate()
            .map(|(index, (number, priority, needed, reserved))| candidate(&format!("c{index}"), tier(*number), *priority, needed * GIB / 4, reserved * GIB / 4))
            .collect();
        let host = MemoryNow { available: available * GIB, ..MemoryNow::default() };
        let spans = Spans { hard: Some(seconds(100)), soft: Some(seconds(100)), clear: None };
        let last = Some(LastStop { ago: seconds(ago), available_before: 0, freed: 0, others_before: 0, others_now: 0 });
        let verdict = decide(&Scene { last, ..scene(&table(), (host, spans), &all) });
        if let Verdict::Stop(victim) = verdict {
            prop_assert!(ago >= 15);
            let found = all.iter().find(|candidate| candidate.target == victim).unwrap();
            prop_assert!(found.tier != Tier::Core);
        }
    }
}
