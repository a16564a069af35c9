//! GPUs as the newest sample has them, joined with the containers of the same look. A sample that is too old is no sample.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::CollectorRun;
use super::containers::ContainersSeen;
use crate::host::Host;
use crate::host::gpus::{Found, Settings};
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

/// The newest sample, joined with the containers seen in the same look.
pub async fn look(config: &Config, host: &Host, containers: &ContainersSeen) -> GpuSeen {
    let settings = Settings {
        library: config.nvml.clone(),
        interval: config.gpu_interval.0.max(Duration::from_secs(1)),
        procfs: host.roots.procfs.clone(),
    };
    let Some(told) = host.gpus.newest(&settings).await else { return GpuSeen::default() };
    let took = told.took;
    let run = |outcome| Some(CollectorRun { name: "gpu", group: Group::Gpu, took, outcome });
    let failed = |why: String| GpuSeen { run: run(Err(why)), ..GpuSeen::default() };
    match told.found {
        Found::NoLibrary => GpuSeen::default(),
        Found::Failed(why) => failed(why),
        Found::Pending => failed("nvml: the driver has not answered yet".to_owned()),
        Found::Silent => failed("nvml: the driver does not answer any more".to_owned()),
        Found::Sample { sample, owners } => {
            let gpus = sample.gpus.iter().map(|gpu| attribute(gpu, &owners, containers)).collect::<Vec<_>>();
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
