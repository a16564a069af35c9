//! What is in an open directory: entries one after another, and what each of them is. Looks only, follows no symlink,
//! holds one entry at a time however many there are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::dir::{Dir, OwningIter};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};

use super::Error;
use super::files::{Directory, broken};

/// What kind of thing an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Link,
    /// A socket, pipe or device.
    Special,
}

/// What `stat` says of an entry. Times are seconds since 1970 and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    pub kind: Kind,
    pub device: u64,
    pub inode: u64,
    pub links: u64,
    pub user: u32,
    pub group: u32,
    /// Permission bits with set-id and sticky bits.
    pub mode: u32,
    pub size: u64,
    /// Bytes that it takes on the disk: less than `size` when it has holes.
    pub taken: u64,
    pub modified: (i64, i64),
    pub changed: (i64, i64),
}

impl FileFacts {
    /// Whether it is still the very file with the very content. The time of the last change of status is not compared:
    /// our own renaming moves it.
    pub fn is_same_content(&self, other: &FileFacts) -> bool {
        (self.device, self.inode, self.size, self.modified) == (other.device, other.inode, other.size, other.modified)
    }

    /// Whether both are one file.
    pub fn is_same_file(&self, other: &FileFacts) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

pub(super) fn facts_of(stat: &FileStat) -> FileFacts {
    let kind = match stat.st_mode & SFlag::S_IFMT.bits() {
        kind if kind == SFlag::S_IFREG.bits() => Kind::File,
        kind if kind == SFlag::S_IFDIR.bits() => Kind::Directory,
        kind if kind == SFlag::S_IFLNK.bits() => Kind::Link,
        _ => Kind::Special,
    };
    FileFacts {
        kind,
        device: stat.st_dev,
        inode: stat.st_ino,
        links: stat.st_nlink,
        user: stat.st_uid,
        group: stat.st_gid,
        mode: stat.st_mode & 0o7777,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        taken: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
        modified: (stat.st_mtime, stat.st_mtime_nsec),
        changed: (stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// Entries of a directory as the kernel gives them, without `.` and `..`.
pub struct Entries {
    entries: OwningIter,
    path: PathBuf,
}

impl Iterator for Entries {
    type Item = Result<PathBuf, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let name = match self.entries.next()? {
                Ok(entry) => PathBuf::from(OsStr::from_bytes(entry.file_name().to_bytes())),
                Err(errno) => return Some(Err(broken("list", &self.path, errno))),
            };
            if name.as_os_str() != "." && name.as_os_str() != ".." {
                return Some(Ok(name));
            }
        }
    }
}

impl Directory {
    /// The names in it, from the beginning.
    pub fn read_entries(&self) -> Result<Entries, Error> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let entries = Dir::openat(&self.fd, ".", flags, Mode::empty());
        let entries = entries.map_err(|errno| broken("list", &self.path, errno))?;
        Ok(Entries { entries: entries.into_iter(), path: self.path.clone() })
    }

    /// What the entry `name` is; `None`: there is none. A symlink is itself.
    pub fn read_child(&self, name: &Path) -> Result<Option<FileFacts>, Error> {
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(facts_of(&stat))),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(broken("look at", &self.path.join(name), errno)),
        }
    }
}
