//! Counts what a mending would change, in the thread of who asks. Changes nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::host::walk::mend::{Fit, Mend, Mended};
use crate::host::walk::set_idle_priority;
use crate::host::{Error, Roots};
use crate::keepers::storage::act::{Site, prove};
use crate::keepers::storage::config::Config;
use crate::keepers::storage::observe::Key;
use crate::keepers::storage::step::{Bits, Owner, Place};
use crate::keepers::storage::verdict::Wanted;

/// Between two signs of progress.
const SLICE: Duration = Duration::from_millis(500);

/// What is to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    pub recursive: bool,
    pub file_mode: Option<Bits>,
}

/// What was counted, and against what.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    pub place: Place,
    pub owner: Option<Owner>,
    pub mode: Option<Bits>,
    pub met: Mended,
}

/// Counts what is not as declared. `progress` is told how much was met; `false` stops.
pub fn count(
    (config, key): (&Config, &Key),
    survey: Survey,
    roots: &Roots,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Counted, Error> {
    let name = || format!("{}/{}", key.0, key.1);
    let wanted = config.dirs.get(key).and_then(|dir| Some((dir, Wanted::of(config, dir)?)));
    let Some((dir, Wanted { place, owner, mode })) = wanted else {
        return Err(Error::reply(name(), "is no declared directory"));
    };
    if owner.is_none() && mode.is_none() && survey.file_mode.is_none() {
        return Err(Error::reply(name(), "neither owner nor mode is declared, so nothing can be wrong with them"));
    }
    let Some(tier) = config.tiers.get(&dir.tier) else { return Err(Error::reply(name(), "has no tier")) };
    let (_, root) = prove(&Site::new(roots, tier, None), (&place.tier, &place.root))?;
    set_idle_priority();
    let fit = Fit {
        owner: owner.map(|owner| (owner.user, owner.group)),
        directory_mode: mode.map(|mode| mode.0),
        file_mode: survey.file_mode.map(|mode| mode.0),
    };
    let mut walk = Mend::new(fit, survey.recursive, false);
    while !walk.advance((&root, Path::new(&place.below)), Instant::now() + SLICE, u64::MAX)? {
        if !progress(walk.tally().directories + walk.tally().files) {
            return Err(Error::reply(name(), "counting was stopped"));
        }
    }
    Ok(Counted { place, owner, mode, met: walk.tally().clone() })
}
