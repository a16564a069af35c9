//! Looks for what rules let go: a walk for each, once an hour, at idle I/O priority, in slices that no round waits for.
//! Remembers where each walk is and what the last whole one found.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::clock::ClockWatch;
use super::config::{Rule, Target, parse_target};
use super::decide::MOST;
use crate::host::Error;
use crate::host::files::{Found as Opened, open_root};
use crate::host::patience::Patience;
use crate::host::timex::read_timex;
pub use crate::host::walk::oldest::Gathered;
use crate::host::walk::oldest::Oldest;
use crate::host::walk::set_idle_priority;
use crate::keepers::storage::config::Config;
use crate::keepers::storage::quota::usage::WalkedTier;
use crate::ledger::{Notes, Operation};
use crate::values::{Now, ProjectName, Stamp};

/// Project and name of a rule.
pub type RuleKey = (ProjectName, String);

/// How long one slice walks.
const SLICE: Duration = Duration::from_secs(2);
/// How long a look waits for slices.
const GLANCE: Duration = Duration::from_millis(150);
/// Between two walks.
const HOUR: Duration = Duration::from_secs(3600);
/// After files were deleted: longer than the guard's window, so that steady work is not taken for work that does not help.
const PAUSE: Duration = Duration::from_secs(11 * 60);
/// Walks at once.
const AT_ONCE: usize = 4;

/// What is known of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum CleanSeen {
    /// No whole walk yet, or the files found were deleted and the next walk is not due.
    Walking,
    /// Nothing is deleted, and why.
    Trouble(String),
    /// Nothing is deleted, because the clock may be wrong, and how.
    Doubted(String),
    Found(Found),
}

/// What a whole walk found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// When the walk began and ended.
    pub at: Timestamp,
    pub ended: Timestamp,
    pub met: Gathered,
}

/// What the last step by a rule deleted, since the agent started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    pub at: Timestamp,
    pub files: u64,
    pub bytes: u64,
}

/// A walk and where it leaves what it found.
#[derive(Debug, Default)]
struct Walk {
    walk: Option<Oldest>,
    ended: Option<Result<Gathered, String>>,
}

#[derive(Debug)]
struct Memory {
    rule: Rule,
    target: Target,
    walk: Arc<Mutex<Walk>>,
    /// When the walk that is under way began.
    begun: Option<Timestamp>,
    seen: CleanSeen,
    due: Duration,
    /// Files were deleted since the last look.
    acted: bool,
}

/// What is remembered of all rules.
#[derive(Debug, Default)]
pub struct Cleans {
    memories: BTreeMap<RuleKey, Memory>,
    /// What became of the files of the last step.
    pub(super) operations: Vec<Operation>,
    pub(super) deleted: BTreeMap<RuleKey, Deleted>,
    clock: ClockWatch,
}

impl Cleans {
    /// Goes on with what is due on proved tiers, and says what is known.
    pub async fn look(
        &mut self,
        config: &Config,
        tiers: &BTreeMap<String, WalkedTier>,
        patience: &mut Patience,
        now: &Now,
    ) -> BTreeMap<RuleKey, CleanSeen> {
        self.take_in(config);
        let doubt = self.clock.judge(now, read_timex().is_ok_and(|timex| timex.synchronized));
        let mut waiting = Vec::new();
        for (key, memory) in &mut self.memories {
            memory.collect(now);
            let name = format!("clean {}/{}", key.0, key.1);
            let Some(tier) = tiers.get(&memory.target.place.tier) else { continue };
            if memory.due > now.up || waiting.len() >= AT_ONCE || patience.is_under_way(&name) {
                continue;
            }
            memory.begun.get_or_insert(now.wall);
            let (walk, target, tier) = (Arc::clone(&memory.walk), memory.target.clone(), tier.clone());
            let until = Instant::now() + SLICE;
            waiting.extend(patience.start(&name, move || go_on(&walk, &target, &tier, until)));
        }
        let until = Instant::now() + GLANCE;
        for slice in waiting {
            let _ = slice.wait(until.saturating_duration_since(Instant::now())).await;
        }
        let mut seen = BTreeMap::new();
        for (key, memory) in &mut self.memories {
            memory.collect(now);
            let shown = doubt.as_ref().map_or_else(|| memory.seen.clone(), |why| CleanSeen::Doubted(why.clone()));
            seen.insert(key.clone(), shown);
        }
        seen
    }

    /// Takes in when an earlier life of the agent was last alive.
    pub fn recall(&mut self, last_alive: Option<&Stamp>) {
        self.clock.recall(last_alive);
    }

    /// What was deleted since the agent started.
    pub fn list_deleted(&self) -> BTreeMap<RuleKey, Deleted> {
        self.deleted.clone()
    }

    /// Takes note that a step was carried out: what it was planned from is old.
    pub(super) fn forget(&mut self, key: &RuleKey) {
        if let Some(memory) = self.memories.get_mut(key) {
            memory.acted = true;
        }
    }

    /// What there is to say of the last step.
    pub fn take_notes(&mut self, mut notes: Notes) -> Notes {
        notes.operations.append(&mut self.operations);
        notes
    }

    fn take_in(&mut self, config: &Config) {
        let mut before = std::mem::take(&mut self.memories);
        for (key, rule) in &config.cleans {
            let Ok(target) = parse_target(config, &key.0, &rule.path) else { continue };
            let old = before.remove(key).filter(|old| (&old.rule, &old.target) == (rule, &target));
            self.memories.insert(key.clone(), old.unwrap_or_else(|| Memory::new(rule.clone(), target)));
        }
    }
}

impl Memory {
    fn new(rule: Rule, target: Target) -> Memory {
        let (seen, due) = (CleanSeen::Walking, Duration::ZERO);
        Memory { rule, target, walk: Arc::default(), begun: None, seen, due, acted: false }
    }

    /// Takes over what a walk has found. What was found before a step is forgotten.
    fn collect(&mut self, now: &Now) {
        if std::mem::take(&mut self.acted) {
            (self.seen, self.walk, self.begun) = (CleanSeen::Walking, Arc::default(), None);
            self.due = now.up.saturating_add(PAUSE);
        }
        let Some(ended) = self.walk.try_lock().ok().and_then(|mut walk| walk.ended.take()) else { return };
        let at = self.begun.take().unwrap_or(now.wall);
        self.seen = match ended {
            Ok(met) => CleanSeen::Found(Found { at, ended: now.wall, met }),
            Err(why) => CleanSeen::Trouble(why),
        };
        let pause = if matches!(self.seen, CleanSeen::Found(_)) { HOUR } else { PAUSE };
        self.due = now.up.saturating_add(pause);
    }
}

fn go_on(walk: &Mutex<Walk>, target: &Target, tier: &WalkedTier, until: Instant) {
    set_idle_priority();
    let Ok(mut walk) = walk.try_lock() else { return };
    let mut oldest = walk.walk.take().unwrap_or_else(|| Oldest::new(target.pattern.as_deref(), MOST));
    match advance(&mut oldest, target, tier, until) {
        Ok(true) => walk.ended = Some(Ok(oldest.finish())),
        Ok(false) => walk.walk = Some(oldest),
        Err(error) => walk.ended = Some(Err(error.chain())),
    }
}

/// A directory that is not there holds nothing.
pub(super) fn advance(oldest: &mut Oldest, target: &Target, tier: &WalkedTier, until: Instant) -> Result<bool, Error> {
    let changed = || Error::reply(&*tier.tier.path, "is another file system than at the last look");
    let root = match open_root(&tier.roots.rootfs, Path::new(&tier.tier.path))? {
        Opened::There(root) if root.read_facts()?.identity == tier.identity => root,
        _ => return Err(changed()),
    };
    if let Opened::Missing(_) = root.open_below(Path::new(&target.below))? {
        return Ok(true);
    }
    oldest.advance((&root, Path::new(&target.below)), until)
}
