//! diskstats.

use std::collections::BTreeMap;

use super::{render_one, rows};
use crate::keepers::vitals::observe::host::{DiskSeen, Disks};
use crate::metrics::{Family, Group, Number, Page};

const INFO: Family = Family::gauge("node_disk_info", "Info of /sys/block/<block_device>.");
const FILESYSTEM: Family = Family::gauge("node_disk_filesystem_info", "Info about disk filesystem.");
const MAPPER: Family = Family::gauge("node_disk_device_mapper_info", "Info about disk device mapper.");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Count,
    /// Of 512 bytes, shown in bytes.
    Sectors,
    /// Shown in seconds.
    Milliseconds,
}

/// In the order of the kernel's columns.
const COUNTS: [(Family, Unit); 17] = {
    use Unit::{Count, Milliseconds, Sectors};
    const fn counter(name: &'static str, help: &'static str) -> Family {
        Family::counter(name, help)
    }
    [
        (counter("node_disk_reads_completed_total", "The total number of reads completed successfully."), Count),
        (counter("node_disk_reads_merged_total", "The total number of reads merged."), Count),
        (counter("node_disk_read_bytes_total", "The total number of bytes read successfully."), Sectors),
        (counter("node_disk_read_time_seconds_total", "The total number of seconds spent by all reads."), Milliseconds),
        (counter("node_disk_writes_completed_total", "The total number of writes completed successfully."), Count),
        (counter("node_disk_writes_merged_total", "The number of writes merged."), Count),
        (counter("node_disk_written_bytes_total", "The total number of bytes written successfully."), Sectors),
        (
            counter("node_disk_write_time_seconds_total", "This is the total number of seconds spent by all writes."),
            Milliseconds,
        ),
        (Family::gauge("node_disk_io_now", "The number of I/Os currently in progress."), Count),
        (counter("node_disk_io_time_seconds_total", "Total seconds spent doing I/Os."), Milliseconds),
        (
            counter("node_disk_io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os."),
            Milliseconds,
        ),
        (counter("node_disk_discards_completed_total", "The total number of discards completed successfully."), Count),
        (counter("node_disk_discards_merged_total", "The total number of discards merged."), Count),
        (counter("node_disk_discarded_sectors_total", "The total number of sectors discarded successfully."), Count),
        (
            counter(
                "node_disk_discard_time_seconds_total",
                "This is the total number of seconds spent by all discards.",
            ),
            Milliseconds,
        ),
        (counter("node_disk_flush_requests_total", "The total number of flush requests completed successfully"), Count),
        (
            counter(
                "node_disk_flush_requests_time_seconds_total",
                "This is the total number of seconds spent by all flush requests.",
            ),
            Milliseconds,
        ),
    ]
};

/// What udev knows of ATA disks, as numbers.
const ATA: [(Family, &str); 3] = [
    (Family::gauge("node_disk_ata_write_cache", "ATA disk has a write cache."), "ID_ATA_WRITE_CACHE"),
    (
        Family::gauge("node_disk_ata_write_cache_enabled", "ATA disk has its write cache enabled."),
        "ID_ATA_WRITE_CACHE_ENABLED",
    ),
    (
        Family::gauge("node_disk_ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs)."),
        "ID_ATA_ROTATION_RATE_RPM",
    ),
];

pub fn measure(seen: &Disks, page: &mut Page) {
    let Some(disks) = seen.disks.as_ref().filter(|_| page.wants(Group::Node, "diskstats")) else { return };
    let rendered = render_one("device", disks.iter().map(|seen| seen.disk.name.as_str()));
    for (index, (family, unit)) in COUNTS.iter().enumerate() {
        rows(
            page,
            family,
            &rendered,
            disks.iter().map(|seen| seen.disk.counts.get(index).map(|count| value(*count, *unit))),
        );
    }
    measure_info(disks, page);
    for (family, property) in &ATA {
        let number = |seen: &DiskSeen| {
            seen.udev.contains_key("ID_ATA").then(|| seen.udev.get(*property)?.parse::<f64>().ok())?
        };
        rows(page, family, &rendered, disks.iter().map(number));
    }
}

/// Times as node_exporter multiplies them, so that both show the same digits.
fn value(count: u64, unit: Unit) -> Number {
    match unit {
        Unit::Count => count.into(),
        Unit::Sectors => count.checked_mul(512).map_or((count as f64 * 512.0).into(), Number::from),
        Unit::Milliseconds => (count as f64 * (1.0 / 1000.0)).into(),
    }
}

fn measure_info(disks: &[DiskSeen], page: &mut Page) {
    page.family(&INFO);
    for DiskSeen { disk, udev } in disks {
        let labels = [
            ("device", disk.name.as_str()),
            ("major", &disk.major.to_string()),
            ("minor", &disk.minor.to_string()),
            ("model", text(udev, "ID_MODEL")),
            ("path", text(udev, "ID_PATH")),
            ("revision", text(udev, "ID_REVISION")),
            ("serial", text(udev, "ID_SERIAL_SHORT")),
            ("wwn", text(udev, "ID_WWN")),
        ];
        page.sample(&labels, 1_u64);
    }
    page.family(&FILESYSTEM);
    for DiskSeen { disk, udev } in disks.iter().filter(|seen| !text(&seen.udev, "ID_FS_TYPE").is_empty()) {
        let labels = [
            ("device", disk.name.as_str()),
            ("type", text(udev, "ID_FS_TYPE")),
            ("usage", text(udev, "ID_FS_USAGE")),
            ("uuid", text(udev, "ID_FS_UUID")),
            ("version", text(udev, "ID_FS_VERSION")),
        ];
        page.sample(&labels, 1_u64);
    }
    page.family(&MAPPER);
    for DiskSeen { disk, udev } in disks.iter().filter(|seen| !text(&seen.udev, "DM_NAME").is_empty()) {
        let labels = [
            ("device", disk.name.as_str()),
            ("lv_layer", text(udev, "DM_LV_LAYER")),
            ("lv_name", text(udev, "DM_LV_NAME")),
            ("name", text(udev, "DM_NAME")),
            ("uuid", text(udev, "DM_UUID")),
            ("vg_name", text(udev, "DM_VG_NAME")),
        ];
        page.sample(&labels, 1_u64);
    }
}

fn text<'u>(udev: &'u BTreeMap<String, String>, name: &str) -> &'u str {
    udev.get(name).map(String::as_str).unwrap_or_default()
}
