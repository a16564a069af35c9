//! Measures how fast a tier is: on a nameless scratch file on the disk that was proved to be the tier's, bounded in size
//! and time, and never into the space that must remain free.

use std::time::Duration;

use super::act::{Site, prove};
use super::config::{Expected, Tier};
use super::observe::Ground;
use crate::host::disk_speed::{Scratch, Speed};
use crate::host::{Error, Roots};
use crate::values::Bytes;

/// How much is written at most, and for how long each part may go on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub size: Bytes,
    pub limit: Duration,
}

/// What is measured at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    SequentialWrite,
    RandomRead,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The block device, when there is one.
    pub device: Option<String>,
    pub size: Bytes,
    pub sequential_write: Speed,
    pub random_read: Speed,
}

impl Outcome {
    /// Found in parts of what is expected, for writing and reading; `None` where nothing is expected.
    pub fn compare(&self, expected: &Expected) -> [Option<f64>; 2] {
        let write = expected.sequential_write.map(|speed| self.sequential_write.bytes_per_second() / speed.0 as f64);
        let read = expected.random_read.map(|speed| self.random_read.operations_per_second() / speed as f64);
        [write, read]
    }
}

/// Measures the tier `name`. `progress` is told the part and the bytes done of how many; `false` stops.
pub fn measure(
    roots: &Roots,
    (name, tier): (&str, &Tier),
    bounds: Bounds,
    progress: &mut dyn FnMut(Part, u64) -> bool,
) -> Result<Outcome, Error> {
    let (ground, root) = prove(&Site::new(roots, tier, None), (name, tier.path.trim_end_matches('/')))?;
    let size = find_room(name, tier, &ground, bounds.size)?;
    let mut scratch = Scratch::create(&root, size.0)?;
    // Somebody else may have taken the rest meanwhile.
    let left = root.read_space()?.available;
    if tier.min_free.is_some_and(|least| left < least.0) {
        return Err(too_full(name, tier, left, Bytes(0)));
    }
    let write = scratch.write_through(bounds.limit, &mut |done| progress(Part::SequentialWrite, done))?;
    let read = scratch.read_at_random(bounds.limit, &mut |done| progress(Part::RandomRead, done))?;
    let device = ground.device.value().and_then(|device| Some(device.as_ref()?.name.clone()));
    Ok(Outcome { device, size, sequential_write: write, random_read: read })
}

/// The size to be used: what is asked for, if all of it fits beside what must remain free.
fn find_room(name: &str, tier: &Tier, ground: &Ground, size: Bytes) -> Result<Bytes, Error> {
    let least = tier.min_free.map_or(0, |least| least.0);
    let room = ground.available.saturating_sub(least);
    if size.0 > room { Err(too_full(name, tier, ground.available, size)) } else { Ok(size) }
}

fn too_full(name: &str, tier: &Tier, available: u64, size: Bytes) -> Error {
    let least = tier.min_free.map(|least| format!(", of which {least} must remain free")).unwrap_or_default();
    let what = format!("has {} available{least}: no room for a scratch file of {size}", Bytes(available));
    Error::reply(format!("tier {name}"), what)
}
