//! Small files that are read again when they change: their bytes, bounded, and a mark that tells whether they are still
//! the same.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file written so shortly before it was read may be written again without another time stamp.
const SETTLED: Duration = Duration::from_secs(2);

/// What makes a file this one, as it is now. `None`: there is none, or it cannot be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(Option<Facts>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// Long enough unchanged when it was looked at for the time stamps to tell.
    settled: bool,
}

impl Mark {
    /// Whether both are of one file, as far as its time stamps tell.
    pub fn is_like(&self, other: &Mark) -> bool {
        let plain = |mark: &Mark| mark.0.map(|facts| Facts { settled: true, ..facts });
        plain(self) == plain(other)
    }

    /// Whether the file that was read at `self` is certainly the one that is there at `now`.
    pub fn still(&self, now: &Mark) -> bool {
        match (&self.0, &now.0) {
            (Some(then), Some(now)) => then.settled && Facts { settled: true, ..*now } == *then,
            (None, None) => true,
            _ => false,
        }
    }
}

/// The mark of the file at `path`; links are followed.
pub fn read_mark(path: &Path) -> Mark {
    Mark(fs::metadata(path).ok().map(|metadata| {
        let seconds = metadata.mtime().max(metadata.ctime());
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        // A time that is yet to come tells nothing.
        let settled = SystemTime::now().duration_since(last).is_ok_and(|age| age > SETTLED);
        Facts {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            settled,
        }
    }))
}

/// The bytes of a regular file of at most `most` bytes. A pipe is refused, not waited for.
pub fn read_small(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file: File = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("larger than {} KiB", most >> 10)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_just_now_is_never_certain() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(read_mark(&path).still(&read_mark(&path)), "there is none, and still none");
        fs::write(&path, "one").unwrap();
        let first = read_mark(&path);
        assert!(!first.still(&read_mark(&path)), "it may be written again within the same tick");
        let settled = Mark(first.0.map(|facts| Facts { settled: true, ..facts }));
        assert!(settled.still(&read_mark(&path)));
        fs::write(&path, "another").unwrap();
        assert!(!settled.still(&read_mark(&path)));
        fs::remove_file(&path).unwrap();
        assert!(!settled.still(&read_mark(&path)));
    }

    #[test]
    fn only_small_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_small(&path, 5).unwrap(), b"12345");
        assert_eq!(read_small(&path, 4).unwrap_err().to_string(), "larger than 0 KiB");
        assert!(read_small(folder.path(), 100).unwrap_err().to_string().contains("no regular file"));
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(read_small(&pipe, 100).unwrap_err().to_string().contains("no regular file"));
    }
}
