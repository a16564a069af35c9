//! The order to delete files by a rule. Names each of them, so that nothing else is deleted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::host::walk::oldest::OldFile;
use crate::keepers::storage::step::Place;
use crate::values::{Bytes, ProjectName};

/// Delete these files, oldest first, as far as the rule still lets them go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanOrder {
    pub project: ProjectName,
    pub rule: String,
    /// The declared directory.
    pub place: Place,
    /// Where the files are, relative to the tier's root.
    pub below: String,
    pub pattern: Option<String>,
    pub files: Vec<Doomed>,
}

/// A file that is to go, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doomed {
    /// Relative to `below`.
    pub name: String,
    pub size: u64,
    pub inode: u64,
    pub modified: (i64, i64),
}

impl Doomed {
    pub fn of(file: &OldFile) -> Doomed {
        Doomed { name: file.name.clone(), size: file.size, inode: file.inode, modified: file.modified }
    }

    pub fn as_seen(&self) -> OldFile {
        OldFile { name: self.name.clone(), size: self.size, inode: self.inode, modified: self.modified }
    }

    /// `name (12MiB, 2026-01-01T00:00:00Z)`.
    pub fn in_words(&self) -> String {
        let name = crate::values::one_line(&self.name, 200);
        let at = Timestamp::from_second(self.modified.0).map(|at| at.to_string()).unwrap_or_default();
        format!("{name} ({}, {at})", Bytes(self.size))
    }
}

impl CleanOrder {
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).fold(0, u64::saturating_add)
    }

    /// Where the files are, for people.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.place.root, self.below)
    }
}

impl std::fmt::Display for CleanOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (count, pattern) = (self.files.len(), self.pattern.as_deref().map(|one| format!("/{one}")));
        let files = if count == 1 { "file" } else { "files" };
        write!(f, "delete {count} {files} ({}) in {}{}", Bytes(self.bytes()), self.shown(), pattern.unwrap_or_default())
    }
}
