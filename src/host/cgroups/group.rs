//! One open cgroup: its files, kept, and what they say.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use nix::libc::{ENODEV, ENOENT, ESRCH};
use nix::sys::statfs::{CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, statfs};

use super::legacy::{self, LegacyFiles};
use super::unified::{self, UnifiedFiles};
use super::{Counters, Limits};
use crate::host::kept::{Budget, Kept};

/// The group was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// An open group.
#[derive(Debug)]
pub struct Group {
    files: Files,
    limits_from: Vec<PathBuf>,
    /// Whether the kernel made these files: then a read says that they were removed, and nobody else needs to be asked.
    of_kernel: bool,
}

#[derive(Debug)]
enum Files {
    Unified(Box<UnifiedFiles>),
    Legacy(Box<LegacyFiles>),
}

impl Group {
    pub(super) fn unified(directory: &Path, budget: &Budget) -> Group {
        let files = UnifiedFiles::open(directory, budget);
        Group {
            files: Files::Unified(Box::new(files)),
            limits_from: vec![directory.to_owned()],
            of_kernel: is_of_kernel(directory),
        }
    }

    pub(super) fn legacy(directories: &HashMap<&str, PathBuf>, budget: &Budget) -> Group {
        let of = |controller: &str| directories.get(controller).cloned().unwrap_or_default();
        let files = LegacyFiles::open(directories, budget);
        Group {
            files: Files::Legacy(Box::new(files)),
            limits_from: vec![of("cpu"), of("memory")],
            of_kernel: is_of_kernel(&of("cpuacct")),
        }
    }

    /// Reads everything, through `buffer`. A file that this kernel lacks is a `None`; a removed group is `Gone`.
    pub fn read(&self, buffer: &mut Vec<u8>) -> Result<Counters, Gone> {
        let sign = match &self.files {
            Files::Unified(files) => files.sign(),
            Files::Legacy(files) => files.sign(),
        };
        if !self.of_kernel && sign.is_some_and(Kept::is_removed) {
            return Err(Gone);
        }
        match &self.files {
            Files::Unified(files) => files.read(buffer),
            Files::Legacy(files) => files.read(buffer),
        }
    }

    /// Reads the limits in force. They change seldom: their files are not kept open.
    pub fn read_limits(&self) -> Limits {
        let text = |at: usize, name: &str| {
            let directory = self.limits_from.get(at)?;
            super::find::read_small(&directory.join(name))
        };
        match &self.files {
            Files::Unified(_) => unified::read_limits(&|name| text(0, name)),
            Files::Legacy(_) => legacy::read_limits(&|name| text(0, name), &|name| text(1, name)),
        }
    }
}

fn is_of_kernel(directory: &Path) -> bool {
    statfs(directory).is_ok_and(|fs| [CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC].contains(&fs.filesystem_type()))
}

/// A file's text by name.
pub(super) type Reader<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// Reads one file and gives its text to `take`; a removed group ends everything.
pub(super) fn ask<T>(
    file: &Option<Kept>,
    buffer: &mut Vec<u8>,
    take: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<Option<T>, Gone> {
    let Some(file) = file else { return Ok(None) };
    match file.read_into(buffer) {
        Ok(length) => Ok(take(buffer.get(..length).unwrap_or_default())),
        Err(error) if matches!(error.raw_os_error(), Some(ENODEV | ESRCH | ENOENT)) => Err(Gone),
        Err(_) => Ok(None),
    }
}

/// How many lines a file has.
pub(super) fn count_lines(text: &[u8]) -> Option<u64> {
    Some(text.iter().filter(|byte| **byte == b'\n').count() as u64)
}

/// A group with tasks but no process of its own holds sub-groups: the count would be wrong, so there is none.
pub(super) fn only_if_whole(processes: Option<u64>, tasks: Option<u64>) -> Option<u64> {
    processes.filter(|count| *count > 0 || tasks == Some(0))
}
