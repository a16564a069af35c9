//! Owner and mode of what is below a declared directory: counted for a person to see, and mended on that person's word, a
//! part in each order. Never on its own account: no round plans it.

mod act;
mod count;
pub mod metrics;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub use count::{Counted, Survey, count};
pub use step::MendOrder;

use super::act::Site;
use super::observe::Key;
use crate::host::walk::mend::{Mend, Mended};
use crate::host::{Error, patience::Patience};
use crate::round::{Change, FixView};

/// One mending: its order, where its walk is, and whether it came to the end.
#[derive(Debug)]
pub struct Run {
    order: MendOrder,
    walk: Mend,
    ended: bool,
}

/// Shared with the thread that mends.
type SharedRun = Arc<Mutex<Option<Run>>>;

/// How a mending stands, as last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct MendSeen {
    pub recursive: bool,
    pub ended: bool,
    pub met: Mended,
}

/// The mendings since the agent started, the last of each directory.
#[derive(Debug, Default)]
pub struct Mends {
    runs: BTreeMap<Key, SharedRun>,
    seen: BTreeMap<Key, MendSeen>,
}

impl Mends {
    /// How each stands. One that is worked on at this moment stands as it was before.
    pub fn look(&mut self) -> BTreeMap<Key, MendSeen> {
        for (key, run) in &self.runs {
            let Ok(run) = run.try_lock() else { continue };
            if let Some(run) = run.as_ref() {
                let seen = MendSeen { recursive: run.order.recursive, ended: run.ended, met: run.walk.tally().clone() };
                self.seen.insert(key.clone(), seen);
            }
        }
        self.seen.clone()
    }

    /// One part.
    pub async fn act(&mut self, site: Site, order: &MendOrder, patience: &mut Patience) -> Result<Change, Error> {
        let key = (order.project.clone(), order.dir.clone());
        let (run, order) = (Arc::clone(self.runs.entry(key).or_default()), order.clone());
        let name = format!("mending on tier {}", order.place.tier);
        patience.wait(&name, act::LIMIT, move || act::carry_out(&site, &order, &run)).await?
    }
}

/// What the API shows of it. Pure.
pub fn fix_view(seen: &MendSeen) -> FixView {
    FixView {
        recursive: seen.recursive,
        ended: seen.ended,
        entries: seen.met.directories.saturating_add(seen.met.files),
        changed: seen.met.changed,
        several_names: seen.met.linked,
        refused: seen.met.refused,
        left: seen.met.left.clone(),
    }
}
