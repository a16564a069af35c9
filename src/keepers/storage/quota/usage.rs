//! How much declared directories hold: a walk of each, at idle I/O priority, in slices that hold nothing open between
//! them and that no round waits for. Remembers where each walk is, what the last whole one found, and how it grew.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::config::project_id;
use super::decide::own_mark;
use crate::host::files::{Found, Identity, open_root};
use crate::host::patience::Patience;
use crate::host::walk::{Duty, Walk, set_idle_priority};
use crate::host::{Error, Roots};
use crate::keepers::storage::config::{Config, Dir, Tier};
use crate::keepers::storage::observe::{DirSeen, Key, QuotaSeen, Seen, below_tier};
use crate::values::Now;

/// How long one slice walks.
const SLICE: Duration = Duration::from_secs(2);
/// How long a look waits for slices: small directories are walked within it.
const GLANCE: Duration = Duration::from_millis(150);
/// Between two walks of a directory.
const HOUR: Duration = Duration::from_secs(3600);
/// Where a walk stands in for a quota it is done earlier again, but takes at most a hundredth of the time.
const MINUTE: Duration = Duration::from_secs(60);
/// Between two samples of growth, and how many are kept: a day.
const SAMPLE: Duration = Duration::from_secs(600);
const SAMPLES: usize = 144;

/// What the last whole walk of a directory found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub at: Timestamp,
    pub bytes: u64,
    /// Everything but directories.
    pub files: u64,
    /// What does not belong to the directory's project; only where that was looked at.
    pub strangers: Option<u64>,
    /// What could not be looked at or given to the project.
    pub refused: u64,
}

/// What is known of how much a directory holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageSeen {
    pub figures: Option<Figures>,
    /// Bytes by which it grew, and over which time.
    pub growth: Option<(u64, Duration)>,
}

/// A directory to be walked.
#[derive(Clone, Debug)]
pub struct Question {
    pub key: Key,
    pub tier: String,
    pub below: String,
    pub duty: Duty,
    /// Whether the directory belongs to its project, as far as `duty` asks for one.
    pub marked: bool,
    /// Whether the walk stands in for a quota.
    pub guards: bool,
    /// What the kernel counts for it.
    pub counted: Option<u64>,
}

/// What is remembered of a directory.
#[derive(Debug)]
struct Memory {
    question: Question,
    walk: Option<Walk>,
    spent: Duration,
    /// Time since boot at which the next walk is due.
    due: Duration,
    figures: Option<Figures>,
    samples: VecDeque<(Duration, u64)>,
}

/// One walk of a slice, and how it stands.
#[derive(Debug)]
struct Part {
    key: Key,
    below: String,
    walk: Walk,
    spent: Duration,
    ended: Result<bool, String>,
}

/// Where a slice leaves its walks.
type Slot = Arc<Mutex<Option<Vec<Part>>>>;

/// The marking of what is in a directory, gone on with by each step.
#[derive(Debug, Default)]
pub struct Marking {
    pub walk: Option<Walk>,
    /// What was refused, once everything was walked.
    pub ended: Option<u64>,
}

/// Shared with the thread that marks.
pub type SharedMarking = Arc<Mutex<Marking>>;

/// What is remembered of all declared directories.
#[derive(Debug, Default)]
pub struct Usage {
    memories: BTreeMap<Key, Memory>,
    slots: BTreeMap<String, Slot>,
    /// By tier and path below it.
    markings: BTreeMap<(String, String), SharedMarking>,
}

/// The directories that are there, with what is to be looked for in each.
pub fn list_questions(config: &Config, seen: &Seen) -> Vec<Question> {
    let ask = |(key, dir): (&Key, &Dir)| {
        let below = below_tier(config.tiers.get(&dir.tier)?, &dir.path)?;
        if !matches!(seen.dirs.get(key)?, DirSeen::There { .. }) {
            return None;
        }
        let (marked, counted) = match seen.quotas.get(key) {
            Some(QuotaSeen::There { mark, counted, .. }) => (Some(*mark == own_mark(key)), Some(counted.bytes)),
            _ => (None, None),
        };
        let duty = match (dir.quota, marked) {
            (Some(_), Some(_)) => Duty::Check(project_id(key)),
            _ => Duty::Count,
        };
        let marked = marked.unwrap_or(false);
        Some(Question {
            key: key.clone(),
            tier: dir.tier.clone(),
            below,
            duty,
            marked,
            guards: dir.quota.is_some() && duty == Duty::Count,
            counted: counted.filter(|_| marked),
        })
    };
    config.dirs.iter().filter_map(ask).collect()
}

/// A tier whose directories may be walked.
#[derive(Clone, Debug)]
pub struct WalkedTier {
    pub roots: Roots,
    pub tier: Tier,
    pub identity: Identity,
}

impl Usage {
    /// Goes on with what is due, on the tiers that are proved, and says what is known.
    pub async fn refresh(
        &mut self,
        questions: Vec<Question>,
        tiers: &BTreeMap<String, WalkedTier>,
        patience: &mut Patience,
        now: &Now,
    ) -> BTreeMap<Key, UsageSeen> {
        self.collect(now);
        self.take_in(questions, now);
        let mut waiting = Vec::new();
        for (name, tier) in tiers {
            let parts = self.take_due(name, now);
            if parts.is_empty() {
                continue;
            }
            let slot = Slot::default();
            self.slots.insert(name.clone(), Arc::clone(&slot));
            let (tier, until) = (tier.clone(), Instant::now() + SLICE);
            let work = move || {
                let parts = walk_slice(&tier, parts, until);
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(parts);
            };
            waiting.extend(patience.start(&format!("usage of tier {name}"), work));
        }
        let until = Instant::now() + GLANCE;
        for slice in waiting {
            let _ = slice.wait(until.saturating_duration_since(Instant::now())).await;
        }
        self.collect(now);
        self.memories.iter().map(|(key, memory)| (key.clone(), memory.seen(now))).collect()
    }

    /// The marking that belongs to a place, to be gone on with.
    pub fn marking(&mut self, tier: &str, below: &str) -> SharedMarking {
        Arc::clone(self.markings.entry((tier.to_owned(), below.to_owned())).or_default())
    }

    /// Takes note of markings that came to their end.
    fn settle_markings(&mut self) {
        let memories = &mut self.memories;
        self.markings.retain(|(tier, below), marking| {
            let Ok(marking) = marking.try_lock() else { return true };
            let memory =
                memories.values_mut().find(|memory| memory.question.tier == *tier && memory.question.below == *below);
            let Some(memory) = memory else { return false };
            let Some(figures) = memory.figures.as_mut() else { return marking.ended.is_none() };
            let Some(refused) = marking.ended else { return true };
            (figures.strangers, figures.refused) = (Some(0), refused);
            false
        });
    }

    /// Takes back what slices have left.
    fn collect(&mut self, now: &Now) {
        for slot in self.slots.values() {
            let parts = slot.try_lock().ok().and_then(|mut parts| parts.take());
            for part in parts.unwrap_or_default() {
                if let Some(memory) = self.memories.get_mut(&part.key) {
                    memory.take_back(part, now);
                }
            }
        }
        self.settle_markings();
    }

    /// What is asked now. Who is asked otherwise than before begins anew.
    fn take_in(&mut self, questions: Vec<Question>, now: &Now) {
        let mut before = std::mem::take(&mut self.memories);
        for question in questions {
            let old = before.remove(&question.key).filter(|old| {
                (&old.question.tier, &old.question.below, old.question.duty)
                    == (&question.tier, &question.below, question.duty)
            });
            let mut memory = old.unwrap_or_else(|| Memory::new(question.clone()));
            if question.marked && !memory.question.marked {
                // Who took the project off the directory may have taken it off what is in it.
                memory.due = Duration::ZERO;
            }
            memory.question = question;
            memory.sample(now);
            self.memories.insert(memory.question.key.clone(), memory);
        }
    }

    fn take_due(&mut self, tier: &str, now: &Now) -> Vec<Part> {
        let mine = self.memories.values_mut().filter(|memory| memory.question.tier == tier && memory.due <= now.up);
        let part = |memory: &mut Memory| {
            let question = &memory.question;
            Part {
                key: question.key.clone(),
                below: question.below.clone(),
                walk: memory.walk.take().unwrap_or_else(|| Walk::new(question.duty)),
                spent: std::mem::take(&mut memory.spent),
                ended: Ok(false),
            }
        };
        let free = self.slots.get(tier).is_none_or(|slot| Arc::strong_count(slot) == 1);
        if free { mine.map(part).collect() } else { Vec::new() }
    }
}

impl Memory {
    fn new(question: Question) -> Memory {
        Memory {
            question,
            walk: None,
            spent: Duration::ZERO,
            due: Duration::ZERO,
            figures: None,
            samples: VecDeque::new(),
        }
    }

    fn take_back(&mut self, part: Part, now: &Now) {
        if part.walk.duty() != self.question.duty || part.below != self.question.below {
            return;
        }
        match part.ended {
            Ok(false) => (self.walk, self.spent) = (Some(part.walk), part.spent),
            Ok(true) => {
                let tally = part.walk.tally();
                let strangers = (part.walk.duty() != Duty::Count).then_some(tally.strangers);
                let (bytes, files, refused) = (tally.bytes, tally.files, tally.refused);
                self.figures = Some(Figures { at: now.wall, bytes, files, strangers, refused });
                let pause = if self.question.guards { (part.spent * 100).clamp(MINUTE, HOUR) } else { HOUR };
                self.due = now.up.saturating_add(pause);
            }
            Err(_) => self.due = now.up.saturating_add(MINUTE),
        }
    }

    fn used(&self) -> Option<u64> {
        self.question.counted.or(Some(self.figures?.bytes))
    }

    fn sample(&mut self, now: &Now) {
        let Some(used) = self.used() else { return };
        if self.samples.back().is_none_or(|(at, _)| now.up >= at.saturating_add(SAMPLE)) {
            self.samples.push_back((now.up, used));
        }
        if self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
    }

    fn seen(&self, now: &Now) -> UsageSeen {
        let growth = self
            .samples
            .front()
            .zip(self.used())
            .map(|((at, before), used)| (used.saturating_sub(*before), now.up.saturating_sub(*at)));
        UsageSeen { figures: self.figures, growth: growth.filter(|(bytes, _)| *bytes > 0) }
    }
}

/// Walks one after the other until the time is over. A tier that is another one by now is not walked.
fn walk_slice(tier: &WalkedTier, mut parts: Vec<Part>, until: Instant) -> Vec<Part> {
    set_idle_priority();
    let root = open_root(&tier.roots.rootfs, Path::new(&tier.tier.path)).and_then(|found| match found {
        Found::There(root) if root.read_facts()?.identity == tier.identity => Ok(root),
        _ => Err(Error::reply(&*tier.tier.path, "is another file system than at the last look")),
    });
    for part in &mut parts {
        let begun = Instant::now();
        if begun >= until {
            break;
        }
        part.ended = match &root {
            Ok(root) => part.walk.advance(root, Path::new(&part.below), until).map_err(|error| error.chain()),
            Err(error) => Err(error.chain()),
        };
        part.spent += begun.elapsed();
    }
    parts
}
