//! time, timex, uname, os, dmi, entropy, filefd, selinux.

use super::single;
use crate::keepers::vitals::observe::host::{HostSeen, Selinux, SystemSeen, Timex, Uname};
use crate::metrics::{Family, Group, Kind, Number, Page};

const TIME: Family = Family::gauge("node_time_seconds", "System time in seconds since epoch (1970).");
const ZONE: Family = Family::gauge("node_time_zone_offset_seconds", "System time zone offset in seconds.");
const SOURCES: Family = Family::gauge(
    "node_time_clocksource_available_info",
    "Available clocksources read from '/sys/devices/system/clocksource'.",
);
const SOURCE: Family = Family::gauge(
    "node_time_clocksource_current_info",
    "Current clocksource read from '/sys/devices/system/clocksource'.",
);
const UNAME: Family =
    Family::gauge("node_uname_info", "Labeled system information as provided by the uname system call.");
const OS: Family = Family::gauge(
    "node_os_info",
    "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, pretty_name, \
     variant, variant_id, version, version_codename, version_id.",
);
const OS_VERSION: Family =
    Family::gauge("node_os_version", "Metric containing the major.minor part of the OS version.");
const DMI: Family = Family::gauge(
    "node_dmi_info",
    "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, bios_version, board_asset_tag, \
     board_name, board_serial, board_vendor, board_version, chassis_asset_tag, chassis_serial, chassis_vendor, \
     chassis_version, product_family, product_name, product_serial, product_sku, product_uuid, product_version, \
     system_vendor if provided by DMI.",
);
const ENTROPY: Family = Family::gauge("node_entropy_available_bits", "Bits of available entropy.");
const POOL: Family = Family::gauge("node_entropy_pool_size_bits", "Bits of entropy pool.");
const FILES: Family = Family::gauge("node_filefd_allocated", "File descriptor statistics: allocated.");
const FILES_MOST: Family = Family::gauge("node_filefd_maximum", "File descriptor statistics: maximum.");

pub fn measure(seen: &HostSeen, page: &mut Page) {
    let system = &seen.system;
    if page.wants(Group::Node, "time") {
        measure_time(seen, page);
    }
    if let Some(timex) = system.timex.filter(|_| page.wants(Group::Node, "timex")) {
        measure_timex(&timex, page);
    }
    if let Some(uname) = system.uname.as_ref().filter(|_| page.wants(Group::Node, "uname")) {
        measure_uname(uname, page);
    }
    if page.wants(Group::Node, "os") {
        measure_os(system, page);
    }
    if page.wants(Group::Node, "dmi") {
        measure_dmi(system, page);
    }
    if let Some((available, pool)) = system.entropy.filter(|_| page.wants(Group::Node, "entropy")) {
        page.single(&ENTROPY, available);
        single(page, &POOL, pool);
    }
    if let Some((allocated, most)) = system.files.filter(|_| page.wants(Group::Node, "filefd")) {
        page.single(&FILES, allocated);
        page.single(&FILES_MOST, most);
    }
    if let Some(selinux) = system.selinux.filter(|_| page.wants(Group::Node, "selinux")) {
        measure_selinux(selinux, page);
    }
}

fn measure_time(seen: &HostSeen, page: &mut Page) {
    page.single(&TIME, seen.at_seconds);
    if let Some((zone, offset)) = &seen.system.time_zone {
        page.family(&ZONE);
        page.sample(&[("time_zone", zone)], i64::from(*offset));
    }
    let sources = &seen.system.clocksources;
    page.family(&SOURCES);
    for (source, name) in sources.iter().flat_map(|source| source.available.iter().map(move |name| (source, name))) {
        page.sample(&[("clocksource", name), ("device", &source.device)], 1_u64);
    }
    page.family(&SOURCE);
    for source in sources {
        page.sample(&[("clocksource", &source.current), ("device", &source.device)], 1_u64);
    }
}

/// Name, meaning, value.
type Clock = (&'static str, &'static str, Kind, Number);

fn measure_timex(timex: &Timex, page: &mut Page) {
    let fine = if timex.nanoseconds { 1e9 } else { 1e6 };
    let ppm = |value: i64| value as f64 / 65_536_000_000.0;
    let micro = |value: i64| Number::Float(value as f64 / 1e6);
    let (gauge, counter) = (Kind::Gauge, Kind::Counter);
    let values: [Clock; 17] = [
        (
            "offset_seconds",
            "Time offset in between local system and reference clock.",
            gauge,
            (timex.offset as f64 / fine).into(),
        ),
        ("frequency_adjustment_ratio", "Local clock frequency adjustment.", gauge, (1.0 + ppm(timex.frequency)).into()),
        ("maxerror_seconds", "Maximum error in seconds.", gauge, micro(timex.max_error)),
        ("estimated_error_seconds", "Estimated error in seconds.", gauge, micro(timex.estimated_error)),
        ("status", "Value of the status array bits.", gauge, i64::from(timex.status).into()),
        ("loop_time_constant", "Phase-locked loop time constant.", gauge, timex.time_constant.into()),
        ("tick_seconds", "Seconds between clock ticks.", gauge, micro(timex.tick)),
        ("pps_frequency_hertz", "Pulse per second frequency.", gauge, ppm(timex.pps_frequency).into()),
        ("pps_jitter_seconds", "Pulse per second jitter.", gauge, (timex.pps_jitter as f64 / fine).into()),
        ("pps_shift_seconds", "Pulse per second interval duration.", gauge, i64::from(timex.pps_shift).into()),
        (
            "pps_stability_hertz",
            "Pulse per second stability, average of recent frequency changes.",
            gauge,
            ppm(timex.pps_stability).into(),
        ),
        (
            "pps_jitter_total",
            "Pulse per second count of jitter limit exceeded events.",
            counter,
            timex.pps_jitter_count.into(),
        ),
        (
            "pps_calibration_total",
            "Pulse per second count of calibration intervals.",
            counter,
            timex.pps_calibrations.into(),
        ),
        ("pps_error_total", "Pulse per second count of calibration errors.", counter, timex.pps_errors.into()),
        (
            "pps_stability_exceeded_total",
            "Pulse per second count of stability limit exceeded events.",
            counter,
            timex.pps_stability_exceeded.into(),
        ),
        ("tai_offset_seconds", "International Atomic Time (TAI) offset.", gauge, i64::from(timex.tai_offset).into()),
        (
            "sync_status",
            "Is clock synchronized to a reliable server (1 = yes, 0 = no).",
            gauge,
            timex.synchronized.into(),
        ),
    ];
    for (name, help, kind, value) in values {
        page.single(&Family { name: format!("node_timex_{name}").into(), help: help.into(), kind }, value);
    }
}

fn measure_uname(uname: &Uname, page: &mut Page) {
    page.family(&UNAME);
    let labels = [
        ("domainname", uname.domainname.as_str()),
        ("machine", &uname.machine),
        ("nodename", &uname.nodename),
        ("release", &uname.release),
        ("sysname", &uname.sysname),
        ("version", &uname.version),
    ];
    page.sample(&labels, 1_u64);
}

fn measure_os(system: &SystemSeen, page: &mut Page) {
    let Some(os) = &system.os else { return };
    let text = |key: &str| os.get(key).map(String::as_str).unwrap_or_default();
    page.family(&OS);
    let labels = [
        ("build_id", text("BUILD_ID")),
        ("id", text("ID")),
        ("id_like", text("ID_LIKE")),
        ("image_id", text("IMAGE_ID")),
        ("image_version", text("IMAGE_VERSION")),
        ("name", text("NAME")),
        ("pretty_name", text("PRETTY_NAME")),
        ("variant", text("VARIANT")),
        ("variant_id", text("VARIANT_ID")),
        ("version", text("VERSION")),
        ("version_codename", text("VERSION_CODENAME")),
        ("version_id", text("VERSION_ID")),
    ];
    page.sample(&labels, 1_u64);
    if let Some(version) = major_minor(text("VERSION_ID")) {
        page.family(&OS_VERSION);
        page.sample(&[("id", text("ID")), ("id_like", text("ID_LIKE")), ("name", text("NAME"))], version);
    }
}

/// `22.04.3` is 22.04; a version that is no number has none.
fn major_minor(version: &str) -> Option<f64> {
    let mut parts = version.split('.');
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let major = parts.next().filter(digits)?;
    match parts.next().filter(digits) {
        Some(minor) => format!("{major}.{minor}").parse().ok(),
        None => major.parse().ok(),
    }
}

/// Only those labels that the firmware gives.
fn measure_dmi(system: &SystemSeen, page: &mut Page) {
    let Some(dmi) = &system.dmi else { return };
    let shown = |name: &str| if name == "sys_vendor" { "system_vendor".to_owned() } else { name.to_owned() };
    let labels: Vec<(String, &str)> = dmi.iter().map(|(name, value)| (shown(name), value.as_str())).collect();
    let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    page.family(&DMI);
    page.sample(&labels, 1_u64);
}

fn measure_selinux(selinux: Selinux, page: &mut Page) {
    const ENABLED: Family = Family::gauge("node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false");
    const CONFIGURED: Family = Family::gauge("node_selinux_config_mode", "Configured SELinux enforcement mode");
    const CURRENT: Family = Family::gauge("node_selinux_current_mode", "Current SELinux enforcement mode");
    match selinux {
        Selinux::Off => page.single(&ENABLED, false),
        Selinux::On { configured, enforcing } => {
            page.single(&ENABLED, true);
            page.single(&CONFIGURED, configured);
            page.single(&CURRENT, enforcing);
        }
    }
}
