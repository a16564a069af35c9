//! How much memory services have needed, in few numbers: what reservations and limits can be suggested from. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::observe::ProjectSeen;
use crate::values::{Limit, Now, ProjectName};

/// Parts of a doubling: each is 4.4 % wide.
const PARTS: f64 = 16.0;
/// A container that uses more than this share of its limit would perhaps use more without it.
const AT_LIMIT_PERCENT: u64 = 95;

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(60);
/// Services that are remembered.
const MOST: usize = 4096;

/// What was seen of each service, by project and name.
pub type Marked = BTreeMap<(ProjectName, String), Marks>;

/// Learns what services need, look by look.
#[derive(Debug, Default)]
pub struct Learner {
    marks: Arc<Marked>,
    /// Time since boot.
    last: Option<Duration>,
}

impl Learner {
    pub fn marks(&self) -> Arc<Marked> {
        Arc::clone(&self.marks)
    }

    /// Whether it is time for the next look.
    pub fn is_due(&self, now: &Now) -> bool {
        self.last.is_none_or(|last| now.up.saturating_sub(last) >= EVERY)
    }

    /// Takes one look at the containers of all declared projects.
    pub fn learn(&mut self, projects: &BTreeMap<ProjectName, ProjectSeen>, now: &Now) {
        self.last = Some(now.up);
        let marks = Arc::make_mut(&mut self.marks);
        for (name, project) in projects {
            for container in &project.running {
                let Some(bounds) = &container.bounds else { continue };
                let service = (name.clone(), container.service.clone());
                if marks.len() < MOST || marks.contains_key(&service) {
                    let limit = bounds.memory_max.and_then(Limit::at);
                    marks.entry(service).or_default().take(bounds.needed, limit, now.up);
                }
            }
        }
    }

    /// Forgets projects that are not declared any more.
    pub fn keep_only(&mut self, is_declared: impl Fn(&ProjectName) -> bool) {
        if self.marks.keys().any(|(project, _)| !is_declared(project)) {
            Arc::make_mut(&mut self.marks).retain(|(project, _), _| is_declared(project));
        }
    }
}

/// What was seen of one service; of several containers of it all count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marks {
    /// Time since boot of the first and of the last look.
    first: Duration,
    last: Duration,
    /// Looks by the size that was found.
    sizes: BTreeMap<u32, u64>,
    /// Bytes.
    pub highest: u64,
    at_limit: u64,
}

impl Marks {
    /// Takes one look: bytes that are needed (without the cache that is dropped first), and the limit, if there is one.
    pub fn take(&mut self, needed: u64, limit: Option<u64>, up: Duration) {
        if self.sizes.is_empty() {
            self.first = up;
        }
        self.last = up;
        let size = ((needed.max(1) as f64).log2() * PARTS) as u32;
        *self.sizes.entry(size).or_default() += 1;
        self.highest = self.highest.max(needed);
        self.at_limit += u64::from(limit.is_some_and(|limit| needed / 100 * 100 >= limit / 100 * AT_LIMIT_PERCENT));
    }

    pub fn looks(&self) -> u64 {
        self.sizes.values().sum()
    }

    /// From the first look to the last.
    pub fn span(&self) -> Duration {
        self.last.saturating_sub(self.first)
    }

    /// Bytes that sufficed in so many of a hundred looks, rounded up by at most 4.4 %.
    pub fn percentile(&self, percent: u64) -> u64 {
        let wanted = (self.looks() * percent).div_ceil(100);
        let mut met = 0;
        for (size, looks) in &self.sizes {
            met += looks;
            if met >= wanted {
                return (2_f64.powf((f64::from(*size) + 1.0) / PARTS) as u64).min(self.highest);
            }
        }
        0
    }

    /// Share of the looks in which it was at its limit, 0 to 1.
    pub fn at_limit(&self) -> f64 {
        if self.sizes.is_empty() { 0.0 } else { self.at_limit as f64 / self.looks() as f64 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_high_ones_count_and_the_highest_is_kept() {
        let mut marks = Marks::default();
        for look in 1..=100_u64 {
            marks.take(look << 20, Some(100 << 20), Duration::from_secs(60 * look));
        }
        let near = |found: u64, wanted: u64| found >= wanted << 20 && found <= (wanted << 20) / 100 * 105;
        assert!(near(marks.percentile(95), 95), "{}", marks.percentile(95));
        assert!(near(marks.percentile(50), 50), "{}", marks.percentile(50));
        assert_eq!((marks.percentile(100), marks.highest), (100 << 20, 100 << 20));
        assert_eq!((marks.looks(), marks.span()), (100, Duration::from_secs(99 * 60)));
        assert!((marks.at_limit() - 0.06).abs() < 0.011, "{}", marks.at_limit());
        assert_eq!((Marks::default().percentile(95), Marks::default().at_limit()), (0, 0.0));
    }

    #[test]
    fn a_look_is_due_once_in_a_while() {
        let mut learner = Learner::default();
        let at = |up: u64| Now { wall: jiff::Timestamp::UNIX_EPOCH, up: Duration::from_secs(up), boot: "a".into() };
        assert!(learner.is_due(&at(5)));
        learner.learn(&BTreeMap::new(), &at(5));
        assert!(!learner.is_due(&at(64)));
        assert!(learner.is_due(&at(65)));
    }

    proptest! {
        #[test]
        fn a_percentile_is_never_below_what_was_needed_nor_above_the_highest(
            sizes in proptest::collection::vec(1_u64..1 << 40, 1..200), percent in 1_u64..=100,
        ) {
            let mut marks = Marks::default();
            sizes.iter().for_each(|size| marks.take(*size, None, Duration::ZERO));
            let mut sorted = sizes.clone();
            sorted.sort_unstable();
            let index = (sizes.len() as u64 * percent).div_ceil(100) as usize - 1;
            let found = marks.percentile(percent);
            prop_assert!(found <= marks.highest);
            prop_assert!(found as f64 >= sorted[index] as f64 * 0.999, "{found} {}", sorted[index]);
        }

        #[test]
        fn they_stay_small(sizes in proptest::collection::vec(0_u64..=u64::MAX, 0..500)) {
            let mut marks = Marks::default();
            sizes.iter().for_each(|size| marks.take(*size, None, Duration::ZERO));
            prop_assert!(marks.sizes.len() <= 64 * 16 + 1);
        }
    }
}
