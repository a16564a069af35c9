//! Carries one order about a quota out, in a directory that was opened below a tier that is proved at this very moment.

use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::config::{is_same, whole_blocks};
use super::observe::device_of;
use super::step::QuotaStep;
use super::usage::SharedMarking;
use crate::host::files::Directory;
use crate::host::quota::{Projects, read_directory_mark, write_directory_mark};
use crate::host::walk::{Duty, Walk};
use crate::host::{Error, Roots};
use crate::keepers::storage::observe::Ground;
use crate::round::Change;
use crate::values::Bytes;

/// How long one step marks; the next round goes on.
const PART: Duration = Duration::from_secs(5);
/// How long an undo may take: nobody goes on with it.
const WHOLE: Duration = Duration::from_secs(20);

/// What an order is carried out on.
pub struct Site<'s> {
    pub roots: &'s Roots,
    pub ground: &'s Ground,
    /// The tier's root.
    pub root: &'s Directory,
    /// The directory itself.
    pub directory: &'s Directory,
    pub marking: &'s SharedMarking,
}

/// Does one order, when things are still as it was decided on.
pub fn carry_out(site: &Site<'_>, order: &QuotaStep) -> Result<Change, Error> {
    match order {
        QuotaStep::Project { from, to, .. } => {
            let refused = |what: &str| Error::reply(site.directory.path().display().to_string(), what);
            let now = read_directory_mark(site.directory)?.ok_or_else(|| refused("cannot belong to a project"))?;
            if now == *to {
                return Ok(Change::AlreadySo);
            }
            if now != *from {
                let what = format!("belongs to project {} by now, not to {}: it is left alone", now.id, from.id);
                return Err(refused(&what));
            }
            write_directory_mark(site.directory, *to)?;
            site.directory.sync().map(|()| Change::Made)
        }
        QuotaStep::Limit { id, from, to, .. } => {
            let projects = site.projects();
            let now = projects.read_counted(*id)?.limit;
            if is_same(now, *to) {
                return Ok(Change::AlreadySo);
            }
            if !is_same(now, *from) {
                let now = now.map_or_else(|| "none".to_owned(), |now| Bytes(now).to_string());
                let what = format!("has a quota of {now} by now: it is left alone ({order})");
                return Err(Error::reply(site.directory.path().display().to_string(), what));
            }
            projects.write_limit(*id, to.map(|to| whole_blocks(to.0)))?;
            if !is_same(projects.read_counted(*id)?.limit, *to) {
                let what = format!("took the quota and does not say so: {order}");
                return Err(Error::reply(site.directory.path().display().to_string(), what));
            }
            Ok(Change::Made)
        }
        QuotaStep::Content { place, to, only } => mark(site, &place.below, *to, *only),
    }
}

/// Whether an order is done; `None`: things are neither as before it nor as after it.
pub fn examine(site: &Site<'_>, order: &QuotaStep) -> Option<bool> {
    match order {
        QuotaStep::Project { from, to, .. } => {
            let now = read_directory_mark(site.directory).ok()??;
            if now == *to { Some(true) } else { (now == *from).then_some(false) }
        }
        QuotaStep::Limit { id, from, to, .. } => {
            let now = site.projects().read_counted(*id).ok()?.limit;
            if is_same(now, *to) { Some(true) } else { is_same(now, *from).then_some(false) }
        }
        // Only a walk can tell, and the next one does.
        QuotaStep::Content { .. } => None,
    }
}

impl<'s> Site<'s> {
    fn projects(&self) -> Projects<'s> {
        Projects::of(self.roots, self.directory, device_of(self.ground))
    }
}

/// A part of what is below; what is left over is the next step's.
fn mark(site: &Site<'_>, below: &str, to: u32, only: Option<u32>) -> Result<Change, Error> {
    let duty = Duty::Mark { to, only };
    let mut marking = site.marking.lock().unwrap_or_else(PoisonError::into_inner);
    let mut walk = marking.walk.take().filter(|walk| walk.duty() == duty).unwrap_or_else(|| Walk::new(duty));
    marking.ended = None;
    let before = walk.tally().marked;
    let until = Instant::now() + if only.is_some() { WHOLE } else { PART };
    let whole = walk.advance(site.root, Path::new(below), until)?;
    let tally = walk.tally();
    if whole {
        marking.ended = Some(tally.refused);
    } else if only.is_some() {
        let what = format!("only {} of what is in it were taken back in time: give the order again", tally.marked);
        return Err(Error::reply(site.directory.path().display().to_string(), what));
    } else {
        marking.walk = Some(walk);
    }
    Ok(if tally.marked > before { Change::Made } else { Change::AlreadySo })
}
