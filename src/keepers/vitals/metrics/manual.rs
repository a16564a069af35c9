//! The operations manual's own names, so that its alerts work as they are written there. This file: the host's part.

use crate::keepers::vitals::observe::host::{HostSeen, Memory};
use crate::metrics::{Family, Group, Page};

const CPU: Family =
    Family::gauge("node_cpu_usage_percent", "Share of all processors that was busy since the last look.");
const MEMORY: Family = Family::gauge("node_memory_usage_percent", "Share of memory that is not available.");
const DISK: Family = Family::gauge(
    "node_disk_usage_percent",
    "Share of the filesystem in use, of what is not reserved, as df shows it.",
);
const SENT: Family = Family::counter("node_network_transmit_bytes", "Bytes sent by the interface since boot.");

/// Writes the host's part of the manual's names.
pub fn measure_manual_host(seen: &HostSeen, page: &mut Page) {
    if !page.wants(Group::Manual, "host") {
        return;
    }
    if let Some(share) = seen.processors.busy_share {
        page.single(&CPU, share * 100.0);
    }
    if let Some(share) = used_share(&seen.memory) {
        page.single(&MEMORY, share * 100.0);
    }
    page.family(&DISK);
    for filesystem in seen.disks.filesystems.iter().flatten() {
        let Some(space) = filesystem.space.value() else { continue };
        let used = space.size.saturating_sub(space.free);
        let usable = used.saturating_add(space.available);
        if usable > 0 {
            page.sample(&[("mountpoint", &filesystem.mount_point)], used as f64 * 100.0 / usable as f64);
        }
    }
    page.family(&SENT);
    for counters in seen.network.counters.iter().flatten() {
        if let Some(sent) = counters.sent_bytes() {
            page.sample(&[("device", &counters.device)], sent);
        }
    }
}

fn used_share(memory: &Memory) -> Option<f64> {
    let (total, available) = (memory.bytes("MemTotal")?, memory.bytes("MemAvailable")?);
    (total > 0).then(|| total.saturating_sub(available) as f64 / total as f64)
}
