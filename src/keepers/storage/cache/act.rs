//! Carries one order about a cache out: on the device that the tier is proved to stand on at this very moment, while the
//! tier's root is held open, so that the device cannot become another one.

use std::time::{Duration, Instant};

use super::config::CacheMode;
use super::observe::{CacheSeen, CachedDevice, read_cache};
use super::step::{CacheOf, CacheStep};
use crate::host::bcache::{Attribute, write_attribute};
use crate::host::{Error, Roots};
use crate::keepers::storage::observe::Ground;
use crate::round::Change;

/// How long a step waits for what is dirty to be written back. What takes longer goes on by itself, and is a concern
/// until it is done.
const DRAIN: Duration = Duration::from_secs(5);

/// Sets one attribute when it is still as it was decided on. `ground`: proved, and held open by the caller.
pub fn carry_out(roots: &Roots, ground: &Ground, order: &CacheStep) -> Result<Change, Error> {
    let device = find(roots, ground, order.cache())?;
    let (attribute, value) = match is_done(&device, order)? {
        true => return Ok(Change::AlreadySo),
        false => attribute_of(order),
    };
    write_attribute(roots, &device.device, attribute, &value)?;
    let after = find(roots, ground, order.cache())?;
    if !is_done(&after, order)? {
        let what = format!("took {value}, and does not say so: {order}");
        return Err(Error::reply(after.device, what));
    }
    if let CacheStep::Mode { from: CacheMode::Writeback, .. } = order {
        await_drained(roots, ground, order.cache());
    }
    Ok(Change::Made)
}

/// Whether an order is done; `None`: things are neither as before it nor as after it. A change of mode is done when
/// nothing is left in the cache alone.
pub fn examine(roots: &Roots, ground: &Ground, order: &CacheStep) -> Option<bool> {
    let device = find(roots, ground, order.cache()).ok()?;
    let done = is_done(&device, order).ok()?;
    let leaves_writeback = matches!(order, CacheStep::Mode { from: CacheMode::Writeback, .. });
    if done && leaves_writeback && !device.dirty.is_some_and(|dirty| dirty.is_nothing()) {
        return None;
    }
    Some(done)
}

fn attribute_of(order: &CacheStep) -> (Attribute, String) {
    match order {
        CacheStep::Mode { to, .. } => (Attribute::CacheMode, to.as_str().to_owned()),
        // The kernel prints `4.0M` and reads only whole numbers.
        CacheStep::SequentialCutoff { to, .. } => (Attribute::SequentialCutoff, to.0.to_string()),
        CacheStep::WritebackPercent { to, .. } => (Attribute::WritebackPercent, to.to_string()),
    }
}

/// The device, if it is the one that was decided on, and has its cache.
fn find(roots: &Roots, ground: &Ground, cache: &CacheOf) -> Result<CachedDevice, Error> {
    let refused = |what: &str| Error::reply(format!("tier {}", cache.tier), what);
    let CacheSeen::There(found) = read_cache(roots, ground) else {
        return Err(refused("does not stand on a bcache any more"));
    };
    if found.device != cache.device || found.backing != cache.backing {
        return Err(refused(&format!("stands on another bcache than at the last look: {}", found.device)));
    }
    if !found.has_cache() || found.state.as_deref() == Some("inconsistent") {
        let state = found.state.as_deref().unwrap_or("unknown");
        return Err(Error::reply(found.device, format!("is in state \"{state}\" by now: it is left alone")));
    }
    Ok(*found)
}

/// Whether it is as ordered. An error: it is neither so nor as it was decided on.
fn is_done(device: &CachedDevice, order: &CacheStep) -> Result<bool, Error> {
    let unclear = |now: String| {
        Err(Error::reply(device.device.clone(), format!("is at {now} by now: it is left alone ({order})")))
    };
    match order {
        CacheStep::Mode { from, to, .. } => match device.mode.as_deref().and_then(CacheMode::parse) {
            Some(now) if now == *to => Ok(true),
            Some(now) if now == *from => Ok(false),
            now => unclear(now.map_or("an unknown mode".into(), |mode| mode.to_string())),
        },
        CacheStep::SequentialCutoff { from, to, .. } => match device.sequential_cutoff {
            Some(now) if now.may_be(to.0) => Ok(true),
            Some(now) if now.may_be(from.0) => Ok(false),
            now => unclear(now.map_or("an unknown number".into(), |now| now.least().to_string())),
        },
        CacheStep::WritebackPercent { from, to, .. } => match device.writeback_percent {
            Some(now) if now == *to => Ok(true),
            Some(now) if now == *from => Ok(false),
            now => unclear(now.map_or("an unknown number".into(), |now| now.to_string())),
        },
    }
}

fn await_drained(roots: &Roots, ground: &Ground, cache: &CacheOf) {
    let until = Instant::now() + DRAIN;
    while Instant::now() < until {
        match find(roots, ground, cache) {
            Ok(device) if device.dirty.is_some_and(|dirty| !dirty.is_nothing()) => {}
            _ => return,
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
