//! Slices that stand still: above its `memory.high` a group is slowed down for ever, and never killed. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

/// A slice stalls when all its tasks wait for memory for more than so many percent of ten seconds.
const STALLED_PERCENT: f64 = 40.0;

/// Since when each slice has stalled, time since boot.
#[derive(Debug, Default)]
pub struct Stalls(BTreeMap<String, Duration>);

impl Stalls {
    /// How long a slice has stalled, with what is found now: percent, or `None` when the kernel does not say.
    pub fn take(&mut self, slice: &str, percent: Option<f64>, up: Duration) -> Option<Duration> {
        if percent.is_some_and(|percent| percent > STALLED_PERCENT) {
            let since = *self.0.entry(slice.to_owned()).or_insert(up);
            return Some(up.saturating_sub(since));
        }
        self.0.remove(slice);
        None
    }

    /// Forgets slices that are not there any more.
    pub fn keep_only(&mut self, is_there: impl Fn(&str) -> bool) {
        self.0.retain(|slice, _| is_there(slice));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_counts_from_when_it_was_first_found() {
        let mut stalls = Stalls::default();
        let mut at = |percent: Option<f64>, seconds: u64| {
            stalls.take("a.slice", percent, Duration::from_secs(seconds)).map(|long| long.as_secs())
        };
        assert_eq!(at(Some(39.0), 1), None);
        assert_eq!(at(Some(41.0), 2), Some(0));
        assert_eq!(at(Some(90.0), 122), Some(120));
        assert_eq!(at(Some(10.0), 123), None);
        assert_eq!(at(Some(50.0), 124), Some(0), "begun anew");
        assert_eq!(at(None, 125), None, "what is not known is no stall");
        stalls.take("a.slice", Some(50.0), Duration::ZERO);
        stalls.keep_only(|_| false);
        assert!(stalls.0.is_empty());
    }
}
