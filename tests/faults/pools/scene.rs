//! Two members in a scratch directory, files in one of them, and the check that each is there once and whole.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hostkeeper::host::files::{Directory, Found, open_root};
use hostkeeper::keepers::storage::pools::Item;

use crate::mounted::Tmpfs;

pub struct Scene {
    place: PathBuf,
    _directory: Option<tempfile::TempDir>,
    _target: Option<Tmpfs>,
}

pub fn later() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

impl Scene {
    /// Both members on the file system of the scratch directory.
    pub fn on_one() -> Scene {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let place = directory.path().canonicalize().unwrap();
        std::fs::create_dir(place.join("from")).unwrap();
        std::fs::create_dir_all(place.join("to")).unwrap();
        Scene { place, _directory: Some(directory), _target: None }
    }

    /// The target on a file system of its own.
    pub fn on_two() -> Scene {
        Scene::with_target("size=64m")
    }

    pub fn with_target(options: &str) -> Scene {
        let scene = Scene::on_one();
        let target = Tmpfs::mount(&scene.place.join("to"), options);
        Scene { _target: Some(target), ..scene }
    }

    /// A scene that somebody else made.
    pub fn at(place: PathBuf) -> Scene {
        Scene { place, _directory: None, _target: None }
    }

    pub fn place(&self) -> &str {
        self.place.to_str().unwrap()
    }

    pub fn from(&self, below: &str) -> PathBuf {
        self.place.join("from").join(below)
    }

    pub fn to(&self, below: &str) -> PathBuf {
        self.place.join("to").join(below)
    }

    pub fn open(&self) -> (Directory, Directory) {
        let open = |below: &str| match open_root(Path::new("/"), &self.place.join(below)).unwrap() {
            Found::There(directory) => directory,
            other => panic!("{other:?}"),
        };
        (open("from"), open("to"))
    }

    /// Files with contents, modes and times of their own, some in directories.
    pub fn fill(&self, files: usize, seed: usize) {
        for number in 0..files {
            let below = ["", "a/", "a/b c/", "d/"][(number + seed) % 4];
            let path = self.from(&format!("{below}file {number}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content(number, seed)).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600 + number as u32 % 8)).unwrap();
            let at = std::time::UNIX_EPOCH + Duration::new(1_700_000_000 + number as u64, 123_456_789);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        }
    }

    /// Writes down what is there, as the ledger would before a move.
    pub fn record(&self) {
        let mut items = Vec::new();
        for (name, path) in list(&self.from("")) {
            let facts = std::fs::metadata(&path).unwrap();
            items.push(Item { name, size: facts.size(), modified: (facts.mtime(), facts.mtime_nsec()) });
        }
        std::fs::write(self.place.join("items.json"), serde_json::to_string(&items).unwrap()).unwrap();
        let whole: BTreeMap<String, (u32, Vec<u8>)> = list(&self.from(""))
            .into_iter()
            .map(|(name, path)| {
                let mode = std::fs::metadata(&path).unwrap().mode();
                (name, (mode, std::fs::read(path).unwrap()))
            })
            .collect();
        std::fs::write(self.place.join("whole.json"), serde_json::to_string(&whole).unwrap()).unwrap();
    }

    pub fn recorded(&self) -> Vec<Item> {
        serde_json::from_str(&std::fs::read_to_string(self.place.join("items.json")).unwrap()).unwrap()
    }

    /// Every recorded file is there once, as it was; nothing else is there.
    pub fn verify(&self, what: &str) {
        let whole: BTreeMap<String, (u32, Vec<u8>)> =
            serde_json::from_str(&std::fs::read_to_string(self.place.join("whole.json")).unwrap()).unwrap();
        let mut found: BTreeMap<String, (u32, Vec<u8>)> = BTreeMap::new();
        for (name, path) in list(&self.from("")).into_iter().chain(list(&self.to(""))) {
            let is = (std::fs::metadata(&path).unwrap().mode(), std::fs::read(&path).unwrap());
            assert!(found.insert(name.clone(), is).is_none(), "{what}: {name} is visible twice");
        }
        let names = |map: &BTreeMap<String, (u32, Vec<u8>)>| map.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&whole), "{what}");
        assert!(found == whole, "{what}: a file is not as it was");
    }
}

pub fn content(number: usize, seed: usize) -> Vec<u8> {
    (0..number * 997 % 20_000).map(|index| (index * 31 + number * 7 + seed) as u8).collect()
}

/// Every file below `root`, hidden ones too, by its path below it.
pub fn list(root: &Path) -> Vec<(String, PathBuf)> {
    let (mut files, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                let below = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((below, entry.path()));
            }
        }
    }
    files.sort();
    files
}
