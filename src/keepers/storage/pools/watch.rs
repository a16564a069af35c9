//! Looks at pools round after round: counts members on threads of their own, at most every `every` and with a bound on the
//! cost, and remembers between two counts what was moved. What is remembered here may be lost at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::act::{Site, found, prove};
use super::super::config::Config;
use super::super::observe::{DirSeen, Key, Seen};
use super::super::step::Place;
use super::super::verdict::{Wanted, is_usable};
use super::config::{Measure, Pool};
use super::memory::{Counted, MemberMemory, Memory, UnderWay};
use super::seen::{Drained, MemberSeen, OpenSeen, PoolSeen, PoolsSeen};
use super::step::{Member, Order};
use super::walk::{Count, Rules, count};
use crate::host::{Error, Roots, patience::Patience};
use crate::keepers::storage::observe::TierSeen;
use crate::keepers::storage::step::Step;
use crate::ledger::{Notes, PoolsPast};
use crate::values::{Known, Now};

/// How long a look waits for first counts, and for later ones: those go on beside the rounds.
const FIRST: Duration = Duration::from_secs(3);
const LATER: Duration = Duration::from_millis(500);
/// A count that takes longer is given up.
const LONGEST: Duration = Duration::from_secs(1800);
/// Counting takes at most one part in so many of the time.
const SHARE: u32 = 20;
/// In a hurry members are counted anew only so often: what is moved is known.
const HURRY_EVERY: Duration = Duration::from_secs(30);
/// Most candidates kept of a member, in a hurry.
pub const KEPT: usize = 8000;

/// What is remembered of pools between two looks.
#[derive(Debug, Default)]
pub struct Watch {
    pub(super) past: PoolsPast,
    pub(super) pools: BTreeMap<Key, Memory>,
    pub(super) notes: Notes,
    pub(super) up: Duration,
}

/// What a look works with.
pub struct Look<'a> {
    pub config: &'a Config,
    pub roots: &'a Roots,
    pub seen: &'a Seen,
    pub sites: &'a BTreeMap<String, crate::host::files::Identity>,
    pub now: &'a Now,
}

impl Watch {
    /// Takes what people ordered from the ledger.
    pub fn recall(&mut self, past: &PoolsPast) {
        self.past = past.clone();
    }

    /// What became of files since this was last asked.
    pub fn take_notes(&mut self) -> Notes {
        std::mem::take(&mut self.notes)
    }

    /// Looks at every pool.
    pub async fn look(&mut self, look: &Look<'_>, patience: &mut Patience) -> PoolsSeen {
        self.up = look.now.up;
        self.pools.retain(|key, _| look.config.pools.contains_key(key));
        for (key, pool) in &look.config.pools {
            let hurry = self.is_hurried(key);
            let memory = self.pools.entry(key.clone()).or_default();
            memory.forget(look.now.up);
            memory.members.retain(|dir, _| pool.members.contains(dir));
            for dir in &pool.members {
                let member = find_member(look, key, dir);
                begin(look, (key, pool, hurry), (dir, member), memory, patience);
            }
        }
        self.wait(look.now).await;
        let pools = look.config.pools.iter().map(|(key, pool)| (key.clone(), self.pool(look, key, pool, patience)));
        let pools: BTreeMap<Key, PoolSeen> = pools.collect();
        let totals = self.pools.iter().map(|(key, memory)| (key.clone(), memory.totals.clone())).collect();
        PoolsSeen { pools, open: self.open(), totals }
    }

    fn is_hurried(&self, key: &Key) -> bool {
        self.past.hurried.iter().any(|hurry| (&hurry.project, &hurry.pool) == (&key.0, &key.1))
            || self.past.drained.iter().any(|drained| (&drained.project, &drained.pool) == (&key.0, &key.1))
    }

    fn open(&self) -> Vec<OpenSeen> {
        let read = |payload: &str| match serde_json::from_str(payload) {
            Ok(Step::Pool { order: order @ Order::MoveFiles { .. } }) => Some(order),
            _ => None,
        };
        self.past.open.iter().map(|open| OpenSeen { intent: open.intent, order: read(&open.payload) }).collect()
    }

    /// Waits for counts: longer for the first one of a member.
    async fn wait(&mut self, now: &Now) {
        let begun = Instant::now();
        for memory in self.pools.values_mut() {
            for member in memory.members.values_mut() {
                let limit = if member.counted.is_none() { FIRST } else { LATER };
                member.ask(limit.saturating_sub(begun.elapsed()), now).await;
            }
        }
    }

    fn pool(&mut self, look: &Look<'_>, key: &Key, pool: &Pool, patience: &Patience) -> PoolSeen {
        let hurry = self.past.hurried.iter().find(|hurry| (&hurry.project, &hurry.pool) == (&key.0, &key.1));
        let mut seen = PoolSeen {
            hurry: hurry.map(|hurry| hurry.since.wall),
            busy: patience.is_under_way(&thread_name(key)),
            ..PoolSeen::default()
        };
        let drained = |dir: &String| {
            let is_it = |drained: &&crate::ledger::Drained| {
                (&drained.project, &drained.pool, &drained.member) == (&key.0, &key.1, dir)
            };
            let found = self.past.drained.iter().find(is_it);
            found.map(|found| Drained { since: found.since.wall, empty: found.empty.as_ref().map(|empty| empty.wall) })
        };
        let Some(memory) = self.pools.get(key) else { return seen };
        for dir in &pool.members {
            let known = member_seen(look, memory.members.get(dir), find_member(look, key, dir), drained(dir));
            seen.counting |= memory.members.get(dir).is_some_and(MemberMemory::is_first);
            seen.members.insert(dir.clone(), known);
        }
        (seen.refused, seen.clash) = memory.refusals();
        seen.hook_trouble = memory.hook_trouble.clone();
        let balanced = super::verdict::is_balanced(pool, &seen);
        let Some(memory) = self.pools.get_mut(key) else { return seen };
        if balanced {
            memory.last_balanced = Some(look.now.wall);
        }
        seen.last_balanced = memory.last_balanced;
        seen
    }
}

/// The name under which an order about a pool is known to be under way.
pub fn thread_name(key: &Key) -> String {
    format!("pool {}/{}", key.0, key.1)
}

/// Where a member is, when its disk is proved; else why nothing is known of it.
fn find_member(look: &Look<'_>, key: &Key, dir: &str) -> Result<(Member, Site, u64), String> {
    let place = (key.0.clone(), dir.to_owned());
    let declared = look.config.dirs.get(&place).ok_or("it is not declared")?;
    let wanted = Wanted::of(look.config, declared).ok_or("it has no place in its tier")?;
    let tier = look.config.tiers.get(&declared.tier).ok_or("its tier is not declared")?;
    if !is_usable(look.config, look.seen, &declared.tier) {
        return Err(format!("its tier {} is not usable", declared.tier));
    }
    match look.seen.dirs.get(&place) {
        Some(DirSeen::There { .. }) => {}
        Some(DirSeen::Missing { .. }) => return Err("its directory does not exist".into()),
        Some(DirSeen::Unseen(why)) => return Err(why.clone()),
        _ => return Err("its directory is not where it is declared".into()),
    }
    let room = match look.seen.tiers.get(&declared.tier).and_then(Known::value) {
        Some(TierSeen::There(ground)) => ground.available.saturating_sub(tier.min_free.map_or(0, |least| least.0)),
        _ => 0,
    };
    let seen = look.sites.get(&declared.tier).copied();
    let site = Site::new(look.roots, tier, seen);
    Ok((Member { dir: dir.to_owned(), place: wanted.place }, site, room))
}

fn begin(
    look: &Look<'_>,
    (key, pool, hurry): (&Key, &Pool, bool),
    (dir, member): (&str, Result<(Member, Site, u64), String>),
    memory: &mut Memory,
    patience: &mut Patience,
) {
    let refused: BTreeSet<String> = memory.refused_names(dir);
    let copying = memory.copying();
    let known = memory.members.entry(dir.to_owned()).or_default();
    let (member, site, _) = match member {
        Ok(member) => member,
        Err(_) => return *known = MemberMemory::default(),
    };
    let Some(refill) = known.is_due(look.now.up, pace(pool, hurry, known)) else { return };
    let rules = Rules {
        now: look.now.wall.as_second(),
        settle: pool.settle.0,
        keep: if hurry { KEPT } else { pool.max_moves as usize * 2 + 16 },
        largest: pool.balance == Measure::Bytes,
        refused,
        copying,
        stop: refill && pool.balance == Measure::Files,
    };
    let partial = rules.stop;
    let name = format!("member {}/{dir}", key.0);
    if patience.is_under_way(&name) {
        return;
    }
    let place = member.place;
    match patience.start(&name, move || look_into(&site, &place, &rules)) {
        Ok(waiting) => known.under_way = Some(UnderWay { waiting, partial, since: look.now.up }),
        Err(error) => known.trouble = Some(error.chain()),
    }
}

/// How often a member is counted.
fn pace(pool: &Pool, hurry: bool, known: &MemberMemory) -> Duration {
    let counted = known.counted.as_ref();
    let is_waiting = counted.is_some_and(|counted| counted.count.movable == 0 && counted.count.young > 0);
    let least = match (hurry, is_waiting) {
        (false, _) => pool.every.0,
        // Only young ones are left, those among them that were just moved there.
        (true, true) => pool.settle.0.clamp(Duration::from_secs(1), HURRY_EVERY),
        (true, false) => HURRY_EVERY,
    };
    least.max(counted.map_or(Duration::ZERO, |counted| counted.took * SHARE))
}

fn look_into(site: &Site, place: &Place, rules: &Rules) -> Result<(Count, Duration), Error> {
    let begun = Instant::now();
    let (_, root) = prove(site, (&place.tier, &place.root))?;
    let member = found(root.open_below(Path::new(&place.below))?)?;
    let counted = count(&member, rules, &|| begun.elapsed() < LONGEST)?;
    Ok((counted, begun.elapsed()))
}

fn member_seen(
    _look: &Look<'_>,
    known: Option<&MemberMemory>,
    member: Result<(Member, Site, u64), String>,
    drained: Option<Drained>,
) -> Known<MemberSeen> {
    let (member, _, room) = match member {
        Ok(member) => member,
        Err(why) => return Known::Unknown(why),
    };
    let Some(known) = known else { return Known::Unknown("it was not counted yet".into()) };
    match (&known.counted, &known.trouble) {
        (_, Some(why)) => Known::Unknown(why.clone()),
        (Some(counted), None) => Known::Known(MemberSeen {
            member,
            count: counted.count.clone(),
            at: counted.at,
            up: counted.up,
            room,
            drained,
        }),
        (None, None) => Known::Unknown("it is being counted".into()),
    }
}

impl MemberMemory {
    /// Takes the answer of a count when there is one.
    async fn ask(&mut self, limit: Duration, now: &Now) {
        let Some(under_way) = &mut self.under_way else { return };
        let Some(answer) = under_way.waiting.ask(limit).await else {
            if now.up.saturating_sub(under_way.since) > LONGEST {
                self.trouble = Some(format!("counting it has taken more than {} minutes", LONGEST.as_secs() / 60));
            }
            return;
        };
        let partial = under_way.partial;
        self.under_way = None;
        match answer.and_then(|answer| answer) {
            Ok((count, _)) if partial => self.refill(count),
            Ok((count, took)) => self.take(count, took, (now.up, now.wall)),
            Err(error) => {
                self.trouble = Some(error.chain());
                self.tried = Some(now.up);
            }
        }
    }

    fn take(&mut self, count: Count, took: Duration, (up, at): (Duration, Timestamp)) {
        self.trouble = None;
        self.counted = Some(Counted { count, up, at, took });
    }

    fn refill(&mut self, count: Count) {
        if let Some(counted) = &mut self.counted {
            if count.kept.is_empty() {
                counted.count.movable = 0;
            }
            counted.count.kept = count.kept;
        }
    }
}
