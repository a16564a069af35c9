//! Counters as an algebra: what one source says, what it said before, and the sum that only grows.

use std::collections::BTreeMap;

use super::super::containers::Nic;
use crate::host::cgroups::{Counters, Pressure};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Receive,
    Transmit,
}

/// Reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    Read,
    Write,
}

/// What tasks waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    Cpu,
    Memory,
    Io,
}

/// `some` (waiting) or `full` (stalled).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stall {
    Some,
    Full,
}

/// One counter of a source or a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Nanoseconds.
    Cpu,
    /// Nanoseconds.
    Throttled,
    OomKills,
    /// Microseconds.
    Pressure(Resource, Stall),
    /// Bytes of a device, by its numbers.
    Io(u32, u32, Operation),
    /// Bytes of a link, by its index; 0 in a project's sum.
    Network(u32, Direction),
}

impl Counter {
    /// The counter of the project that this counter of a source belongs to.
    fn of_project(self) -> Counter {
        match self {
            Counter::Network(_, direction) => Counter::Network(0, direction),
            other => other,
        }
    }

    pub(super) fn is_network(self) -> bool {
        matches!(self, Counter::Network(..))
    }
}

/// Counters and their values.
pub type Totals = BTreeMap<Counter, u64>;

/// What a cgroup's files count.
pub(super) fn totals_of(counters: &Counters) -> Totals {
    let mut totals = Totals::new();
    totals.extend(counters.cpu.map(|cpu| (Counter::Cpu, cpu.usage_ns)));
    totals.extend(counters.throttle.map(|throttle| (Counter::Throttled, throttle.throttled_ns)));
    totals.extend(counters.memory.and_then(|memory| memory.oom_kills).map(|kills| (Counter::OomKills, kills)));
    for io in &counters.io {
        totals.insert(Counter::Io(io.major, io.minor, Operation::Read), io.read_bytes);
        totals.insert(Counter::Io(io.major, io.minor, Operation::Write), io.written_bytes);
    }
    totals
}

/// What a cgroup's tasks waited. It cannot be added up over cgroups: only a project's own slice tells it.
pub(super) fn add_pressure(totals: &mut Totals, counters: &Counters) {
    let mut put = |resource, pressure: Option<Pressure>| {
        let pressure = pressure.unwrap_or_default();
        totals.extend(pressure.some_us.map(|us| (Counter::Pressure(resource, Stall::Some), us)));
        totals.extend(pressure.full_us.map(|us| (Counter::Pressure(resource, Stall::Full), us)));
    };
    put(Resource::Cpu, counters.cpu_pressure);
    put(Resource::Memory, counters.memory_pressure);
    put(Resource::Io, counters.io_pressure);
}

/// What a container's links count.
pub(super) fn add_network(totals: &mut Totals, nics: &[Nic]) {
    for nic in nics {
        totals.insert(Counter::Network(nic.index, Direction::Receive), nic.receive_bytes);
        totals.insert(Counter::Network(nic.index, Direction::Transmit), nic.transmit_bytes);
    }
}

/// Adds to `sum` what a source counted since `before`; a counter that fell began anew. Then `before` is what it says
/// now, and keeps what it does not say this time (a file or link that could not be read).
pub(super) fn carry(sum: &mut Totals, before: &mut Totals, now: Totals, counts: impl Fn(Counter) -> bool) {
    for (counter, value) in now {
        let then = before.insert(counter, value).unwrap_or_default();
        if counts(counter) {
            let grown = if value >= then { value - then } else { value };
            let held = sum.entry(counter.of_project()).or_default();
            *held = held.saturating_add(grown);
        }
    }
}
