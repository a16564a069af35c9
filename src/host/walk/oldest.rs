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
    /// The newest of them all.
    pub newest: Option<OldFile>,
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
        if self.met.newest.as_ref().is_none_or(|newest| *newest < file) {
            self.met.newest = Some(file.clone());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::entries::Kind;

    #[test]
    fn a_file_is_the_same_only_with_the_same_inode_content_and_one_name() {
        let modified = (1_793_491_200, 7);
        let file = OldFile { modified, name: "a".into(), size: 10, inode: 3 };
        let (kind, changed) = (Kind::File, modified);
        let facts = FileFacts {
            kind,
            device: 1,
            inode: 3,
            links: 1,
            user: 0,
            group: 0,
            mode: 0o644,
            size: 10,
            taken: 4096,
            modified,
            changed,
        };
        assert!(file.is_same(&facts));
        let others = [
            FileFacts { inode: 4, ..facts },
            FileFacts { links: 2, ..facts },
            FileFacts { size: 11, ..facts },
            FileFacts { modified: (1_793_491_201, 7), ..facts },
            FileFacts { modified: (1_793_491_200, 8), ..facts },
        ];
        for other in others {
            assert!(!file.is_same(&other), "{other:?}");
        }
    }

    #[test]
    fn of_many_only_the_oldest_are_held_and_the_newest_is_known() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("a")).unwrap();
        for index in 0..50_u64 {
            let file = std::fs::File::create(root.path().join(format!("a/{index:02}"))).unwrap();
            let seconds = 1_700_000_000 + index * 7 % 50;
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
        }
        let crate::host::files::Found::There(open) =
            crate::host::files::open_root(Path::new("/"), root.path()).unwrap()
        else {
            panic!()
        };
        let mut walk = Oldest::new(None, 5);
        let far = Instant::now() + std::time::Duration::from_secs(600);
        assert!(walk.advance((&open, Path::new("a")), far).unwrap());
        let met = walk.finish();
        let ages: Vec<i64> = met.oldest.iter().map(|file| file.modified.0 - 1_700_000_000).collect();
        assert_eq!((met.files, ages), (50, vec![0, 1, 2, 3, 4]));
        assert_eq!(met.newest.map(|file| file.modified.0), Some(1_700_000_049));
    }
}
