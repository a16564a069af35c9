//! What must be remembered of a shortage from look to look: the gauge, and how it was right before the last stop.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::config::Table;
use super::gauge::{Gauge, Reading};
use crate::host::Host;
use crate::host::memory::read_memory_now;
use crate::keepers::limits::step::Target;

/// How it was right before a container was stopped for want of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Eased {
    pub ago: Duration,
    /// Bytes that could be had.
    pub available: u64,
    /// Bytes that the container needed.
    pub freed: u64,
    /// Bytes that all other containers of declared projects needed.
    pub others: u64,
}

#[derive(Debug, Default)]
pub struct PressureWatch {
    gauge: Option<Gauge>,
    /// What each running container needed at the last look, bytes by id.
    needs: BTreeMap<String, u64>,
    eased: Option<(Instant, Eased)>,
}

impl PressureWatch {
    /// `None`: nothing is said of it, or the kernel does not tell.
    pub fn look(&mut self, table: Option<&Table>, host: &Host) -> Option<Reading> {
        let same = self.gauge.take().filter(|gauge| table.is_some_and(|table| gauge.is_for(table, &host.roots)));
        self.gauge = same.or_else(|| table.map(|table| Gauge::start(table, host)));
        self.gauge.as_ref()?.read()
    }

    pub fn remember_needs(&mut self, needs: impl Iterator<Item = (String, u64)>) {
        self.needs = needs.collect();
    }

    /// Looks how it is before a container is stopped, so that it can be told what that was worth.
    pub fn note_eviction(&mut self, target: &Target, host: &Host) {
        let Some(memory) = read_memory_now(&host.roots) else { return };
        let freed = self.needs.get(&target.id).copied().unwrap_or_default();
        let all = self.needs.values().fold(0_u64, |sum, needed| sum.saturating_add(*needed));
        let others = all.saturating_sub(freed);
        let eased = Eased { ago: Duration::ZERO, available: memory.available, freed, others };
        self.eased = Some((Instant::now(), eased));
    }

    /// The last stop, if there was one since the agent began.
    pub fn eased(&self) -> Option<Eased> {
        self.eased.map(|(at, eased)| Eased { ago: at.elapsed(), ..eased })
    }
}
