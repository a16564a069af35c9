//! The bundle as a file: tar in gzip, made new, readable by its owner only.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;

/// One file of the bundle.
pub struct Member {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Member {
    pub fn new(name: &str, text: String) -> Member {
        Member { name: name.to_owned(), bytes: text.into_bytes() }
    }
}

/// A new file that will hold the bundle.
pub struct Archive(File);

impl Archive {
    /// Makes the file; one that exists is left alone.
    pub fn create(path: &Path) -> io::Result<Archive> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(Archive)
    }

    /// Writes all members, with `at` as their time, and waits until they are on the disk.
    pub fn write(self, members: &[Member], at: Timestamp) -> io::Result<()> {
        let mut tar = tar::Builder::new(GzEncoder::new(self.0, Compression::default()));
        for member in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(member.bytes.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(u64::try_from(at.as_second()).unwrap_or_default());
            tar.append_data(&mut header, format!("hostkeeper-support/{}", member.name), member.bytes.as_slice())?;
        }
        let mut file = tar.into_inner()?.finish()?;
        file.flush()?;
        file.sync_all()
    }
}
