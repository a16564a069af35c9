//! GPUs as the newest sample has them, joined with the containers of the same look. A sample that is too old is no sample.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::CollectorRun;
use super::containers::ContainersSeen;
use crate::host::Host;
use crate::host::gpus::{FIRST_WAIT, Found, STALE_AFTER, Settings, Told};
pub use crate::host::nvml::Gpu;
use crate::keepers::vitals::config::Config;
use crate::metrics::Group;
use crate::values::ProjectName;

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

/// What is remembered of GPUs from look to look.
#[derive(Default)]
pub struct GpuLook {
    /// How they were asked when the first sample was waited for.
    waited: Option<Settings>,
}

impl GpuLook {
    /// The newest sample, joined with the containers seen in the same look.
    pub async fn look(&mut self, config: &Config, host: &Host, containers: &ContainersSeen) -> GpuSeen {
        let settings = Settings {
            library: config.nvml.clone(),
            interval: config.gpu_interval.0.max(Duration::from_secs(1)),
            procfs: host.roots.procfs.clone(),
        };
        let Some(mut answers) = host.gpus.follow(&settings) else { return GpuSeen::default() };
        if self.waited.as_ref() != Some(&settings) {
            let answered = answers.wait_for(|told| !matches!(told.found, Found::Pending));
            drop(tokio::time::timeout(FIRST_WAIT, answered).await);
        }
        let told = answers.borrow().clone();
        let interval = settings.interval;
        self.waited = Some(settings);
        tell(&told, interval, containers)
    }
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
