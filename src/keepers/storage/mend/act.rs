//! Mends a part of a directory, on a tier that is proved again at this very moment. Killed at any point, what was mended
//! is mended, and a new mending finds the rest.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{MendOrder, Run, SharedRun};
use crate::host::Error;
use crate::host::walk::mend::Mend;
use crate::keepers::storage::act::{Site, prove};
use crate::round::Change;

/// How long one part may take before nobody waits for it any more: well within the patience of the watchdog.
pub const LIMIT: Duration = Duration::from_secs(60);
/// How long one part walks.
const SLICE: Duration = Duration::from_secs(10);
/// What one part changes at most.
pub const MOST: u64 = 5000;

pub fn carry_out(site: &Site, order: &MendOrder, run: &SharedRun) -> Result<Change, Error> {
    let Ok(mut run) = run.try_lock() else {
        return Err(Error::reply(order.to_string(), "an earlier part still hangs"));
    };
    let (_, root) = prove(site, (&order.place.tier, &order.place.root))?;
    let old = run.take().filter(|old| !order.begin && !old.ended && old.order.is_same(order));
    let new = || Run { order: order.clone(), walk: Mend::new(order.fit(), order.recursive, true), ended: false };
    let going = run.insert(old.unwrap_or_else(new));
    let before = going.walk.tally().changed;
    let place = (&root, Path::new(&order.place.below));
    going.ended = going.walk.advance(place, Instant::now() + SLICE, MOST)?;
    if going.walk.tally().changed == before {
        return Ok(Change::AlreadySo);
    }
    root.sync_file_system()?;
    Ok(Change::Made)
}
