//! GPUs, sampled on a timer by a thread of their own: a driver that hangs holds up that thread and nothing else. A sample
//! that is too old is no sample.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::CollectorRun;
use super::containers::ContainersSeen;
use crate::host::cgroups::read_container_of;
pub use crate::host::nvml::Gpu;
use crate::host::nvml::{GpuSample, Nvml};
use crate::host::{Error, Roots};
use crate::keepers::vitals::config::Config;
use crate::metrics::Group;
use crate::values::ProjectName;

/// After so many intervals without an answer the last sample is not shown any more.
const STALE_AFTER: u32 = 3;
/// Between two tries to find the library.
const LOOK_FOR_LIBRARY: Duration = Duration::from_secs(300);
/// How long the first look waits for the first sample.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// One GPU and who uses its memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuUse {
    pub gpu: Gpu,
    /// Bytes by container id; `None` when the processes could not be told.
    pub containers: Option<BTreeMap<String, u64>>,
    /// Bytes by project; `None` when the processes could not be told.
    pub projects: Option<BTreeMap<ProjectName, u64>>,
}

/// GPUs at one look. Without the library: empty, and no run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuSeen {
    pub driver: String,
    pub gpus: Vec<GpuUse>,
    pub run: Option<CollectorRun>,
}

/// What the thread found.
#[derive(Clone, Debug)]
enum Found {
    Pending,
    NoLibrary,
    Sample { sample: Arc<GpuSample>, owners: Arc<HashMap<u32, String>> },
    Failed(String),
}

#[derive(Clone, Debug)]
struct Told {
    at: Instant,
    took: Duration,
    found: Found,
}

/// How GPUs are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    library: String,
    interval: Duration,
    procfs: PathBuf,
}

/// Ends the thread when its owner is dropped, at its next breath.
#[derive(Default)]
struct Leash {
    ended: Mutex<bool>,
    bell: Condvar,
}

struct Sampler {
    settings: Settings,
    told: watch::Receiver<Told>,
    leash: Arc<Leash>,
    /// `false` when the thread has ended.
    alive: Arc<AtomicBool>,
    waited: bool,
}

impl Drop for Sampler {
    fn drop(&mut self) {
        if let Ok(mut ended) = self.leash.ended.lock() {
            *ended = true;
        }
        self.leash.bell.notify_all();
    }
}

/// What is remembered of GPUs from look to look.
#[derive(Default)]
pub struct GpuLook {
    sampler: Option<Sampler>,
}

impl GpuLook {
    /// The newest sample, joined with the containers seen in the same look.
    pub async fn look(&mut self, config: &Config, roots: &Roots, containers: &ContainersSeen) -> GpuSeen {
        let settings = Settings {
            library: config.nvml.clone(),
            interval: config.gpu_interval.0.max(Duration::from_secs(1)),
            procfs: roots.procfs.clone(),
        };
        self.start(settings);
        let Some(sampler) = &mut self.sampler else { return GpuSeen::default() };
        if !sampler.waited {
            sampler.waited = true;
            let answered = sampler.told.wait_for(|told| !matches!(told.found, Found::Pending));
            drop(tokio::time::timeout(FIRST_WAIT, answered).await);
        }
        let told = sampler.told.borrow().clone();
        tell(&told, sampler.settings.interval, containers)
    }

    /// Starts the thread, or starts it anew when the configuration changed. While an old thread hangs in the driver, no
    /// second one is started: it would hang as well.
    fn start(&mut self, settings: Settings) {
        if let Some(sampler) = &self.sampler {
            if sampler.settings == settings {
                return;
            }
            let hung = sampler.told.borrow().at.elapsed() > sampler.settings.interval * STALE_AFTER;
            if hung && sampler.alive.load(Ordering::Relaxed) {
                return;
            }
        }
        self.sampler = Sampler::start(settings);
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
        thread.ok().map(|_| Sampler { settings, told, leash, alive, waited: false })
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
    match try_sample(settings, library) {
        Ok(Some(sample)) => {
            let pids = sample.gpus.iter().filter_map(|gpu| gpu.processes.as_ref()).flat_map(BTreeMap::keys);
            let owner = |pid: &u32| Some((*pid, read_container_of(&settings.procfs, *pid)?));
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

fn try_sample(settings: &Settings, library: &mut Option<Nvml>) -> Result<Option<GpuSample>, Error> {
    if library.is_none() {
        *library = Nvml::open(&settings.library)?;
    }
    library.as_ref().map(Nvml::read_sample).transpose()
}

fn tell(told: &Told, interval: Duration, containers: &ContainersSeen) -> GpuSeen {
    let age = told.at.elapsed();
    let run = |outcome| Some(CollectorRun { name: "gpu", group: Group::Gpu, took: told.took, outcome });
    let stale = age > interval * STALE_AFTER;
    match &told.found {
        Found::NoLibrary => GpuSeen::default(),
        Found::Pending if age < FIRST_WAIT => GpuSeen::default(),
        Found::Failed(why) => GpuSeen { run: run(Err(why.clone())), ..GpuSeen::default() },
        Found::Pending => {
            GpuSeen { run: run(Err("nvml: the driver has not answered yet".to_owned())), ..GpuSeen::default() }
        }
        Found::Sample { .. } if stale => {
            let why = format!("nvml: the driver has not answered for {} intervals", STALE_AFTER);
            GpuSeen { run: run(Err(why)), ..GpuSeen::default() }
        }
        Found::Sample { sample, owners } => {
            let gpus = sample.gpus.iter().map(|gpu| attribute(gpu, owners, containers)).collect::<Vec<_>>();
            let failed: Vec<String> = gpus.iter().flat_map(|seen: &GpuUse| name_failures(&seen.gpu)).collect();
            let outcome = if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) };
            GpuSeen { driver: sample.driver.clone(), gpus, run: run(outcome) }
        }
    }
}

fn name_failures(gpu: &Gpu) -> impl Iterator<Item = String> {
    gpu.failed.iter().map(|query| format!("gpu {}: {query}", gpu.index))
}

/// Whose processes hold the memory of a GPU. Processes of no container are nobody's.
fn attribute(gpu: &Gpu, owners: &HashMap<u32, String>, seen: &ContainersSeen) -> GpuUse {
    let Some(processes) = &gpu.processes else {
        return GpuUse { gpu: gpu.clone(), containers: None, projects: None };
    };
    let mut containers: BTreeMap<String, u64> = BTreeMap::new();
    for (pid, bytes) in processes {
        if let Some(id) = owners.get(pid) {
            let held = containers.entry(id.clone()).or_default();
            *held = held.saturating_add(*bytes);
        }
    }
    let mut projects: BTreeMap<ProjectName, u64> = BTreeMap::new();
    for container in &seen.containers {
        let Some(project) = &container.identity.project else { continue };
        let bytes = containers.get(&container.identity.id).copied().unwrap_or_default();
        let held = projects.entry(project.clone()).or_default();
        *held = held.saturating_add(bytes);
    }
    GpuUse { gpu: gpu.clone(), containers: Some(containers), projects: Some(projects) }
}
