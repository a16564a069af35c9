//! Asks Docker on a task of its own, seldom. A look never waits for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::config::Config;
use super::leftovers::find_leftovers;
use crate::host::docker::{Docker, Space};
use crate::host::{Error, Roots};
use crate::round::{Leftover, UnboundLog};
use crate::values::Now;

/// How long Docker may walk.
const PATIENCE: Duration = Duration::from_secs(300);
/// The first look comes so long after the start: a host that boots has better things to do.
const FIRST: Duration = Duration::from_secs(600);
/// After a look that failed.
const AGAIN: Duration = Duration::from_secs(600);
/// After a removal sizes are looked at again, when the removals are over.
const AFTER_REMOVAL: Duration = Duration::from_secs(60);
/// Things that are kept, and containers whose logs are looked at.
const MOST: usize = 2000;

/// What one look found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub at: Timestamp,
    pub took: Duration,
    pub leftovers: Vec<Leftover>,
    /// Things beyond those kept.
    pub beyond: u64,
    /// The largest first.
    pub logs: Vec<UnboundLog>,
}

/// What is known now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// `None`: not looked yet.
    pub found: Option<Arc<Found>>,
    /// Whether a look is under way.
    pub looking: bool,
    /// Why the last look failed.
    pub trouble: Option<String>,
}

/// `None`: there is no Docker.
type Answer = Result<Option<Found>, Error>;

/// What is known between two looks.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Seen,
    looking: Option<JoinHandle<Answer>>,
    /// Time since boot of the next look.
    due: Option<Duration>,
    asked: bool,
    removed: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(looking) = &self.looking {
            looking.abort();
        }
    }
}

impl Watch {
    /// The next round begins a look.
    pub fn ask(&mut self) {
        self.asked = true;
    }

    /// It was removed.
    pub fn forget(&mut self, leftover: &Leftover) {
        if let Some(found) = &mut self.seen.found {
            let same = |other: &Leftover| (other.class, &other.id) == (leftover.class, &leftover.id);
            Arc::make_mut(found).leftovers.retain(|other| !same(other));
        }
        self.removed = true;
    }

    pub async fn look(&mut self, config: &Config, roots: &Roots, now: &Now) -> Seen {
        self.take_answer(now).await;
        let due = *self.due.get_or_insert(now.up + FIRST);
        if std::mem::take(&mut self.removed) {
            self.due = Some(now.up + AFTER_REMOVAL);
        }
        if config.socket.is_empty() {
            self.asked = false;
            let trouble = "vitals.docker_socket is empty: Docker is not looked at";
            self.seen = Seen { trouble: Some(trouble.into()), ..Seen::default() };
        } else if self.looking.is_none() && (self.asked || now.up >= due) {
            self.asked = false;
            self.due = Some(now.up + config.every);
            let (socket, roots, at) = (PathBuf::from(&config.socket), roots.clone(), now.wall);
            self.looking = Some(tokio::spawn(async move { ask(&socket, &roots, at).await }));
        }
        self.seen.looking = self.looking.is_some();
        self.seen.clone()
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
                self.seen = Seen { trouble: Some("there is no Docker".into()), ..Seen::default() };
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

async fn ask(socket: &Path, roots: &Roots, at: Timestamp) -> Answer {
    let begun = Instant::now();
    let Some(docker) = Docker::connect(socket, PATIENCE).await? else { return Ok(None) };
    let space = docker.read_space().await?;
    let mut leftovers = find_leftovers(&space, at);
    let beyond = leftovers.len().saturating_sub(MOST) as u64;
    leftovers.truncate(MOST);
    let logs = read_logs(&docker, roots, &space).await;
    Ok(Some(Found { at, took: begun.elapsed(), leftovers, beyond, logs }))
}

/// A container that goes in between, or whose log cannot be seen, is left out.
async fn read_logs(docker: &Docker, roots: &Roots, space: &Space) -> Vec<UnboundLog> {
    let mut logs = Vec::new();
    for container in space.containers.iter().take(MOST) {
        let Ok(Some(log)) = docker.read_unbound_log(&container.id, roots).await else { continue };
        let (container, project) = (container.name.clone(), container.project.clone());
        logs.push(UnboundLog { container, project, path: log.path, bytes: log.bytes });
    }
    logs.sort_by(|a, b| (b.bytes, &a.container).cmp(&(a.bytes, &b.container)));
    logs
}
