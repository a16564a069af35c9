//! GPUs, sampled on a timer by a thread of their own: a driver that hangs holds up that thread and nothing else. One thread
//! serves all keepers.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Error;
use super::cgroups::{read_began, read_container_of};
use super::nvml::{GpuSample, Nvml};

/// After so many intervals without an answer the last sample is worth nothing any more.
const STALE_AFTER: u32 = 3;
/// How long a look may wait for the first sample.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Between two tries to find the library.
const LOOK_FOR_LIBRARY: Duration = Duration::from_secs(300);

/// How GPUs are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The library's path; empty: where it usually is.
    pub library: String,
    pub interval: Duration,
    pub procfs: PathBuf,
}

/// What the thread found.
#[derive(Clone, Debug)]
pub enum Found {
    /// It is asked for the first time.
    Pending,
    NoLibrary,
    /// It answered once, and for some intervals not any more.
    Silent,
    /// With the container of each process that has one, by process.
    Sample {
        sample: Arc<GpuSample>,
        owners: Arc<HashMap<u32, String>>,
    },
    Failed(String),
}

/// The newest answer.
#[derive(Clone, Debug)]
pub struct Told {
    pub at: Instant,
    pub took: Duration,
    pub found: Found,
}

/// GPUs as all keepers see them. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Following(Arc<Mutex<Option<Sampler>>>);

impl Following {
    /// The newest answer to who asks in this way; the first is waited for. `None`: no thread could be started. While an old
    /// thread hangs in the driver, no second one is started: it would hang as well.
    pub async fn newest(&self, settings: &Settings) -> Option<Told> {
        let mut answers = {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let keeps = held.as_ref().is_some_and(|sampler| sampler.settings == *settings || sampler.hangs());
            if !keeps {
                *held = Sampler::start(settings.clone());
            }
            held.as_ref()?.told.clone()
        };
        // Before the first answer it is told at the thread's start.
        let left = FIRST_WAIT.saturating_sub(answers.borrow().at.elapsed());
        let answered = answers.wait_for(|told| !matches!(told.found, Found::Pending));
        // A thread that ended without an answer has told nothing: what it left is pending.
        drop(tokio::time::timeout(left, answered).await);
        let told = answers.borrow().clone();
        let silent = matches!(told.found, Found::Sample { .. }) && told.at.elapsed() > settings.interval * STALE_AFTER;
        Some(if silent { Told { found: Found::Silent, ..told } } else { told })
    }
}

/// Ends the thread when its owner is dropped, at its next breath.
#[derive(Debug, Default)]
struct Leash {
    ended: Mutex<bool>,
    bell: Condvar,
}

#[derive(Debug)]
struct Sampler {
    settings: Settings,
    told: watch::Receiver<Told>,
    leash: Arc<Leash>,
    /// `false` when the thread has ended.
    alive: Arc<AtomicBool>,
}

impl Drop for Sampler {
    fn drop(&mut self) {
        if let Ok(mut ended) = self.leash.ended.lock() {
            *ended = true;
        }
        self.leash.bell.notify_all();
    }
}

impl Sampler {
    fn start(settings: Settings) -> Option<Sampler> {
        let pending = Told { at: Instant::now(), took: Duration::ZERO, found: Found::Pending };
        let (tell, told) = watch::channel(pending);
        let leash = Arc::new(Leash::default());
        let alive = Arc::new(AtomicBool::new(true));
        let (held, living, asked) = (Arc::clone(&leash), Arc::clone(&alive), settings.clone());
        let thread = std::thread::Builder::new().name("gpu".to_owned()).spawn(move || {
            sample_for_ever(&asked, &tell, &held);
            living.store(false, Ordering::Relaxed);
        });
        thread.ok().map(|_| Sampler { settings, told, leash, alive })
    }

    fn hangs(&self) -> bool {
        let silent = self.told.borrow().at.elapsed() > self.settings.interval * STALE_AFTER;
        silent && self.alive.load(Ordering::Relaxed)
    }
}

fn sample_for_ever(settings: &Settings, tell: &watch::Sender<Told>, leash: &Leash) {
    let mut library: Option<Nvml> = None;
    loop {
        let started = Instant::now();
        let found = sample(settings, &mut library);
        let absent = matches!(found, Found::NoLibrary);
        if tell.send(Told { at: Instant::now(), took: started.elapsed(), found }).is_err() {
            return;
        }
        let pause = if absent { LOOK_FOR_LIBRARY.max(settings.interval) } else { settings.interval };
        let Ok(ended) = leash.ended.lock() else { return };
        let Ok((ended, _)) = leash.bell.wait_timeout_while(ended, pause, |ended| !*ended) else { return };
        if *ended {
            return;
        }
    }
}

fn sample(settings: &Settings, library: &mut Option<Nvml>) -> Found {
    let asked = read_uptime(&settings.procfs);
    match try_sample(settings, library) {
        Ok(Some(sample)) => {
            let pids = sample.gpus.iter().filter_map(|gpu| gpu.processes.as_ref()).flat_map(BTreeMap::keys);
            // A process that began after the driver was asked has only the number of the one that is meant.
            let is_meant = |pid: u32| {
                asked.is_none_or(|asked| read_began(&settings.procfs, pid).is_some_and(|began| began <= asked))
            };
            let owner = |pid: &u32| Some((*pid, read_container_of(&settings.procfs, *pid).filter(|_| is_meant(*pid))?));
            let owners = pids.filter_map(owner).collect();
            Found::Sample { sample: Arc::new(sample), owners: Arc::new(owners) }
        }
        Ok(None) => Found::NoLibrary,
        Err(error) => {
            // A driver that was replaced under us needs a library opened afresh.
            *library = None;
            Found::Failed(error.chain())
        }
    }
}

/// Hundredths of a second since boot.
fn read_uptime(procfs: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(procfs.join("uptime")).ok()?;
    let (seconds, hundredths) = text.split_ascii_whitespace().next()?.split_once('.')?;
    seconds.parse::<u64>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)
}

fn try_sample(settings: &Settings, library: &mut Option<Nvml>) -> Result<Option<GpuSample>, Error> {
    if library.is_none() {
        *library = Nvml::open(&settings.library)?;
    }
    library.as_ref().map(Nvml::read_sample).transpose()
}
