//! Asks Docker and the kernel on a task of its own, seldom: when it is time, soon after something happened at Docker, and
//! when a person asks. A look never waits long for it.

mod containers;
mod gather;

pub use containers::to_facts;
pub use gather::{add_composed, gather};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::config::{Config, EphemeralPorts};
use super::decide::find_all;
use super::facts::Facts;
use crate::host::docker::{follow_events, parse_address};
use crate::host::environment::new_mark_key;
use crate::host::{Error, Roots};
use crate::round::Finding;
use crate::values::{MarkKey, Now};

/// A round waits so long for a look that it began; the first one, and one that a person asked for, longer.
const SHORT_WAIT: Duration = Duration::from_millis(200);
const LONG_WAIT: Duration = Duration::from_secs(3);
/// After a look that failed.
const AGAIN: Duration = Duration::from_secs(60);
/// Events bring no look sooner than this after the last one.
const REST: Duration = Duration::from_secs(20);
/// All questions of one look together.
const LIMIT: Duration = Duration::from_secs(120);

/// What one look saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    pub facts: Facts,
    pub ephemeral: EphemeralPorts,
    /// What could not be seen.
    pub unseen: Vec<String>,
}

/// What one look found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub at: Timestamp,
    pub took: Duration,
    pub findings: Vec<Finding>,
    pub unseen: Vec<String>,
}

/// What is known now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// `None`: not looked yet, or there is no Docker.
    pub found: Option<Arc<Found>>,
    pub looking: bool,
    /// Why the last look failed.
    pub trouble: Option<String>,
    /// Why nothing is looked at.
    pub absent: Option<&'static str>,
}

impl Seen {
    pub fn findings(&self) -> &[Finding] {
        self.found.as_ref().map_or(&[], |found| &found.findings)
    }
}

/// `None`: there is no Docker.
type Answer = Result<Option<Found>, Error>;

/// What is known between two looks.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Seen,
    looking: Option<JoinHandle<Answer>>,
    /// Follows Docker's events at this socket.
    following: Option<(String, JoinHandle<()>)>,
    happened: Arc<AtomicBool>,
    key: Option<MarkKey>,
    /// The configuration by which the last look was judged.
    judged: Option<Config>,
    /// Time since boot: of the next look, and of the last one's beginning.
    due: Option<Duration>,
    begun: Duration,
    asked: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let following = self.following.take().map(|(_, task)| task);
        if let Some(looking) = &self.looking {
            looking.abort();
        }
        if let Some(following) = following {
            following.abort();
        }
    }
}

impl Watch {
    /// The next round begins a look.
    pub fn ask(&mut self) {
        self.asked = true;
    }

    pub async fn look(&mut self, config: &Config, roots: &Roots, now: &Now) -> Seen {
        self.take_answer(now).await;
        if config.socket.is_empty() {
            self.asked = false;
            let absent = Some("vitals.docker_socket is empty: Docker is not looked at");
            self.seen = Seen { absent, ..Seen::default() };
            return self.seen.clone();
        }
        self.follow(&config.socket);
        let changed = self.judged.as_ref().is_some_and(|judged| judged != config);
        let rested = now.up >= self.begun + REST;
        let woken = rested && self.happened.load(Ordering::Relaxed);
        let due = self.due.is_none_or(|due| now.up >= due);
        if self.looking.is_none() && (self.asked || due || woken || changed) {
            let patient = std::mem::take(&mut self.asked) || self.seen.found.is_none();
            self.begin(config, roots, now);
            self.wait(if patient { LONG_WAIT } else { SHORT_WAIT }).await;
            self.take_answer(now).await;
        }
        self.seen.looking = self.looking.is_some();
        self.seen.clone()
    }

    fn begin(&mut self, config: &Config, roots: &Roots, now: &Now) {
        self.happened.store(false, Ordering::Relaxed);
        self.due = Some(now.up + config.every);
        self.begun = now.up;
        self.judged = Some(config.clone());
        let key = match self.key.clone().map_or_else(new_mark_key, Ok) {
            Ok(key) => key,
            Err(error) => {
                self.seen.trouble = Some(error.chain());
                return;
            }
        };
        self.key = Some(key.clone());
        let (config, roots, at) = (config.clone(), roots.clone(), now.wall);
        self.looking = Some(tokio::spawn(async move { look_once(&config, &roots, &key, at).await }));
    }

    /// Waits for the look that is under way, and not longer.
    async fn wait(&mut self, limit: Duration) {
        let Some(looking) = &mut self.looking else { return };
        let until = Instant::now() + limit;
        while !looking.is_finished() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Something that happens at Docker brings the next look.
    fn follow(&mut self, socket: &str) {
        if self.following.as_ref().is_some_and(|(followed, _)| followed == socket) {
            return;
        }
        if let Some((_, before)) = self.following.take() {
            before.abort();
        }
        let Some(path) = parse_address(socket) else { return };
        let happened = self.happened.clone();
        let follow = async move { follow_events(&path, move |_| happened.store(true, Ordering::Relaxed)).await };
        self.following = Some((socket.to_owned(), tokio::spawn(follow)));
    }

    async fn take_answer(&mut self, now: &Now) {
        if !self.looking.as_ref().is_some_and(JoinHandle::is_finished) {
            return;
        }
        let Some(looking) = self.looking.take() else { return };
        let trouble = match looking.await {
            Ok(Ok(Some(found))) => {
                self.seen = Seen { found: Some(Arc::new(found)), ..Seen::default() };
                return;
            }
            Ok(Ok(None)) => {
                self.seen = Seen { absent: Some("there is no Docker"), ..Seen::default() };
                return;
            }
            Ok(Err(error)) => error.chain(),
            Err(error) => format!("the look was broken off: {error}"),
        };
        // What was found before stands, with its time.
        self.seen.trouble = Some(trouble);
        self.due = Some(now.up + AGAIN);
    }
}

async fn look_once(config: &Config, roots: &Roots, key: &MarkKey, at: Timestamp) -> Answer {
    let begun = Instant::now();
    let asked = tokio::time::timeout(LIMIT, gather(config, roots, key)).await;
    let asked = asked.map_err(|_| Error::Timeout { what: "docker, audit".into(), limit: LIMIT })??;
    let Some(surroundings) = asked else { return Ok(None) };
    let findings = find_all(&surroundings.facts, &config.policy(&surroundings.ephemeral, at));
    Ok(Some(Found { at, took: begun.elapsed(), findings, unseen: surroundings.unseen }))
}
