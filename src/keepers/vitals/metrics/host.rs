//! Our own names for the host: what node_exporter lacks. A state is one series for each value it may have, 0 or 1.

use crate::keepers::vitals::observe::host::{Bcache, BcacheDevice, HostSeen, MdArray, MdState};
use crate::metrics::{Family, Group, Page};

const STATE: Family = Family::gauge("hostkeeper_bcache_state", "Whether the bcache device is in this state.");
const MODE: Family = Family::gauge("hostkeeper_bcache_cache_mode", "Whether the bcache device caches in this mode.");
const RUNNING: Family =
    Family::gauge("hostkeeper_bcache_running", "Whether the bcache device runs, with or without its cache.");
const ERRORS: Family = Family::gauge(
    "hostkeeper_bcache_backing_io_errors",
    "Errors of the backing device that the kernel counted since the device was started.",
);
const READ_AVERAGE: Family =
    Family::gauge("hostkeeper_bcache_btree_read_average_seconds", "Mean duration of a read of the cache set's index.");
const MISSING: Family =
    Family::gauge("hostkeeper_md_disks_missing", "Disks that the software RAID array should have and has not.");
const SYNCED: Family = Family::gauge(
    "hostkeeper_md_synced_ratio",
    "Share of the array that the recovery, check or resync under way has passed; 1 when none is.",
);

/// Writes what is ours to say of the host.
pub fn measure_own_host(seen: &HostSeen, page: &mut Page) {
    if page.wants(Group::Hostkeeper, "bcache") {
        measure_bcache(&seen.disks.bcache_devices, page);
        measure_sets(&seen.disks.bcache, page);
    }
    if let Some(arrays) = seen.disks.arrays.as_ref().filter(|_| page.wants(Group::Hostkeeper, "mdadm")) {
        measure_arrays(arrays, page);
    }
}

fn measure_bcache(devices: &[BcacheDevice], page: &mut Page) {
    const STATES: [&str; 4] = ["clean", "dirty", "inconsistent", "no cache"];
    const MODES: [&str; 4] = ["none", "writearound", "writeback", "writethrough"];
    type Word = fn(&BcacheDevice) -> Option<&str>;
    let sets: [(&Family, &str, [&str; 4], Word); 2] =
        [(&STATE, "state", STATES, |d| d.state.as_deref()), (&MODE, "mode", MODES, |d| d.cache_mode.as_deref())];
    for (family, label, words, word) in sets {
        page.family(family);
        for (device, now) in devices.iter().filter_map(|device| Some((device, word(device)?))) {
            for known in words {
                page.sample(&[("device", &device.device), (label, known)], known == now);
            }
        }
    }
    page.family(&RUNNING);
    for (device, running) in devices.iter().filter_map(|device| Some((device, device.running?))) {
        page.sample(&[("device", &device.device)], running);
    }
    page.family(&ERRORS);
    for (device, errors) in devices.iter().filter_map(|device| Some((device, device.io_errors?))) {
        page.sample(&[("device", &device.device)], errors);
    }
}

fn measure_sets(sets: &[Bcache], page: &mut Page) {
    page.family(&READ_AVERAGE);
    for (set, average) in sets.iter().filter_map(|set| Some((set, set.btree_read_average?))) {
        page.sample(&[("uuid", &set.uuid)], average as f64 / 1e6);
    }
}

fn measure_arrays(arrays: &[MdArray], page: &mut Page) {
    page.family(&MISSING);
    for array in arrays.iter().filter(|array| array.state != MdState::Inactive) {
        page.sample(&[("device", &array.name)], array.disks_required.saturating_sub(array.disks_active));
    }
    page.family(&SYNCED);
    for array in arrays {
        let of = array.sync_blocks.unwrap_or(array.blocks);
        let ratio = if of == 0 { 1.0 } else { array.blocks_synced as f64 / of as f64 };
        page.sample(&[("device", &array.name)], ratio);
    }
}
