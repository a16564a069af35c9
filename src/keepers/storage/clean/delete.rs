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
    remove(room, (&gone, name), seen, is_open)
}

/// Removes what was taken away under the name `gone`, or, when it is not what was seen any more, gives it its name back.
fn remove(
    room: &Directory,
    (gone, name): (&str, &str),
    seen: &OldFile,
    is_open: &dyn Fn(&FileFacts) -> bool,
) -> Result<End, Error> {
    match look(room, gone, seen, is_open)? {
        None => room.remove_file(Path::new(gone)).map(|_| End::Removed),
        Some(_) if gone == name => Ok(End::Changed),
        Some(end) => bring_back(room, gone, name, end),
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::host::files::{Found, open_root};

    const AWAY: &str = ".hostkeeper-gone-1";

    struct Scene {
        dir: tempfile::TempDir,
        room: Directory,
        seen: OldFile,
    }

    impl Scene {
        /// The file `old` as it was seen.
        fn new() -> Scene {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("old"), "content").unwrap();
            let Found::There(room) = open_root(Path::new("/"), dir.path()).unwrap() else { panic!() };
            let facts = room.read_child(Path::new("old")).unwrap().unwrap();
            let (modified, size, inode) = (facts.modified, facts.size, facts.inode);
            Scene { dir, room, seen: OldFile { modified, name: "old".into(), size, inode } }
        }

        /// As it is between the two looks, and somebody does something to the file meanwhile.
        fn taken_away(meanwhile: impl Fn(&Path)) -> (Scene, End) {
            let scene = Scene::new();
            fs::rename(scene.dir.path().join("old"), scene.dir.path().join(AWAY)).unwrap();
            meanwhile(&scene.dir.path().join(AWAY));
            let end = remove(&scene.room, (AWAY, "old"), &scene.seen, &|_| false).unwrap();
            (scene, end)
        }

        fn read(&self, name: &str) -> Option<String> {
            fs::read_to_string(self.dir.path().join(name)).ok()
        }
    }

    #[test]
    fn what_came_into_use_after_it_was_taken_away_comes_back() {
        let (scene, end) = Scene::taken_away(|path| fs::write(path, "more content").unwrap());
        assert_eq!((end, scene.read("old").as_deref(), scene.read(AWAY)), (End::Changed, Some("more content"), None));
        let (scene, end) = Scene::taken_away(|path| fs::hard_link(path, path.with_file_name("kept")).unwrap());
        assert_eq!((end, scene.read("old").as_deref(), scene.read(AWAY)), (End::Changed, Some("content"), None));
        let (scene, end) = Scene::taken_away(|_| ());
        assert_eq!((end, scene.read("old"), scene.read(AWAY)), (End::Removed, None, None));
    }

    #[test]
    fn whose_name_is_taken_meanwhile_is_kept_and_told() {
        let (scene, end) = Scene::taken_away(|path| {
            fs::write(path, "more content").unwrap();
            fs::write(path.with_file_name("old"), "new").unwrap();
        });
        assert!(end.why().contains(AWAY), "{end:?}");
        let both = (scene.read("old"), scene.read(AWAY));
        assert_eq!(both, (Some("new".to_owned()), Some("more content".to_owned())));
    }

    #[test]
    fn what_is_open_is_not_even_renamed() {
        let scene = Scene::new();
        let before = fs::metadata(scene.dir.path()).unwrap().modified().unwrap();
        let _open = fs::File::open(scene.dir.path().join("old")).unwrap();
        assert_eq!(delete(&scene.room, "old", &scene.seen, &|_| false).unwrap(), End::Open);
        assert_eq!(fs::metadata(scene.dir.path()).unwrap().modified().unwrap(), before);
    }
}
