//! What goes first when the host runs short, and what comes back first. Pure: everything that was seen goes in.

use std::time::Duration;

use super::config::{Rung, Table};
use crate::keepers::limits::config::Tier;
use crate::keepers::limits::observe::MemoryNow;
use crate::keepers::limits::step::Target;

/// After a stop the host is given so long to show what it was worth.
pub const SETTLE: Duration = Duration::from_secs(15);
/// Who would free less than this share of the need is left.
const LEAST_SHARE: u64 = 20;
/// The least that is to be freed by one stop.
const LEAST_NEED: u64 = 64 << 20;
/// Two stops of the same thing within this time: it does not come back by itself any more.
const FLAP: Duration = Duration::from_secs(3600);

/// A running container that the ladder may stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub target: Target,
    pub tier: Tier,
    pub priority: u32,
    /// Bytes in use without the cache that is dropped first.
    pub needed: u64,
    /// Bytes reserved for its service.
    pub reserved: u64,
    /// Seconds since 1970 of its start.
    pub began: i64,
}

/// How long each state has lasted; `None`: it is not so now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    pub soft: Option<Duration>,
    pub hard: Option<Duration>,
    /// Neither soft nor hard.
    pub clear: Option<Duration>,
}

/// The last stop, and what was so right before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastStop {
    pub ago: Duration,
    pub available_before: u64,
    /// Bytes that the stopped container needed.
    pub freed: u64,
    /// Bytes that all other managed containers needed then, and need now.
    pub others_before: u64,
    pub others_now: u64,
}

/// A container that the ladder stopped and that still stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Evicted {
    pub target: Target,
    /// Bytes that it needed.
    pub needed: u64,
    pub ago: Duration,
    /// It was stopped twice within an hour: it does not come back by itself any more.
    pub flaps: bool,
}

/// What should be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// All is well, or it is too early to say.
    Wait,
    /// The host is short and there is nothing to be done about it: said, with the reason.
    Alert(&'static str),
    Stop(Target),
    Start(Target),
}

/// Why nothing is done.
pub const ONLY_CORE: &str = "everything that runs is core, or the ladder ends here";
pub const TOO_SMALL: &str = "nothing that may be stopped would free enough";
pub const OUTSIDE: &str = "what was freed was taken by something outside the managed projects";
pub const SETTLING: &str = "what the last stop gives is waited for";
pub const SOFT: &str = "memory is short";

/// Whether the host is at a level now.
pub fn is_at(host: &MemoryNow, level: &super::config::Level) -> bool {
    let below = |bound: u64| host.available < bound;
    let stalls = level.psi_some_avg60.is_some_and(|most| host.psi_some_avg60 > most)
        || level.psi_full_avg10.is_some_and(|most| host.psi_full_avg10 > most);
    below(level.mem_available.0) || stalls && below(level.mem_available.0.saturating_mul(2))
}

/// 0: memory suffices; 1: soft, 2: hard, each only when it has lasted.
pub fn level_of(table: &Table, spans: &Spans) -> u64 {
    let lasted =
        |since: Option<Duration>, level: &super::config::Level| since.is_some_and(|since| since >= level.hold.0);
    match (lasted(spans.hard, &table.hard), lasted(spans.soft, &table.soft)) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }
}

/// The bytes that are missing.
pub fn need_of(table: &Table, host: &MemoryNow) -> u64 {
    table.soft.mem_available.0.saturating_sub(host.available).max(LEAST_NEED)
}

/// Everything that the decision goes by.
pub struct Scene<'s> {
    pub table: &'s Table,
    pub host: MemoryNow,
    /// The least that was available within the last `pause`, bytes.
    pub lowest: u64,
    pub spans: Spans,
    pub candidates: &'s [Candidate],
    pub last: Option<LastStop>,
    pub evicted: &'s [Evicted],
    /// Since something was started again; `None`: nothing was.
    pub last_start_ago: Option<Duration>,
}

pub fn decide(scene: &Scene<'_>) -> Verdict {
    let Scene { table, spans, .. } = scene;
    match level_of(table, spans) {
        0 => {}
        1 => return Verdict::Alert(SOFT),
        _ => return climb(scene),
    }
    if table.resume && spans.clear.is_some_and(|held| held >= table.pause.0) {
        bring_back(scene)
    } else {
        Verdict::Wait
    }
}

fn climb(scene: &Scene<'_>) -> Verdict {
    if let Some(last) = scene.last {
        if last.ago < SETTLE {
            return Verdict::Alert(SETTLING);
        }
        if was_useless(&last, scene.host.available) {
            return Verdict::Alert(OUTSIDE);
        }
    }
    let allowed = |tier: Tier| match tier {
        Tier::Optional => scene.table.ladder.contains(&Rung::StopOptional),
        Tier::Standard => scene.table.ladder.contains(&Rung::StopStandard),
        Tier::Core => false,
    };
    let mut may: Vec<&Candidate> = scene.candidates.iter().filter(|candidate| allowed(candidate.tier)).collect();
    if may.is_empty() {
        return Verdict::Alert(ONLY_CORE);
    }
    let need = need_of(scene.table, &scene.host);
    may.retain(|candidate| candidate.needed >= need / LEAST_SHARE);
    may.sort_by_key(|candidate| order_of(candidate));
    may.first().map_or(Verdict::Alert(TOO_SMALL), |candidate| Verdict::Stop(candidate.target.clone()))
}

type Order = (bool, Tier, u32, std::cmp::Reverse<u64>, std::cmp::Reverse<i64>, String);

/// Over its reservation first, then by tier, priority, overage, and the newest.
fn order_of(candidate: &Candidate) -> Order {
    let overage = candidate.needed.saturating_sub(candidate.reserved);
    (
        overage == 0,
        candidate.tier,
        candidate.priority,
        std::cmp::Reverse(overage),
        std::cmp::Reverse(candidate.began),
        candidate.target.id.clone(),
    )
}

/// Whether somebody whom the ladder cannot reach took most of what was freed.
fn was_useless(last: &LastStop, available: u64) -> bool {
    let grown = last.others_now.saturating_sub(last.others_before);
    let expected = last.available_before.saturating_add(last.freed).saturating_sub(grown);
    expected.saturating_sub(available) >= (last.freed / 2).max(1)
}

/// The one that was stopped first comes back first, when there has been room for it and a fifth more all the time.
fn bring_back(scene: &Scene<'_>) -> Verdict {
    if scene.last_start_ago.is_some_and(|ago| ago < scene.table.pause.0) {
        return Verdict::Wait;
    }
    let room = scene.lowest.saturating_sub(scene.table.soft.mem_available.0);
    let mut waiting: Vec<&Evicted> = scene.evicted.iter().filter(|evicted| !evicted.flaps).collect();
    waiting.sort_by(|a, b| b.ago.cmp(&a.ago).then_with(|| a.target.id.cmp(&b.target.id)));
    match waiting.first() {
        Some(first) if room >= first.needed.saturating_add(first.needed / 5) => Verdict::Start(first.target.clone()),
        _ => Verdict::Wait,
    }
}

/// Whether two stops so far apart count as flapping.
pub fn is_flap(ago: Duration) -> bool {
    ago < FLAP
}
