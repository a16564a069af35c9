//! Moves a batch of files between two members. The order is not negotiable: a whole copy under a name of ours, on the
//! disk and read back; its name, never replacing anything, on the disk; the original looked at again and taken away;
//! the original removed. Within one file system it is a single rename. A kill at any point leaves every file visible at
//! least once and whole, and what is left over is told by the order that the ledger keeps: `settle` brings it to one.

mod lanes;
mod retire;
mod rooms;
mod settle;
mod stage;

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use super::step::Item;
use crate::host::Error;
use crate::host::entries::FileFacts;
use crate::host::files::Directory;
use crate::host::transfer::{Progress, Sum};
pub use lanes::{LOT, move_files};
use rooms::Rooms;
pub use settle::settle;

/// From so many copies on the whole file system is synced once instead of each file.
const MANY: usize = 16;

/// Where files go, until when, and who is told of each point that a kill could hit.
pub struct Road<'d> {
    pub from: &'d Directory,
    pub to: &'d Directory,
    /// No further file is begun after this.
    pub until: Instant,
    /// Most files that become durable together.
    pub lot: usize,
    /// Whether a file is open, where the kernel gives no lease on it.
    pub is_open: &'d (dyn Fn(&FileFacts) -> bool + Sync),
    /// Tests end the process here.
    pub point: &'d (dyn Fn(&'static str) + Sync),
}

/// How it ended for one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Moved,
    /// Not begun, or not copied to its end, within the time.
    Later,
    /// The name is taken in the target.
    Clash,
    /// Somebody has it open.
    Open,
    /// It is not as it was seen any more.
    Changed,
    /// It is not there any more.
    Vanished,
    /// It cannot be copied with all that belongs to it.
    Refused(String),
}

/// What became of a batch: an end for each file, and what broke it off.
#[derive(Debug)]
pub struct Report {
    pub ends: Vec<End>,
    pub trouble: Option<Error>,
}

/// A copy that takes longer than one order. Lost with the process: it is then begun anew.
#[derive(Debug)]
pub struct Partial {
    pub item: Item,
    source: FileFacts,
    copy: FileFacts,
    written: Progress,
    read_back: Progress,
}

/// A whole copy under our name.
struct Copied {
    index: usize,
    source: FileFacts,
    copy: FileFacts,
    /// `None`: it was read back already.
    sum: Option<Sum>,
}

struct Batch<'r, 'd> {
    road: &'r Road<'d>,
    files: &'r [Item],
    /// Whether the members are on two devices, between which nothing can be renamed.
    apart: bool,
    from: Rooms<'d>,
    to: Rooms<'d>,
    ends: Vec<End>,
    copied: Vec<Copied>,
    /// Renamed within one file system.
    renamed: Vec<usize>,
}

fn are_apart(road: &Road<'_>) -> bool {
    let device = |member: &Directory| Some(member.read_child(Path::new(".")).ok()??.device);
    device(road.from).zip(device(road.to)).is_some_and(|(from, to)| from != to)
}

impl<'r, 'd> Batch<'r, 'd> {
    fn of(road: &'r Road<'d>, files: &'r [Item], making: &'d Mutex<()>) -> Batch<'r, 'd> {
        Batch {
            road,
            files,
            apart: are_apart(road),
            from: Rooms::of(road.from),
            to: Rooms::beside(road.to, making),
            ends: vec![End::Later; files.len()],
            copied: Vec::new(),
            renamed: Vec::new(),
        }
    }

    fn run(&mut self, partial: &mut Option<Partial>) -> Result<(), Error> {
        for index in 0..self.files.len() {
            if Instant::now() >= self.road.until {
                break;
            }
            match self.stage(index, partial) {
                Ok(end) => self.end(index, end),
                Err(error) => {
                    // What was renamed before is done, and must be known to be.
                    self.sync_renamed()?;
                    return Err(error);
                }
            }
        }
        self.sync_renamed()?;
        if self.copied.is_empty() {
            return Ok(());
        }
        self.make_durable()?;
        self.reveal()?;
        self.retire()
    }

    fn end(&mut self, index: usize, end: End) {
        if let Some(slot) = self.ends.get_mut(index) {
            *slot = end;
        }
    }

    fn item(&self, index: usize) -> Result<&Item, Error> {
        self.files.get(index).ok_or_else(|| Error::reply("a move", "has no such file"))
    }

    fn sync_renamed(&mut self) -> Result<(), Error> {
        let files = self.files;
        let touched = || self.renamed.iter().filter_map(|index| Some(files.get(*index)?.parts().0));
        self.to.sync(touched())?;
        self.from.sync(touched())
    }

    /// Waits for the disk, then reads every copy back and compares it with what was read of the original.
    fn make_durable(&mut self) -> Result<(), Error> {
        (self.road.point)("copied");
        let many = self.copied.len() >= MANY;
        if many {
            self.road.to.sync_file_system()?;
        }
        for copied in &self.copied {
            let Some(item) = self.files.get(copied.index) else { continue };
            let name = item.copy_name();
            let opened = self.to.get(item.parts().0)?.map(|room| room.open_file(Path::new(&name))).transpose()?;
            let Some(opened) = opened.flatten().filter(|opened| opened.facts.is_same_content(&copied.copy)) else {
                return Err(Error::reply(&item.name, "its copy was changed by somebody else while it was made"));
            };
            let broken = |error| Error::file("read back the copy of", &item.name, error);
            if !many {
                crate::host::transfer::sync_file(&opened.file).map_err(broken)?;
            }
            let Some(sum) = copied.sum else { continue };
            let mut back = Progress::default();
            crate::host::transfer::read_on(&opened.file, &mut back).map_err(broken)?;
            if back.sum() != sum {
                return Err(Error::reply(&item.name, "its copy differs from it when read back from the disk"));
            }
        }
        (self.road.point)("durable");
        Ok(())
    }

    /// Gives every copy its name. Where that is taken, the copy goes.
    fn reveal(&mut self) -> Result<(), Error> {
        use crate::host::transfer::Renamed;
        let mut revealed = Vec::new();
        for copied in std::mem::take(&mut self.copied) {
            let item = self.item(copied.index)?.clone();
            let (below, name) = item.parts();
            let copy = item.copy_name();
            let now = self.from.get(below)?.map(|room| room.read_child(Path::new(name))).transpose()?.flatten();
            let Some(room) = self.to.get(below)? else {
                self.end(copied.index, End::Vanished);
                continue;
            };
            if now != Some(copied.source) {
                // Who wrote to it meanwhile must not find the copy, and write to that next.
                room.remove_file(Path::new(&copy))?;
                self.end(copied.index, End::Changed);
                continue;
            }
            let outcome = room.rename_child(Path::new(&copy), room, Path::new(name));
            match outcome {
                Ok(Renamed::Done) => revealed.push(copied),
                Ok(Renamed::Taken) => {
                    room.remove_file(Path::new(&copy))?;
                    self.end(copied.index, End::Clash);
                }
                Ok(_) => self.end(copied.index, End::Vanished),
                Err(error) => {
                    self.copied = revealed;
                    return Err(error);
                }
            }
            (self.road.point)("named");
        }
        let files = self.files;
        self.to.sync(revealed.iter().filter_map(|copied| Some(files.get(copied.index)?.parts().0)))?;
        self.copied = revealed;
        (self.road.point)("named durably");
        Ok(())
    }

    /// After trouble: copies that have no name yet are removed. A revealed one keeps its own name, and this finds none.
    fn drop_copies(&mut self) {
        for item in self.files {
            // What cannot be removed now is found at the next look.
            let _ = self.drop_copy(item);
        }
    }

    fn drop_copy(&mut self, item: &Item) -> Result<(), Error> {
        match self.to.get(item.parts().0)? {
            Some(room) => room.remove_file(Path::new(&item.copy_name())).map(drop),
            None => Ok(()),
        }
    }
}
