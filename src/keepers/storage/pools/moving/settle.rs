//! Brings the files of a broken-off order to one visible, whole copy each, from what the order recorded and what is found.
//! Safe to repeat and to kill. Where two files cannot be told to be one and its copy, both stay.

use std::path::Path;

use super::rooms::Rooms;
use super::{End, Report, Road, retire};
use crate::host::Error;
use crate::host::entries::FileFacts;
use crate::host::files::Directory;
use crate::host::transfer::{Opened, Progress, Renamed, Use, read_on};
use crate::keepers::storage::pools::step::Item;

/// Settles every file; one that fails does not keep the others from it.
pub fn settle(road: &Road<'_>, files: &[Item]) -> Report {
    let (mut from, mut to) = (Rooms::of(road.from), Rooms::of(road.to));
    let mut report = Report { ends: Vec::with_capacity(files.len()), trouble: None };
    for item in files {
        let end = settle_one(road, &mut from, &mut to, item).unwrap_or_else(|error| {
            let end = End::Refused(error.chain());
            report.trouble = Some(error);
            end
        });
        report.ends.push(end);
        (road.point)("settled");
    }
    let synced = from.sync(files.iter().map(|item| item.parts().0));
    let synced = synced.and_then(|()| to.sync(files.iter().map(|item| item.parts().0)));
    report.trouble = report.trouble.or(synced.err());
    report
}

fn settle_one(road: &Road<'_>, from: &mut Rooms<'_>, to: &mut Rooms<'_>, item: &Item) -> Result<End, Error> {
    let (below, name) = item.parts();
    let target = to.get(below)?;
    if let Some(target) = target {
        target.remove_file(Path::new(&item.copy_name()))?;
    }
    let copy = open(target, name)?;
    let Some(room) = from.get(below)? else {
        return Ok(if copy.is_some() { End::Moved } else { End::Vanished });
    };
    let case = Case { road, item, room, target };
    if let Some(gone) = room.open_file(Path::new(&item.gone_name()))? {
        return case.settle_gone(gone, copy);
    }
    match (open(Some(room), name)?, copy) {
        (Some(original), Some(copy)) => case.settle_both(original, copy),
        (Some(_), None) => Ok(End::Later),
        (None, Some(_)) => Ok(End::Moved),
        (None, None) => Ok(End::Vanished),
    }
}

fn open(room: Option<&Directory>, name: &str) -> Result<Option<Opened>, Error> {
    room.map_or(Ok(None), |room| room.open_file(Path::new(name)))
}

struct Case<'c, 'd> {
    road: &'c Road<'d>,
    item: &'c Item,
    room: &'c Directory,
    target: Option<&'c Directory>,
}

impl Case<'_, '_> {
    fn name(&self) -> &Path {
        Path::new(self.item.parts().1)
    }

    /// The original was taken away already: the copy was on the disk then.
    fn settle_gone(&self, gone: Opened, copy: Option<Opened>) -> Result<End, Error> {
        let facts = gone.facts;
        let equal = match &copy {
            Some(copy) => !copy.facts.is_same_file(&facts) && is_equal(&gone, copy)?,
            None => false,
        };
        // The kernel gives no lease while we have the file open twice.
        drop(gone);
        if equal {
            self.sync_target()?;
            let name = self.item.gone_name();
            if retire::look_again(self.room, Path::new(&name), &facts, self.road.is_open)?.is_none() {
                self.room.remove_file(Path::new(&name))?;
                return Ok(End::Moved);
            }
        }
        retire::bring_back(self.room, self.item, self.item.parts().1)?;
        let ours = copy.is_some_and(|copy| self.is_as_recorded(&copy.facts));
        if let Some(target) = self.target.filter(|_| ours) {
            retire::withdraw_copy(target, self.name(), self.item, |found| self.is_as_recorded(found))?;
        }
        Ok(End::Changed)
    }

    /// Both are visible: the original goes if the copy is equal, the copy goes if the original was changed since.
    fn settle_both(&self, original: Opened, copy: Opened) -> Result<End, Error> {
        let Some(target) = self.target else { return Ok(End::Later) };
        if original.facts.is_same_file(&copy.facts) || !self.is_as_recorded(&copy.facts) {
            // Not our copy: the name was taken before, or somebody wrote to it since.
            return Ok(End::Clash);
        }
        if is_equal(&original, &copy)? {
            self.sync_target()?;
            return self.remove_original(original);
        }
        let facts = copy.facts;
        drop((original, copy));
        retire::withdraw_copy(target, self.name(), self.item, |found| found.is_same_content(&facts))?;
        Ok(End::Changed)
    }

    fn remove_original(&self, original: Opened) -> Result<End, Error> {
        let mut original = original;
        let facts = original.facts;
        if original.take_lease() == Use::Open {
            return Err(Error::reply(&self.item.name, "is in both members, and somebody has it open"));
        }
        let gone = self.item.gone_name();
        match self.room.rename_child(self.name(), self.room, Path::new(&gone))? {
            Renamed::Done => {}
            Renamed::Missing => return Ok(End::Vanished),
            Renamed::Taken | Renamed::Elsewhere => {
                return Err(Error::reply(&self.item.name, format!("{gone} is in the way")));
            }
        }
        (self.road.point)("taken away again");
        drop(original);
        match retire::look_again(self.room, Path::new(&gone), &facts, self.road.is_open)? {
            None => {
                self.room.remove_file(Path::new(&gone))?;
                Ok(End::Moved)
            }
            // Settled at the next try, when it is closed.
            Some(_) => {
                retire::bring_back(self.room, self.item, self.item.parts().1)?;
                Err(Error::reply(&self.item.name, "is in both members, and was opened just now"))
            }
        }
    }

    fn sync_target(&self) -> Result<(), Error> {
        self.target.map_or(Ok(()), Directory::sync)
    }

    /// Whether a file has the size and the time of last writing, to the nanosecond, that were recorded with the order:
    /// our copies have, because we gave them both.
    fn is_as_recorded(&self, facts: &FileFacts) -> bool {
        (facts.size, facts.modified) == (self.item.size, self.item.modified)
    }
}

/// Whether two files hold the same bytes.
fn is_equal(one: &Opened, other: &Opened) -> Result<bool, Error> {
    if one.facts.size != other.facts.size {
        return Ok(false);
    }
    let sum = |opened: &Opened| {
        let mut sum = Progress::default();
        read_on(&opened.file, &mut sum).map(|()| (sum.done, sum.sum()))
    };
    let broken = |error| Error::file("read again", "a file and its copy", error);
    Ok(sum(one).map_err(broken)? == sum(other).map_err(broken)?)
}
