//! How fast the disk below a directory is: a scratch file without a name, written and read past the page cache. It has no
//! name from the beginning, so that nothing is left however the process ends.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, OFlag, fallocate, openat};
use nix::sys::stat::Mode;

use super::Error;
use super::files::Directory;

/// Bytes of one sequential write: as large as the block layer takes at once.
pub const LARGE: usize = 1 << 20;
/// Bytes of one random read: a page of most databases' files, halved.
pub const SMALL: usize = 4096;
/// What direct input and output must be aligned to at most.
const ALIGNED: usize = 4096;

/// How fast something went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    pub operations: u64,
    pub bytes: u64,
    pub seconds: f64,
}

impl Speed {
    pub fn bytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.seconds.max(1e-9)
    }

    pub fn operations_per_second(&self) -> f64 {
        self.operations as f64 / self.seconds.max(1e-9)
    }
}

/// A file without a name, with its room set aside.
#[derive(Debug)]
pub struct Scratch {
    file: File,
    size: u64,
    /// What is written, and where reads go to: `LARGE` bytes from an aligned place on.
    buffer: Vec<u8>,
    start: usize,
    random: u64,
}

/// Told after each operation how many bytes are done; `false` ends the work.
pub type Progress<'a> = dyn FnMut(u64) -> bool + 'a;

impl Scratch {
    /// Sets `size` bytes (a multiple of a mebibyte) aside on the file system of `directory`.
    pub fn create(directory: &Directory, size: u64) -> Result<Scratch, Error> {
        let path = directory.path();
        let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_DIRECT | OFlag::O_CLOEXEC;
        let opened = openat(directory.as_fd(), ".", flags, Mode::S_IRUSR | Mode::S_IWUSR);
        let file = File::from(opened.map_err(|errno| match errno {
            Errno::EINVAL | Errno::EOPNOTSUPP | Errno::EISDIR => {
                Error::reply(path.display().to_string(), "is on a file system without direct I/O or nameless files")
            }
            errno => Error::file("make a scratch file in", path, errno.into()),
        })?);
        let size = size / LARGE as u64 * LARGE as u64;
        let length = libc::off_t::try_from(size).unwrap_or(libc::off_t::MAX);
        match fallocate(&file, FallocateFlags::empty(), 0, length) {
            // Without it the writes themselves take the room.
            Ok(()) | Err(Errno::EOPNOTSUPP) => {}
            Err(errno) => return Err(Error::file("set room aside in", path, errno.into())),
        }
        let mut random = 0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id());
        // Neither a controller nor a file system can compress it.
        let buffer: Vec<u8> = (0..(LARGE + ALIGNED) / 8).flat_map(|_| next(&mut random).to_le_bytes()).collect();
        let start = buffer.as_ptr().align_offset(ALIGNED).min(ALIGNED);
        Ok(Scratch { file, size, buffer, start, random })
    }

    /// Writes the file once from its beginning, for at most `limit`.
    pub fn write_through(&mut self, limit: Duration, progress: &mut Progress<'_>) -> Result<Speed, Error> {
        let block = self.buffer.get(self.start..self.start + LARGE).unwrap_or_default();
        let begun = Instant::now();
        let (mut at, mut operations) = (0, 0);
        while at < self.size && begun.elapsed() < limit {
            self.file.write_all_at(block, at).map_err(|error| Error::reply("write to the scratch file", error))?;
            (at, operations) = (at + LARGE as u64, operations + 1);
            if !progress(at) {
                return Err(stopped());
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        // What was not reached has never been written, and would be read without the disk.
        self.size = at;
        self.file.sync_data().map_err(|error| Error::reply("sync the scratch file", error))?;
        Ok(Speed { operations, bytes: at, seconds })
    }

    /// Reads blocks of 4 KiB all over what was written, one after the other, for `limit`.
    pub fn read_at_random(&mut self, limit: Duration, progress: &mut Progress<'_>) -> Result<Speed, Error> {
        let blocks = self.size / SMALL as u64;
        if blocks == 0 {
            return Err(Error::reply("the scratch file", "is empty: nothing can be read"));
        }
        let block = self.buffer.get_mut(self.start..self.start + SMALL).unwrap_or_default();
        let begun = Instant::now();
        let mut operations = 0;
        while begun.elapsed() < limit {
            let at = next(&mut self.random) % blocks * SMALL as u64;
            self.file.read_exact_at(block, at).map_err(|error| Error::reply("read the scratch file", error))?;
            operations += 1;
            if !progress(operations * SMALL as u64) {
                return Err(stopped());
            }
        }
        Ok(Speed { operations, bytes: operations * SMALL as u64, seconds: begun.elapsed().as_secs_f64() })
    }
}

fn stopped() -> Error {
    Error::reply("the measurement", "was stopped")
}

/// xorshift64*: any numbers will do, and making them must cost nothing.
fn next(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}
