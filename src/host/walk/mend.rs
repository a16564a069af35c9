//! Owner and mode of everything below a directory: counted, or made as they should be, in slices. Only directories and
//! regular files are touched, each by the descriptor through which it was looked at. A file of several names is left
//! alone, because another of its names may be outside; set-id bits are never added.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat};
use nix::unistd::{Gid, Uid, fchown};

use super::{Course, Visit, open_regular};
use crate::host::Error;
use crate::host::files::{Directory, Found};
use crate::values::one_line;

/// Examples that are kept of each sort.
const EXAMPLES: usize = 5;
const SET_ID: u32 = 0o6000;

/// How things should be; `None`: as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    pub owner: Option<(u32, u32)>,
    /// Of the directory where the walk begins, and without new set-id bits of those below it.
    pub directory_mode: Option<u32>,
    /// Of regular files; no more than the nine bits of permission.
    pub file_mode: Option<u32>,
}

/// What was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    pub directories: u64,
    /// Regular files.
    pub files: u64,
    /// Symlinks, sockets, pipes and devices: never touched.
    pub others: u64,
    /// Directories and files that had another owner or group.
    pub owners: u64,
    /// Directories and files that had another mode.
    pub modes: u64,
    /// Directories and files of which one or both were so.
    pub unfit: u64,
    /// Those of them that were made as they should be.
    pub changed: u64,
    /// Unfit files of several names: left alone.
    pub linked: u64,
    /// What could not be looked at or changed.
    pub refused: u64,
    /// Some that were unfit, with what they had.
    pub examples: Vec<String>,
    /// Some that were left alone or could not be changed, and why.
    pub left: Vec<String>,
}

/// A walk that counts or mends.
#[derive(Debug)]
pub struct Mend {
    course: Course,
    recursive: bool,
    work: Work,
}

#[derive(Debug)]
struct Work {
    fit: Fit,
    change: bool,
    /// Changes in this slice, and how many there may be.
    done: u64,
    most: u64,
    tally: Mended,
}

impl Mend {
    /// `change`: not only counted.
    pub fn new(fit: Fit, recursive: bool, change: bool) -> Mend {
        let work = Work { fit, change, done: 0, most: u64::MAX, tally: Mended::default() };
        Mend { course: Course::default(), recursive, work }
    }

    pub fn tally(&self) -> &Mended {
        &self.work.tally
    }

    /// Goes on until `until` or until `most` were changed. `true`: everything was walked.
    pub fn advance(&mut self, place: (&Directory, &Path), until: Instant, most: u64) -> Result<bool, Error> {
        (self.work.done, self.work.most) = (0, most);
        if self.recursive {
            return self.course.advance(&mut self.work, place, until);
        }
        match place.0.open_below(place.1)? {
            Found::There(directory) => {
                self.work.meet_directory(&directory, Path::new(""), true);
                Ok(true)
            }
            _ => Err(Error::reply(place.1.display().to_string(), "is no directory of its tier")),
        }
    }
}

impl Visit for Work {
    fn meet_directory(&mut self, directory: &Directory, at: &Path, top: bool) {
        self.tally.directories += 1;
        let Ok(facts) = fstat(directory.as_fd()) else { return self.refuse(at) };
        let mode = self.fit.directory_mode.map(|mode| wanted_mode(mode, &facts, top));
        self.mend(directory, &facts, mode, at);
    }

    fn meet_entry(&mut self, directory: &Directory, at: &Path, name: &CString, facts: &FileStat) {
        if facts.st_mode & SFlag::S_IFMT.bits() != SFlag::S_IFREG.bits() {
            self.tally.others += 1;
            return;
        }
        self.tally.files += 1;
        if self.fit.misses(facts, self.fit.file_mode) == (false, false) {
            return;
        }
        let at = at.join(name.to_string_lossy().as_ref());
        // From here on the open file is what counts: the name may be another one's by now.
        let opened = open_regular(directory, name);
        match opened.and_then(|file| file.map(|file| fstat(&file).map(|facts| (file, facts))).transpose()) {
            Ok(Some((_, facts))) if facts.st_nlink > 1 => {
                self.tally.linked += 1;
                self.leave(&at, format!("has {} names", facts.st_nlink));
            }
            Ok(Some((file, facts))) => self.mend(&file, &facts, self.fit.file_mode, &at),
            Ok(None) | Err(Errno::ENOENT) => self.tally.files -= 1,
            Err(errno) => {
                self.tally.refused += 1;
                self.leave(&at, errno.desc().to_owned());
            }
        }
    }

    fn refuse(&mut self, at: &Path) {
        self.tally.refused += 1;
        self.leave(at, "could not be looked at".to_owned());
    }

    fn has_enough(&self) -> bool {
        self.done >= self.most
    }
}

impl Fit {
    /// Whether the owner and whether the mode is another one.
    fn misses(&self, facts: &FileStat, mode: Option<u32>) -> (bool, bool) {
        let owner = self.owner.is_some_and(|owner| owner != (facts.st_uid, facts.st_gid));
        (owner, mode.is_some_and(|mode| mode != facts.st_mode & 0o7777))
    }
}

/// The mode that a directory should have: set-id bits only where it has them already, unless it is the declared one.
fn wanted_mode(mode: u32, facts: &FileStat, top: bool) -> u32 {
    if top { mode } else { mode & (!SET_ID | facts.st_mode) & 0o7777 }
}

impl Work {
    /// Owner first, then mode: at no moment has it the rights of one and the owner of another.
    fn mend(&mut self, open: &impl AsFd, facts: &FileStat, mode: Option<u32>, at: &Path) {
        let (owner, bits) = self.fit.misses(facts, mode);
        if !owner && !bits {
            return;
        }
        self.tally.unfit += 1;
        self.tally.owners += u64::from(owner);
        self.tally.modes += u64::from(bits);
        if self.tally.examples.len() < EXAMPLES {
            let (user, group, mode) = (facts.st_uid, facts.st_gid, facts.st_mode & 0o7777);
            self.tally.examples.push(format!("{} has {user}:{group} {mode:04o}", shown(at)));
        }
        if !self.change {
            return;
        }
        self.done += 1;
        match self.write(open, owner, mode.filter(|_| bits)) {
            Ok(()) => self.tally.changed += 1,
            Err(errno) => {
                self.tally.refused += 1;
                self.leave(at, errno.desc().to_owned());
            }
        }
    }

    fn write(&self, open: &impl AsFd, owner: bool, mode: Option<u32>) -> nix::Result<()> {
        if let Some((user, group)) = self.fit.owner.filter(|_| owner) {
            fchown(open, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
        }
        match mode {
            Some(mode) => fchmod(open, Mode::from_bits_truncate(mode)),
            None => Ok(()),
        }
    }

    fn leave(&mut self, at: &Path, why: String) {
        if self.tally.left.len() < EXAMPLES {
            self.tally.left.push(format!("{}: {why}", shown(at)));
        }
    }
}

fn shown(at: &Path) -> String {
    let text = at.to_string_lossy();
    if text.is_empty() { ".".to_owned() } else { one_line(&text, 200) }
}

#[cfg(test)]
mod tests;
