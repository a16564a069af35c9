//! How much room a filesystem has. A filesystem behind a network or a program may never answer: each such place has one
//! thread that asks, one question at a time, so that a dead server costs one thread and no wait.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::sys::statvfs::{FsFlags, Statvfs, statvfs};

use super::Error;
use crate::values::{Known, Now};

/// What `statvfs` and `stat` say of a place. Bytes and inodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    pub size: u64,
    pub free: u64,
    /// Free for those who are not root.
    pub available: u64,
    pub files: u64,
    pub files_free: u64,
    pub read_only: bool,
    /// `st_dev` of the place, as `stat` gives it.
    pub device: u64,
}

/// Asks one place, now, in this thread.
pub fn read_space(path: &Path) -> Result<Space, Error> {
    let refused = |errno: nix::errno::Errno| Error::file("ask for the space of", path, errno.into());
    let answer = statvfs(path).map_err(refused)?;
    Ok(space_of(&answer, nix::sys::stat::stat(path).map_err(refused)?.st_dev))
}

/// The kernel's answer in bytes.
pub(super) fn space_of(answer: &Statvfs, device: u64) -> Space {
    let fragment = answer.fragment_size();
    Space {
        size: answer.blocks().saturating_mul(fragment),
        free: answer.blocks_free().saturating_mul(fragment),
        available: answer.blocks_available().saturating_mul(fragment),
        files: answer.files(),
        files_free: answer.files_free(),
        read_only: answer.flags().contains(FsFlags::ST_RDONLY),
        device,
    }
}

/// A place to be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    /// Whether the answer may never come: see [`super::mounts::Mount::answers_from_afar`].
    pub afar: bool,
}

/// How a place is asked: [`read_space`], or a stand-in under test.
pub type Ask = fn(&Path) -> Result<Space, Error>;

/// Asks places for their space with a deadline. Keeps a thread for each place that answers from afar.
#[derive(Debug)]
pub struct StatWatch {
    deadline: Duration,
    ask: Ask,
    afar: HashMap<PathBuf, Asker>,
}

#[derive(Debug)]
struct Asker {
    ask: SyncSender<()>,
    answers: Receiver<Result<Space, Error>>,
    /// When the question was put that has no answer yet.
    open_since: Option<Timestamp>,
}

impl StatWatch {
    /// `deadline`: how long all places together may take to answer.
    pub fn new(deadline: Duration) -> StatWatch {
        StatWatch::asking(deadline, read_space)
    }

    /// As `new`, with another way to ask.
    pub fn asking(deadline: Duration, ask: Ask) -> StatWatch {
        StatWatch { deadline, ask, afar: HashMap::new() }
    }

    /// Asks all places at once; answers in their order. A place that did not answer an earlier question is not waited
    /// for. Places that are no longer asked about lose their thread.
    pub fn ask(&mut self, places: &[Place], now: &Now) -> Vec<Known<Space>> {
        self.afar.retain(|path, _| places.iter().any(|place| place.afar && place.path == *path));
        let until = Instant::now() + self.deadline;
        let waited: Vec<bool> = places.iter().map(|place| place.afar && self.put(place, now)).collect();
        let answers = places.iter().zip(waited);
        let answer = |(place, wait): (&Place, bool)| match place.afar {
            true => self.take(place, wait, until),
            false => (self.ask)(&place.path).map_err(|error| error.chain()).into(),
        };
        let mut answers: Vec<Known<Space>> = answers.map(answer).collect();
        // One mounted over the other: there is one answer for both.
        for (at, place) in places.iter().enumerate().filter(|(_, place)| place.afar) {
            let first = places.iter().position(|other| other.path == place.path).filter(|first| *first < at);
            let Some(known) = first.and_then(|first| answers.get(first).cloned()) else { continue };
            if let Some(answer) = answers.get_mut(at) {
                *answer = known;
            }
        }
        answers
    }

    /// How many threads are kept.
    pub fn threads(&self) -> usize {
        self.afar.len()
    }

    /// Puts the question, unless the last one is still open. `true`: worth waiting for.
    fn put(&mut self, place: &Place, now: &Now) -> bool {
        if !self.afar.contains_key(&place.path) {
            let Ok(asker) = Asker::start(&place.path, self.ask) else { return false };
            self.afar.insert(place.path.clone(), asker);
        }
        let Some(asker) = self.afar.get_mut(&place.path) else { return false };
        if asker.open_since.is_some() && asker.answers.try_recv().is_err_and(|why| why == TryRecvError::Empty) {
            return false;
        }
        let asked = asker.ask.try_send(()).is_ok();
        asker.open_since = asked.then_some(now.wall);
        asked
    }

    fn take(&mut self, place: &Place, wait: bool, until: Instant) -> Known<Space> {
        let Some(asker) = self.afar.get_mut(&place.path) else {
            return Known::Unknown("no thread could be started to ask".into());
        };
        let patience = if wait { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
        match asker.answers.recv_timeout(patience) {
            Ok(answer) => {
                asker.open_since = None;
                answer.map_err(|error| error.chain()).into()
            }
            Err(RecvTimeoutError::Timeout) => {
                let since = asker.open_since.map(|at| format!(" since {at:.0}")).unwrap_or_default();
                Known::Unknown(format!("no answer{since}"))
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.afar.remove(&place.path);
                Known::Unknown("the thread that asks ended".into())
            }
        }
    }
}

impl Asker {
    /// The thread ends when its asker is dropped: at once, or when the call that hangs returns.
    fn start(path: &Path, how: Ask) -> Result<Asker, std::io::Error> {
        let (ask, questions) = sync_channel::<()>(1);
        let (give, answers) = sync_channel(1);
        let path = path.to_owned();
        let ask_on = move || {
            while questions.recv().is_ok() {
                if give.send(how(&path)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("statvfs".into()).stack_size(64 * 1024).spawn(ask_on)?;
        Ok(Asker { ask, answers, open_since: None })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};

    use super::*;

    static CALLS: AtomicUsize = AtomicUsize::new(0);
    static HUNG: Mutex<bool> = Mutex::new(true);
    static FREED: Condvar = Condvar::new();

    /// A server that answers nobody until it is freed.
    fn dead_server(path: &Path) -> Result<Space, Error> {
        if path == Path::new("/dead") {
            CALLS.fetch_add(1, Ordering::SeqCst);
            let hung = HUNG.lock().unwrap();
            drop(FREED.wait_while(hung, |hung| *hung).unwrap());
        }
        Ok(Space { size: 7, ..Space::default() })
    }

    fn now() -> Now {
        Now { wall: "2026-11-21T03:00:00Z".parse().unwrap(), up: Duration::ZERO, boot: "b".into() }
    }

    #[test]
    fn a_dead_server_costs_one_thread_and_one_question() {
        let places = ["/near", "/far", "/dead"].map(|path| Place { path: path.into(), afar: path != "/near" });
        let mut watch = StatWatch::asking(Duration::from_millis(200), dead_server);
        for _ in 0..5 {
            let answers = watch.ask(&places, &now());
            assert_eq!(answers[0].value().map(|space| space.size), Some(7));
            assert_eq!(answers[1].value().map(|space| space.size), Some(7));
            assert_eq!(answers[2].why_unknown(), Some("no answer since 2026-11-21T03:00:00Z"));
        }
        assert_eq!((watch.threads(), CALLS.load(Ordering::SeqCst)), (2, 1));
        *HUNG.lock().unwrap() = false;
        FREED.notify_all();
        let mut patient = StatWatch { deadline: Duration::from_secs(60), ..watch };
        while patient.ask(&places, &now())[2].value().is_none() {}
        patient.ask(&places[..1], &now());
        assert_eq!(patient.threads(), 0);
    }

    #[test]
    fn two_mounts_on_one_spot_have_one_answer() {
        let place = Place { path: "/over".into(), afar: true };
        let mut watch = StatWatch::asking(Duration::from_secs(60), dead_server);
        let answers = watch.ask(&[place.clone(), place], &now());
        assert_eq!(answers.iter().filter_map(Known::value).filter(|space| space.size == 7).count(), 2);
        assert_eq!(watch.threads(), 1);
    }

    #[test]
    fn the_root_has_room_and_nothing_has_none() {
        let space = read_space(Path::new("/")).unwrap();
        assert!(space.size >= space.free && space.free >= space.available && space.size > 0);
        assert!(read_space(Path::new("/nowhere/at/all")).is_err());
    }
}
