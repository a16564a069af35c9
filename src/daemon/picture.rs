//! Puts what the keepers saw and the round decided into one snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Loaded;
use crate::round::{
    AgentView, CollectorView, Concern, HostView, ProjectView, RoundResult, Severity, Sight, Snapshot, Views,
};
use crate::values::{Now, ProjectName};

/// What the snapshot needs besides the round's result.
pub struct Frame<'a> {
    pub number: u64,
    pub at: &'a Now,
    pub took_seconds: f64,
    pub loaded: &'a Loaded,
    pub agent: AgentView,
    /// Concerns of the agent about itself.
    pub own: Vec<Concern>,
}

pub fn draw_snapshot(result: &RoundResult, frame: Frame<'_>) -> Snapshot {
    let views = join_views(result.sights.values());
    let mut concerns = result.concerns.clone();
    concerns.extend(frame.own);
    concerns.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| (&a.id, &a.subject).cmp(&(&b.id, &b.subject))));
    Snapshot {
        round: frame.number,
        at: frame.at.wall,
        took_seconds: frame.took_seconds,
        mode: frame.loaded.settings.host.mode,
        plan_id: result.plan_id(),
        plan: result.plan.clone(),
        concerns,
        keepers: result.reports.clone(),
        ledger: result.ledger.clone(),
        host: named(views.host.unwrap_or_default(), frame.loaded),
        projects: with_declared(views.projects, frame.loaded),
        containers: views.containers,
        tiers: views.tiers,
        dirs: views.dirs,
        pools: views.pools,
        reclaim: views.reclaim,
        audit: views.audit,
        cleans: views.cleans,
        limits: views.limits,
        agent: frame.agent,
    }
}

/// The views of all keepers as one.
pub fn join_views<'a>(sights: impl Iterator<Item = &'a Arc<dyn Sight>>) -> Views {
    let mut all = Views::default();
    for sight in sights {
        let views = sight.show();
        all.host = all.host.or(views.host);
        all.projects.extend(views.projects);
        all.containers.extend(views.containers);
        all.tiers.extend(views.tiers);
        all.dirs.extend(views.dirs);
        all.pools.extend(views.pools);
        all.reclaim = all.reclaim.or(views.reclaim);
        all.audit = all.audit.or(views.audit);
        all.cleans.extend(views.cleans);
        all.limits.extend(views.limits);
        all.collectors.extend(views.collectors);
    }
    all
}

/// What each collector took, of what is seen now.
pub fn collectors<'a>(sights: impl Iterator<Item = &'a Arc<dyn Sight>>) -> Vec<CollectorView> {
    join_views(sights).collectors
}

/// The configured name of the host wins over the kernel's.
fn named(mut host: HostView, loaded: &Loaded) -> HostView {
    if let Some(name) = &loaded.settings.host.name {
        name.clone_into(&mut host.hostname);
    }
    host
}

/// Projects that are declared but have no container are shown too.
fn with_declared(seen: Vec<ProjectView>, loaded: &Loaded) -> Vec<ProjectView> {
    let mut all: BTreeMap<ProjectName, ProjectView> =
        seen.into_iter().map(|view| (view.project.clone(), view)).collect();
    for project in loaded.settings.projects.keys() {
        let empty = || ProjectView {
            project: project.clone(),
            declared: true,
            containers_running: 0,
            containers_total: 0,
            cpu_used_cores: None,
            cpu_limit_cores: None,
            memory_working_set_bytes: None,
            memory_limit_bytes: None,
            io_read_bytes_per_second: None,
            io_write_bytes_per_second: None,
            network_receive_bytes_per_second: None,
            network_transmit_bytes_per_second: None,
            gpu_memory_bytes: None,
        };
        all.entry(project.clone()).or_insert_with(empty).declared = true;
    }
    all.into_values().collect()
}

/// `2 problems, 3 projects, 21 containers, mode observe`: the status line for systemd.
pub fn status_line(snapshot: &Snapshot) -> String {
    let problems = snapshot.concerns.iter().filter(|concern| concern.severity > Severity::Info).count();
    format!(
        "{} problems, {} projects, {} containers; mode {}; round {}",
        problems,
        snapshot.projects.len(),
        snapshot.containers.len(),
        snapshot.mode,
        snapshot.round
    )
}
