//! The oldest files below a directory: a walk in slices that remembers only so many of them, however many there are.
//! Regular files of one name only; looks and changes nothing.

use std::collections::BinaryHeap;
use std::ffi::CString;
use std::path::Path;
use std::time::Instant;

use nix::sys::stat::{FileStat, SFlag, fstat};

use super::{Course, Visit};
use crate::host::Error;
use crate::host::entries::{FileFacts, facts_of};
use crate::host::files::Directory;

/// What our own files begin with. One that was taken away and not yet removed matches every pattern.
pub const GONE: &str = ".hostkeeper-gone-";

/// A file, by age and then by name: the oldest is the least.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OldFile {
    /// Seconds since 1970 and nanoseconds.
    pub modified: (i64, i64),
    /// Relative to where the walk begins.
    pub name: String,
    pub size: u64,
    pub inode: u64,
}

impl OldFile {
    /// Whether `facts` are of this very file with this very content, and it has no other name.
    pub fn is_same(&self, facts: &FileFacts) -> bool {
        (self.modified, self.size, self.inode, 1) == (facts.modified, facts.size, facts.inode, facts.links)
    }
}

/// What was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Regular files that match, and their sizes together.
    pub files: u64,
    pub bytes: u64,
    /// Files of several names, and files whose name is no text: left out.
    pub left_out: u64,
    /// What could not be looked at.
    pub refused: u64,
    /// The oldest, oldest first.
    pub oldest: Vec<OldFile>,
}

/// A walk that gathers.
#[derive(Debug)]
pub struct Oldest {
    course: Course,
    gather: Gather,
}

#[derive(Debug)]
struct Gather {
    /// Only what is directly in the directory and has such a name; else everything below.
    pattern: Option<String>,
    most: usize,
    heap: BinaryHeap<OldFile>,
    device: Option<u64>,
    met: Gathered,
}

impl Oldest {
    pub fn new(pattern: Option<&str>, most: usize) -> Oldest {
        let pattern = pattern.map(str::to_owned);
        let gather = Gather { pattern, most, heap: BinaryHeap::new(), device: None, met: Gathered::default() };
        Oldest { course: Course::default(), gather }
    }

    /// Goes on until `until`. `true`: everything was walked.
    pub fn advance(&mut self, place: (&Directory, &Path), until: Instant) -> Result<bool, Error> {
        self.course.advance(&mut self.gather, place, until)
    }

    /// What was met.
    pub fn finish(self) -> Gathered {
        Gathered { oldest: self.gather.heap.into_sorted_vec(), ..self.gather.met }
    }
}

impl Visit for Gather {
    fn meet_directory(&mut self, directory: &Directory, at: &Path, _top: bool) {
        match fstat(directory) {
            Ok(facts) => self.device = Some(facts.st_dev),
            Err(_) => self.refuse(at),
        }
    }

    fn meet_entry(&mut self, _directory: &Directory, at: &Path, name: &CString, facts: &FileStat) {
        let regular = facts.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits();
        // On another file system: something is mounted on the very file.
        if !regular || self.device != Some(facts.st_dev) {
            return;
        }
        let Ok(text) = name.to_str() else {
            self.met.left_out += u64::from(self.pattern.is_none());
            return;
        };
        let meant = |pattern: &String| text.starts_with(GONE) || matches(pattern, text);
        if !self.pattern.as_ref().is_none_or(meant) {
            return;
        }
        let (Some(path), 1) = (at.join(text).to_str().map(str::to_owned), facts.st_nlink) else {
            self.met.left_out += 1;
            return;
        };
        let facts = facts_of(facts);
        self.met.files += 1;
        self.met.bytes = self.met.bytes.saturating_add(facts.size);
        let file = OldFile { modified: facts.modified, name: path, size: facts.size, inode: facts.inode };
        if self.heap.len() < self.most {
            self.heap.push(file);
        } else if self.heap.peek().is_some_and(|youngest| file < *youngest) {
            self.heap.pop();
            self.heap.push(file);
        }
    }

    fn refuse(&mut self, _at: &Path) {
        self.met.refused += 1;
    }

    fn enters_below(&self) -> bool {
        self.pattern.is_none()
    }
}

/// Whether a name is of a pattern, in which `*` stands for any letters and `?` for one. As in a shell, a name that begins
/// with a dot is only meant by a pattern that does.
pub fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut from) = (0, 0);
    // Where the last `*` stands, and what of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match (pattern.get(at), name.get(from)) {
            (Some('*'), _) => {
                star = Some((at, from));
                at += 1;
            }
            (Some(wanted), Some(found)) if *wanted == '?' || wanted == found => (at, from) = (at + 1, from + 1),
            _ => {
                let Some((back, taken)) = star else { return false };
                star = Some((back, taken + 1));
                (at, from) = (back + 1, taken + 1);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|letter| *letter == '*'))
}
