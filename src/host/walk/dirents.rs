//! Listing a directory in parts that can be gone on with later, from another descriptor: what `readdir` cannot do.

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

use crate::host::files::Directory;

/// Bytes of one part: some hundred entries.
const PART: usize = 32 * 1024;
/// Length of a record before the name.
const HEAD: usize = 19;

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirent {
    pub name: Vec<u8>,
    /// Where the listing goes on behind it.
    pub next: i64,
}

/// The part of the listing that begins at `at`; empty at its end.
#[allow(unsafe_code)]
pub fn read_part(directory: &Directory, at: i64) -> nix::Result<Vec<Dirent>> {
    let fd = directory.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open as long as its directory is borrowed; the call touches no memory.
    Errno::result(unsafe { libc::lseek(fd, at, libc::SEEK_SET) })?;
    let mut buffer = vec![0_u8; PART];
    // SAFETY: as above, and the kernel writes at most `PART` bytes into the buffer of that length.
    let length = unsafe { libc::syscall(libc::SYS_getdents64, fd, buffer.as_mut_ptr(), PART) };
    let length = usize::try_from(Errno::result(length)?).unwrap_or(0);
    Ok(parse_dirents(buffer.get(..length).unwrap_or_default()))
}

/// Parses what `getdents64` gives. What is cut off or impossible ends it.
pub fn parse_dirents(bytes: &[u8]) -> Vec<Dirent> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while let Some((entry, length)) = parse_one(rest) {
        entries.push(entry);
        rest = rest.get(length..).unwrap_or_default();
    }
    entries
}

/// `struct linux_dirent64`: inode, offset of the next, length of this, kind, name with a zero at its end.
fn parse_one(bytes: &[u8]) -> Option<(Dirent, usize)> {
    let next = i64::from_ne_bytes(bytes.get(8..16)?.try_into().ok()?);
    let length = usize::from(u16::from_ne_bytes(bytes.get(16..18)?.try_into().ok()?));
    let name = bytes.get(HEAD..length)?.split(|byte| *byte == 0).next()?.to_vec();
    (!name.is_empty()).then_some((Dirent { name, next }, length))
}
