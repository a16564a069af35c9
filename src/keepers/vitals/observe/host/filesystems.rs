//! Filesystems and their room. The mount table is parsed again only when it changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::filter;
use super::scene::Scene;
use crate::host::kept::{Kept, Reader};
use crate::host::mounts::{Mount, parse_mountinfo};
use crate::host::space::{Place, Space, StatWatch};
use crate::host::{Error, Roots};
use crate::values::{Known, Now};

/// How long all filesystems together may take to answer.
const DEADLINE: Duration = Duration::from_millis(500);

/// A mounted filesystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesystemSeen {
    /// As the kernel writes it, blanks and backslashes escaped.
    pub device: String,
    pub fstype: String,
    pub mount_point: String,
    pub read_only: bool,
    pub space: Known<Space>,
}

/// How filesystems are looked at.
pub struct Filesystems {
    rootfs: PathBuf,
    tables: [Kept; 2],
    /// Until it was not.
    first_is_readable: bool,
    last_table: Vec<u8>,
    shown: Vec<FilesystemSeen>,
    places: Vec<Place>,
    watch: StatWatch,
    selinux: bool,
}

impl Filesystems {
    pub fn new(roots: &Roots) -> Filesystems {
        Filesystems {
            rootfs: roots.rootfs.clone(),
            tables: ["1/mountinfo", "self/mountinfo"].map(|path| Kept::new(roots.procfs.join(path))),
            first_is_readable: true,
            last_table: Vec::new(),
            shown: Vec::new(),
            places: Vec::new(),
            watch: StatWatch::new(DEADLINE),
            selinux: false,
        }
    }

    pub fn look(&mut self, scene: &mut Scene<'_>) -> Option<Vec<FilesystemSeen>> {
        let now: &Now = scene.now;
        scene.run("filesystem", |reader| {
            if !self.read_table(reader)? {
                return Ok(None);
            }
            let answers = self.watch.ask(&self.places, now);
            for (shown, space) in self.shown.iter_mut().zip(answers) {
                shown.space = space;
            }
            Ok(Some(self.shown.clone()))
        })
    }

    /// Whether the kernel's access control by labels is mounted.
    pub fn has_selinux(&self) -> bool {
        self.selinux
    }

    /// The table of the first process, else our own. `false`: there is none.
    fn read_table(&mut self, reader: &mut Reader) -> Result<bool, Error> {
        let [first, own] = &mut self.tables;
        let table = if self.first_is_readable { first } else { own };
        if !self.last_table.is_empty() && !reader.may_have_changed(table) {
            return Ok(true);
        }
        let bytes = match reader.read(table) {
            Ok(Some(bytes)) if !bytes.is_empty() => bytes,
            _ if self.first_is_readable => {
                self.first_is_readable = false;
                return self.read_table(reader);
            }
            other => other?.unwrap_or_default(),
        };
        if bytes != self.last_table {
            self.last_table = bytes.to_vec();
            self.take_mounts(parse_mountinfo(&self.last_table));
        }
        Ok(!self.last_table.is_empty())
    }

    fn take_mounts(&mut self, mounts: Vec<Mount>) {
        self.selinux = mounts.iter().any(|mount| mount.fstype == "selinuxfs");
        self.shown.clear();
        self.places.clear();
        for mount in &mounts {
            let Some(shown) = show(mount, &self.rootfs) else { continue };
            let known = |other: &FilesystemSeen| other.mount_point == shown.mount_point && other.device == shown.device;
            if self.shown.iter().any(known) {
                continue;
            }
            let below = mount.mount_point.strip_prefix("/").unwrap_or(&mount.mount_point);
            let path = if mount.mount_point.starts_with(&self.rootfs) {
                mount.mount_point.clone()
            } else {
                self.rootfs.join(below)
            };
            self.places.push(Place { path, afar: mount.answers_from_afar() });
            self.shown.push(shown);
        }
    }
}

/// What is shown of a mount; `None` when it is left out.
fn show(mount: &Mount, rootfs: &Path) -> Option<FilesystemSeen> {
    let stripped = mount.mount_point.strip_prefix(rootfs).map(|rest| Path::new("/").join(rest));
    let mount_point = stripped.as_deref().unwrap_or(&mount.mount_point).to_string_lossy().into_owned();
    let wanted = filter::wants_mount_point(&mount_point) && filter::wants_fstype(&mount.fstype);
    wanted.then(|| FilesystemSeen {
        device: escape(&mount.source.to_string_lossy()),
        fstype: mount.fstype.clone(),
        mount_point,
        read_only: mount.read_only(),
        space: Known::Unknown("not asked yet".into()),
    })
}

/// As `/proc/mounts` writes it.
fn escape(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    for c in source.chars() {
        match c {
            ' ' => text.push_str("\\040"),
            '\t' => text.push_str("\\011"),
            '\n' => text.push_str("\\012"),
            '\\' => text.push_str("\\134"),
            other => text.push(other),
        }
    }
    text
}
