//! GPUs through NVIDIA's management library, opened at run time. A host without the library has no GPUs; a query that the
//! driver does not answer is a `None`, never a zero. Calls may hang in the driver: the caller keeps them on a thread of
//! their own.

use std::collections::BTreeMap;

use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{Clock, ComputeMode, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;

use super::Error;
use crate::values::one_line;

/// Where the library is, by the loader's search path: the driver's name, then the development link.
const USUAL: [&str; 2] = ["libnvidia-ml.so.1", "libnvidia-ml.so"];
/// GPUs looked at.
const MAX_GPUS: u32 = 64;

/// One GPU as it was at the sample. `None`: not supported, or failed (then named in `failed`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gpu {
    pub index: u32,
    pub uuid: String,
    pub name: String,
    pub memory_total_bytes: Option<u64>,
    pub memory_used_bytes: Option<u64>,
    pub memory_free_bytes: Option<u64>,
    /// Share of the last sample period in which a kernel ran, percent.
    pub utilization_percent: Option<u32>,
    pub memory_utilization_percent: Option<u32>,
    pub temperature_celsius: Option<u32>,
    pub power_milliwatts: Option<u32>,
    pub power_limit_milliwatts: Option<u32>,
    pub fan_percent: Option<u32>,
    /// 0 (fastest) to 15.
    pub performance_state: Option<u32>,
    pub sm_clock_mhz: Option<u32>,
    pub memory_clock_mhz: Option<u32>,
    pub graphics_clock_mhz: Option<u32>,
    /// Who may compute on it at once: `default` (anybody), `exclusive_process`, `prohibited`.
    pub compute_mode: Option<String>,
    /// Memory by host process. `None`: the list, or the memory of one of them, could not be had.
    pub processes: Option<BTreeMap<u32, u64>>,
    /// Queries that failed, with the driver's words.
    pub failed: Vec<String>,
}

/// All GPUs at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuSample {
    pub driver: String,
    /// The driver could hold a process to an amount of memory (`nvmlDeviceSetMemoryLimits`, r615 and newer).
    pub can_limit: bool,
    pub gpus: Vec<Gpu>,
}

/// The opened library.
pub struct Nvml {
    library: nvml_wrapper::Nvml,
    can_limit: bool,
}

impl Nvml {
    /// Opens the library at `path`, or in the usual places when that is empty. `None`: there is none.
    pub fn open(path: &str) -> Result<Option<Nvml>, Error> {
        let candidates: &[&str] = if path.is_empty() { &USUAL } else { &[path] };
        for candidate in candidates {
            match nvml_wrapper::Nvml::builder().lib_path(candidate.as_ref()).init() {
                Ok(library) => return Ok(Some(Nvml { library, can_limit: has_limits(candidate) })),
                // Not there, or not for this machine. A named library must be there.
                Err(NvmlError::LibloadingError(error)) if !path.is_empty() => {
                    return Err(Error::reply("nvml", one_line(&error.to_string(), 200)));
                }
                Err(NvmlError::LibloadingError(_)) => {}
                Err(error) => return Err(Error::reply("nvml", one_line(&error.to_string(), 200))),
            }
        }
        Ok(None)
    }

    /// Asks every GPU everything. A GPU that does not even tell its id is left out and named in the error of the look
    /// only when it is the only one.
    pub fn read_sample(&self) -> Result<GpuSample, Error> {
        let failed = |error: NvmlError| Error::reply("nvml", one_line(&error.to_string(), 200));
        let count = self.library.device_count().map_err(failed)?.min(MAX_GPUS);
        let driver = self.library.sys_driver_version().map(|text| one_line(&text, 80)).unwrap_or_default();
        let mut gpus = Vec::new();
        let mut trouble = None;
        for index in 0..count {
            let uuid = self.library.device_by_index(index).and_then(|device| Ok((device.uuid()?, device)));
            match uuid {
                Ok((uuid, device)) => gpus.push(read_gpu(index, uuid, &device)),
                Err(error) => trouble = Some(error),
            }
        }
        match trouble {
            Some(error) if gpus.is_empty() => Err(failed(error)),
            _ => Ok(GpuSample { driver, can_limit: self.can_limit, gpus }),
        }
    }
}

/// Whether the library has a function that this program's bindings do not know yet. It is loaded already.
#[allow(unsafe_code)]
fn has_limits(path: &str) -> bool {
    // SAFETY: the same library was just initialised, so loading it again runs nothing; the function is not called.
    let library = unsafe { libloading::Library::new(path) };
    // SAFETY: only whether the symbol is there is asked, and the pointer is never used.
    library.is_ok_and(|library| unsafe { library.get::<*const ()>(b"nvmlDeviceSetMemoryLimits\0") }.is_ok())
}

fn read_gpu(index: u32, uuid: String, device: &Device<'_>) -> Gpu {
    let mut failed = Vec::new();
    let memory = keep("memory", device.memory_info(), &mut failed);
    let busy = keep("utilization", device.utilization_rates(), &mut failed);
    let pstate = keep("performance state", device.performance_state(), &mut failed);
    let mut clock = |name, kind| keep(name, device.clock_info(kind), &mut failed);
    let (sm, mem, graphics) =
        (clock("sm clock", Clock::SM), clock("memory clock", Clock::Memory), clock("graphics clock", Clock::Graphics));
    let compute = keep("compute processes", device.running_compute_processes(), &mut failed);
    let drawing = keep("graphics processes", device.running_graphics_processes(), &mut failed);
    Gpu {
        index,
        uuid: one_line(&uuid, 80),
        name: keep("name", device.name(), &mut failed).map(|name| one_line(&name, 80)).unwrap_or_default(),
        memory_total_bytes: memory.as_ref().map(|memory| memory.total),
        memory_used_bytes: memory.as_ref().map(|memory| memory.used),
        memory_free_bytes: memory.as_ref().map(|memory| memory.free),
        utilization_percent: busy.as_ref().map(|busy| busy.gpu),
        memory_utilization_percent: busy.as_ref().map(|busy| busy.memory),
        temperature_celsius: keep("temperature", device.temperature(TemperatureSensor::Gpu), &mut failed),
        power_milliwatts: keep("power", device.power_usage(), &mut failed),
        power_limit_milliwatts: keep("power limit", device.enforced_power_limit(), &mut failed),
        fan_percent: keep("fan", device.fan_speed(0), &mut failed),
        performance_state: pstate.map(|state| state.as_c()).filter(|state| *state <= 15),
        sm_clock_mhz: sm,
        memory_clock_mhz: mem,
        graphics_clock_mhz: graphics,
        compute_mode: keep("compute mode", device.compute_mode(), &mut failed).map(words_of),
        processes: compute.zip(drawing).and_then(|(compute, drawing)| merge_processes(&compute, &drawing)),
        failed,
    }
}

fn words_of(mode: ComputeMode) -> String {
    match mode {
        ComputeMode::Default => "default",
        ComputeMode::ExclusiveThread => "exclusive_thread",
        ComputeMode::Prohibited => "prohibited",
        ComputeMode::ExclusiveProcess => "exclusive_process",
    }
    .to_owned()
}

/// The answer, when there is one. "Not supported" is how a card is made, not a failure.
fn keep<T>(query: &str, answer: Result<T, NvmlError>, failed: &mut Vec<String>) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_)) => None,
        Err(error) => {
            failed.push(format!("{query}: {}", one_line(&error.to_string(), 120)));
            None
        }
    }
}

/// A process in both lists is one process: its memory is counted once. `None` when the memory of one is not told.
fn merge_processes(compute: &[ProcessInfo], drawing: &[ProcessInfo]) -> Option<BTreeMap<u32, u64>> {
    let mut memory: BTreeMap<u32, u64> = BTreeMap::new();
    for process in compute.iter().chain(drawing) {
        let UsedGpuMemory::Used(bytes) = process.used_gpu_memory else { return None };
        let held = memory.entry(process.pid).or_default();
        *held = (*held).max(bytes);
    }
    Some(memory)
}
