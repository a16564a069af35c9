//! What projects hold of the memory of GPUs, and since when one holds more than it should.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::host::Host;
use crate::host::docker::{Answer, Listing};
use crate::host::gpus::{Found, Settings};
use crate::keepers::limits::config::Config;
use crate::keepers::limits::lasting::Lasting;
use crate::values::{Known, Now, ProjectName};

/// One GPU.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuHeld {
    pub index: u32,
    pub name: String,
    /// Bytes; `None`: not told.
    pub total: Option<u64>,
    pub used: Option<u64>,
    /// `default`, `exclusive_process`, `prohibited`; `None`: not told.
    pub mode: Option<String>,
    /// Bytes by Compose project, declared or not. `None`: the processes could not be told.
    pub projects: Option<BTreeMap<String, u64>>,
}

/// All GPUs at one look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuSeen {
    pub gpus: Vec<GpuHeld>,
    /// The driver could hold a container to its budget.
    pub can_limit: bool,
    /// How long a project has held more than its budget.
    pub over: BTreeMap<ProjectName, Duration>,
}

impl GpuSeen {
    /// Bytes that a project holds of all GPUs; `None`: not known of one of them.
    pub fn held_by(&self, project: &str) -> Option<u64> {
        let of = |gpu: &GpuHeld| Some(gpu.projects.as_ref()?.get(project).copied().unwrap_or_default());
        self.gpus.iter().try_fold(0_u64, |sum, gpu| Some(sum.saturating_add(of(gpu)?)))
    }
}

/// What is remembered from look to look.
#[derive(Debug, Default)]
pub struct GpuWatch {
    /// Which projects hold more than their budget.
    over: Lasting<ProjectName>,
}

impl GpuWatch {
    /// `None`: nothing is declared of GPUs. `Unknown`: they cannot be asked.
    pub async fn look(
        &mut self,
        config: &Config,
        host: &Host,
        listing: Option<&Listing>,
        now: &Now,
    ) -> Option<Known<GpuSeen>> {
        if config.projects.values().all(|project| project.gpu.is_none()) {
            *self = GpuWatch::default();
            return None;
        }
        let settings = Settings {
            library: config.nvml.clone(),
            interval: config.gpu_interval.max(Duration::from_secs(1)),
            procfs: host.roots.procfs.clone(),
        };
        let Some(told) = host.gpus.newest(&settings).await else {
            return Some(Known::Unknown("no thread could be started".into()));
        };
        let mut seen = match join(&told.found, listing) {
            Ok(seen) => seen,
            Err(why) => {
                self.over = Lasting::default();
                return Some(Known::Unknown(why));
            }
        };
        self.measure(config, &mut seen, now);
        Some(Known::Known(seen))
    }

    fn measure(&mut self, config: &Config, seen: &mut GpuSeen, now: &Now) {
        self.over.keep_only(|name| config.projects.contains_key(name));
        for (name, project) in &config.projects {
            let budget = project.gpu.and_then(|gpu| gpu.vram);
            let over = budget.zip(seen.held_by(name.as_str())).is_some_and(|(budget, held)| held > budget.0);
            seen.over.extend(self.over.take(name, over, now.up).map(|long| (name.clone(), long)));
        }
    }
}

fn join(found: &Found, listing: Option<&Listing>) -> Result<GpuSeen, String> {
    let (sample, owners) = match found {
        Found::NoLibrary => return Err("there is no library of NVIDIA's driver (libnvidia-ml.so.1)".into()),
        Found::Pending => return Err("the driver has not answered yet".into()),
        Found::Silent => return Err("the driver does not answer any more".into()),
        Found::Failed(why) => return Err(why.clone()),
        Found::Sample { sample, owners } => (sample, owners),
    };
    let Some(Answer::Up { containers, .. }) = listing.map(|listing| &listing.answer) else {
        return Err("Docker cannot be asked whose processes they are".into());
    };
    let projects: BTreeMap<&str, &str> = containers
        .iter()
        .filter_map(|docked| Some((docked.listed.id.as_str(), docked.listed.compose.project.as_deref()?)))
        .collect();
    let held = |gpu: &crate::host::nvml::Gpu| GpuHeld {
        index: gpu.index,
        name: gpu.name.clone(),
        total: gpu.memory_total_bytes,
        used: gpu.memory_used_bytes,
        mode: gpu.compute_mode.clone(),
        projects: gpu.processes.as_ref().map(|processes| {
            let mut sums: BTreeMap<String, u64> = BTreeMap::new();
            for (pid, bytes) in processes {
                let project = owners.get(pid).and_then(|id| projects.get(id.as_str()));
                if let Some(project) = project {
                    let sum = sums.entry((*project).to_owned()).or_default();
                    *sum = sum.saturating_add(*bytes);
                }
            }
            sums
        }),
    };
    let gpus = sample.gpus.iter().map(held).collect();
    Ok(GpuSeen { gpus, can_limit: sample.can_limit, over: BTreeMap::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keepers::limits::config::Project;
    use crate::keepers::limits::gpu::config::Gpu;
    use crate::values::Bytes;

    #[test]
    fn a_project_is_over_its_budget_since_it_was_first_found_so() {
        let project = Project { gpu: Some(Gpu { vram: Some(Bytes(100)), ..Gpu::default() }), ..Project::default() };
        let config = Config { projects: BTreeMap::from([("a".parse().unwrap(), project)]), ..Config::default() };
        let mut watch = GpuWatch::default();
        let mut over = |held: Option<u64>, second: u64| {
            let projects = held.map(|held| BTreeMap::from([("a".to_owned(), held)]));
            let mut seen = GpuSeen { gpus: vec![GpuHeld { projects, ..GpuHeld::default() }], ..GpuSeen::default() };
            let now = Now { wall: jiff::Timestamp::UNIX_EPOCH, up: Duration::from_secs(second), boot: "a".into() };
            watch.measure(&config, &mut seen, &now);
            seen.over.values().next().map(Duration::as_secs)
        };
        assert_eq!(over(Some(100), 1), None, "all of it, and no more");
        assert_eq!(over(Some(101), 5), Some(0));
        assert_eq!(over(Some(500), 65), Some(60));
        assert_eq!(over(None, 70), None, "what is not known is no breach");
        assert_eq!(over(Some(101), 75), Some(0));
    }

    #[test]
    fn the_memory_of_all_gpus_counts_and_one_that_is_silent_makes_it_unknown() {
        let gpu = |projects: Option<BTreeMap<String, u64>>| GpuHeld { projects, ..GpuHeld::default() };
        let of = |bytes: u64| Some(BTreeMap::from([("a".to_owned(), bytes)]));
        let seen = |gpus: Vec<GpuHeld>| GpuSeen { gpus, ..GpuSeen::default() };
        assert_eq!(seen(vec![gpu(of(5)), gpu(of(7))]).held_by("a"), Some(12));
        assert_eq!(seen(vec![gpu(of(5))]).held_by("b"), Some(0));
        assert_eq!(seen(vec![gpu(of(5)), gpu(None)]).held_by("a"), None);
    }
}
