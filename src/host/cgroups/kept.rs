//! A kernel file that stays open: read again at offset 0 into the caller's buffer. When too many are open already, it is
//! opened for each read instead, so that a host with many containers never runs out of file descriptors.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::resource::{Resource, getrlimit};

/// No cgroup file that is read here is longer; a longer one is not trusted and counts as absent.
const MAX_FILE: usize = 256 * 1024;

const FIRST_BUFFER: usize = 8 * 1024;
/// The kernel makes a file's text in buffers of a page or more and stops early only when one is full: an answer shorter
/// than this that leaves room is the whole file. Asking again for the end would make the whole text once more.
const CERTAINLY_WHOLE: usize = 4096 - 128;

/// How many files may stay open.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    left: Arc<AtomicUsize>,
}

impl Budget {
    /// Half of the process's soft limit: the rest is for sockets, the ledger and everybody else.
    pub(super) fn of_process() -> Budget {
        let soft = getrlimit(Resource::RLIMIT_NOFILE).map_or(256, |(soft, _)| soft);
        Budget::of(usize::try_from(soft / 2).unwrap_or(usize::MAX))
    }

    pub(super) fn of(files: usize) -> Budget {
        Budget { left: Arc::new(AtomicUsize::new(files)) }
    }

    fn take(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    fn give_back(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }
}

/// What came of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// So many bytes of the buffer are the file.
    Text(usize),
    /// This kernel has no such file, or it cannot be read.
    Nothing,
    /// The cgroup is gone.
    Gone,
}

#[derive(Debug)]
enum State {
    Open(File),
    /// Opened for each read.
    Closed,
    Absent,
}

/// One file.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    state: State,
    budget: Budget,
}

impl Kept {
    pub(super) fn open(directory: &Path, name: &str, budget: &Budget) -> Kept {
        let path = directory.join(name);
        let state = match File::open(&path) {
            Ok(file) if budget.take() => State::Open(file),
            Ok(_) => State::Closed,
            Err(_) => State::Absent,
        };
        Kept { path, state, budget: budget.clone() }
    }

    /// Whether the kernel has this file.
    pub(super) fn exists(&self) -> bool {
        !matches!(self.state, State::Absent)
    }

    /// Whether the file was removed under our hands. Kernel files say so at the read; a scratch tree's do not.
    pub(super) fn removed(&self) -> bool {
        match &self.state {
            State::Open(file) => nix::sys::stat::fstat(file).map_or(true, |stat| stat.st_nlink == 0),
            State::Closed => !self.path.exists(),
            State::Absent => false,
        }
    }

    /// Reads the whole file into `buffer`, which only grows: clearing it would cost more than most reads.
    pub(super) fn read(&self, buffer: &mut Vec<u8>) -> Got {
        let outcome = match &self.state {
            State::Absent => return Got::Nothing,
            State::Open(file) => read_whole(file, buffer),
            State::Closed => File::open(&self.path).and_then(|file| read_whole(&file, buffer)),
        };
        match outcome {
            Ok(Some(length)) => Got::Text(length),
            Ok(None) => Got::Nothing,
            Err(error) => {
                let gone = [nix::libc::ENODEV, nix::libc::ESRCH, nix::libc::ENOENT];
                if error.raw_os_error().is_some_and(|code| gone.contains(&code)) { Got::Gone } else { Got::Nothing }
            }
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if matches!(self.state, State::Open(_)) {
            self.budget.give_back();
        }
    }
}

/// The length of the file; `None`: longer than any file of its kind.
fn read_whole(file: &File, buffer: &mut Vec<u8>) -> std::io::Result<Option<usize>> {
    let mut filled = 0;
    if buffer.len() < FIRST_BUFFER {
        buffer.resize(FIRST_BUFFER, 0);
    }
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        let space = room.len();
        let count = match file.read_at(room, filled as u64) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        filled += count;
        if count == 0 || (count < space && count < CERTAINLY_WHOLE) {
            return Ok(Some(filled));
        }
        if filled == buffer.len() {
            if filled >= MAX_FILE {
                return Ok(None);
            }
            buffer.resize((filled * 2).min(MAX_FILE), 0);
        }
    }
}
