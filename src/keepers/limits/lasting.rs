//! How long something has been so, with looks from time to time. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

/// Since when it has been so of each thing, time since boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasting<K: Ord>(BTreeMap<K, Duration>);

impl<K: Ord> Default for Lasting<K> {
    fn default() -> Lasting<K> {
        Lasting(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Lasting<K> {
    /// Takes what one look found: how long it has been so, from the look that first found it. `None`: it is not so.
    pub fn take(&mut self, thing: &K, is_so: bool, up: Duration) -> Option<Duration> {
        if is_so {
            let since = *self.0.entry(thing.clone()).or_insert(up);
            return Some(up.saturating_sub(since));
        }
        self.0.remove(thing);
        None
    }

    /// Forgets what is not there any more.
    pub fn keep_only(&mut self, is_there: impl Fn(&K) -> bool) {
        self.0.retain(|thing, _| is_there(thing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_from_when_it_was_first_found() {
        let mut lasting = Lasting::default();
        let mut at = |is_so: bool, seconds: u64| {
            lasting.take(&"a", is_so, Duration::from_secs(seconds)).map(|long| long.as_secs())
        };
        assert_eq!(at(false, 1), None);
        assert_eq!(at(true, 2), Some(0));
        assert_eq!(at(true, 122), Some(120));
        assert_eq!(at(false, 123), None);
        assert_eq!(at(true, 124), Some(0), "begun anew");
        lasting.keep_only(|_| false);
        assert_eq!(lasting, Lasting::default());
    }
}
