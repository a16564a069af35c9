//! The way of a walk: from directory to directory below an open root, in slices, each directory opened anew by its path
//! without following a link or crossing a mount. What is done with what is met is the visitor's; the way changes nothing.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{FileStat, SFlag, fstatat};

use super::dirents;
use crate::host::Error;
use crate::host::files::{Directory, Found};

/// What is done with what a walk meets. Paths are relative to where it begins.
pub trait Visit {
    /// A directory that is open; `top`: the walk begins there.
    fn meet_directory(&mut self, directory: &Directory, at: &Path, top: bool);

    /// Anything but a directory, in the open `directory`. A symlink is itself.
    fn meet_entry(&mut self, directory: &Directory, at: &Path, name: &CString, facts: &FileStat);

    /// Something there could not be looked at.
    fn refuse(&mut self, at: &Path);

    /// Whether directories below are walked, too.
    fn enters_below(&self) -> bool {
        true
    }

    /// Whether the slice is to end here.
    fn has_enough(&self) -> bool {
        false
    }
}

/// A directory that the walk is in.
#[derive(Debug)]
struct Frame {
    name: OsString,
    entered: bool,
    /// Where its listing goes on.
    at: i64,
    listed: bool,
    /// Directories of the part that is listed, to be walked.
    below: Vec<OsString>,
}

impl Frame {
    fn of(name: OsString) -> Frame {
        Frame { name, entered: false, at: 0, listed: false, below: Vec::new() }
    }
}

/// Where a walk is. Holds nothing open.
#[derive(Debug)]
pub struct Course {
    frames: Vec<Frame>,
}

impl Default for Course {
    fn default() -> Course {
        Course { frames: vec![Frame::of(OsString::new())] }
    }
}

impl Course {
    /// How many directories deep it is.
    #[cfg(test)]
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// How many names it holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.frames.iter().map(|frame| 1 + frame.below.len()).sum()
    }

    /// Goes on until `until` or until the visitor has enough, below `below` of the open `root`. `true`: everything was
    /// walked.
    pub fn advance<V: Visit>(
        &mut self,
        visit: &mut V,
        (root, below): (&Directory, &Path),
        until: Instant,
    ) -> Result<bool, Error> {
        while Instant::now() < until && !visit.has_enough() {
            let at = self.frames.iter().fold(PathBuf::new(), |path, frame| path.join(&frame.name));
            let (path, top) = (below.join(&at), self.frames.len() == 1);
            let Some(frame) = self.frames.last_mut() else { return Ok(true) };
            if let Some(name) = frame.below.pop() {
                self.frames.push(Frame::of(name));
                continue;
            }
            if frame.listed {
                self.frames.pop();
                continue;
            }
            match root.open_below(&path) {
                Ok(Found::There(directory)) => self.list(visit, (&directory, &at), until),
                // The directory itself is not there any more: there is nothing to walk.
                Ok(_) if top => return Err(Error::reply(path.display().to_string(), "is no directory of its tier")),
                Err(error) if top => return Err(error),
                // Removed meanwhile, or replaced by a link, or another file system.
                Ok(_) => drop(self.frames.pop()),
                Err(_) => {
                    visit.refuse(&at);
                    self.frames.pop();
                }
            }
        }
        Ok(self.frames.is_empty())
    }

    /// One part of the listing of the directory that the walk is in.
    fn list<V: Visit>(&mut self, visit: &mut V, (directory, at): (&Directory, &Path), until: Instant) {
        let top = self.frames.len() == 1;
        let Some(frame) = self.frames.last_mut() else { return };
        if !frame.entered {
            frame.entered = true;
            visit.meet_directory(directory, at, top);
        }
        let Ok(entries) = dirents::read_part(directory, frame.at) else {
            visit.refuse(at);
            frame.listed = true;
            return;
        };
        frame.listed = entries.is_empty();
        for entry in entries {
            frame.at = entry.next;
            frame.below.extend(meet(visit, (directory, at), &entry.name));
            if Instant::now() >= until || visit.has_enough() {
                break;
            }
        }
    }
}

/// Looks at an entry. `Some`: it is a directory, to be walked.
fn meet<V: Visit>(visit: &mut V, (directory, at): (&Directory, &Path), name: &[u8]) -> Option<OsString> {
    if name == b"." || name == b".." {
        return None;
    }
    let Ok(path) = CString::new(name) else { return None };
    let facts = match fstatat(directory.as_fd(), path.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(facts) => facts,
        Err(Errno::ENOENT) => return None,
        Err(_) => {
            visit.refuse(&at.join(OsStr::from_bytes(name)));
            return None;
        }
    };
    if facts.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits() {
        return visit.enters_below().then(|| OsStr::from_bytes(name).to_owned());
    }
    visit.meet_entry(directory, at, &path, &facts);
    None
}
