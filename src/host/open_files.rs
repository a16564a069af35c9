//! How many files this process may keep open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

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
