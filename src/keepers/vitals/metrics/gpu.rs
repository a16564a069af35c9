//! GPUs: `hostkeeper_gpu_*` in base units, nvidia_gpu_exporter's core names, and the manual's two. A value that could not be
//! had has no sample.

use crate::keepers::vitals::observe::gpu::Gpu;
use crate::keepers::vitals::observe::gpu::GpuSeen;
use crate::metrics::{Family, Group, Number, Page};

/// A family with one sample per GPU.
struct PerGpu(Family, fn(&Gpu) -> Option<Number>);

fn ratio(percent: Option<u32>) -> Option<Number> {
    percent.map(|percent| Number::Float(f64::from(percent) / 100.0))
}

fn watts(milliwatts: Option<u32>) -> Option<Number> {
    milliwatts.map(|milliwatts| Number::Float(f64::from(milliwatts) / 1000.0))
}

fn hertz(mhz: Option<u32>) -> Option<Number> {
    mhz.map(|mhz| Number::Unsigned(u64::from(mhz) * 1_000_000))
}

fn bytes(bytes: Option<u64>) -> Option<Number> {
    bytes.map(Number::Unsigned)
}

fn plain(number: Option<u32>) -> Option<Number> {
    number.map(Number::from)
}

const INFO: Family = Family::gauge("hostkeeper_gpu_info", "A GPU of this host; always 1.");
const SMI_INFO: Family = Family::gauge("nvidia_smi_gpu_info", "A metric with a constant '1' value labeled by gpu.");
const PROJECT_MEMORY: Family =
    Family::gauge("hostkeeper_project_gpu_memory_bytes", "GPU memory held by the project's processes.");

/// Ours; label `gpu` is the GPU's UUID.
const OURS: &[PerGpu] = &[
    PerGpu(Family::gauge("hostkeeper_gpu_memory_total_bytes", "Memory of the GPU."), |gpu| {
        bytes(gpu.memory_total_bytes)
    }),
    PerGpu(Family::gauge("hostkeeper_gpu_memory_used_bytes", "Memory of the GPU in use, by anybody."), |gpu| {
        bytes(gpu.memory_used_bytes)
    }),
    PerGpu(
        Family::gauge("hostkeeper_gpu_utilization_ratio", "Share of the driver's last period with work on the GPU."),
        |gpu| ratio(gpu.utilization_percent),
    ),
    PerGpu(
        Family::gauge("hostkeeper_gpu_memory_utilization_ratio", "Share of the period with memory traffic."),
        |gpu| ratio(gpu.memory_utilization_percent),
    ),
    PerGpu(Family::gauge("hostkeeper_gpu_temperature_celsius", "Temperature of the GPU."), |gpu| {
        plain(gpu.temperature_celsius)
    }),
    PerGpu(Family::gauge("hostkeeper_gpu_power_watts", "Power drawn."), |gpu| watts(gpu.power_milliwatts)),
    PerGpu(Family::gauge("hostkeeper_gpu_power_limit_watts", "Power limit in force."), |gpu| {
        watts(gpu.power_limit_milliwatts)
    }),
    PerGpu(Family::gauge("hostkeeper_gpu_fan_speed_ratio", "Intended fan speed; absent without a fan."), |gpu| {
        ratio(gpu.fan_percent)
    }),
    PerGpu(Family::gauge("hostkeeper_gpu_performance_state", "Performance state, 0 (fastest) to 15."), |gpu| {
        plain(gpu.performance_state)
    }),
    PerGpu(Family::gauge("hostkeeper_gpu_sm_clock_hertz", "Clock of the multiprocessors."), |gpu| {
        hertz(gpu.sm_clock_mhz)
    }),
    PerGpu(Family::gauge("hostkeeper_gpu_memory_clock_hertz", "Clock of the memory."), |gpu| {
        hertz(gpu.memory_clock_mhz)
    }),
];

/// nvidia_gpu_exporter's; label `uuid` is the UUID in small letters without `GPU-`, as there.
const SMI: &[PerGpu] = &[
    PerGpu(Family::gauge("nvidia_smi_index", "index"), |gpu| Some(gpu.index.into())),
    PerGpu(Family::gauge("nvidia_smi_memory_total_bytes", "memory.total [MiB]"), |gpu| bytes(gpu.memory_total_bytes)),
    PerGpu(Family::gauge("nvidia_smi_memory_used_bytes", "memory.used [MiB]"), |gpu| bytes(gpu.memory_used_bytes)),
    PerGpu(Family::gauge("nvidia_smi_memory_free_bytes", "memory.free [MiB]"), |gpu| bytes(gpu.memory_free_bytes)),
    PerGpu(Family::gauge("nvidia_smi_utilization_gpu_ratio", "utilization.gpu [%]"), |gpu| {
        ratio(gpu.utilization_percent)
    }),
    PerGpu(Family::gauge("nvidia_smi_utilization_memory_ratio", "utilization.memory [%]"), |gpu| {
        ratio(gpu.memory_utilization_percent)
    }),
    PerGpu(Family::gauge("nvidia_smi_temperature_gpu", "temperature.gpu"), |gpu| plain(gpu.temperature_celsius)),
    PerGpu(Family::gauge("nvidia_smi_power_draw_watts", "power.draw [W]"), |gpu| watts(gpu.power_milliwatts)),
    PerGpu(Family::gauge("nvidia_smi_enforced_power_limit_watts", "enforced.power.limit [W]"), |gpu| {
        watts(gpu.power_limit_milliwatts)
    }),
    PerGpu(Family::gauge("nvidia_smi_fan_speed_ratio", "fan.speed [%]"), |gpu| ratio(gpu.fan_percent)),
    PerGpu(Family::gauge("nvidia_smi_pstate", "pstate"), |gpu| plain(gpu.performance_state)),
    PerGpu(Family::gauge("nvidia_smi_clocks_current_graphics_clock_hz", "clocks.current.graphics [MHz]"), |gpu| {
        hertz(gpu.graphics_clock_mhz)
    }),
    PerGpu(Family::gauge("nvidia_smi_clocks_current_sm_clock_hz", "clocks.current.sm [MHz]"), |gpu| {
        hertz(gpu.sm_clock_mhz)
    }),
    PerGpu(Family::gauge("nvidia_smi_clocks_current_memory_clock_hz", "clocks.current.memory [MHz]"), |gpu| {
        hertz(gpu.memory_clock_mhz)
    }),
];

/// The manual's; label `gpu` as ours.
const MANUAL: &[PerGpu] = &[
    PerGpu(Family::gauge("nvidia_gpu_memory_usage_bytes", "Memory of the GPU in use."), |gpu| {
        bytes(gpu.memory_used_bytes)
    }),
    PerGpu(
        Family::gauge("nvidia_gpu_utilization_percent", "Percent of the driver's last period with work on the GPU."),
        |gpu| plain(gpu.utilization_percent),
    ),
];

/// The families written here.
pub fn families() -> Vec<&'static Family> {
    const OTHERS: &[Family] = &[INFO, SMI_INFO, PROJECT_MEMORY];
    OTHERS.iter().chain(OURS.iter().chain(SMI).chain(MANUAL).map(|per| &per.0)).collect()
}

/// Writes them.
pub fn measure(seen: &GpuSeen, page: &mut Page) {
    if page.wants(Group::Hostkeeper, "gpu") {
        page.family(&INFO);
        for gpu in seen.gpus.iter().map(|used| &used.gpu) {
            let index = gpu.index.to_string();
            let labels = [("gpu", gpu.uuid.as_str()), ("index", &index), ("name", &gpu.name), ("driver", &seen.driver)];
            page.sample(&labels, 1u64);
        }
        write(OURS, "gpu", seen, |uuid| uuid.to_owned(), page);
        write_projects(seen, page);
    }
    if page.wants(Group::Gpu, "gpu") {
        page.family(&SMI_INFO);
        for gpu in seen.gpus.iter().map(|used| &used.gpu) {
            let (uuid, index) = (fit_smi_uuid(&gpu.uuid), gpu.index.to_string());
            let labels =
                [("uuid", uuid.as_str()), ("name", &gpu.name), ("driver_version", &seen.driver), ("index", &index)];
            page.sample(&labels, 1u64);
        }
        write(SMI, "uuid", seen, fit_smi_uuid, page);
    }
    if page.wants(Group::Manual, "gpu") {
        write(MANUAL, "gpu", seen, |uuid| uuid.to_owned(), page);
    }
}

fn fit_smi_uuid(uuid: &str) -> String {
    let uuid = uuid.to_ascii_lowercase();
    uuid.strip_prefix("gpu-").unwrap_or(&uuid).to_owned()
}

fn write(table: &[PerGpu], label: &str, seen: &GpuSeen, name: impl Fn(&str) -> String, page: &mut Page) {
    for per in table {
        page.family(&per.0);
        for used in &seen.gpus {
            if let Some(value) = (per.1)(&used.gpu) {
                page.sample(&[(label, &name(&used.gpu.uuid))], value);
            }
        }
    }
}

fn write_projects(seen: &GpuSeen, page: &mut Page) {
    page.family(&PROJECT_MEMORY);
    for used in &seen.gpus {
        for (project, held) in used.projects.iter().flatten() {
            page.sample(&[("project", project.as_str()), ("gpu", &used.gpu.uuid)], *held);
        }
    }
}
