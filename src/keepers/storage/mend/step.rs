//! The order to mend a part of a directory. Names what is wanted, so that it is refused when that is no longer declared.

use serde::{Deserialize, Serialize};

use crate::host::walk::mend::Fit;
use crate::keepers::storage::step::{Bits, Owner, Place};
use crate::values::ProjectName;

/// Mend a part of a directory; the next order goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MendOrder {
    pub project: ProjectName,
    pub dir: String,
    pub place: Place,
    pub owner: Option<Owner>,
    /// Of directories.
    pub mode: Option<Bits>,
    /// Of regular files; left as they are without it.
    pub file_mode: Option<Bits>,
    /// Also what is below the directory.
    pub recursive: bool,
    /// From the beginning; else where the order before left off.
    pub begin: bool,
}

impl MendOrder {
    pub fn fit(&self) -> Fit {
        Fit {
            owner: self.owner.map(|owner| (owner.user, owner.group)),
            directory_mode: self.mode.map(|mode| mode.0),
            file_mode: self.file_mode.map(|mode| mode.0),
        }
    }

    /// Whether both are parts of one mending.
    pub fn is_same(&self, other: &MendOrder) -> bool {
        MendOrder { begin: other.begin, ..self.clone() } == *other
    }
}

impl std::fmt::Display for MendOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.recursive { "everything in " } else { "" };
        write!(f, "mend {what}{}:", self.place)?;
        if let Some(owner) = self.owner {
            write!(f, " owner {owner}")?;
        }
        if let Some(mode) = self.mode {
            write!(f, " directories {mode}")?;
        }
        if let Some(mode) = self.file_mode {
            write!(f, " files {mode}")?;
        }
        f.write_str(if self.begin { "" } else { " (goes on)" })
    }
}
