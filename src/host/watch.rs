//! Wakes when a watched place or the table of mounts changes. A hint and nothing more: who is woken looks again. Owns one
//! thread, because adding a watch on a dead file server hangs; then only the hints are lost.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use tokio::sync::Notify;

use super::{Error, Roots};

/// Most places that are watched; those beyond are looked at by the rounds alone.
const MOST: usize = 4096;
/// After events the next ones are let come together: a program that makes thousands of files is not slowed down by us.
const PAUSE: Duration = Duration::from_millis(50);
/// Most reads of events in a row; each takes about a hundred.
const MOST_READS: usize = 1000;

/// Watches places. Dropping it ends the thread.
#[derive(Debug)]
pub struct Watch {
    places: Arc<Mutex<Vec<PathBuf>>>,
    changed: Arc<Notify>,
    /// A byte here makes the thread set its watches again; closing it ends the thread.
    bell: UnixStream,
}

impl Watch {
    /// Starts to watch the mounts; no place yet.
    pub fn start(roots: &Roots) -> Result<Watch, Error> {
        let refused = |errno: Errno| Error::reply("inotify", errno);
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map_err(refused)?;
        let (bell, door) = UnixStream::pair().map_err(|error| Error::reply("a socket pair", error))?;
        for end in [&bell, &door] {
            end.set_nonblocking(true).map_err(|error| Error::reply("a socket pair", error))?;
        }
        let (places, changed) = (Arc::default(), Arc::new(Notify::new()));
        let watcher = Watcher {
            inotify,
            mounts: File::open(roots.procfs.join("self/mountinfo")).ok(),
            door,
            places: Arc::clone(&places),
            changed: Arc::clone(&changed),
            interests: BTreeMap::new(),
        };
        let builder = std::thread::Builder::new().name("watch".into()).stack_size(128 * 1024);
        builder.spawn(move || watcher.run()).map_err(|error| Error::reply("cannot start a thread", error))?;
        Ok(Watch { places, changed, bell })
    }

    /// Watches these directories, and their parents for their coming and going, instead of those before. To be called
    /// again from time to time: what did not exist can be watched once it does.
    pub fn set_places(&self, places: Vec<PathBuf>) {
        *self.places.lock().unwrap_or_else(PoisonError::into_inner) = places;
        // Full: the thread has not taken an earlier byte yet, and will find these places.
        let _ = (&self.bell).write(&[1]);
    }

    /// Waits for a change. One that came before is not lost.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// What is of interest in a watched directory: itself, and these names in it.
type Interest = (bool, BTreeSet<OsString>);

struct Watcher {
    inotify: Inotify,
    mounts: Option<File>,
    door: UnixStream,
    places: Arc<Mutex<Vec<PathBuf>>>,
    changed: Arc<Notify>,
    interests: BTreeMap<WatchDescriptor, Interest>,
}

impl Watcher {
    fn run(mut self) {
        loop {
            let [events, bell, mounts] = match self.wait() {
                Ok(ready) => ready,
                Err(Errno::EINTR) => continue,
                Err(_) => return,
            };
            if bell && !self.take_orders() {
                return;
            }
            if mounts || (events && self.take_events()) {
                self.changed.notify_one();
            }
            if events {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Waits for events, orders, or a change of the mounts (which the kernel reports once per open file).
    fn wait(&self) -> nix::Result<[bool; 3]> {
        let mut waiting = vec![
            PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.door.as_fd(), PollFlags::POLLIN),
        ];
        waiting.extend(self.mounts.as_ref().map(|mounts| PollFd::new(mounts.as_fd(), PollFlags::POLLPRI)));
        poll(&mut waiting, PollTimeout::NONE)?;
        let ready = |index: usize| waiting.get(index).and_then(PollFd::any).unwrap_or(false);
        Ok([ready(0), ready(1), ready(2)])
    }

    /// `false`: nobody watches any more.
    fn take_orders(&mut self) -> bool {
        let mut bytes = [0; 64];
        match self.door.read(&mut bytes) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
        self.set_watches();
        true
    }

    /// Takes the events that wait. Whether one of them is about a place of interest; what could not be told one by one
    /// counts as such.
    fn take_events(&mut self) -> bool {
        let mut news = false;
        for _ in 0..MOST_READS {
            match self.inotify.read_events() {
                Ok(events) => news |= events.iter().any(|event| is_of_interest(&self.interests, event)),
                Err(errno) => return news || errno != Errno::EAGAIN,
            }
        }
        news
    }

    fn set_watches(&mut self) {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut interests = BTreeMap::<WatchDescriptor, Interest>::new();
        for place in places.iter().take(MOST) {
            if let Some(watched) = self.add(place) {
                interests.entry(watched).or_default().0 = true;
            }
            let mut at = place.as_path();
            // The nearest parent that exists sees the first missing part come.
            while let (Some(parent), Some(name)) = (at.parent(), at.file_name()) {
                if let Some(watched) = self.add(parent) {
                    interests.entry(watched).or_default().1.insert(name.to_owned());
                    break;
                }
                at = parent;
            }
        }
        for old in self.interests.keys().filter(|old| !interests.contains_key(old)) {
            // Its directory may be gone, and the watch with it.
            let _ = self.inotify.rm_watch(*old);
        }
        self.interests = interests;
    }

    fn add(&self, path: &Path) -> Option<WatchDescriptor> {
        let flags = AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR
            | AddWatchFlags::IN_DONT_FOLLOW;
        self.inotify.add_watch(path, flags).ok()
    }
}

/// A change of the directory itself, of a name that is asked for in it, or one that the kernel had no room to tell.
fn is_of_interest(interests: &BTreeMap<WatchDescriptor, Interest>, event: &InotifyEvent) -> bool {
    if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
        return true;
    }
    let Some((itself, names)) = interests.get(&event.wd) else { return false };
    let gone = AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_DELETE_SELF;
    match &event.name {
        Some(name) => names.contains(name),
        None => *itself || event.mask.intersects(gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn woken(watch: &Watch) -> bool {
        tokio::time::timeout(Duration::from_secs(10), watch.changed()).await.is_ok()
    }

    /// Waits until the thread has the places, then forgets what came before.
    async fn settle(watch: &Watch, parent: &Path) {
        let probe = parent.join("probe");
        for _ in 0..1000 {
            watch.set_places(vec![parent.join("a/b"), probe.clone()]);
            std::fs::create_dir(&probe).unwrap();
            let seen = tokio::time::timeout(Duration::from_millis(50), watch.changed()).await.is_ok();
            std::fs::remove_dir(&probe).unwrap();
            if seen {
                break;
            }
        }
        while tokio::time::timeout(Duration::from_millis(200), watch.changed()).await.is_ok() {}
    }

    #[tokio::test]
    async fn what_happens_to_a_place_wakes_and_what_happens_in_it_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let (parent, place) = (directory.path(), directory.path().join("a/b"));
        let watch = Watch::start(&Roots::default()).unwrap();
        settle(&watch, parent).await;
        // The first missing part, then the place itself.
        std::fs::create_dir(parent.join("a")).unwrap();
        assert!(woken(&watch).await, "a missing parent came");
        std::fs::create_dir(&place).unwrap();
        settle(&watch, parent).await;
        let quiet = |watch: &Watch| {
            let changed = watch.changed.clone();
            async move { tokio::time::timeout(Duration::from_millis(300), changed.notified()).await.is_err() }
        };
        std::fs::write(place.join("file"), "x").unwrap();
        std::fs::write(parent.join("a/other"), "x").unwrap();
        std::fs::write(parent.join("other"), "x").unwrap();
        assert!(quiet(&watch).await, "data in a directory is no news");
        std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        assert!(woken(&watch).await, "its mode changed");
        std::fs::rename(&place, parent.join("a/c")).unwrap();
        assert!(woken(&watch).await, "it was moved away");
        settle(&watch, parent).await;
        std::fs::create_dir(&place).unwrap();
        assert!(woken(&watch).await, "it is there again");
    }

    #[test]
    fn the_thread_ends_with_its_watch() {
        let watch = Watch::start(&Roots::default()).unwrap();
        let changed = Arc::downgrade(&watch.changed);
        drop(watch);
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while changed.strong_count() > 0 {
            assert!(std::time::Instant::now() < end, "the thread still runs");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
