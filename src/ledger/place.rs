//! The ledger's file before SQLite sees it: made with tight rights, refused when somebody else could have written it,
//! because orders to undo are read from it and carried out as root.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Error;

/// What makes a file this very file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

/// How the file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It was not there and has been made.
    Fresh,
    /// It was there without a byte: new, or its content is lost.
    Empty,
    Filled,
}

/// Makes directory and file where they are missing, and checks that only this user can write the file.
pub fn make_or_check(file: &Path) -> Result<Found, Error> {
    if let Some(directory) = file.parent() {
        let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(directory);
        made.map_err(|error| because("make the state directory", directory, error))?;
        let facts = fs::metadata(directory).map_err(|error| because("look at", directory, error))?;
        if facts.mode() & 0o002 != 0 {
            return Err(Error::new(format!("everyone can write in {}: chmod o-w it", directory.display())));
        }
    }
    let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match created {
        Ok(_) => return Ok(Found::Fresh),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem && file.exists() => {}
        Err(error) => return Err(because("make the ledger", file, error)),
    }
    let facts = fs::symlink_metadata(file).map_err(|error| because("look at the ledger", file, error))?;
    let me = nix::unistd::geteuid().as_raw();
    if !facts.is_file() {
        return Err(Error::new(format!("{} is not a regular file", file.display())));
    }
    if facts.uid() != me {
        let owner = facts.uid();
        return Err(Error::new(format!("{} belongs to user {owner}, not to user {me}", file.display())));
    }
    if facts.mode() & 0o022 != 0 {
        return Err(Error::new(format!("{} can be written by others: chmod 600 it", file.display())));
    }
    Ok(if facts.len() == 0 { Found::Empty } else { Found::Filled })
}

/// `false` when the head cannot be SQLite's, which by itself would only read such a file: the versions of the format are
/// 1 or 2 (bytes 18, 19; <https://sqlite.org/fileformat2.html>). A file that cannot be read is SQLite's to complain about.
pub fn has_sound_head(file: &Path) -> bool {
    let mut head = [0; 20];
    let read = fs::File::open(file).and_then(|mut file| file.read_exact(&mut head));
    read.is_err() || head[18..].iter().all(|version| matches!(version, 1 | 2))
}

/// Which file is at this path now; `None` when there is none.
pub fn read_identity(file: &Path) -> Option<Identity> {
    let facts = fs::symlink_metadata(file).ok()?;
    Some(Identity { device: facts.dev(), inode: facts.ino() })
}

/// The file that SQLite keeps beside the ledger.
pub fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn because(doing: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(format!("cannot {doing} {}: {error}", path.display()))
}
