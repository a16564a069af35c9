//! Vitals at the table: looks at host, containers and GPUs, and gives it all to the page. Plans nothing.

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::container_views;
use super::metrics;
use super::observe::CollectorRun;
use super::observe::containers::{ContainersLook, ContainersSeen};
use super::observe::gpu::{GpuLook, GpuSeen};
use crate::host::{Error, Host};
use crate::ledger::Past;
use crate::metrics::Page;
use crate::round::{Change, CollectorView, HostView, Keeper, Plan, Step, Views};
use crate::values::Now;

/// The keeper of measurements.
#[derive(Default)]
pub struct Vitals {
    containers: ContainersLook,
    gpu: GpuLook,
}

/// Everything that one look saw.
pub struct Seen {
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
        let containers = self.containers.look(config, &host.roots, now).await;
        let gpu = self.gpu.look(config, &host.roots, &containers).await;
        Ok(Seen { containers, gpu })
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
        metrics::machine::measure(&seen.containers, page);
        metrics::project::measure(&seen.containers, page);
        metrics::gpu::measure(&seen.gpu, page);
        metrics::container::measure(&seen.containers, page);
    }

    fn show(_: &Config, seen: &Seen) -> Views {
        let host = HostView {
            docker: container_views::show_docker(&seen.containers),
            gpus: container_views::show_gpus(&seen.gpu),
            ..HostView::default()
        };
        let runs = seen.containers.runs.iter().chain(&seen.gpu.run);
        Views {
            host: Some(host),
            projects: container_views::project_views(&seen.containers, &seen.gpu),
            containers: container_views::container_views(&seen.containers, &seen.gpu),
            collectors: runs.map(show_run).collect(),
            ..Views::default()
        }
    }
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
