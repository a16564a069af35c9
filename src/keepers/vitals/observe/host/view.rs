//! The host in the few numbers that `status`, `top` and the page show. Pure.

use std::collections::BTreeMap;

use super::HostSeen;
use crate::round::HostView;

/// The host in numbers. GPUs and Docker are not seen here and stay empty.
pub fn host_view(seen: &HostSeen) -> HostView {
    let cores = seen.processors.stat.as_ref().map_or(0, |stat| stat.cpus.len());
    let uname = seen.system.uname.clone().unwrap_or_default();
    HostView {
        hostname: uname.nodename,
        kernel: uname.release,
        uptime_seconds: seen.up_seconds,
        cpu_cores: u32::try_from(cores).unwrap_or(u32::MAX),
        cpu_used_cores: seen.processors.busy_share.map(|share| share * cores as f64),
        load1: seen.processors.load.map(|[one, _, _]| one),
        memory_total_bytes: seen.memory.bytes("MemTotal"),
        memory_available_bytes: seen.memory.bytes("MemAvailable"),
        swap_total_bytes: seen.memory.bytes("SwapTotal"),
        swap_free_bytes: seen.memory.bytes("SwapFree"),
        pressure_percent: pressure_percent(seen),
        network_receive_bytes_per_second: seen.network.rate.map(|rate| rate.received),
        network_transmit_bytes_per_second: seen.network.rate.map(|rate| rate.sent),
        ..HostView::default()
    }
}

fn pressure_percent(seen: &HostSeen) -> BTreeMap<String, f64> {
    let pressure = seen.processors.pressure.unwrap_or_default();
    let [cpu, memory, io] = [pressure.cpu, pressure.memory, pressure.io].map(Option::unwrap_or_default);
    let named = [
        ("cpu.some", cpu.some_percent),
        ("memory.some", memory.some_percent),
        ("memory.full", memory.full_percent),
        ("io.some", io.some_percent),
        ("io.full", io.full_percent),
    ];
    named.into_iter().filter_map(|(name, percent)| Some((name.to_owned(), percent?))).collect()
}
