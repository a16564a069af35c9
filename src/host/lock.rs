//! One agent per state directory: a lock that the kernel releases when its holder ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::Error;

/// Where the holder's process number is, in the state directory.
pub const FILE: &str = "lock";

/// Held until dropped, or until the process ends.
#[derive(Debug)]
pub struct Lock {
    _directory: Flock<File>,
}

impl Lock {
    /// Takes the lock of a state directory, making the directory where it is missing. Does not wait: when another
    /// process has it, the error is an `Error::Reply` that names the process. The directory itself is locked, so that a
    /// full or read-only disk does not keep the agent from observing.
    pub fn acquire(state: &Path) -> Result<Lock, Error> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o750).create(state);
        made.map_err(|error| Error::file("make the state directory", state, error))?;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_DIRECTORY);
        let directory = options.open(state).map_err(|error| Error::file("open the state directory", state, error))?;
        match Flock::lock(directory, FlockArg::LockExclusiveNonblock) {
            Ok(directory) => {
                write_holder(&state.join(FILE));
                Ok(Lock { _directory: directory })
            }
            Err((_, Errno::EWOULDBLOCK)) => {
                let holder = match read_holder(&state.join(FILE)) {
                    Some(pid) => format!("another hostkeeper (process {pid}) runs with this state directory"),
                    None => "another process holds this state directory".to_owned(),
                };
                Err(Error::reply(state.display().to_string(), holder))
            }
            Err((_, errno)) => Err(Error::file("lock the state directory", state, errno.into())),
        }
    }
}

/// The number is for people: whether it can be written does not decide who holds the lock.
fn write_holder(path: &Path) {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    if let Ok(mut file) = options.open(path) {
        let _ = file.write_all(format!("{}\n", std::process::id()).as_bytes());
    }
}

fn read_holder(path: &Path) -> Option<u32> {
    let mut text = String::new();
    File::open(path).ok()?.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("a/b");
        let first = Lock::acquire(&state).unwrap();
        let refused = Lock::acquire(&state).unwrap_err().to_string();
        let me = std::process::id();
        assert!(refused.contains(&format!("process {me}")), "{refused}");
        drop(first);
        Lock::acquire(&state).unwrap();
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let victim = directory.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, directory.path().join(FILE)).unwrap();
        Lock::acquire(directory.path()).unwrap();
        assert_eq!(std::fs::read_to_string(victim).unwrap(), "precious");
    }
}
