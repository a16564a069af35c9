//! cAdvisor's families as tables: name, meaning, and the value of one running container. What cAdvisor shows and the
//! kernel does not tell exactly is not here (`docs/metrics.md` lists it): `container_tasks_state`, `container_fs_usage_bytes`,
//! `container_fs_limit_bytes`, the errors and drops of the network (a veth counts them on the other side).

use crate::keepers::vitals::observe::containers::{DeviceIo, Pressure, Throttle};
use crate::keepers::vitals::observe::containers::{Nic, Usage};
use crate::metrics::{Family, Number};

/// A family with one sample per container.
pub struct Single(pub Family, pub fn(&Usage) -> Option<Number>);
/// A family with one sample per network interface.
pub struct PerNic(pub Family, pub fn(&Nic) -> u64);
/// A family with one sample per block device.
pub struct PerDevice(pub Family, pub fn(&DeviceIo) -> u64);

/// Nanoseconds as seconds.
fn seconds(ns: u64) -> Number {
    Number::Float(ns as f64 / 1e9)
}

fn whole(number: u64) -> Number {
    Number::Unsigned(number)
}

/// Quota counters are shown only under a quota, as cAdvisor does.
fn under_quota(usage: &Usage, of: fn(&Throttle) -> Number) -> Option<Number> {
    usage.limits.cpu_quota_us?;
    usage.counters.throttle.as_ref().map(of)
}

fn waited(pressure: Option<Pressure>) -> Option<Number> {
    pressure?.some_us.map(|us| Number::Float(us as f64 / 1e6))
}

fn stalled(pressure: Option<Pressure>) -> Option<Number> {
    pressure?.full_us.map(|us| Number::Float(us as f64 / 1e6))
}

/// `container_cpu_usage_seconds_total`, with its further label `cpu="total"`.
pub const CPU_USAGE: Family =
    Family::counter("container_cpu_usage_seconds_total", "Cumulative cpu time consumed in seconds.");

/// Shared with the manual: cAdvisor's samples per container and the manual's per project are one family.
pub const MEMORY_USAGE: Family = Family::gauge(
    "container_memory_usage_bytes",
    "Current memory usage in bytes, including all memory regardless of when it was accessed",
);

/// The manual's.
pub const CPU_USAGE_PERCENT: Family = Family::gauge(
    "container_cpu_usage_percent",
    "CPU used by the containers of a project, percent of all CPUs of the host (100: the whole host).",
);

pub const MEMORY_FAILURES: Family =
    Family::counter("container_memory_failures_total", "Cumulative count of memory allocation failures.");
pub const BLKIO: Family = Family::counter("container_blkio_device_usage_total", "Blkio Device bytes usage");
pub const START_TIME: Family =
    Family::gauge("container_start_time_seconds", "Start time of the container since unix epoch in seconds.");
pub const LAST_SEEN: Family = Family::gauge("container_last_seen", "Last time a container was seen by the exporter");
pub const HEALTH_STATE: Family = Family::gauge("container_health_state", "The result of the container's health check");

/// CPU, memory, tasks, limits.
pub const SINGLES: &[Single] = &[
    Single(
        Family::counter("container_cpu_user_seconds_total", "Cumulative user cpu time consumed in seconds."),
        |usage| usage.counters.cpu?.user_ns.map(seconds),
    ),
    Single(
        Family::counter("container_cpu_system_seconds_total", "Cumulative system cpu time consumed in seconds."),
        |usage| usage.counters.cpu?.system_ns.map(seconds),
    ),
    Single(
        Family::counter("container_cpu_cfs_periods_total", "Number of elapsed enforcement period intervals."),
        |usage| under_quota(usage, |throttle| whole(throttle.periods)),
    ),
    Single(
        Family::counter("container_cpu_cfs_throttled_periods_total", "Number of throttled period intervals."),
        |usage| under_quota(usage, |throttle| whole(throttle.throttled_periods)),
    ),
    Single(
        Family::counter(
            "container_cpu_cfs_throttled_seconds_total",
            "Total time duration the container has been throttled.",
        ),
        |usage| under_quota(usage, |throttle| seconds(throttle.throttled_ns)),
    ),
    Single(Family::gauge("container_memory_cache", "Number of bytes of page cache memory."), |usage| {
        usage.counters.memory?.cache.map(whole)
    }),
    Single(Family::gauge("container_memory_rss", "Size of RSS in bytes."), |usage| {
        usage.counters.memory?.rss.map(whole)
    }),
    Single(Family::gauge("container_memory_mapped_file", "Size of memory mapped files in bytes."), |usage| {
        usage.counters.memory?.mapped_file.map(whole)
    }),
    Single(Family::gauge("container_memory_swap", "Container swap usage in bytes."), |usage| {
        usage.counters.memory?.swap.map(whole)
    }),
    Single(Family::counter("container_memory_failcnt", "Number of memory usage hits limits"), |usage| {
        usage.counters.memory?.failcnt.map(whole)
    }),
    Single(Family::gauge("container_memory_max_usage_bytes", "Maximum memory usage recorded in bytes"), |usage| {
        usage.counters.memory?.peak.map(whole)
    }),
    Single(Family::gauge("container_memory_working_set_bytes", "Current working set in bytes."), |usage| {
        Some(whole(usage.counters.memory?.working_set()))
    }),
    Single(Family::gauge("container_memory_total_active_file_bytes", "Current total active file in bytes."), |usage| {
        usage.counters.memory?.active_file.map(whole)
    }),
    Single(
        Family::gauge("container_memory_total_inactive_file_bytes", "Current total inactive file in bytes."),
        |usage| Some(whole(usage.counters.memory?.inactive_file)),
    ),
    Single(
        Family::counter("container_oom_events_total", "Count of out of memory events observed for the container"),
        |usage| usage.counters.memory?.oom_kills.map(whole),
    ),
    Single(Family::gauge("container_processes", "Number of processes running inside the container."), |usage| {
        usage.counters.processes.map(whole)
    }),
    Single(Family::gauge("container_threads", "Number of threads running inside the container"), |usage| {
        usage.counters.tasks.map(whole)
    }),
    Single(Family::gauge("container_spec_cpu_period", "CPU period of the container."), |usage| {
        usage.limits.cpu_period_us.map(whole)
    }),
    Single(Family::gauge("container_spec_cpu_quota", "CPU quota of the container."), |usage| {
        usage.limits.cpu_quota_us.map(whole)
    }),
    Single(Family::gauge("container_spec_cpu_shares", "CPU share of the container."), |usage| {
        usage.limits.cpu_shares.map(whole)
    }),
    // cAdvisor writes 0 for "no limit", and dashboards filter on it.
    Single(Family::gauge("container_spec_memory_limit_bytes", "Memory limit for the container."), |usage| {
        usage.counters.memory.map(|_| whole(usage.limits.memory.unwrap_or(0)))
    }),
    Single(Family::gauge("container_spec_memory_swap_limit_bytes", "Memory swap limit for the container."), |usage| {
        usage.counters.memory.map(|_| whole(usage.limits.swap.unwrap_or(0)))
    }),
    Single(
        Family::gauge("container_spec_memory_reservation_limit_bytes", "Memory reservation limit for the container."),
        |usage| usage.counters.memory.map(|_| whole(usage.limits.reservation.unwrap_or(0))),
    ),
];

/// Pressure: only where the kernel tells it per cgroup (v2).
pub const PRESSURES: &[Single] = &[
    Single(
        Family::counter(
            "container_pressure_cpu_waiting_seconds_total",
            "Total time duration tasks in the container have waited due to CPU congestion.",
        ),
        |usage| waited(usage.counters.cpu_pressure),
    ),
    Single(
        Family::counter(
            "container_pressure_cpu_stalled_seconds_total",
            "Total time duration no tasks in the container could make progress due to CPU congestion.",
        ),
        |usage| stalled(usage.counters.cpu_pressure),
    ),
    Single(
        Family::counter(
            "container_pressure_memory_waiting_seconds_total",
            "Total time duration tasks in the container have waited due to memory congestion.",
        ),
        |usage| waited(usage.counters.memory_pressure),
    ),
    Single(
        Family::counter(
            "container_pressure_memory_stalled_seconds_total",
            "Total time duration no tasks in the container could make progress due to memory congestion.",
        ),
        |usage| stalled(usage.counters.memory_pressure),
    ),
    Single(
        Family::counter(
            "container_pressure_io_waiting_seconds_total",
            "Total time duration tasks in the container have waited due to IO congestion.",
        ),
        |usage| waited(usage.counters.io_pressure),
    ),
    Single(
        Family::counter(
            "container_pressure_io_stalled_seconds_total",
            "Total time duration no tasks in the container could make progress due to IO congestion.",
        ),
        |usage| stalled(usage.counters.io_pressure),
    ),
];

/// Network, per interface as it is called inside the container.
pub const NETWORK: &[PerNic] = &[
    PerNic(Family::counter("container_network_receive_bytes_total", "Cumulative count of bytes received"), |nic| {
        nic.receive_bytes
    }),
    PerNic(Family::counter("container_network_receive_packets_total", "Cumulative count of packets received"), |nic| {
        nic.receive_packets
    }),
    PerNic(Family::counter("container_network_transmit_bytes_total", "Cumulative count of bytes transmitted"), |nic| {
        nic.transmit_bytes
    }),
    PerNic(
        Family::counter("container_network_transmit_packets_total", "Cumulative count of packets transmitted"),
        |nic| nic.transmit_packets,
    ),
];

/// Block I/O, per device.
pub const DISK: &[PerDevice] = &[
    PerDevice(Family::counter("container_fs_reads_bytes_total", "Cumulative count of bytes read"), |io| io.read_bytes),
    PerDevice(Family::counter("container_fs_reads_total", "Cumulative count of reads completed"), |io| io.reads),
    PerDevice(Family::counter("container_fs_writes_bytes_total", "Cumulative count of bytes written"), |io| {
        io.written_bytes
    }),
    PerDevice(Family::counter("container_fs_writes_total", "Cumulative count of writes completed"), |io| io.writes),
];
