//! Which cgroup tree this host has and where a container sits in it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::group::Group;
use super::parse::{parse_container_id, parse_container_path, parse_memberships};
use crate::host::Roots;
use crate::host::kept::Budget;

/// A container's group is not deeper than this; slices nest by their dashes.
const MAX_DEPTH: usize = 12;
/// Directories looked at in one walk.
const MAX_WALK: usize = 20_000;
/// The controllers that are read on v1.
const CONTROLLERS: [&str; 5] = ["cpuacct", "cpu", "memory", "blkio", "pids"];

/// The kind of tree under `/sys/fs/cgroup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// v2 alone.
    Unified,
    /// v1 controllers, and an empty v2 tree for systemd's own use.
    Hybrid,
    /// v1 alone.
    Legacy,
    /// No cgroups to be seen.
    Absent,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Unified => "v2",
            Layout::Hybrid => "v1 hybrid",
            Layout::Legacy => "v1",
            Layout::Absent => "none",
        })
    }
}

/// Where a container's group is: the path as cAdvisor shows it, and the path per v1 controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub shown: String,
    by_controller: BTreeMap<String, String>,
}

impl Place {
    /// A group at `path` in the unified tree, or at the same path under each v1 controller.
    pub fn at(path: &str) -> Place {
        Place { shown: path.to_owned(), by_controller: BTreeMap::new() }
    }

    pub(super) fn of_controller(&self, controller: &str) -> &str {
        self.by_controller.get(controller).unwrap_or(&self.shown)
    }
}

/// The cgroup tree of this host.
#[derive(Clone, Debug)]
pub struct Cgroups {
    root: PathBuf,
    procfs: PathBuf,
    layout: Layout,
    budget: Budget,
}

impl Cgroups {
    /// Looks which tree is there. systemd's own rule: cgroup2 mounted at the root is unified; otherwise v1, hybrid when
    /// there is `unified` below. A scratch tree has no mounts: there the files decide.
    pub fn of(roots: &Roots) -> Cgroups {
        let root = roots.sysfs.join("fs/cgroup");
        let layout = read_layout(&root);
        Cgroups { root, procfs: roots.procfs.clone(), layout, budget: Budget::of_process() }
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// As this one, with at most `files` files kept open.
    pub fn keeping(mut self, files: usize) -> Cgroups {
        self.budget = Budget::of(files);
        self
    }

    /// Where container `id` is, by its main process. `None` when the process is gone or not in a group of that name.
    pub fn read_place(&self, pid: i32, id: &str) -> Option<Place> {
        let text = read_small(&self.procfs.join(pid.to_string()).join("cgroup"))?;
        let mut place: Option<Place> = None;
        for membership in parse_memberships(&text) {
            let Some(path) = parse_container_path(&membership.path, id) else { continue };
            let unified = membership.controllers.is_empty();
            if unified != (self.layout == Layout::Unified) {
                continue;
            }
            let place = place.get_or_insert_with(|| Place::at(path));
            for controller in membership.controllers {
                place.by_controller.insert(controller, path.to_owned());
            }
        }
        place
    }

    /// Where containers are, by a walk of the tree: for those whose main process could not be asked.
    pub fn list_places(&self) -> HashMap<String, Place> {
        let top = match self.layout {
            Layout::Unified => self.root.clone(),
            Layout::Hybrid | Layout::Legacy => self.controller_root("memory"),
            Layout::Absent => return HashMap::new(),
        };
        let mut found = HashMap::new();
        let mut left = MAX_WALK;
        walk(&top, "", MAX_DEPTH, &mut left, &mut found);
        found
    }

    /// Opens the files of a group. `None` when there is no such group.
    pub fn open(&self, place: &Place) -> Option<Group> {
        match self.layout {
            Layout::Unified => {
                let directory = self.below(&self.root, &place.shown)?;
                Some(Group::unified(&directory, &self.budget))
            }
            Layout::Hybrid | Layout::Legacy => {
                let mut directories = HashMap::new();
                for controller in CONTROLLERS {
                    let directory = self.below(&self.controller_root(controller), place.of_controller(controller));
                    directories.extend(directory.map(|directory| (controller, directory)));
                }
                (!directories.is_empty()).then(|| Group::legacy(&directories, &self.budget))
            }
            Layout::Absent => None,
        }
    }

    /// The directory of a group: in the unified tree, or below a v1 controller. `None`: there is none.
    pub(super) fn directory_of(&self, controller: &str, place: &Place) -> Option<PathBuf> {
        match self.layout {
            Layout::Unified => self.below(&self.root, &place.shown),
            _ => self.below(&self.controller_root(controller), place.of_controller(controller)),
        }
    }

    fn below(&self, top: &Path, path: &str) -> Option<PathBuf> {
        let directory = top.join(path.trim_start_matches('/'));
        directory.is_dir().then_some(directory)
    }

    /// systemd mounts `cpu` and `cpuacct` together, with links of either name; without the links the joint name is left.
    fn controller_root(&self, controller: &str) -> PathBuf {
        let alone = self.root.join(controller);
        if matches!(controller, "cpu" | "cpuacct") && !alone.is_dir() { self.root.join("cpu,cpuacct") } else { alone }
    }
}

fn read_layout(root: &Path) -> Layout {
    let magic = nix::sys::statfs::statfs(root).map(|fs| fs.filesystem_type());
    if magic == Ok(nix::sys::statfs::CGROUP2_SUPER_MAGIC) || root.join("cgroup.controllers").is_file() {
        return Layout::Unified;
    }
    if CONTROLLERS.iter().any(|controller| root.join(controller).is_dir()) {
        return if root.join("unified").is_dir() { Layout::Hybrid } else { Layout::Legacy };
    }
    Layout::Absent
}

fn walk(directory: &Path, shown: &str, depth: usize, left: &mut usize, found: &mut HashMap<String, Place>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        *left -= 1;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let path = format!("{shown}/{name}");
        match parse_container_id(name) {
            Some(id) => {
                found.insert(id.to_owned(), Place::at(&path));
            }
            None if depth > 0 => walk(&entry.path(), &path, depth - 1, left, found),
            None => {}
        }
    }
}

/// The first 64 KiB of a file.
pub(super) fn read_small(path: &Path) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    fs::File::open(path).ok()?.take(64 * 1024).read_to_end(&mut text).ok()?;
    Some(text)
}

/// The id of the container that process `pid` belongs to. The process's start time is read before and after, so that a
/// number given to another process in between is noticed; `None` then, and for processes of no container.
pub fn read_container_of(procfs: &Path, pid: u32) -> Option<String> {
    let directory = procfs.join(pid.to_string());
    let before = read_start_time(&directory)?;
    let text = read_small(&directory.join("cgroup"))?;
    if read_start_time(&directory)? != before {
        return None;
    }
    let memberships = parse_memberships(&text);
    memberships.iter().flat_map(|group| group.path.split('/')).find_map(parse_container_id).map(str::to_owned)
}

/// When a process began, in hundredths of a second since boot.
pub fn read_began(procfs: &Path, pid: u32) -> Option<u64> {
    read_start_time(&procfs.join(pid.to_string()))
}

/// Field 22 of `/proc/PID/stat`, counted after the name in brackets, which may hold anything.
fn read_start_time(directory: &Path) -> Option<u64> {
    let text = read_small(&directory.join("stat"))?;
    let after_name = text.iter().rposition(|byte| *byte == b')')?;
    let rest = text.get(after_name + 1..)?;
    let field = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(19)?;
    super::parse::parse_word(field)
}
