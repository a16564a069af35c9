//! Asks Docker on a task of its own, so that no look waits for a Docker that hangs. Events, vanished cgroups and the timer
//! wake it; each time it lists everything, and inspects what is new, has changed, was named by an event, or was inspected
//! long ago. One poller serves all keepers.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::sync::{Notify, watch};

use super::{Docker, Event, Inspected, Listed, Resources, Version, follow_events};
use crate::host::bell::Bell;

/// Containers beyond this are left out, and the collector says so.
const MAX_CONTAINERS: usize = 4096;
/// Inspects under way at once, and in one round.
const INSPECTS_AT_ONCE: usize = 8;
const INSPECTS_PER_ROUND: usize = 256;
/// A quiet container is inspected this often: its restart count or limits may have changed unseen.
const INSPECT_AGAIN: Duration = Duration::from_secs(300);
/// The least pause between two rounds, and how much longer a pause is than the round before it: at most 5 % of the time
/// is spent asking, however many events there are.
const LEAST_PAUSE: Duration = Duration::from_millis(200);
const PAUSE_FACTOR: u32 = 20;
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Ids named by events and not inspected yet.
const MAX_NAMED: usize = 1024;

/// A container as Docker knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Docked {
    pub listed: Listed,
    /// `None`: not inspected yet, or Docker did not answer.
    pub inspected: Option<Inspected>,
    /// When it was inspected.
    pub inspected_at: Option<Instant>,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not asked yet.
    Pending,
    /// There is no socket.
    Absent,
    Up {
        version: Version,
        containers: Vec<Docked>,
        /// How Docker makes cgroups: `systemd` or `cgroupfs`. `None`: it did not say.
        driver: Option<String>,
        /// What could not be had beside the list.
        trouble: Option<String>,
    },
    Failed(String),
}

/// The newest answer, numbered.
#[derive(Clone, Debug)]
pub struct Listing {
    pub serial: u64,
    pub asked: Instant,
    pub took: Duration,
    pub answer: Answer,
}

/// How Docker is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub socket: PathBuf,
    pub interval: Duration,
    /// How long one question may take.
    pub patience: Duration,
    /// Labels that are kept beside Compose's.
    pub labels: Vec<String>,
}

/// What wakes the poller.
#[derive(Debug, Default)]
struct Wake {
    bell: Notify,
    named: Mutex<Named>,
}

#[derive(Debug, Default)]
struct Named {
    ids: HashSet<String>,
    everything: bool,
}

impl Wake {
    fn event(&self, event: Event) {
        if let Ok(mut named) = self.named.lock() {
            match event {
                Event::Container(id) if named.ids.len() < MAX_NAMED => {
                    named.ids.insert(id);
                }
                Event::Container(_) | Event::Connected => named.everything = true,
            }
        }
        self.bell.notify_one();
    }

    fn take(&self) -> Named {
        self.named.lock().map(|mut named| std::mem::take(&mut *named)).unwrap_or_default()
    }
}

/// Docker as all keepers see it: one poller, started when the first of them asks.
#[derive(Clone, Debug, Default)]
pub struct Following {
    poller: Arc<Mutex<Option<Held>>>,
    bell: Bell,
}

/// A poller and how it asks.
type Held = (Settings, Arc<Poller>);

impl Following {
    /// Rings `bell` when a container begins, ends or is changed.
    pub fn new(bell: Bell) -> Following {
        Following { poller: Arc::default(), bell }
    }

    /// The poller that asks in this way; one that asked in another way is let go. Needs a tokio runtime.
    pub fn poller(&self, settings: &Settings) -> Arc<Poller> {
        let mut held = self.poller.lock().unwrap_or_else(PoisonError::into_inner);
        match &*held {
            Some((same, poller)) if same == settings => Arc::clone(poller),
            _ => {
                let poller = Arc::new(Poller::start(settings.clone(), self.bell.clone()));
                *held = Some((settings.clone(), Arc::clone(&poller)));
                poller
            }
        }
    }
}

/// The running poller. Ends when dropped.
#[derive(Debug)]
pub struct Poller {
    wake: Arc<Wake>,
    answers: watch::Receiver<Arc<Listing>>,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Drop for Poller {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Poller {
    /// Starts asking. Needs a tokio runtime.
    fn start(settings: Settings, bell: Bell) -> Poller {
        let wake = Arc::new(Wake::default());
        let first = Listing { serial: 0, asked: Instant::now(), took: Duration::ZERO, answer: Answer::Pending };
        let (tell, answers) = watch::channel(Arc::new(first));
        let heard = Arc::clone(&wake);
        let socket = settings.socket.clone();
        let events = tokio::spawn(async move {
            follow_events(&socket, move |event| heard.event(event)).await;
        });
        let rounds = tokio::spawn(ask_for_ever(settings, Arc::clone(&wake), tell, bell));
        Poller { wake, answers, tasks: [events, rounds] }
    }

    /// Asks for a round soon, in which container `id` is inspected.
    pub fn wake_for(&self, id: &str) {
        self.wake.event(Event::Container(id.to_owned()));
    }

    /// The newest answer.
    pub fn latest(&self) -> Arc<Listing> {
        Arc::clone(&self.answers.borrow())
    }

    /// The newest answer, after waiting at most `patience` for one that was asked for after `since`.
    pub async fn answer_since(&self, since: Instant, patience: Duration) -> Arc<Listing> {
        let mut answers = self.answers.clone();
        let newer = answers.wait_for(|listing| listing.serial > 0 && listing.asked >= since);
        drop(tokio::time::timeout(patience, newer).await);
        self.latest()
    }
}

async fn ask_for_ever(settings: Settings, wake: Arc<Wake>, tell: watch::Sender<Arc<Listing>>, bell: Bell) {
    let mut round = Round { settings, docker: None, driver: None, inspects: HashMap::new() };
    let mut serial = 0;
    let mut before = Vec::new();
    loop {
        let asked = Instant::now();
        let answer = round.ask(wake.take()).await;
        let took = asked.elapsed();
        serial += 1;
        let lives = list_lives(&answer);
        if tell.send(Arc::new(Listing { serial, asked, took, answer })).is_err() {
            return;
        }
        if lives != before {
            before = lives;
            bell.ring();
        }
        tokio::time::sleep((took * PAUSE_FACTOR).clamp(LEAST_PAUSE, LONGEST_PAUSE)).await;
        drop(tokio::time::timeout(round.settings.interval, wake.bell.notified()).await);
    }
}

/// What wakes a round when it changes: which containers there are, whether they run, and what they are allowed.
fn list_lives(answer: &Answer) -> Vec<(String, String, Option<jiff::Timestamp>, Resources)> {
    let Answer::Up { containers, .. } = answer else { return Vec::new() };
    let life = |docked: &Docked| {
        let inspected = docked.inspected.clone().unwrap_or_default();
        (docked.listed.id.clone(), docked.listed.state.clone(), inspected.started, inspected.resources)
    };
    containers.iter().map(life).collect()
}

struct Cached {
    /// What the list said when it was inspected.
    state: String,
    health: Option<String>,
    at: Instant,
    inspected: Inspected,
}

struct Round {
    settings: Settings,
    docker: Option<Docker>,
    driver: Option<String>,
    inspects: HashMap<String, Cached>,
}

impl Round {
    async fn ask(&mut self, named: Named) -> Answer {
        match self.try_ask(named).await {
            Ok(answer) => answer,
            Err(error) => {
                // The next round agrees on a version afresh: it may be another Docker then.
                self.docker = None;
                Answer::Failed(error.chain())
            }
        }
    }

    async fn try_ask(&mut self, named: Named) -> Result<Answer, crate::host::Error> {
        if !self.settings.socket.exists() {
            self.docker = None;
            return Ok(Answer::Absent);
        }
        let docker = match self.docker.take() {
            Some(docker) => docker,
            None => match Docker::connect(&self.settings.socket, self.settings.patience).await? {
                Some(docker) => {
                    self.driver = docker.read_driver().await.ok();
                    docker
                }
                None => return Ok(Answer::Absent),
            },
        };
        let mut list = docker.list_containers(&self.settings.labels).await?;
        list.sort_by(|a, b| a.id.cmp(&b.id));
        list.dedup_by(|a, b| a.id == b.id);
        let beyond = list.len().saturating_sub(MAX_CONTAINERS);
        list.truncate(MAX_CONTAINERS);
        let mut trouble = (beyond > 0).then(|| format!("{beyond} containers over {MAX_CONTAINERS} are left out"));
        let version = docker.version().clone();
        let failed = self.inspect(&docker, &mut list, &named).await;
        trouble = trouble.or(failed);
        self.docker = Some(docker);
        let containers = list.into_iter().map(|listed| self.join(listed)).collect();
        Ok(Answer::Up { version, driver: self.driver.clone(), containers, trouble })
    }

    fn join(&self, listed: Listed) -> Docked {
        let cached = self.inspects.get(&listed.id);
        let inspected_at = cached.map(|cached| cached.at);
        Docked { inspected: cached.map(|cached| cached.inspected.clone()), inspected_at, listed }
    }

    /// Inspects what needs it; containers that are gone meanwhile leave the list. Why one failed, when so.
    async fn inspect(&mut self, docker: &Docker, list: &mut Vec<Listed>, named: &Named) -> Option<String> {
        let ids: HashSet<&str> = list.iter().map(|listed| listed.id.as_str()).collect();
        self.inspects.retain(|id, _| ids.contains(id.as_str()));
        let needed = list.iter().filter(|listed| self.needs_inspect(listed, named)).take(INSPECTS_PER_ROUND);
        let needed: Vec<Listed> = needed.cloned().collect();
        let docker = docker.clone();
        let mut answers = futures_util::stream::iter(needed)
            .map(move |listed| {
                let docker = docker.clone();
                async move { (docker.read_container(&listed.id).await, listed) }
            })
            .buffer_unordered(INSPECTS_AT_ONCE);
        let deadline = tokio::time::sleep(self.settings.patience);
        tokio::pin!(deadline);
        let mut gone = HashSet::new();
        let mut trouble = None;
        loop {
            let next = tokio::select! {
                () = &mut deadline => {
                    trouble = Some(format!("docker, inspects: not done within {:?}", self.settings.patience));
                    break;
                }
                next = answers.next() => next,
            };
            match next {
                Some((Ok(Some(inspected)), listed)) => self.keep(listed, inspected),
                Some((Ok(None), listed)) => drop(gone.insert(listed.id)),
                Some((Err(error), _)) => trouble = Some(error.chain()),
                None => break,
            }
        }
        list.retain(|listed| !gone.contains(&listed.id));
        trouble
    }

    fn keep(&mut self, listed: Listed, inspected: Inspected) {
        let Listed { id, state, health, .. } = listed;
        self.inspects.insert(id, Cached { state, health, at: Instant::now(), inspected });
    }

    fn needs_inspect(&self, listed: &Listed, named: &Named) -> bool {
        let Some(cached) = self.inspects.get(&listed.id) else { return true };
        let changed = cached.state != listed.state || cached.health != listed.health;
        changed || named.everything || named.ids.contains(&listed.id) || cached.at.elapsed() > INSPECT_AGAIN
    }
}
