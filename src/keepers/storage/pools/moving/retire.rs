//! The second half of a move: with the copy visible and on the disk, the original is looked at again, taken away under a
//! name of ours, looked at once more, and removed. Who opened it by its name in between is found out before the removal:
//! then the original comes back, and the copy goes.

use std::path::Path;

use super::{Batch, Copied, End};
use crate::host::Error;
use crate::host::alone::{Standing, is_leased};
use crate::host::entries::FileFacts;
use crate::host::files::Directory;
use crate::host::transfer::{Renamed, Use};
use crate::keepers::storage::pools::step::Item;

impl Batch<'_, '_> {
    /// A file with which something is wrong does not keep the others from it: each is visible twice until then.
    pub(super) fn retire(&mut self) -> Result<(), Error> {
        let copied = std::mem::take(&mut self.copied);
        let (mut away, mut withdrawn, mut trouble) = (Vec::new(), Vec::new(), None);
        for one in copied {
            match self.take_away_or_withdraw(&one) {
                Ok(None) => away.push(one),
                Ok(Some(end)) => {
                    self.end(one.index, end);
                    withdrawn.push(one.index);
                }
                Err(error) => drop(trouble.get_or_insert(error)),
            }
            (self.road.point)("taken away");
        }
        for one in away {
            match self.remove(&one) {
                Ok(end) => {
                    if end != End::Moved {
                        withdrawn.push(one.index);
                    }
                    self.end(one.index, end);
                }
                Err(error) => drop(trouble.get_or_insert(error)),
            }
            (self.road.point)("removed");
        }
        let files = self.files;
        let below = |index: usize| Some(files.get(index)?.parts().0);
        self.from
            .sync((0..files.len()).filter(|index| self.ends.get(*index) != Some(&End::Later)).filter_map(below))?;
        self.to.sync(withdrawn.into_iter().filter_map(below))?;
        trouble.map_or(Ok(()), Err)
    }

    fn take_away_or_withdraw(&mut self, one: &Copied) -> Result<Option<End>, Error> {
        let end = self.take_away(one)?;
        if end.is_some() {
            self.withdraw(one)?;
        }
        Ok(end)
    }

    /// Takes the original away if it is still what was copied and nobody has it open. An end: it stays.
    fn take_away(&mut self, one: &Copied) -> Result<Option<End>, Error> {
        let item = self.item(one.index)?.clone();
        let (below, name) = item.parts();
        let Some(room) = self.from.get(below)? else { return Ok(Some(End::Vanished)) };
        let mut original = match room.open_file(Path::new(name)) {
            Ok(Some(original)) => original,
            Ok(None) => return Ok(Some(End::Vanished)),
            Err(error) if is_leased(&error) => return Ok(Some(End::Open)),
            Err(error) => return Err(error),
        };
        // Also its owner, mode and number of names: the copy has those of before.
        if original.facts != one.source {
            return Ok(Some(End::Changed));
        }
        match original.take_lease() {
            Use::Open => return Ok(Some(End::Open)),
            Use::Untold if (self.road.is_open)(&original.facts) => return Ok(Some(End::Open)),
            Use::Alone | Use::Untold => {}
        }
        let gone = item.gone_name();
        match room.rename_child(Path::new(name), room, Path::new(&gone)) {
            Ok(Renamed::Done) => Ok(None),
            Ok(Renamed::Missing) => Ok(Some(End::Vanished)),
            Ok(_) => Ok(Some(End::Refused(format!("{gone} is in the way")))),
            Err(error) => Ok(Some(End::Refused(error.chain()))),
        }
    }

    /// Removes the original that was taken away; brings it back when somebody reached it before.
    fn remove(&mut self, one: &Copied) -> Result<End, Error> {
        let item = self.item(one.index)?.clone();
        let (below, name) = item.parts();
        let gone = item.gone_name();
        let lost = || Error::reply(&item.name, "its directory vanished while it was moved");
        let room = self.from.get(below)?.ok_or_else(lost)?;
        let end = match look_again(room, Path::new(&gone), &one.source, self.road.is_open)? {
            None => {
                room.remove_file(Path::new(&gone))?;
                return Ok(End::Moved);
            }
            Some(end) => end,
        };
        bring_back(room, &item, name)?;
        (self.road.point)("brought back");
        self.withdraw(one)?;
        Ok(end)
    }

    /// Removes our copy by its visible name, when it is still ours as it was made and nobody has it open.
    fn withdraw(&mut self, one: &Copied) -> Result<(), Error> {
        let item = self.item(one.index)?.clone();
        let (below, name) = item.parts();
        let Some(room) = self.to.get(below)? else { return Ok(()) };
        withdraw_copy(room, Path::new(name), &item, |found| found.is_same_content(&one.copy))
    }
}

/// Whether the original under our name is still what was copied, and nobody has it open. `None`: it is.
pub(super) fn look_again(
    room: &Directory,
    gone: &Path,
    source: &FileFacts,
    is_open: &dyn Fn(&FileFacts) -> bool,
) -> Result<Option<End>, Error> {
    Ok(match room.look_alone(gone, |facts| facts.is_same_content(source), is_open)? {
        Standing::Alone => None,
        Standing::Missing => Some(End::Vanished),
        Standing::Changed => Some(End::Changed),
        Standing::Open => Some(End::Open),
    })
}

/// Gives the original its name again.
pub(super) fn bring_back(room: &Directory, item: &Item, name: &str) -> Result<(), Error> {
    let gone = item.gone_name();
    match room.rename_child(Path::new(&gone), room, Path::new(name))? {
        Renamed::Done | Renamed::Missing => room.sync(),
        Renamed::Taken | Renamed::Elsewhere => {
            let at = room.path().join(&gone);
            let what =
                format!("was written to while it was moved, and its name is taken by now: it is {}", at.display());
            Err(Error::reply(&item.name, what))
        }
    }
}

/// Removes the visible copy in the target where `is_ours` knows it and nobody has it open.
pub(super) fn withdraw_copy(
    room: &Directory,
    name: &Path,
    item: &Item,
    is_ours: impl Fn(&FileFacts) -> bool,
) -> Result<(), Error> {
    let Some(mut copy) = room.open_file(name)? else { return Ok(()) };
    if !is_ours(&copy.facts) || copy.take_lease() == Use::Open {
        return Err(Error::reply(
            &item.name,
            "is in both members: its copy was opened or changed before it could go again",
        ));
    }
    room.remove_file(name)?;
    Ok(())
}
