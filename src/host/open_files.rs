//! How many files this process may keep open, and which files anybody has open.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::entries::FileFacts;

/// Raises the soft limit to the hard one: a kept descriptor per kernel file is what makes a look cheap. Returns the limit
/// now in force; where it cannot be raised, fewer files are kept.
pub fn raise_open_files() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    // Beyond this no host needs, and some kernels have a hard limit of a thousand millions.
    let wanted = hard.min(65_536).max(soft);
    match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => Some(wanted),
        Err(_) => Some(soft),
    }
}

/// Device and inode of every file that a process has open by a descriptor, as far as `procfs` shows. Old when it is read:
/// only for file systems on which the kernel gives no lease. `None`: not everything may be seen.
pub fn list_open(procfs: &Path) -> Option<BTreeSet<(u64, u64)>> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    let mut open = BTreeSet::new();
    for process in std::fs::read_dir(procfs).ok()?.flatten() {
        if !process.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        // A process that ended meanwhile has nothing open.
        let Ok(descriptors) = std::fs::read_dir(process.path().join("fd")) else { continue };
        for descriptor in descriptors.flatten() {
            if let Ok(facts) = std::fs::metadata(descriptor.path())
                && facts.is_file()
            {
                open.insert((facts.dev(), facts.ino()));
            }
        }
    }
    Some(open)
}

/// Looks through `procfs`, once and only when first asked. Where not everything may be seen, everything counts as open.
pub fn open_anywhere(procfs: &Path) -> impl Fn(&FileFacts) -> bool + Sync + use<> {
    let seen: OnceLock<Option<BTreeSet<(u64, u64)>>> = OnceLock::new();
    let procfs = procfs.to_owned();
    move |facts| {
        let open = seen.get_or_init(|| list_open(&procfs));
        open.as_ref().is_none_or(|open| open.contains(&(facts.device, facts.inode)))
    }
}
