//! The metrics of disks' health. Arrays are among node_exporter's families. Pure.

use super::{DiskSeen, DisksSeen, Smart};
use crate::metrics::{Family, Number, Page};

const HEALTHY: Family =
    Family::gauge("hostkeeper_smart_healthy", "Whether the disk says that it is healthy (1) or failing (0).");
const USED: Family = Family::gauge(
    "hostkeeper_smart_percentage_used_ratio",
    "Endurance of the disk that is used up, by its own estimate; may pass 1.",
);
const CELSIUS: Family = Family::gauge("hostkeeper_smart_temperature_celsius", "Temperature of the disk.");
const HOURS: Family = Family::gauge("hostkeeper_smart_power_on_seconds", "How long the disk has been powered.");
const MEDIA: Family =
    Family::gauge("hostkeeper_smart_media_errors", "Errors of the disk in which data was lost, by its own count.");
const PENDING: Family =
    Family::gauge("hostkeeper_smart_pending_sectors", "Sectors of the disk that cannot be read at present.");
const REALLOCATED: Family =
    Family::gauge("hostkeeper_smart_reallocated_sectors", "Sectors of the disk that were replaced by spare ones.");
const READ: Family = Family::gauge(
    "hostkeeper_smart_last_read_timestamp_seconds",
    "When the disk last said something about its health.",
);

/// Every family of this topic.
pub const FAMILIES: [&Family; 8] = [&HEALTHY, &USED, &CELSIUS, &HOURS, &MEDIA, &PENDING, &REALLOCATED, &READ];

/// Writes what the disks said.
pub fn measure(seen: &DisksSeen, page: &mut Page) {
    let per_disk = |page: &mut Page, family: &Family, value: &dyn Fn(&Smart) -> Option<Number>| {
        page.family(family);
        for (name, DiskSeen { told, .. }) in &seen.disks {
            if let Some(value) = told.as_ref().and_then(|(smart, _)| value(smart)) {
                page.sample(&[("device", name)], value);
            }
        }
    };
    per_disk(page, &HEALTHY, &|smart| Some(smart.passed?.into()));
    per_disk(page, &USED, &|smart| Some((smart.percentage_used? as f64 / 100.0).into()));
    per_disk(page, &CELSIUS, &|smart| Some(smart.temperature_celsius?.into()));
    per_disk(page, &HOURS, &|smart| Some(smart.power_on_hours?.saturating_mul(3600).into()));
    per_disk(page, &MEDIA, &|smart| Some(smart.media_errors?.into()));
    per_disk(page, &PENDING, &|smart| Some(smart.pending_sectors?.into()));
    per_disk(page, &REALLOCATED, &|smart| Some(smart.reallocated_sectors?.into()));
    page.family(&READ);
    for (name, disk) in &seen.disks {
        if let Some((_, at)) = &disk.told {
            page.sample(&[("device", name)], at.as_microsecond() as f64 / 1e6);
        }
    }
}
