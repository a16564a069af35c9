//! Vitals at the table: looks at host, containers and GPUs, and gives it all to the page. Plans nothing.

use std::sync::{Arc, Mutex, TryLockError};

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::container_views;
use super::metrics;
use super::observe::CollectorRun;
use super::observe::containers::{ContainersLook, ContainersSeen};
use super::observe::gpu::{self, GpuSeen};
use super::observe::host::{FilesystemSeen, HostLook, HostSeen, host_view};
use crate::host::{Error, Host};
use crate::ledger::Past;
use crate::metrics::Page;
use crate::round::{Change, CollectorView, FilesystemView, HostView, Keeper, Plan, Step, Views};
use crate::values::Now;

/// The keeper of measurements.
#[derive(Default)]
pub struct Vitals {
    /// Shared with the thread that looks: a driver that hangs keeps that thread, not the agent.
    host: Option<Arc<Mutex<HostLook>>>,
    containers: ContainersLook,
}

/// Everything that one look saw.
pub struct Seen {
    pub host: HostSeen,
    pub containers: ContainersSeen,
    pub gpu: GpuSeen,
}

/// There is nothing that vitals would do: no value of this type exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Never {}

impl std::fmt::Display for Never {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl Step for Never {
    fn kind(&self) -> &'static str {
        match *self {}
    }
}

impl Keeper for Vitals {
    const NAME: &'static str = "vitals";
    const AT_SCRAPE: bool = true;
    type Config = Config;
    type Seen = Seen;
    type Step = Never;

    async fn observe(&mut self, config: &Config, host: &Host, now: &Now) -> Result<Seen, Error> {
        let seen_host = self.look_at_host(host, now).await?;
        let containers = self.containers.look(config, host, now).await;
        let gpu = gpu::look(config, host, &containers).await;
        Ok(Seen { host: seen_host, containers, gpu })
    }

    fn decide(_: &Config, _: &Seen, _: &Past, _: &Now) -> Plan<Never> {
        Plan::default()
    }

    async fn act(&mut self, _: &Config, step: &Never, _: &Host) -> Result<Change, Error> {
        match *step {}
    }

    async fn examine(&mut self, _: &Config, step: &Never, _: &Host) -> Option<bool> {
        match *step {}
    }

    fn measure(_: &Config, seen: &Seen, page: &mut Page) {
        metrics::node::measure_host(&seen.host, page);
        metrics::manual::measure_manual_host(&seen.host, page);
        metrics::host::measure_own_host(&seen.host, page);
        metrics::machine::measure(&seen.containers, page);
        metrics::project::measure(&seen.containers, page);
        metrics::gpu::measure(&seen.gpu, page);
        metrics::container::measure(&seen.containers, page);
    }

    fn show(_: &Config, seen: &Seen) -> Views {
        let host = HostView {
            docker: container_views::show_docker(&seen.containers),
            cgroups: seen.containers.cgroups.map(|layout| layout.to_string()),
            gpus: container_views::show_gpus(&seen.gpu),
            filesystems: show_filesystems(&seen.host),
            ..host_view(&seen.host)
        };
        let runs = seen.host.runs.iter().chain(&seen.containers.runs).chain(&seen.gpu.run);
        Views {
            host: Some(host),
            projects: container_views::project_views(&seen.containers, &seen.gpu),
            containers: container_views::container_views(&seen.containers, &seen.gpu),
            collectors: runs.map(show_run).collect(),
            ..Views::default()
        }
    }
}

impl Vitals {
    async fn look_at_host(&mut self, host: &Host, now: &Now) -> Result<HostSeen, Error> {
        let rebuilt = |look: &Arc<Mutex<HostLook>>| look.try_lock().is_ok_and(|look| *look.roots() != host.roots);
        if self.host.as_ref().is_none_or(rebuilt) {
            self.host = Some(Arc::new(Mutex::new(HostLook::new(host.roots.clone()))));
        }
        let Some(look) = self.host.clone() else { return Ok(HostSeen::default()) };
        let now = now.clone();
        let looked = tokio::task::spawn_blocking(move || match look.try_lock() {
            Ok(mut look) => Ok(look.look(&now)),
            Err(TryLockError::Poisoned(_)) => Err(Error::reply("the look at the host", "it panicked before")),
            Err(TryLockError::WouldBlock) => {
                Err(Error::reply("the look at the host", "an earlier one has not come back"))
            }
        })
        .await;
        match looked {
            Ok(seen) => seen,
            Err(error) => {
                // A panic is a bug, not the end of measuring: the next look starts afresh.
                self.host = None;
                Err(Error::reply("the look at the host", error))
            }
        }
    }
}

/// File systems on block devices; network and memory file systems hold nobody's data directories.
fn show_filesystems(seen: &HostSeen) -> Vec<FilesystemView> {
    let all = seen.disks.filesystems.iter().flatten();
    let view = |mounted: &FilesystemSeen| {
        let device = mounted.device.strip_prefix("/dev/")?;
        let space = mounted.space.value()?;
        Some(FilesystemView {
            path: mounted.mount_point.clone(),
            device: device.to_owned(),
            fstype: mounted.fstype.clone(),
            size_bytes: space.size,
            available_bytes: space.available,
        })
    };
    all.filter_map(view).collect()
}

fn show_run(run: &CollectorRun) -> CollectorView {
    CollectorView {
        collector: run.name.to_owned(),
        group: run.group.as_str().to_owned(),
        success: run.outcome.is_ok(),
        duration_seconds: run.took.as_secs_f64(),
        error: run.outcome.as_ref().err().cloned(),
    }
}
