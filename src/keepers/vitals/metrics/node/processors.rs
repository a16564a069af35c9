//! cpu, stat, cpufreq, schedstat, softnet, loadavg, pressure.

use super::{render_one, rows, single};
use crate::keepers::vitals::observe::host::{CpuFrequency, CpuTimes, Processors, RunQueue, Softnet, Throttles};
use crate::metrics::{Family, Group, Page};

const CPU: Family = Family::counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.");
const GUEST: Family =
    Family::counter("node_cpu_guest_seconds_total", "Seconds the CPUs spent in guests (VMs) for each mode.");
const CORE_THROTTLES: Family =
    Family::counter("node_cpu_core_throttles_total", "Number of times this CPU core has been throttled.");
const PACKAGE_THROTTLES: Family =
    Family::counter("node_cpu_package_throttles_total", "Number of times this CPU package has been throttled.");
const BOOT_TIME: Family = Family::gauge("node_boot_time_seconds", "Node boot time, in unixtime.");
const SWITCHES: Family = Family::counter("node_context_switches_total", "Total number of context switches.");
const FORKS: Family = Family::counter("node_forks_total", "Total number of forks.");
const INTERRUPTS: Family = Family::counter("node_intr_total", "Total number of interrupts serviced.");
const BLOCKED: Family = Family::gauge("node_procs_blocked", "Number of processes blocked waiting for I/O to complete.");
const RUNNING: Family = Family::gauge("node_procs_running", "Number of processes in runnable state.");
const LOADS: [Family; 3] = [
    Family::gauge("node_load1", "1m load average."),
    Family::gauge("node_load5", "5m load average."),
    Family::gauge("node_load15", "15m load average."),
];
const PRESSURES: [Family; 5] = [
    Family::counter(
        "node_pressure_cpu_waiting_seconds_total",
        "Total time in seconds that processes have waited for CPU time",
    ),
    Family::counter(
        "node_pressure_io_waiting_seconds_total",
        "Total time in seconds that processes have waited due to IO congestion",
    ),
    Family::counter(
        "node_pressure_io_stalled_seconds_total",
        "Total time in seconds no process could make progress due to IO congestion",
    ),
    Family::counter(
        "node_pressure_memory_waiting_seconds_total",
        "Total time in seconds that processes have waited for memory",
    ),
    Family::counter(
        "node_pressure_memory_stalled_seconds_total",
        "Total time in seconds no process could make progress due to memory congestion",
    ),
];

pub fn measure(seen: &Processors, page: &mut Page) {
    if page.wants(Group::Node, "cpu") {
        measure_cpu(seen, page);
        measure_throttles(&seen.throttles, page);
    }
    if let Some(stat) = seen.stat.as_ref().filter(|_| page.wants(Group::Node, "stat")) {
        single(page, &BOOT_TIME, stat.boot_time);
        single(page, &SWITCHES, stat.context_switches);
        single(page, &FORKS, stat.forks);
        single(page, &INTERRUPTS, stat.interrupts);
        single(page, &BLOCKED, stat.blocked);
        single(page, &RUNNING, stat.running);
    }
    if page.wants(Group::Node, "cpufreq") {
        measure_frequencies(&seen.frequencies, page);
    }
    if let Some(queues) = seen.queues.as_ref().filter(|_| page.wants(Group::Node, "schedstat")) {
        measure_queues(queues, page);
    }
    if let Some(softnet) = seen.softnet.as_ref().filter(|_| page.wants(Group::Node, "softnet")) {
        measure_softnet(softnet, page);
    }
    if let Some(load) = seen.load.filter(|_| page.wants(Group::Node, "loadavg")) {
        for (family, value) in LOADS.iter().zip(load) {
            page.single(family, value);
        }
    }
    if let Some(pressure) = seen.pressure.filter(|_| page.wants(Group::Node, "pressure")) {
        let [cpu, io, memory] = [pressure.cpu, pressure.io, pressure.memory].map(Option::unwrap_or_default);
        let totals = [cpu.some_total, io.some_total, io.full_total, memory.some_total, memory.full_total];
        for (family, total) in PRESSURES.iter().zip(totals) {
            single(page, family, total.map(|microseconds| microseconds as f64 / 1000.0 / 1000.0));
        }
    }
}

fn measure_cpu(seen: &Processors, page: &mut Page) {
    let Some(stat) = &seen.stat else { return };
    let numbers: Vec<String> = stat.cpus.iter().map(|(cpu, _)| cpu.to_string()).collect();
    let rendered = render_one("cpu", numbers.iter().map(String::as_str));
    let mut modes = |family: &Family, names: &[&str], ticks: fn(&CpuTimes) -> [u64; 8]| {
        page.family(family);
        for (labels, (_, times)) in rendered.iter().zip(&stat.cpus) {
            for (mode, ticks) in names.iter().zip(ticks(times)) {
                page.sample_after(labels, &[("mode", mode)], ticks as f64 / seen.ticks_per_second);
            }
        }
    };
    let spent = ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"];
    modes(&GUEST, &["nice", "user"], |t| [t.guest_nice, t.guest, 0, 0, 0, 0, 0, 0]);
    modes(&CPU, &spent, |t| [t.idle, t.iowait, t.irq, t.nice, t.softirq, t.steal, t.system, t.user]);
}

fn measure_throttles(throttles: &Throttles, page: &mut Page) {
    page.family(&CORE_THROTTLES);
    for (package, core, count) in &throttles.cores {
        page.sample(&[("core", &core.to_string()), ("package", &package.to_string())], *count);
    }
    page.family(&PACKAGE_THROTTLES);
    for (package, count) in &throttles.packages {
        page.sample(&[("package", &package.to_string())], *count);
    }
}

/// How a frequency is named, and where it is.
type Frequency = (Family, fn(&CpuFrequency) -> Option<u64>);

fn measure_frequencies(frequencies: &[CpuFrequency], page: &mut Page) {
    const FAMILIES: [Frequency; 6] = [
        (Family::gauge("node_cpu_frequency_hertz", "Current cpu thread frequency in hertz."), |f| f.current),
        (Family::gauge("node_cpu_frequency_min_hertz", "Minimum cpu thread frequency in hertz."), |f| f.lowest),
        (Family::gauge("node_cpu_frequency_max_hertz", "Maximum cpu thread frequency in hertz."), |f| f.highest),
        (Family::gauge("node_cpu_scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."), |f| {
            f.scaling_current
        }),
        (Family::gauge("node_cpu_scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."), |f| {
            f.scaling_lowest
        }),
        (Family::gauge("node_cpu_scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."), |f| {
            f.scaling_highest
        }),
    ];
    let rendered = render_one("cpu", frequencies.iter().map(|frequency| frequency.cpu.as_str()));
    for (family, kilohertz) in &FAMILIES {
        let hertz = |frequency: &CpuFrequency| kilohertz(frequency).map(|kilohertz| kilohertz.saturating_mul(1000));
        rows(page, family, &rendered, frequencies.iter().map(hertz));
    }
}

fn measure_queues(queues: &[RunQueue], page: &mut Page) {
    const RUNNING: Family =
        Family::counter("node_schedstat_running_seconds_total", "Number of seconds CPU spent running a process.");
    const WAITING: Family = Family::counter(
        "node_schedstat_waiting_seconds_total",
        "Number of seconds spent by processing waiting for this CPU.",
    );
    const TIMESLICES: Family =
        Family::counter("node_schedstat_timeslices_total", "Number of timeslices executed by CPU.");
    let numbers: Vec<String> = queues.iter().map(|queue| queue.cpu.to_string()).collect();
    let rendered = render_one("cpu", numbers.iter().map(String::as_str));
    let seconds = |nanoseconds: u64| Some(nanoseconds as f64 / 1e9);
    rows(page, &RUNNING, &rendered, queues.iter().map(|queue| seconds(queue.running_nanoseconds)));
    rows(page, &WAITING, &rendered, queues.iter().map(|queue| seconds(queue.waiting_nanoseconds)));
    rows(page, &TIMESLICES, &rendered, queues.iter().map(|queue| Some(queue.timeslices)));
}

fn measure_softnet(softnet: &[Softnet], page: &mut Page) {
    const PROCESSED: Family = Family::counter("node_softnet_processed_total", "Number of processed packets");
    const DROPPED: Family = Family::counter("node_softnet_dropped_total", "Number of dropped packets");
    const SQUEEZED: Family =
        Family::counter("node_softnet_times_squeezed_total", "Number of times processing packets ran out of quota");
    let numbers: Vec<String> = softnet.iter().map(|queue| queue.cpu.to_string()).collect();
    let rendered = render_one("cpu", numbers.iter().map(String::as_str));
    rows(page, &PROCESSED, &rendered, softnet.iter().map(|queue| Some(queue.processed)));
    rows(page, &DROPPED, &rendered, softnet.iter().map(|queue| Some(queue.dropped)));
    rows(page, &SQUEEZED, &rendered, softnet.iter().map(|queue| Some(queue.squeezed)));
}
