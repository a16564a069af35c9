//! Carries one order out, and believes only the kernel. Right before a limit is lowered it is looked again how much is in
//! use: on cgroup v2 a limit below use kills at once.

use std::time::Duration;

use super::config::Config;
use super::fit::{LEAST_LOW, Whole, container_differs, find_stage, room_for, slice_differs};
use super::observe::{Bounds, Layout};
use super::step::{ContainerBounds, SliceBounds, Span, Step, Target};
use crate::host::cgroups::{Cgroups, Place};
use crate::host::docker::{Quota, Resources, Steerer, Update};
use crate::host::units::{self, Bus, Property};
use crate::host::{Error, Host, machine};
use crate::round::Change;
use crate::values::{Bytes, Limit, group_of_slice};

/// The kernel shows a new limit at once; systemd may take a moment to write it.
const READ_BACK: [u64; 5] = [0, 20, 100, 300, 1000];

pub async fn carry_out(config: &Config, step: &Step, host: &Host) -> Result<Change, Error> {
    match step {
        Step::Slice { unit, to, span, .. } => set_slice(unit, to, *span, host).await,
        Step::Container { target, to, .. } => set_container(config, target, to, host).await,
        Step::Stop { target } | Step::Evict { target } => stop(config, target).await,
        Step::Start { target } | Step::Resume { target, .. } => start(config, target).await,
    }
}

/// Whether an order is done; `None`: cannot be told.
pub async fn examine(config: &Config, step: &Step, host: &Host) -> Option<bool> {
    match step {
        Step::Slice { unit, to, span, .. } => Some(is_so(unit, to, *span, host)),
        Step::Container { target, to, .. } => {
            let cgroups = Cgroups::of(&host.roots);
            let place = cgroups.list_places().get(&target.id).cloned()?;
            Some(container_differs(&cgroups.read_bounds(&place)?, to, whole_of(host)).is_empty())
        }
        Step::Stop { target } | Step::Evict { target } => runs(config, target).await.map(|runs| !runs),
        Step::Start { target } | Step::Resume { target, .. } => runs(config, target).await,
    }
}

async fn stop(config: &Config, target: &Target) -> Result<Change, Error> {
    Steerer::connect(&config.socket).await?.stop(&target.id).await.map(change_of)
}

async fn start(config: &Config, target: &Target) -> Result<Change, Error> {
    Steerer::connect(&config.socket).await?.start(&target.id).await.map(change_of)
}

fn change_of(changed: bool) -> Change {
    if changed { Change::Made } else { Change::AlreadySo }
}

async fn runs(config: &Config, target: &Target) -> Option<bool> {
    let found = Steerer::connect(&config.socket).await.ok()?.read_container(&target.id).await.ok()??;
    Some(found.pid.is_some())
}

/// Whether a slice is as it should be: in the kernel when it is there, and written as it should last.
fn is_so(unit: &str, to: &SliceBounds, span: Span, host: &Host) -> bool {
    let written = units::read_written(&host.roots, unit);
    let held = match span {
        Span::Nothing => written.is_empty(),
        Span::Boot => to.properties().iter().all(|name| written.runtime.contains_key(*name)),
        Span::Always => to.properties().iter().all(|name| written.lasting.contains_key(*name)),
    };
    held && read_slice(unit, host).is_none_or(|bounds| slice_differs(&bounds, to).is_empty())
}

fn read_slice(unit: &str, host: &Host) -> Option<Bounds> {
    let cgroups = Cgroups::of(&host.roots);
    (cgroups.layout() == Layout::Unified).then(|| cgroups.read_bounds(&Place::at(&group_of_slice(unit))))?
}

async fn set_slice(unit: &str, to: &SliceBounds, span: Span, host: &Host) -> Result<Change, Error> {
    if is_so(unit, to, span, host) {
        return Ok(Change::AlreadySo);
    }
    if let (Some(bounds), Some(Limit::At(max))) = (read_slice(unit, host), to.memory_max) {
        refuse_too_tight(unit, &bounds, max)?;
    }
    let bus = Bus::connect(&host.roots).await?;
    let bus = bus.ok_or_else(|| Error::reply("systemd", "there is no D-Bus on this host"))?;
    let properties = list_properties(to);
    bus.set_properties(unit, span != Span::Always, &properties).await?;
    if span == Span::Nothing {
        units::remove_written(&host.roots, unit)?;
    }
    for wait in READ_BACK {
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if is_so(unit, to, span, host) {
            return Ok(Change::Made);
        }
    }
    let differs = read_slice(unit, host).map(|bounds| slice_differs(&bounds, to).join(", ")).unwrap_or_default();
    Err(Error::reply("systemd", format!("took the properties of {unit} and the kernel has others: {differs}")))
}

fn list_properties(to: &SliceBounds) -> Vec<Property> {
    [
        to.memory_max.map(Property::MemoryMax),
        to.memory_high.map(Property::MemoryHigh),
        to.memory_low.map(Property::MemoryLow),
        to.cpus.map(Property::CpuQuota),
        to.weight.map(|weight| Property::CpuWeight(Some(weight))),
        to.pids.map(Property::TasksMax),
        to.read.clone().map(Property::ReadMax),
        to.write.clone().map(Property::WriteMax),
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn set_container(config: &Config, target: &Target, to: &ContainerBounds, host: &Host) -> Result<Change, Error> {
    let gone = || Error::reply(words(target), "is not there any more");
    let steerer = Steerer::connect(&config.socket).await?;
    let told = steerer.read_container(&target.id).await?.ok_or_else(gone)?;
    let pid = told.pid.ok_or_else(|| Error::reply(words(target), "does not run any more"))?;
    let cgroups = Cgroups::of(&host.roots);
    let place = cgroups.read_place(pid, &target.id).ok_or_else(gone)?;
    let bounds = cgroups.read_bounds(&place).ok_or_else(gone)?;
    let whole = whole_of(host);
    if container_differs(&bounds, to, whole).is_empty() {
        return Ok(Change::AlreadySo);
    }
    if let Some(Limit::At(memory)) = to.memory {
        refuse_too_tight(&words(target), &bounds, memory)?;
    }
    steerer.update(&target.id, &render_update(to, &told.resources, whole)).await?;
    let mut differs = Vec::new();
    for wait in READ_BACK {
        tokio::time::sleep(Duration::from_millis(wait)).await;
        differs = container_differs(&cgroups.read_bounds(&place).ok_or_else(gone)?, to, whole);
        if differs.is_empty() {
            return Ok(Change::Made);
        }
    }
    let what = format!("took the limits of {} and the kernel has others: {}", words(target), differs.join(", "));
    Err(Error::reply("docker", what))
}

fn refuse_too_tight(who: &str, bounds: &Bounds, wanted: u64) -> Result<(), Error> {
    if find_stage(bounds, wanted).is_some() {
        let (used, room) = (Bytes(bounds.needed), Bytes(room_for(bounds.needed)));
        return Err(Error::reply(who, format!("uses {used} by now: less than {room} would kill it, so it is left")));
    }
    Ok(())
}

fn whole_of(host: &Host) -> Whole {
    let memory = machine::read_memory_bytes(&host.roots).unwrap_or(1 << 50);
    Whole { memory, cpus: u64::from(machine::read_cpu_cores(&host.roots)) * 1000 }
}

/// What Docker is asked for. It cannot take a limit back: "none" is all that the host has.
fn render_update(to: &ContainerBounds, told: &Resources, whole: Whole) -> Update {
    let memory = to.memory.map(|memory| {
        let memory = memory.at().unwrap_or(whole.memory);
        let swap = to.swap.and_then(Limit::at).unwrap_or(whole.memory);
        (memory, memory.saturating_add(swap))
    });
    Update {
        memory,
        reservation: to.low.map(|low| low.max(LEAST_LOW)),
        cpus: to.cpus.map(|cpus| adopt(told, cpus, whole.cpus)),
        pids: to.pids.map(|pids| pids.at().and_then(|pids| i64::try_from(pids).ok()).unwrap_or(-1)),
    }
}

/// The way in which this container's CPU time is bounded already; for its whole life it can have no other.
fn adopt(told: &Resources, cpus: Limit, cores: u64) -> Quota {
    if told.nano_cpus == 0 && told.cpu_quota != 0 {
        let period = if told.cpu_period == 0 { 100_000 } else { told.cpu_period };
        let quota = cpus.at().map(|milli| i64::try_from(milli.saturating_mul(period) / 1000).unwrap_or(-1));
        return Quota::Period { quota: quota.unwrap_or(-1), period };
    }
    Quota::Nano(cpus.at().unwrap_or(cores).saturating_mul(1_000_000))
}

fn words(target: &Target) -> String {
    format!("{}/{}", target.project, target.thing())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_keeps_the_kind_of_bound_that_it_has() {
        let nano = Resources { nano_cpus: 1_000_000_000, ..Resources::default() };
        assert_eq!(adopt(&nano, Limit::At(2500), 4000), Quota::Nano(2_500_000_000));
        assert_eq!(adopt(&Resources::default(), Limit::At(500), 4000), Quota::Nano(500_000_000));
        assert_eq!(adopt(&nano, Limit::Max, 4000), Quota::Nano(4_000_000_000), "it cannot be taken back");
        let quota = Resources { cpu_quota: 50_000, cpu_period: 50_000, ..Resources::default() };
        assert_eq!(adopt(&quota, Limit::At(1500), 4000), Quota::Period { quota: 75_000, period: 50_000 });
        assert_eq!(adopt(&quota, Limit::Max, 4000), Quota::Period { quota: -1, period: 50_000 });
        let unset = Resources { cpu_quota: -1, ..Resources::default() };
        assert_eq!(adopt(&unset, Limit::At(1500), 4000), Quota::Period { quota: 150_000, period: 100_000 });
    }
}
