//! What the API, the CLI and the page show of containers, projects and GPUs. Pure.

use super::observe::containers::{ContainerSeen, ContainersSeen, DockerState};
use super::observe::gpu::GpuSeen;
use super::observe::projects::ProjectSeen;
use crate::round::{ContainerView, GpuView, ProjectView};

/// Docker in one line for `HostView::docker`: its version, or why it could not be asked. `None`: not configured.
pub fn show_docker(seen: &ContainersSeen) -> Option<String> {
    match &seen.docker {
        DockerState::Unasked => None,
        DockerState::Absent(why) => Some(format!("absent: {why}")),
        DockerState::Up(version) => Some(format!("{} (API {})", version.server, version.api)),
        DockerState::Failing(why) => Some(format!("cannot be asked: {why}")),
    }
}

/// For `HostView::gpus`.
pub fn show_gpus(seen: &GpuSeen) -> Vec<GpuView> {
    let view = |gpu: &crate::host::nvml::Gpu| GpuView {
        uuid: gpu.uuid.clone(),
        name: gpu.name.clone(),
        memory_total_bytes: gpu.memory_total_bytes,
        memory_used_bytes: gpu.memory_used_bytes,
        utilization_percent: gpu.utilization_percent.map(f64::from),
        compute_mode: gpu.compute_mode.clone(),
    };
    seen.gpus.iter().map(|used| view(&used.gpu)).collect()
}

/// Projects as seen at Docker; `declared` is for whoever knows the configuration.
pub fn project_views(seen: &ContainersSeen, gpus: &GpuSeen) -> Vec<ProjectView> {
    seen.projects.iter().map(|project| project_view(project, gpus)).collect()
}

fn project_view(seen: &ProjectSeen, gpus: &GpuSeen) -> ProjectView {
    let rates = seen.rates;
    let network = rates.and_then(|rates| rates.network);
    ProjectView {
        project: seen.project.clone(),
        declared: false,
        containers_running: seen.running,
        containers_total: seen.total,
        cpu_used_cores: rates.map(|rates| rates.cpu_cores),
        cpu_limit_cores: seen.cpu_limit_cores,
        memory_working_set_bytes: seen.memory.map(|memory| memory.working_set),
        memory_limit_bytes: seen.memory_limit_bytes,
        io_read_bytes_per_second: rates.map(|rates| rates.io_read_bytes),
        io_write_bytes_per_second: rates.map(|rates| rates.io_write_bytes),
        network_receive_bytes_per_second: network.map(|(receive, _)| receive),
        network_transmit_bytes_per_second: network.map(|(_, transmit)| transmit),
        gpu_memory_bytes: sum_gpus(gpus, |used| {
            Some(used.projects.as_ref()?.get(&seen.project).copied().unwrap_or_default())
        }),
    }
}

/// The sum over all GPUs; `None` without GPUs, and when one of them cannot be told.
fn sum_gpus(gpus: &GpuSeen, of: impl Fn(&super::observe::gpu::GpuUse) -> Option<u64>) -> Option<u64> {
    if gpus.gpus.is_empty() {
        return None;
    }
    gpus.gpus.iter().map(of).try_fold(0u64, |sum, part| Some(sum.saturating_add(part?)))
}

/// All containers, also those that do not run.
pub fn container_views(seen: &ContainersSeen, gpus: &GpuSeen) -> Vec<ContainerView> {
    let view = |container: &ContainerSeen| {
        let id = container.identity.id.as_str();
        let held = sum_gpus(gpus, |used| Some(used.containers.as_ref()?.get(id).copied().unwrap_or_default()));
        container_view(container, held)
    };
    seen.containers.iter().map(view).collect()
}

fn container_view(seen: &ContainerSeen, gpu_memory_bytes: Option<u64>) -> ContainerView {
    let identity = &seen.identity;
    let life = seen.life.as_ref();
    let usage = seen.usage.as_ref();
    let rates = seen.rates;
    let network = rates.and_then(|rates| rates.network);
    // Without Docker's word, a cgroup with processes is a running container.
    let unsaid = if usage.is_some() { "running" } else { "unknown" };
    ContainerView {
        id: identity.id.get(..12).unwrap_or_default().to_owned(),
        name: identity.name.clone(),
        project: identity.compose.project.clone(),
        service: identity.compose.service.clone(),
        image: identity.image.clone(),
        state: life.map_or(unsaid, |life| &life.state).to_owned(),
        health: life.and_then(|life| life.health.clone()),
        exit_code: life.and_then(|life| life.exit_code),
        cpu_used_cores: rates.map(|rates| rates.cpu_cores),
        cpu_limit_cores: usage.and_then(|usage| usage.limits.cpu_cores()),
        cpu_throttled_percent: rates.and_then(|rates| rates.throttled_percent),
        memory_working_set_bytes: usage.and_then(|usage| usage.counters.memory).map(|memory| memory.working_set()),
        memory_limit_bytes: usage.and_then(|usage| usage.limits.memory),
        io_read_bytes_per_second: rates.map(|rates| rates.io_read_bytes),
        io_write_bytes_per_second: rates.map(|rates| rates.io_write_bytes),
        network_receive_bytes_per_second: network.map(|(receive, _)| receive),
        network_transmit_bytes_per_second: network.map(|(_, transmit)| transmit),
        gpu_memory_bytes,
    }
}
