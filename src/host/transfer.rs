//! Files taken from one open directory to another: opened without following anything, copied with all that belongs to
//! them, renamed without replacing, made durable. Small acts only; their order is the caller's.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, PosixFadviseAdvice, RenameFlags, openat, posix_fadvise, renameat2};
use nix::sys::stat::{Mode, fchmod, fstat, futimens};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, syncfs, unlinkat};
use sha2::{Digest, Sha256};

use super::Error;
use super::entries::{FileFacts, Kind, facts_of};
use super::files::{Directory, broken};

/// Read and written at once.
const PIECE: usize = 256 * 1024;
/// Which signal tells the holder of a lease that somebody waits: the same number on every architecture.
const F_SETSIG: i32 = 10;
/// A hole is left where so many bytes in a row are zero.
const BLOCK: usize = 4096;
/// So much of a copy waits for the disk at most, else syncing it in the end would take longer than anybody waits.
const FLUSH: u64 = 64 << 20;

/// How often and after what pause a file is tried again on which there is a lease.
const LEASE_TRIES: u32 = 20;
const LEASE_PAUSE: Duration = Duration::from_millis(5);

/// What came of a rename that replaces nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    Done,
    /// Something of that name is there.
    Taken,
    /// The two directories are on different file systems, or in different quota projects of one.
    Elsewhere,
    /// There is nothing to rename.
    Missing,
}

/// Whether somebody else has a file open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Nobody: the lease is held until it is given back or the file is closed.
    Alone,
    Open,
    /// The file system or the kernel does not tell.
    Untold,
}

/// A regular file opened for reading.
#[derive(Debug)]
pub struct Opened {
    pub file: File,
    pub facts: FileFacts,
    leased: bool,
}

impl Opened {
    /// Asks the kernel for a write lease: it is given only while nobody else has the file open, mappings and other
    /// containers included, and until it is given back (the file is closed) whoever opens the file waits. Unlike a look
    /// through `/proc/*/fd` it is no snapshot that is old when it is read, and costs nothing per process.
    pub fn take_lease(&mut self) -> Use {
        let answer = ask_for_lease(&self.file);
        self.leased = answer == Use::Alone;
        answer
    }

    /// Whether somebody has tried to open the file since the lease was taken, and waits for it.
    #[allow(unsafe_code)]
    pub fn is_wanted(&self) -> bool {
        // SAFETY: the descriptor is open as long as `self` is, and the command takes no argument.
        self.leased && unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_GETLEASE) } != libc::F_WRLCK
    }

    /// What the file is now.
    pub fn read_facts(&self) -> std::io::Result<FileFacts> {
        read_facts(&self.file)
    }
}

/// What an open file is now.
pub fn read_facts(file: &File) -> std::io::Result<FileFacts> {
    Ok(facts_of(&fstat(file)?))
}

/// The fingerprint of a file's content.
pub type Sum = [u8; 32];

impl Directory {
    /// Opens the regular file `name`; `None`: there is none, or it is something else. One on which somebody has a lease
    /// and does not give it back at once is an error of the kind `WouldBlock`.
    pub fn open_file(&self, name: &Path) -> Result<Option<Opened>, Error> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let open = || match openat(&self.fd, name, flags | OFlag::O_NOATIME, Mode::empty()) {
            // Only the owner and root may leave the time of the last access alone.
            Err(Errno::EPERM) => openat(&self.fd, name, flags, Mode::empty()),
            other => other,
        };
        let mut opened = open();
        // Our own lease outlives our descriptor while a program is being started: until then it has a copy of it.
        for _ in 0..LEASE_TRIES {
            if !matches!(opened, Err(Errno::EAGAIN)) {
                break;
            }
            std::thread::sleep(LEASE_PAUSE);
            opened = open();
        }
        let file = match opened {
            Ok(fd) => File::from(fd),
            Err(Errno::ENOENT | Errno::ELOOP | Errno::ENXIO) => return Ok(None),
            Err(errno) => return Err(broken("open", &self.path.join(name), errno)),
        };
        let stat = fstat(&file).map_err(|errno| broken("look at", &self.path.join(name), errno))?;
        let facts = facts_of(&stat);
        Ok((facts.kind == Kind::File).then_some(Opened { file, facts, leased: false }))
    }

    /// Makes the file `name` for its maker alone; `None`: something of that name is there.
    pub fn create_file(&self, name: &Path) -> Result<Option<File>, Error> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(&self.fd, name, flags, Mode::from_bits_truncate(0o600)) {
            Ok(fd) => Ok(Some(File::from(fd))),
            Err(Errno::EEXIST) => Ok(None),
            Err(errno) => Err(broken("make", &self.path.join(name), errno)),
        }
    }

    /// Opens the regular file `name` to write on; `None`: there is none, or it is something else.
    pub fn open_to_write(&self, name: &Path) -> Result<Option<File>, Error> {
        let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = match openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::ENOENT | Errno::ELOOP | Errno::ENXIO | Errno::EISDIR) => return Ok(None),
            Err(errno) => return Err(broken("open", &self.path.join(name), errno)),
        };
        let facts = read_facts(&file).map_err(|error| Error::file("look at", self.path.join(name), error))?;
        Ok((facts.kind == Kind::File).then_some(file))
    }

    /// Renames `name` to `new` in `to`, in one step of the file system; never replaces anything.
    pub fn rename_child(&self, name: &Path, to: &Directory, new: &Path) -> Result<Renamed, Error> {
        match renameat2(&self.fd, name, &to.fd, new, RenameFlags::RENAME_NOREPLACE) {
            Ok(()) => Ok(Renamed::Done),
            Err(Errno::EEXIST) => Ok(Renamed::Taken),
            Err(Errno::EXDEV) => Ok(Renamed::Elsewhere),
            Err(Errno::ENOENT) => Ok(Renamed::Missing),
            Err(errno) => Err(broken("rename", &self.path.join(name), errno)),
        }
    }

    /// Removes the file `name`. `false`: there is none.
    pub fn remove_file(&self, name: &Path) -> Result<bool, Error> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(broken("remove", &self.path.join(name), errno)),
        }
    }

    /// Waits until everything written to its file system is on the disk.
    pub fn sync_file_system(&self) -> Result<(), Error> {
        syncfs(&self.fd).map_err(|errno| broken("sync the file system of", &self.path, errno))
    }
}

#[allow(unsafe_code)]
fn ask_for_lease(file: &File) -> Use {
    // The kernel tells the holder that somebody waits by a signal. SIGIO would end the process, SIGURG is ignored.
    // SAFETY: the descriptor is open as long as `file` is borrowed, and both commands take an integer.
    let status = unsafe {
        libc::fcntl(file.as_raw_fd(), F_SETSIG, libc::SIGURG)
            | libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK)
    };
    match Errno::result(status) {
        Ok(_) => Use::Alone,
        Err(Errno::EAGAIN | Errno::EBUSY) => Use::Open,
        Err(_) => Use::Untold,
    }
}

/// Where a copy stands that may take longer than one step.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub done: u64,
    sum: Sha256,
}

impl Progress {
    /// The fingerprint of what was read so far.
    pub fn sum(self) -> Sum {
        self.sum.finalize().into()
    }
}

/// Copies from where `progress` stands (both files stand at their beginning) until the end that was seen when the file was
/// opened, or until `go_on` says no between two pieces. `true`: the end was reached; whether the file has grown, its facts
/// say. Holes stay holes.
pub fn copy_on(
    from: &Opened,
    to: &mut File,
    progress: &mut Progress,
    go_on: &dyn Fn() -> bool,
) -> std::io::Result<bool> {
    let holes = from.facts.taken < from.facts.size;
    let mut source = &from.file;
    if progress.done > 0 {
        source.seek(SeekFrom::Start(progress.done))?;
        to.seek(SeekFrom::Start(progress.done))?;
    }
    let room = usize::try_from(from.facts.size).unwrap_or(PIECE).clamp(512, PIECE - 1) + 1;
    let mut buffer = vec![0; room];
    while progress.done < from.facts.size {
        let length = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = buffer.get(..length).unwrap_or_default();
        progress.sum.update(piece);
        write_piece(to, piece, holes)?;
        let before = progress.done / FLUSH;
        progress.done += length as u64;
        if progress.done / FLUSH != before {
            sync_file(to)?;
        }
        if !go_on() {
            return Ok(false);
        }
    }
    if holes {
        to.set_len(progress.done)?;
    }
    Ok(true)
}

fn write_piece(to: &mut File, piece: &[u8], holes: bool) -> std::io::Result<()> {
    if !holes {
        return to.write_all(piece);
    }
    for block in piece.chunks(BLOCK) {
        if block.iter().all(|byte| *byte == 0) {
            to.seek(SeekFrom::Current(block.len() as i64))?;
        } else {
            to.write_all(block)?;
        }
    }
    Ok(())
}

/// Reads a file again from where `progress` stands to its end; from the disk, as far as the kernel lets go of what it has
/// of it in memory.
pub fn read_on(file: &File, progress: &mut Progress) -> std::io::Result<()> {
    // Advice only: without it the sum is that of the pages in memory.
    let _ = posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    let mut file = file;
    file.seek(SeekFrom::Start(progress.done))?;
    let size = file.metadata()?.len();
    let room = usize::try_from(size.saturating_sub(progress.done)).unwrap_or(PIECE).clamp(512, PIECE);
    let mut buffer = vec![0; room];
    while progress.done < size {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                progress.sum.update(buffer.get(..length).unwrap_or_default());
                progress.done += length as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives the copy everything that belongs to the original besides its content: owner, extended attributes (ACLs among
/// them), mode, times. What cannot be given is an error: a copy that lost it is no copy.
pub fn copy_attributes(from: &Opened, to: &File) -> std::io::Result<()> {
    let facts = &from.facts;
    fchown(to, Some(Uid::from_raw(facts.user)), Some(Gid::from_raw(facts.group)))?;
    for name in list_attributes(&from.file)? {
        let value = read_attribute(&from.file, &name)?;
        write_attribute(to, &name, &value)?;
    }
    // After the owner: changing it takes set-id bits away.
    fchmod(to, Mode::from_bits_truncate(facts.mode))?;
    let modified = TimeSpec::new(facts.modified.0, facts.modified.1);
    futimens(to, &modified, &modified)?;
    Ok(())
}

/// Names of extended attributes, each with its ending zero.
#[allow(unsafe_code)]
fn list_attributes(file: &File) -> std::io::Result<Vec<Vec<u8>>> {
    let mut names = vec![0_u8; 4096];
    // SAFETY: the buffer is writable and as long as is said; the kernel writes at most so much.
    let length = unsafe { libc::flistxattr(file.as_raw_fd(), names.as_mut_ptr().cast(), names.len()) };
    let length = match Errno::result(length) {
        Ok(length) => length as usize,
        Err(Errno::ENOTSUP) => return Ok(Vec::new()),
        Err(Errno::ERANGE) => {
            names.resize(64 * 1024, 0);
            // SAFETY: as above, with the longest list that Linux has.
            let length = unsafe { libc::flistxattr(file.as_raw_fd(), names.as_mut_ptr().cast(), names.len()) };
            Errno::result(length)? as usize
        }
        Err(errno) => return Err(errno.into()),
    };
    let names = names.get(..length).unwrap_or_default();
    Ok(names.split_inclusive(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
}

#[allow(unsafe_code)]
fn read_attribute(file: &File, name: &[u8]) -> std::io::Result<Vec<u8>> {
    let name = std::ffi::CStr::from_bytes_with_nul(name).map_err(|_| ErrorKind::InvalidData)?;
    let mut value = vec![0_u8; 64 * 1024];
    // SAFETY: the name ends with a zero, and the buffer is writable and as long as is said.
    let length = unsafe { libc::fgetxattr(file.as_raw_fd(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    value.truncate(Errno::result(length)? as usize);
    Ok(value)
}

#[allow(unsafe_code)]
fn write_attribute(file: &File, name: &[u8], value: &[u8]) -> std::io::Result<()> {
    let name = std::ffi::CStr::from_bytes_with_nul(name).map_err(|_| ErrorKind::InvalidData)?;
    // SAFETY: the name ends with a zero, and the value is readable for as long as is said.
    let status = unsafe { libc::fsetxattr(file.as_raw_fd(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    Errno::result(status).map(drop).map_err(Into::into)
}

/// Waits until one file is on the disk.
pub fn sync_file(file: &File) -> std::io::Result<()> {
    nix::unistd::fsync(file.as_fd()).map_err(Into::into)
}

/// Gives an open file to a user and a group.
pub fn write_owner(file: &File, user: u32, group: u32) -> std::io::Result<()> {
    fchown(file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group))).map_err(Into::into)
}
