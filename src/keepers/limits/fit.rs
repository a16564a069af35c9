//! When two limits are the same, and what a lower one must leave room for. Pure.

use super::observe::Bounds;
use super::step::{ContainerBounds, SliceBounds};
use crate::values::{Bytes, Cpus, Limit};

/// The kernel counts memory in pages; none here is larger.
const PAGE: u64 = 64 << 10;
/// Docker takes no smaller reservation, and cannot take one back.
pub const LEAST_LOW: u64 = 6 << 20;
/// Docker and systemd round CPU time: to 10 ms of each second, and to whole percents.
const CPU_GRAIN: u64 = 10;

/// A stage is set again only when it can be so much lower: each is an order of its own.
const STAGE_PERCENT: u64 = 90;

/// The least limit that leaves 15 % beside what is needed, in whole MiB.
pub fn room_for(needed: u64) -> u64 {
    let room = needed.saturating_add(needed / 100 * 15);
    room.checked_next_multiple_of(1 << 20).unwrap_or(u64::MAX)
}

/// Where a memory limit can be now on its way down to `wanted`, when `wanted` would kill: as low as leaves room, or where it
/// is when little is to be gained. `None`: it can be `wanted` at once.
pub fn find_stage(bounds: &Bounds, wanted: u64) -> Option<Limit> {
    let now = bounds.memory_max.unwrap_or(Limit::Max);
    let room = room_for(bounds.needed);
    if now <= Limit::At(wanted) || is_same_memory(now, Limit::At(wanted)) || wanted >= room {
        return None;
    }
    let gains = now.at().is_none_or(|now| room < now / 100 * STAGE_PERCENT);
    Some(if gains { Limit::At(room) } else { now })
}

/// Whether two amounts of memory are the same to the kernel.
pub fn is_same_memory(found: Limit, wanted: Limit) -> bool {
    match (found, wanted) {
        (Limit::At(found), Limit::At(wanted)) => found.abs_diff(wanted) < PAGE,
        (found, wanted) => found == wanted,
    }
}

/// Whether two amounts of CPU time are, to 1 %.
pub fn is_same_cpus(found: Limit, wanted: Limit) -> bool {
    match (found, wanted) {
        (Limit::At(found), Limit::At(wanted)) => found.abs_diff(wanted) <= (wanted / 100).max(CPU_GRAIN),
        (found, wanted) => found == wanted,
    }
}

/// All that the host has: what Docker is told instead of "no limit", which it cannot be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// Bytes.
    pub memory: u64,
    /// Thousandths of a core.
    pub cpus: u64,
}

/// What of a container is not as wanted, in words. What the kernel cannot bound here is not missed.
pub fn container_differs(found: &Bounds, wanted: &ContainerBounds, whole: Whole) -> Vec<String> {
    let memory = |name: &str, found: Option<Limit>, wanted: Option<Limit>| {
        let (found, wanted) = (found?, wanted?);
        let free = wanted == Limit::Max && found >= Limit::At(whole.memory.saturating_sub(PAGE));
        let same = free || is_same_memory(found, wanted);
        (!same).then(|| format!("{name} {}", show(found, &|bytes| Bytes(bytes).to_string())))
    };
    let cpus = wanted.cpus.map(|cpus| if cpus == Limit::Max { Limit::At(whole.cpus) } else { cpus });
    // Less reserved than nothing there is not: Docker's least stays when a reservation is given up.
    let low = wanted
        .low
        .map(Limit::At)
        .filter(|low| *low > Limit::At(LEAST_LOW) || found.memory_low > Some(Limit::At(LEAST_LOW)));
    [
        memory("memory", found.memory_max, wanted.memory),
        memory("swap", found.swap_max, wanted.swap),
        memory("reserved memory", found.memory_low, low),
        differs_in_cpus(found.cpus.filter(|found| *found != Limit::Max || wanted.cpus != Some(Limit::Max)), cpus),
        differs_in_count(found.pids_max, wanted.pids),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What of a slice is not as wanted, in words.
pub fn slice_differs(found: &Bounds, wanted: &SliceBounds) -> Vec<String> {
    let memory = |name: &str, found: Option<Limit>, wanted: Option<Limit>| {
        let wanted = wanted?;
        let same = found.is_some_and(|found| is_same_memory(found, wanted));
        (!same).then(|| {
            format!(
                "{name} {}",
                found.map_or_else(|| "unknown".to_owned(), |found| show(found, &|bytes| Bytes(bytes).to_string()))
            )
        })
    };
    let weight = wanted.weight.filter(|weight| found.cpu_weight != Some(*weight));
    [
        memory("memory_max", found.memory_max, wanted.memory_max),
        memory("memory_high", found.memory_high, wanted.memory_high),
        memory("reserved memory", found.memory_low, wanted.memory_low.map(Limit::At)),
        differs_in_cpus(found.cpus.or(Some(Limit::Max)), wanted.cpus),
        weight.map(|_| format!("cpu weight {}", found.cpu_weight.unwrap_or_default())),
        differs_in_count(found.pids_max, wanted.pids),
        differs_in_rates(found, wanted.read.as_deref(), "reading", |bound| bound.read),
        differs_in_rates(found, wanted.write.as_deref(), "writing", |bound| bound.write),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn differs_in_cpus(found: Option<Limit>, wanted: Option<Limit>) -> Option<String> {
    let (found, wanted) = (found?, wanted?);
    (!is_same_cpus(found, wanted)).then(|| format!("cpus {}", show(found, &|milli| Cpus(milli).to_string())))
}

fn differs_in_count(found: Option<Limit>, wanted: Option<Limit>) -> Option<String> {
    let (found, wanted) = (found?, wanted?);
    (found != wanted).then(|| format!("pids {}", show(found, &|pids| pids.to_string())))
}

/// The rates in force are the wanted ones, whichever device each is of: systemd finds the device of a path itself.
fn differs_in_rates(
    found: &Bounds,
    wanted: Option<&[(String, u64)]>,
    name: &str,
    pick: fn(&super::observe::IoBound) -> Limit,
) -> Option<String> {
    let mut wanted: Vec<u64> = wanted?.iter().map(|(_, rate)| *rate).collect();
    let mut found: Vec<u64> = found.io.iter().filter_map(|bound| pick(bound).at()).collect();
    wanted.sort_unstable();
    found.sort_unstable();
    let rates =
        |rates: &[u64]| rates.iter().map(|rate| format!("{}/s", Bytes(*rate))).collect::<Vec<_>>().join(" and ");
    (wanted != found).then(|| format!("{name} {}", if found.is_empty() { "unbounded".into() } else { rates(&found) }))
}

fn show(limit: Limit, words: &dyn Fn(u64) -> String) -> String {
    limit.at().map_or_else(|| "unbounded".to_owned(), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_compared_as_the_kernel_keeps_them() {
        assert!(is_same_memory(Limit::At(300 << 20), Limit::At((300 << 20) + 100)));
        assert!(!is_same_memory(Limit::At(300 << 20), Limit::At(301 << 20)));
        assert!(!is_same_memory(Limit::Max, Limit::At(1)) && is_same_memory(Limit::Max, Limit::Max));
        assert!(is_same_cpus(Limit::At(340), Limit::At(333)), "rounded up to 10 ms of a second");
        assert!(is_same_cpus(Limit::At(12_000), Limit::At(12_050)) && !is_same_cpus(Limit::At(1500), Limit::At(1000)));
    }

    #[test]
    fn room_is_left_beside_what_is_needed() {
        assert_eq!(room_for(0), 0);
        assert_eq!(room_for(100 << 20), 115 << 20);
        assert_eq!(room_for(1), 1 << 20);
        assert_eq!(room_for(u64::MAX), u64::MAX);
    }

    #[test]
    fn what_the_kernel_cannot_bound_is_not_missed_of_a_container() {
        let found = Bounds { memory_max: Some(Limit::At(8 << 30)), cpus: Some(Limit::Max), ..Bounds::default() };
        let wanted = ContainerBounds {
            memory: Some(Limit::At(8 << 30)),
            swap: Some(Limit::At(0)),
            cpus: Some(Limit::At(2000)),
            ..ContainerBounds::default()
        };
        let whole = Whole { memory: 16 << 30, cpus: 4000 };
        assert_eq!(container_differs(&found, &wanted, whole), ["cpus unbounded"], "no swap is counted on this kernel");
        assert_eq!(
            slice_differs(&found, &SliceBounds { memory_low: Some(1 << 30), ..SliceBounds::default() }).len(),
            1
        );
    }

    #[test]
    fn a_limit_given_up_is_all_that_the_host_has() {
        let whole = Whole { memory: 16 << 30, cpus: 4000 };
        let none = ContainerBounds {
            memory: Some(Limit::Max),
            swap: Some(Limit::Max),
            cpus: Some(Limit::Max),
            low: Some(0),
            pids: Some(Limit::Max),
        };
        let free = Bounds {
            memory_max: Some(Limit::At(16 << 30)),
            swap_max: Some(Limit::Max),
            cpus: Some(Limit::At(4000)),
            memory_low: Some(Limit::At(LEAST_LOW)),
            pids_max: Some(Limit::Max),
            ..Bounds::default()
        };
        assert!(container_differs(&free, &none, whole).is_empty());
        assert!(container_differs(&Bounds { cpus: Some(Limit::Max), ..free.clone() }, &none, whole).is_empty());
        let bound = Bounds { memory_max: Some(Limit::At(1 << 30)), cpus: Some(Limit::At(1000)), ..free };
        assert_eq!(container_differs(&bound, &none, whole), ["memory 1GiB", "cpus 1"]);
    }
}
