//! A walk over everything below a directory, in slices: what it holds, what of it belongs to another project, and giving
//! it to one. Follows no link, crosses no mount, counts a file of several names once, and holds nothing open between two
//! slices, so that it never keeps a disk from being unmounted.

mod course;
mod dirents;
pub mod mend;
pub mod oldest;

use std::collections::HashSet;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};

pub use course::{Course, Visit};
pub use dirents::{Dirent, parse_dirents};

use super::Error;
use super::files::{Directory, ON_THIS_MOUNT, open_once};
use super::quota::{Mark, read_directory_mark, read_file_mark, write_directory_mark, write_file_mark};

/// Files of several names that are remembered; beyond that they count once for each name.
const MOST_LINKS: usize = 500_000;

/// What is to be done with everything that the walk meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Count it.
    Count,
    /// Count it, and what does not belong to this project.
    Check(u32),
    /// Give it to the project `to`; with `only`, no more than what belongs to that project.
    Mark { to: u32, only: Option<u32> },
}

/// What was met so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// As `du` counts: blocks on the disk.
    pub bytes: u64,
    /// Everything but directories.
    pub files: u64,
    pub directories: u64,
    /// What belonged to another project than it should. Only directories and regular files can be told.
    pub strangers: u64,
    /// What was given to the project.
    pub marked: u64,
    /// What could not be looked at or given.
    pub refused: u64,
}

/// Where a walk is, and what it met.
#[derive(Debug)]
pub struct Walk {
    course: Course,
    count: Count,
}

/// Does a duty.
#[derive(Debug)]
struct Count {
    duty: Duty,
    links: HashSet<u64>,
    tally: Tally,
}

impl Walk {
    pub fn new(duty: Duty) -> Walk {
        Walk { course: Course::default(), count: Count { duty, links: HashSet::new(), tally: Tally::default() } }
    }

    pub fn duty(&self) -> Duty {
        self.count.duty
    }

    /// What was met so far.
    pub fn tally(&self) -> Tally {
        self.count.tally
    }

    /// Goes on until `until`, below `below` of the open `root`. `true`: everything was walked.
    pub fn advance(&mut self, root: &Directory, below: &Path, until: Instant) -> Result<bool, Error> {
        self.course.advance(&mut self.count, (root, below), until)
    }
}

impl Visit for Count {
    /// Where the walk begins is only counted: it is marked by an order of its own.
    fn meet_directory(&mut self, directory: &Directory, _at: &Path, top: bool) {
        self.tally.directories += 1;
        match fstat(directory.as_fd()) {
            Ok(facts) => self.tally.bytes += blocks_of(&facts),
            Err(_) => self.tally.refused += 1,
        }
        let (wanted, only) = match self.duty {
            Duty::Count => return,
            _ if top => return,
            Duty::Check(id) => (id, None),
            Duty::Mark { to, only } => (to, only),
        };
        let wanted = Mark { id: wanted, inherit: wanted != 0 };
        match read_directory_mark(directory) {
            Ok(Some(mark)) if mark != wanted && only.is_none_or(|only| mark.id == only) => {
                self.tally.strangers += 1;
                if matches!(self.duty, Duty::Mark { .. }) {
                    self.note(write_directory_mark(directory, wanted).is_ok());
                }
            }
            Ok(_) => {}
            Err(_) => self.tally.refused += 1,
        }
    }

    fn meet_entry(&mut self, directory: &Directory, _at: &Path, name: &CString, facts: &FileStat) {
        self.count(facts);
        if facts.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits() && self.duty != Duty::Count {
            self.meet_file(directory, name);
        }
    }

    fn refuse(&mut self, _at: &Path) {
        self.tally.refused += 1;
    }
}

impl Count {
    fn count(&mut self, facts: &FileStat) {
        if facts.st_nlink > 1 {
            if self.links.contains(&facts.st_ino) {
                return;
            }
            if self.links.len() < MOST_LINKS {
                self.links.insert(facts.st_ino);
            }
        }
        self.tally.files += 1;
        self.tally.bytes += blocks_of(facts);
    }

    fn meet_file(&mut self, directory: &Directory, name: &CString) {
        let (wanted, only) = match self.duty {
            Duty::Count => return,
            Duty::Check(id) => (id, None),
            Duty::Mark { to, only } => (to, only),
        };
        let file = match open_regular(directory, name) {
            Ok(Some(file)) => file,
            // Removed or replaced meanwhile.
            Ok(None) | Err(Errno::ENOENT) => return,
            Err(_) => {
                self.tally.refused += 1;
                return;
            }
        };
        match read_file_mark(&file) {
            Ok(Some(mark)) if mark.id != wanted && only.is_none_or(|only| mark.id == only) => {
                self.tally.strangers += 1;
                if matches!(self.duty, Duty::Mark { .. }) {
                    self.note(write_file_mark(&file, wanted).is_ok());
                }
            }
            Ok(_) => {}
            Err(_) => self.tally.refused += 1,
        }
    }

    fn note(&mut self, done: bool) {
        if done {
            self.tally.marked += 1;
        } else {
            self.tally.refused += 1;
        }
    }
}

fn blocks_of(facts: &FileStat) -> u64 {
    u64::try_from(facts.st_blocks).unwrap_or(0).saturating_mul(512)
}

/// Opens a regular file of this very file system for its attributes. What is something else by now (a device, a pipe, a
/// link, or mounted from elsewhere) is never opened: first it is only named, then looked at, then that very file is opened.
fn open_regular(directory: &Directory, name: &CString) -> nix::Result<Option<File>> {
    let naming = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let named = match open_once(directory.as_fd(), Path::new(OsStr::from_bytes(name.as_bytes())), naming, ON_THIS_MOUNT)
    {
        Ok(named) => named,
        Err(Errno::ELOOP | Errno::EXDEV) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let (facts, above) = (fstat(&named)?, fstat(directory.as_fd())?);
    let regular = facts.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits();
    if !regular || facts.st_dev != above.st_dev {
        return Ok(None);
    }
    let path = format!("/proc/self/fd/{}", named.as_raw_fd());
    let reading = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    Ok(Some(File::from(nix::fcntl::open(path.as_str(), reading, Mode::empty())?)))
}

/// From now on this thread reads and writes only when nobody else does.
#[allow(unsafe_code)]
pub fn set_idle_priority() {
    const ONE_THREAD: libc::c_long = 1;
    const ITSELF: libc::c_long = 0;
    const IDLE: libc::c_long = 3 << 13;
    // SAFETY: the call takes three integers and touches no memory. Where it is refused the thread is only less polite.
    unsafe { libc::syscall(libc::SYS_ioprio_set, ONE_THREAD, ITSELF, IDLE) };
}

#[cfg(test)]
mod tests;
