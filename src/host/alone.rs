//! Whether a file is still what was seen, and open by nobody: what is asked right before a file is taken away.

use std::io::ErrorKind;
use std::path::Path;

use super::Error;
use super::entries::FileFacts;
use super::files::Directory;
use super::transfer::Use;

/// How a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the file that was seen, and nobody has it open.
    Alone,
    Missing,
    Changed,
    Open,
}

impl Directory {
    /// Looks at the file `name`. `is_same` knows the one that was seen; `is_open` is asked where the kernel gives no lease.
    pub fn look_alone(
        &self,
        name: &Path,
        is_same: impl Fn(&FileFacts) -> bool,
        is_open: &dyn Fn(&FileFacts) -> bool,
    ) -> Result<Standing, Error> {
        let mut file = match self.open_file(name) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(Standing::Missing),
            Err(error) if is_leased(&error) => return Ok(Standing::Open),
            Err(error) => return Err(error),
        };
        if !is_same(&file.facts) {
            return Ok(Standing::Changed);
        }
        if is_used(file.take_lease(), || is_open(&file.facts)) {
            return Ok(Standing::Open);
        }
        // Written between the look above and the lease.
        let now = file.read_facts().map_err(|error| Error::file("look at", self.path().join(name), error))?;
        Ok(if is_same(&now) { Standing::Alone } else { Standing::Changed })
    }
}

/// What the kernel says of a lease, or where it says nothing, what a look says.
fn is_used(told: Use, is_open: impl FnOnce() -> bool) -> bool {
    match told {
        Use::Open => true,
        Use::Alone => false,
        Use::Untold => is_open(),
    }
}

/// Somebody has a lease on a file, and does not give it back: it is open.
pub fn is_leased(error: &Error) -> bool {
    matches!(error, Error::File { source, .. } if source.kind() == ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::files::{Found, open_root};

    #[test]
    fn what_became_of_it_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("one"), "1").unwrap();
        let Found::There(room) = open_root(Path::new("/"), dir.path()).unwrap() else { panic!() };
        let seen = room.read_child(Path::new("one")).unwrap().unwrap();
        let look = || room.look_alone(Path::new("one"), |facts| *facts == seen, &|_| false).unwrap();
        assert_eq!(look(), Standing::Alone);
        assert_eq!(room.look_alone(Path::new("two"), |_| true, &|_| false).unwrap(), Standing::Missing);
        assert_eq!(room.look_alone(Path::new("one"), |_| false, &|_| false).unwrap(), Standing::Changed);
        let mut held = room.open_file(Path::new("one")).unwrap().unwrap();
        if held.take_lease() == Use::Alone {
            // Another one's lease is no trouble: the file is open.
            assert_eq!(look(), Standing::Open);
        }
        drop(held);
        assert_eq!(look(), Standing::Alone);
        std::fs::write(dir.path().join("one"), "22").unwrap();
        assert_eq!(look(), Standing::Changed);
    }

    #[test]
    fn what_is_written_between_the_look_and_the_lease_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one");
        std::fs::write(&path, "1").unwrap();
        let Found::There(room) = open_root(Path::new("/"), dir.path()).unwrap() else { panic!() };
        let seen = room.read_child(Path::new("one")).unwrap().unwrap();
        let looks = std::cell::Cell::new(0);
        let is_same = |facts: &FileFacts| {
            looks.set(looks.get() + 1);
            if looks.get() == 1 {
                std::fs::write(&path, "22").unwrap();
            }
            *facts == seen
        };
        assert_eq!(room.look_alone(Path::new("one"), is_same, &|_| false).unwrap(), Standing::Changed);
        assert_eq!(looks.get(), 2);
    }

    #[test]
    fn where_the_kernel_does_not_tell_a_look_does() {
        let cases = [(Use::Open, false, true), (Use::Alone, true, false), (Use::Untold, true, true)];
        for (told, is_open, used) in cases.into_iter().chain([(Use::Untold, false, false)]) {
            assert_eq!(is_used(told, || is_open), used, "{told:?} {is_open}");
        }
    }
}
