//! Counts containers that turned bad lately, for the storm guard.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::round::{ContainerView, Storm};
use crate::values::{Now, Stamp};

/// Since when which container is bad. Bounded by the number of containers.
#[derive(Default)]
pub struct StormWatch {
    since: BTreeMap<String, Stamp>,
}

impl StormWatch {
    /// Takes note of the containers as they are now; counts those that turned bad within `window`.
    pub fn count(&mut self, containers: &[ContainerView], window: Duration, now: &Now) -> Storm {
        let bad = |c: &&ContainerView| {
            c.health.as_deref() == Some("unhealthy") || c.state == "restarting" || c.state == "dead"
        };
        let mut since = BTreeMap::new();
        for container in containers.iter().filter(bad) {
            let first = self.since.get(&container.name).cloned().unwrap_or_else(|| now.stamp());
            since.insert(container.name.clone(), first);
        }
        self.since = since;
        let recent = self.since.values().filter(|first| now.since(first) <= window).count();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Storm { bad: count(recent), watched: count(containers.len()) }
    }
}
