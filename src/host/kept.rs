//! Files of the kernel that are read again and again: opened once, read from their beginning with `pread`. Opening is
//! most of the cost of such a read. Holds no content between reads, and no more open files than its budget: further files
//! are opened for each read instead.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::libc::{EBADF, ENODEV, ESRCH};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};

use super::Error;

/// No file of the kernel that we read is longer.
const LONGEST: usize = 8 * 1024 * 1024;
/// A buffer's length at first: most files are shorter.
const FIRST_BUFFER: usize = 16 * 1024;
/// How long a file that was absent is taken to be absent still.
const ABSENT_FOR: Duration = Duration::from_secs(60);

/// How many files may stay open. Copies share it.
#[derive(Clone, Debug)]
pub struct Budget {
    open: Arc<AtomicUsize>,
    most: usize,
}

impl Budget {
    pub fn of(most: usize) -> Budget {
        Budget { open: Arc::default(), most }
    }

    /// Half of the process's soft limit: the rest is for sockets, the ledger and everybody else.
    pub fn of_process() -> Budget {
        let soft = getrlimit(Resource::RLIMIT_NOFILE).map_or(256, |(soft, _)| soft);
        Budget::of(usize::try_from(soft / 2).unwrap_or(usize::MAX))
    }

    /// Files kept open.
    pub fn open_files(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<Slot> {
        if self.open.fetch_add(1, Ordering::Relaxed) < self.most {
            return Some(Slot(self.open.clone()));
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

/// One of the places for open files; given back when dropped.
#[derive(Debug)]
struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A file that stays open between reads.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    open: Option<(File, Slot)>,
    absent_since: Option<Duration>,
    shape: Shape,
}

/// How the kernel gives a file, which tells when a read was the last one without another to see it end. That other read
/// is not free: some files are computed anew for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Any file.
    Whole,
    /// Given in one piece, however long: a read that leaves room was the last.
    Piece,
    /// Lines well under a kilobyte. A read ends early only where the next line did not fit into a page.
    Rows,
    /// A cgroup's file: given whole, or lines of a number.
    Group,
    /// A sysfs attribute: at most one page, given whole.
    Page,
}

impl Shape {
    /// Whether a read of `length` bytes, which left room, was the last.
    fn is_last(self, length: usize) -> bool {
        match self {
            Shape::Whole => false,
            Shape::Piece => true,
            Shape::Rows => length < 3072,
            Shape::Group => length < 4096 - 128,
            Shape::Page => length < 4096,
        }
    }
}

impl Kept {
    /// A file under `/proc`, of any length.
    pub fn new(path: impl Into<PathBuf>) -> Kept {
        Kept { path: path.into(), open: None, absent_since: None, shape: Shape::Whole }
    }

    /// A file under `/proc` that the kernel makes in one piece (`single_open`), or a sysctl.
    pub fn piece(path: impl Into<PathBuf>) -> Kept {
        Kept { shape: Shape::Piece, ..Kept::new(path) }
    }

    /// A file under `/proc` of many short lines.
    pub fn rows(path: impl Into<PathBuf>) -> Kept {
        Kept { shape: Shape::Rows, ..Kept::new(path) }
    }

    /// A sysfs attribute: one value in at most one page.
    pub fn attribute(path: impl Into<PathBuf>) -> Kept {
        Kept { shape: Shape::Page, ..Kept::new(path) }
    }

    /// A cgroup's file, opened now: another group that comes to its path later is not it. `None`: this kernel has no
    /// such file.
    pub fn of_group(path: PathBuf, budget: &Budget) -> Option<Kept> {
        let opened = File::open(&path).ok()?;
        let open = budget.take().map(|slot| (opened, slot));
        Some(Kept { open, shape: Shape::Group, ..Kept::new(path) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file was removed under our hands. The kernel's own say so at the read; a scratch tree's do not.
    pub fn is_removed(&self) -> bool {
        match &self.open {
            Some((file, _)) => nix::sys::stat::fstat(file).map_or(true, |stat| stat.st_nlink == 0),
            None => !self.path.exists(),
        }
    }

    /// Reads the whole file into `buffer`, which only grows: clearing it would cost more than most reads. The length of
    /// the file in it.
    pub fn read_into(&self, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
        match &self.open {
            Some((file, _)) => read_whole(file, buffer, self.shape),
            None => read_whole(&File::open(&self.path)?, buffer, self.shape),
        }
    }
}

/// Reads kept files into one buffer.
#[derive(Debug)]
pub struct Reader {
    buffer: Vec<u8>,
    up: Duration,
    budget: Budget,
}

impl Reader {
    /// Keeps at most `most` files open; further ones are opened for each read.
    pub fn new(most: usize) -> Reader {
        Reader { buffer: Vec::new(), up: Duration::ZERO, budget: Budget::of(most) }
    }

    /// Tells the time since boot, by which an absent file is looked for again.
    pub fn set_time(&mut self, up: Duration) {
        self.up = up;
    }

    /// Files kept open.
    pub fn open_files(&self) -> usize {
        self.budget.open_files()
    }

    /// The content of `file` now; `None` when there is no such file.
    pub fn read(&mut self, file: &mut Kept) -> Result<Option<&[u8]>, Error> {
        if file.absent_since.is_some_and(|since| self.up.saturating_sub(since) < ABSENT_FOR) {
            return Ok(None);
        }
        let was_open = file.open.is_some();
        let length = match self.fill(file) {
            Err(error) if was_open && matches!(error.raw_os_error(), Some(ENODEV | ESRCH | EBADF)) => {
                file.open = None;
                self.fill(file)
            }
            other => other,
        };
        match length {
            Ok(length) => {
                file.absent_since = None;
                Ok(self.buffer.get(..length))
            }
            Err(error) if is_absence(&error) => {
                file.open = None;
                file.absent_since = Some(self.up);
                Ok(None)
            }
            Err(error) => Err(Error::file("read", &file.path, error)),
        }
    }

    /// A trimmed attribute; `None` also when it cannot be read now, as sysfs has it for values that do not apply.
    pub fn read_attribute(&mut self, file: &mut Kept) -> Option<&str> {
        let bytes = self.read(file).ok().flatten()?;
        std::str::from_utf8(bytes).ok().map(str::trim)
    }

    /// Whether a mount table may have changed since this was last asked. Only the kernel's own table can tell; of any other
    /// file, and of one that is not open yet, it may have.
    pub fn may_have_changed(&self, file: &Kept) -> bool {
        let Some((opened, _)) = &file.open else { return true };
        let kernels = fstatfs(opened).is_ok_and(|fs| fs.filesystem_type() == PROC_SUPER_MAGIC);
        let mut asked = [PollFd::new(opened.as_fd(), PollFlags::POLLPRI)];
        let quiet = poll(&mut asked, PollTimeout::ZERO).is_ok_and(|ready| ready == 0);
        !(kernels && quiet)
    }

    fn fill(&mut self, file: &mut Kept) -> std::io::Result<usize> {
        if file.open.is_none() {
            let opened = File::open(&file.path)?;
            match self.budget.take() {
                Some(slot) => file.open = Some((opened, slot)),
                None => return read_whole(&opened, &mut self.buffer, file.shape),
            }
        }
        file.read_into(&mut self.buffer)
    }
}

/// Reads from the beginning until the end; the kernel gives long files piece by piece.
fn read_whole(file: &File, buffer: &mut Vec<u8>, shape: Shape) -> std::io::Result<usize> {
    let mut length = 0;
    if buffer.len() < FIRST_BUFFER {
        buffer.resize(FIRST_BUFFER, 0);
    }
    loop {
        if length == buffer.len() {
            if length >= LONGEST {
                return Err(ErrorKind::FileTooLarge.into());
            }
            buffer.resize(length * 2, 0);
        }
        let free = buffer.get_mut(length..).unwrap_or_default();
        let room = free.len();
        match file.read_at(free, length as u64) {
            Ok(0) => return Ok(length),
            Ok(more) => {
                length += more;
                if more < room && shape.is_last(more) {
                    return Ok(length);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
        || matches!(error.raw_os_error(), Some(ENODEV | ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_opened_once_and_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("counter");
        std::fs::write(&path, "1\n").unwrap();
        let mut reader = Reader::new(8);
        let mut file = Kept::new(&path);
        assert_eq!(reader.read(&mut file).unwrap(), Some(&b"1\n"[..]));
        std::fs::write(&path, "22\n").unwrap();
        assert_eq!(reader.read(&mut file).unwrap(), Some(&b"22\n"[..]));
        assert_eq!(reader.open_files(), 1);
        drop(file);
        assert_eq!(reader.open_files(), 0);
    }

    #[test]
    fn an_absent_file_is_looked_for_again_after_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader = Reader::new(8);
        let mut file = Kept::new(dir.path().join("later"));
        assert_eq!(reader.read(&mut file).unwrap(), None);
        std::fs::write(dir.path().join("later"), "x").unwrap();
        reader.set_time(Duration::from_secs(59));
        assert_eq!(reader.read(&mut file).unwrap(), None);
        reader.set_time(Duration::from_secs(60));
        assert_eq!(reader.read(&mut file).unwrap(), Some(&b"x"[..]));
    }

    #[test]
    fn long_files_come_whole_and_only_so_many_stay_open() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader = Reader::new(1);
        let mut files: Vec<Kept> = (0..3).map(|n| Kept::new(dir.path().join(n.to_string()))).collect();
        for file in &files {
            std::fs::write(file.path(), vec![b'y'; 100_000]).unwrap();
        }
        for file in &mut files {
            assert_eq!(reader.read(file).unwrap().unwrap().len(), 100_000);
        }
        assert_eq!(reader.open_files(), 1);
    }

    #[test]
    fn a_directory_is_an_error_and_the_kernel_is_readable() {
        let mut reader = Reader::new(8);
        assert!(reader.read(&mut Kept::new("/proc")).is_err());
        assert_eq!(reader.read_attribute(&mut Kept::attribute("/proc/sys/kernel/ostype")), Some("Linux"));
    }
}
