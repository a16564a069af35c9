//! Directories opened so that nobody can lead us elsewhere: every path is resolved by the kernel below an open directory,
//! without symlinks and without crossing a mount, and every change goes to the directory that was opened.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, SFlag, fchmod, fstatat, mkdirat};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fsync, unlinkat};

use super::Error;
use super::space::{Space, space_of};

/// What a path turned out to be. The text is the first part of the path that is so.
#[derive(Debug)]
pub enum Found<T> {
    There(T),
    Missing(PathBuf),
    Link(PathBuf),
    NotDirectory(PathBuf),
    /// Another file system is mounted there.
    OtherMount(PathBuf),
}

/// What makes a directory this very one of this very mount. Differs after the file system was mounted anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Major and minor number of the device.
    pub device: (u32, u32),
    /// The mount's id; unique since boot from Linux 6.8 on, reused by older kernels.
    pub mount: u64,
    pub inode: u64,
    /// When the directory was made, seconds and nanoseconds, where the file system keeps it.
    pub made: Option<(i64, u32)>,
}

/// What `statx` says of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub identity: Identity,
    /// Whether it is the root of a mount.
    pub mount_root: bool,
    pub user: u32,
    pub group: u32,
    /// Permission bits with set-id and sticky bits.
    pub mode: u32,
}

/// An open directory.
#[derive(Debug)]
pub struct Directory {
    pub(super) fd: OwnedFd,
    /// For messages only.
    pub(super) path: PathBuf,
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

const STRICT: ResolveFlag =
    ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_SYMLINKS).union(ResolveFlag::RESOLVE_NO_MAGICLINKS);

/// Below an open directory, and on its very mount.
pub(super) const ON_THIS_MOUNT: ResolveFlag = STRICT.union(ResolveFlag::RESOLVE_NO_XDEV);

/// The user as whom the machine is changed.
pub fn read_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Opens the directory at the absolute `path` under `rootfs`. Mounts are crossed, symlinks are not followed.
pub fn open_root(rootfs: &Path, path: &Path) -> Result<Found<Directory>, Error> {
    let base = Directory::open_base(rootfs)?;
    base.open_strict(path.strip_prefix("/").unwrap_or(path), STRICT)
}

impl Directory {
    fn open_base(path: &Path) -> Result<Directory, Error> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::open(path, flags, Mode::empty()).map_err(|errno| broken("open", path, errno))?;
        Ok(Directory { fd, path: path.to_owned() })
    }

    /// Where it is, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a directory below this one, on this very mount. `below` is relative; an empty one is this directory.
    pub fn open_below(&self, below: &Path) -> Result<Found<Directory>, Error> {
        self.open_strict(below, ON_THIS_MOUNT)
    }

    fn open_strict(&self, below: &Path, resolve: ResolveFlag) -> Result<Found<Directory>, Error> {
        let readable = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let whole = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        let path = self.path.join(below);
        let first = match open_once(self.fd.as_fd(), whole, readable, resolve) {
            Ok(fd) => return Ok(Found::There(Directory { fd, path })),
            Err(errno) => errno,
        };
        if !matches!(first, Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR | Errno::EXDEV) {
            return Err(broken("open", &path, first));
        }
        self.find_obstacle(below, resolve).unwrap_or_else(|| Err(broken("open", &path, first)))
    }

    /// Walks to the part of the path that cannot be opened. `None`: now everything can be.
    fn find_obstacle(&self, below: &Path, resolve: ResolveFlag) -> Option<Result<Found<Directory>, Error>> {
        let passing = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut at = self.path.clone();
        let mut passed: Option<OwnedFd> = None;
        for part in below.components() {
            let from = passed.as_ref().map_or_else(|| self.fd.as_fd(), |fd| fd.as_fd());
            let part = Path::new(part.as_os_str());
            at.push(part);
            let errno = match open_once(from, part, passing, resolve) {
                Ok(fd) => {
                    passed = Some(fd);
                    continue;
                }
                Err(errno) => errno,
            };
            let kind =
                fstatat(from, part, AtFlags::AT_SYMLINK_NOFOLLOW).map(|facts| facts.st_mode & SFlag::S_IFMT.bits());
            return Some(match (errno, kind) {
                (Errno::ENOENT, _) => Ok(Found::Missing(at)),
                (Errno::EXDEV, _) => Ok(Found::OtherMount(at)),
                (_, Ok(kind)) if kind == SFlag::S_IFLNK.bits() => Ok(Found::Link(at)),
                (Errno::ENOTDIR, _) => Ok(Found::NotDirectory(at)),
                _ => Err(broken("open", &at, errno)),
            });
        }
        None
    }

    /// What the directory is.
    pub fn read_facts(&self) -> Result<Facts, Error> {
        read_statx(self.fd.as_fd()).map_err(|errno| broken("look at", &self.path, errno))
    }

    /// How much room its file system has.
    pub fn read_space(&self) -> Result<Space, Error> {
        let refused = |errno| broken("ask for the space of", &self.path, errno);
        let answer = fstatvfs(&self.fd).map_err(refused)?;
        Ok(space_of(&answer, nix::sys::stat::fstat(&self.fd).map_err(refused)?.st_dev))
    }

    /// Whether nothing is in it.
    pub fn read_emptiness(&self) -> Result<bool, Error> {
        let refused = |errno| broken("list", &self.path, errno);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut entries = Dir::openat(&self.fd, ".", flags, Mode::empty()).map_err(refused)?;
        for entry in entries.iter() {
            let name = entry.map_err(refused)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the directory `name` in this one, with these permission bits less the umask. `false`: something of that
    /// name is there.
    pub fn create_child(&self, name: &Path, mode: u32) -> Result<bool, Error> {
        match mkdirat(&self.fd, name, Mode::from_bits_truncate(mode)) {
            Ok(()) => Ok(true),
            Err(Errno::EEXIST) => Ok(false),
            Err(errno) => Err(broken("make the directory", &self.path.join(name), errno)),
        }
    }

    /// Removes the directory `name` in this one if nothing is in it. `false`: there is none.
    pub fn remove_empty_child(&self, name: &Path) -> Result<bool, Error> {
        match unlinkat(&self.fd, name, UnlinkatFlags::RemoveDir) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(broken("remove the directory", &self.path.join(name), errno)),
        }
    }

    /// Gives the directory itself to a user and a group.
    pub fn write_owner(&self, user: u32, group: u32) -> Result<(), Error> {
        let owner = fchown(&self.fd, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
        owner.map_err(|errno| broken("set the owner of", &self.path, errno))
    }

    /// Sets the permission bits of the directory itself.
    pub fn write_mode(&self, mode: u32) -> Result<(), Error> {
        let mode = Mode::from_bits_truncate(mode);
        fchmod(&self.fd, mode).map_err(|errno| broken("set the mode of", &self.path, errno))
    }

    /// Waits until what was made in the directory is on the disk.
    pub fn sync(&self) -> Result<(), Error> {
        fsync(&self.fd).map_err(|errno| broken("sync", &self.path, errno))
    }
}

/// `EAGAIN` means that something was renamed meanwhile and the kernel could not tell whether the path stays below.
pub(super) fn open_once(from: BorrowedFd<'_>, path: &Path, flags: OFlag, resolve: ResolveFlag) -> nix::Result<OwnedFd> {
    let mut tries = 0;
    loop {
        match openat2(from, path, OpenHow::new().flags(flags).resolve(resolve)) {
            Err(Errno::EAGAIN | Errno::EINTR) if tries < 64 => tries += 1,
            other => return other,
        }
    }
}

pub(super) fn broken(verb: &'static str, path: &Path, errno: Errno) -> Error {
    match errno {
        Errno::ENOSYS => Error::reply("the kernel", "has no openat2 or statx; hostkeeper needs Linux 5.8 or newer"),
        errno => Error::file(verb, path, io::Error::from(errno)),
    }
}

#[allow(unsafe_code)]
fn read_statx(fd: BorrowedFd<'_>) -> nix::Result<Facts> {
    let mask = libc::STATX_BASIC_STATS | libc::STATX_BTIME | libc::STATX_MNT_ID | libc::STATX_MNT_ID_UNIQUE;
    let mut answer = std::mem::MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the descriptor is open as long as it is borrowed, the path is a constant C string, and `answer` is a
    // writable `struct statx`, which the kernel fills and never reads.
    let status = unsafe { libc::statx(fd.as_raw_fd(), c"".as_ptr(), libc::AT_EMPTY_PATH, mask, answer.as_mut_ptr()) };
    Errno::result(status)?;
    // SAFETY: all fields are integers, for which the zeroes from before the call are values too.
    let answer = unsafe { answer.assume_init() };
    if answer.stx_mask & (libc::STATX_MNT_ID | libc::STATX_MNT_ID_UNIQUE) == 0 {
        return Err(Errno::ENOSYS);
    }
    let made =
        (answer.stx_mask & libc::STATX_BTIME != 0).then_some((answer.stx_btime.tv_sec, answer.stx_btime.tv_nsec));
    let identity = Identity {
        device: (answer.stx_dev_major, answer.stx_dev_minor),
        mount: answer.stx_mnt_id,
        inode: answer.stx_ino,
        made,
    };
    Ok(Facts {
        identity,
        mount_root: answer.stx_attributes & libc::STATX_ATTR_MOUNT_ROOT as u64 != 0,
        user: answer.stx_uid,
        group: answer.stx_gid,
        mode: u32::from(answer.stx_mode) & 0o7777,
    })
}
