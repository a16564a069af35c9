//! Deletes one file: looked at, found open by nobody, taken away under a name of ours, looked at once more, removed. What
//! is another file by then comes back. A kill in between leaves it under our name, which every pattern matches: the next
//! walk finds it as old as it was.

use std::path::Path;

use crate::host::Error;
use crate::host::alone::Standing;
use crate::host::entries::FileFacts;
use crate::host::files::Directory;
use crate::host::transfer::Renamed;
use crate::host::walk::oldest::{GONE, OldFile};

/// How it ended for one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Removed,
    /// It is not there any more.
    Vanished,
    /// It is not as it was seen any more.
    Changed,
    /// Somebody has it open.
    Open,
    Refused(String),
}

impl End {
    pub fn word(&self) -> &'static str {
        match self {
            End::Removed => "removed",
            End::Vanished => "vanished",
            End::Changed => "changed",
            End::Open => "open",
            End::Refused(_) => "refused",
        }
    }

    /// Why it is still there; empty when it is not.
    pub fn why(&self) -> String {
        match self {
            End::Removed | End::Vanished => String::new(),
            End::Changed => "it was changed since it was seen".to_owned(),
            End::Open => "somebody has it open".to_owned(),
            End::Refused(why) => why.clone(),
        }
    }
}

pub fn delete(
    room: &Directory,
    name: &str,
    seen: &OldFile,
    is_open: &dyn Fn(&FileFacts) -> bool,
) -> Result<End, Error> {
    if let Some(end) = look(room, name, seen, is_open)? {
        return Ok(end);
    }
    let gone = if name.starts_with(GONE) { name.to_owned() } else { format!("{GONE}{:x}", seen.inode) };
    if gone != name {
        match room.rename_child(Path::new(name), room, Path::new(&gone)) {
            Ok(Renamed::Done) => {}
            Ok(Renamed::Missing) => return Ok(End::Vanished),
            Ok(_) => return Ok(End::Refused(format!("{gone} is in the way"))),
            Err(error) => return Ok(End::Refused(error.chain())),
        }
    }
    match look(room, &gone, seen, is_open)? {
        None => room.remove_file(Path::new(&gone)).map(|_| End::Removed),
        Some(_) if gone == name => Ok(End::Changed),
        Some(end) => bring_back(room, &gone, name, end),
    }
}

/// Whether it is still what was seen, with one name, and open by nobody. `None`: it is.
fn look(
    room: &Directory,
    name: &str,
    seen: &OldFile,
    is_open: &dyn Fn(&FileFacts) -> bool,
) -> Result<Option<End>, Error> {
    Ok(match room.look_alone(Path::new(name), |facts| seen.is_same(facts), is_open)? {
        Standing::Alone => None,
        Standing::Missing => Some(End::Vanished),
        Standing::Changed => Some(End::Changed),
        Standing::Open => Some(End::Open),
    })
}

fn bring_back(room: &Directory, gone: &str, name: &str, end: End) -> Result<End, Error> {
    match room.rename_child(Path::new(gone), room, Path::new(name))? {
        Renamed::Done | Renamed::Missing => Ok(end),
        Renamed::Taken | Renamed::Elsewhere => {
            let at = room.path().join(gone);
            Ok(End::Refused(format!(
                "it came into use while it was deleted, and its name is taken: it is {}",
                at.display()
            )))
        }
    }
}
