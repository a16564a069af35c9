//! Counts a member through open directories: no symlink is followed, no mount is crossed, one entry is held at a time.
//! Keeps a bounded number of files that could be moved.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::path::Path;
use std::time::Duration;

use super::step::{Item, is_copy, is_ours};
use crate::host::Error;
use crate::host::entries::{Entries, FileFacts, Kind};
use crate::host::files::{Directory, Found};

/// Deepest nesting that is walked: each level is an open directory.
const DEEPEST: usize = 100;
/// Most unfinished copies that are noted.
const MOST_LEFTOVERS: usize = 500;
/// Longest names kept together.
const MOST_NAMES: usize = 1 << 20;

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Wall clock, seconds since 1970.
    pub now: i64,
    /// Files that changed within this time are left alone.
    pub settle: Duration,
    /// Most files to keep.
    pub keep: usize,
    /// The largest ones instead of the first ones.
    pub largest: bool,
    /// Files that were refused lately.
    pub refused: BTreeSet<String>,
    /// A copy that is being carried on: no leftover.
    pub copying: Option<String>,
    /// Stop as soon as `keep` files are found: the numbers are then no count.
    pub stop: bool,
}

/// What is in a member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Count {
    /// Regular files, and their sizes.
    pub files: u64,
    pub bytes: u64,
    /// Of these: files that may be moved now.
    pub movable: u64,
    /// Of these: changed too lately.
    pub young: u64,
    /// Of these: refused lately, because they were open or their name was taken.
    pub refused: u64,
    /// Of these: with more than one name.
    pub linked: u64,
    /// Of these: names that are no text, or hold control characters.
    pub odd: u64,
    pub symlinks: u64,
    /// Sockets, pipes, devices.
    pub special: u64,
    /// Directories on which another file system is mounted.
    pub mounts: u64,
    pub kept: Vec<Item>,
    /// Unfinished copies of a killed move.
    pub leftovers: Vec<String>,
    /// Files that were taken away by a killed move and are in no ledger: never touched.
    pub orphans: u64,
}

/// Counts everything below `root`. `go_on` is asked now and then.
pub fn count(root: &Directory, rules: &Rules, go_on: &dyn Fn() -> bool) -> Result<Count, Error> {
    let Found::There(top) = root.open_below(Path::new(""))? else {
        return Err(Error::reply(root.path().display().to_string(), "is no directory any more"));
    };
    let mut walk = Walk { rules, count: Count::default(), heap: BinaryHeap::new(), names: 0 };
    let entries = top.read_entries()?;
    let mut open: Vec<(Directory, Entries, String)> = vec![(top, entries, String::new())];
    let mut steps = 0_u32;
    while let Some((directory, entries, below)) = open.last_mut() {
        let Some(name) = entries.next() else {
            open.pop();
            continue;
        };
        let name = name?;
        steps = steps.wrapping_add(1);
        if steps.is_multiple_of(1024) && !go_on() {
            return Err(Error::reply(root.path().display().to_string(), "was not counted in time"));
        }
        // Gone since it was listed.
        let Some(facts) = directory.read_child(&name)? else { continue };
        if facts.kind != Kind::Directory {
            walk.take(below, &name, &facts);
            if rules.stop && walk.count.kept.len() >= rules.keep {
                break;
            }
            continue;
        }
        match directory.open_below(&name)? {
            Found::There(child) => {
                // No name holds a zero: what is below one that is no text is counted, and never moved.
                let inside = format!("{below}{}/", name.to_str().unwrap_or("\0"));
                let entries = child.read_entries()?;
                open.push((child, entries, inside));
            }
            Found::OtherMount(_) => walk.count.mounts += 1,
            Found::Missing(_) | Found::Link(_) | Found::NotDirectory(_) => {}
        }
        if open.len() > DEEPEST {
            let what = format!("is nested deeper than {DEEPEST} directories");
            return Err(Error::reply(root.path().display().to_string(), what));
        }
    }
    Ok(walk.end())
}

struct Walk<'r> {
    rules: &'r Rules,
    count: Count,
    heap: BinaryHeap<Reverse<(u64, Item)>>,
    names: usize,
}

impl Walk<'_> {
    fn take(&mut self, below: &str, name: &Path, facts: &FileFacts) {
        let count = &mut self.count;
        match facts.kind {
            Kind::Link => return count.symlinks += 1,
            Kind::Special | Kind::Directory => return count.special += 1,
            Kind::File => {}
        }
        let text = name.to_str().filter(|text| !text.chars().any(char::is_control));
        if let Some(text) = text.filter(|text| is_ours(text)) {
            if !is_copy(text) {
                count.orphans += 1;
            } else if count.leftovers.len() < MOST_LEFTOVERS && !below.chars().any(char::is_control) {
                let path = format!("{below}{text}");
                if self.rules.copying.as_ref() != Some(&path) {
                    count.leftovers.push(path);
                }
            }
            return;
        }
        count.files += 1;
        count.bytes = count.bytes.saturating_add(facts.size);
        let Some(text) = text.filter(|_| !below.chars().any(char::is_control)) else { return count.odd += 1 };
        if facts.links > 1 {
            return count.linked += 1;
        }
        if self.rules.is_young(facts) {
            return count.young += 1;
        }
        let path = format!("{below}{text}");
        if self.rules.refused.contains(&path) {
            return count.refused += 1;
        }
        count.movable += 1;
        self.keep(Item { name: path, size: facts.size, modified: facts.modified });
    }

    fn keep(&mut self, item: Item) {
        if self.rules.largest {
            self.heap.push(Reverse((item.size, item)));
            if self.heap.len() > self.rules.keep {
                self.heap.pop();
            }
        } else if self.count.kept.len() < self.rules.keep && self.names < MOST_NAMES {
            self.names += item.name.len();
            self.count.kept.push(item);
        }
    }

    fn end(mut self) -> Count {
        self.count.kept.extend(self.heap.into_iter().map(|Reverse((_, item))| item));
        self.count
    }
}

impl Rules {
    /// Whether content or status changed within `settle`. A time far ahead is a wrong clock's, and says nothing.
    fn is_young(&self, facts: &FileFacts) -> bool {
        let settle = i64::try_from(self.settle.as_secs()).unwrap_or(i64::MAX);
        let fresh = |at: i64| self.now.saturating_sub(at) < settle && at.saturating_sub(self.now) <= settle.max(60);
        fresh(facts.modified.0) || fresh(facts.changed.0)
    }
}
