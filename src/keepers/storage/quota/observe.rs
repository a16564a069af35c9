//! Looks at the quota of a declared directory: what the file system can do, to which project the directory belongs, what
//! is counted for it. What is in the directory is the business of `usage`.

pub use crate::host::quota::{Counted, Mark};

use super::config::project_id;
use crate::host::files::Directory;
use crate::host::quota::{Projects, read_claims, read_directory_mark};
use crate::host::{Error, Roots};
use crate::keepers::storage::observe::{Ground, Key};

/// What was seen of the quota of a directory that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaSeen {
    /// The file system cannot keep it, and why.
    Unsupported(String),
    Unseen(String),
    There {
        /// Whether the file system refuses what is beyond a limit, or only counts.
        enforced: bool,
        mark: Mark,
        /// For the id that the directory should have.
        counted: Counted,
        /// Another path that `/etc/projects` gives that id to.
        claimed: Option<String>,
    },
}

/// Looks at one directory that was opened below its tier.
pub fn read_quota(roots: &Roots, ground: &Ground, directory: &Directory, key: &Key, shown: &str) -> QuotaSeen {
    look(roots, ground, directory, key, shown).unwrap_or_else(|error| QuotaSeen::Unseen(error.chain()))
}

fn look(roots: &Roots, ground: &Ground, directory: &Directory, key: &Key, shown: &str) -> Result<QuotaSeen, Error> {
    let fstype = ground.fstype.as_deref().unwrap_or("this file system");
    let projects = Projects::of(roots, directory, device_of(ground));
    let support = projects.read_support()?;
    if !support.counts {
        let why = match fstype {
            "ext4" | "xfs" => format!("its {fstype} is mounted without prjquota"),
            other => format!("{other} has no project quotas"),
        };
        return Ok(QuotaSeen::Unsupported(why));
    }
    let Some(mark) = read_directory_mark(directory)? else {
        return Ok(QuotaSeen::Unsupported(format!("{fstype} has no project ids")));
    };
    let id = project_id(key);
    let claims = read_claims(roots);
    let claimed = claims.into_iter().find(|(claim, path)| *claim == id && path != shown).map(|(_, path)| path);
    Ok(QuotaSeen::There { enforced: support.enforces, mark, counted: projects.read_counted(id)?, claimed })
}

/// The device by which kernels before 5.14 are asked.
pub fn device_of(ground: &Ground) -> Option<&str> {
    ground.device.value().and_then(|device| Some(device.as_ref()?.name.as_str()))
}
