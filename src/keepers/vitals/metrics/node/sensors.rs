//! hwmon, thermal_zone, powersupplyclass, rapl.

mod chips;

use std::collections::BTreeMap;

use super::{named, rows};
use crate::keepers::vitals::observe::host::{PowerSupply, RaplZone, Sensors};
use crate::metrics::{Family, Group, Kind, Page};

const ZONE: Family = Family::gauge("node_thermal_zone_temp", "Zone temperature in Celsius");
const COOLING: Family = Family::gauge("node_cooling_device_cur_state", "Current throttle state of the cooling device");
const COOLING_MOST: Family =
    Family::gauge("node_cooling_device_max_state", "Maximum throttle state of the cooling device");
const SUPPLY: Family = Family::gauge("node_power_supply_info", "info of /sys/class/power_supply/<power_supply>.");

pub fn measure(seen: &Sensors, page: &mut Page) {
    if let Some(found) = seen.chips.as_ref().filter(|_| page.wants(Group::Node, "hwmon")) {
        chips::measure(found, page);
    }
    if page.wants(Group::Node, "thermal_zone") {
        measure_thermal(seen, page);
    }
    if let Some(supplies) = seen.supplies.as_ref().filter(|_| page.wants(Group::Node, "powersupplyclass")) {
        measure_supplies(supplies, page);
    }
    if let Some(zones) = seen.rapl.as_ref().filter(|_| page.wants(Group::Node, "rapl")) {
        measure_rapl(zones, page);
    }
}

fn measure_thermal(seen: &Sensors, page: &mut Page) {
    page.family(&ZONE);
    for zone in &seen.zones {
        page.sample(&[("type", &zone.kind), ("zone", &zone.zone)], zone.temperature as f64 / 1000.0);
    }
    let labels =
        seen.cooling.iter().map(|device| Page::render_labels(&[("name", &device.name), ("type", &device.kind)]));
    let rendered: Vec<String> = labels.collect();
    rows(page, &COOLING, &rendered, seen.cooling.iter().map(|device| Some(device.state)));
    rows(page, &COOLING_MOST, &rendered, seen.cooling.iter().map(|device| Some(device.highest)));
}

/// Attributes whose name changes; the others keep the kernel's.
const RENAMED: [(&str, &str); 17] = [
    ("cycle_count", "cyclecount"),
    ("time_to_empty_now", "time_to_empty_seconds"),
    ("time_to_full_now", "time_to_full_seconds"),
    ("current_now", "current_ampere"),
    ("energy_now", "energy_watthour"),
    ("voltage_now", "voltage_volt"),
    ("charge_now", "charge_ampere"),
    ("power_now", "power_watt"),
    ("temp", "temp_celsius"),
    ("temp_alert_max", "temp_alert_max_celsius"),
    ("temp_alert_min", "temp_alert_min_celsius"),
    ("temp_ambient", "temp_ambient_celsius"),
    ("temp_ambient_max", "temp_ambient_max_celsius"),
    ("temp_ambient_min", "temp_ambient_min_celsius"),
    ("temp_max", "temp_max_celsius"),
    ("temp_min", "temp_min_celsius"),
    ("precharge_current", "precharge_current"),
];
const PLAIN: [&str; 10] = [
    "authentic",
    "calibrate",
    "capacity",
    "capacity_alert_max",
    "capacity_alert_min",
    "cycle_count",
    "online",
    "present",
    "time_to_empty_now",
    "time_to_full_now",
];
/// Thousandths of thousandths of their unit.
const MICRO: [&str; 31] = [
    "current_boot",
    "current_max",
    "current_now",
    "energy_empty",
    "energy_empty_design",
    "energy_full",
    "energy_full_design",
    "energy_now",
    "voltage_boot",
    "voltage_max",
    "voltage_max_design",
    "voltage_min",
    "voltage_min_design",
    "voltage_now",
    "voltage_ocv",
    "charge_control_limit",
    "charge_control_limit_max",
    "charge_counter",
    "charge_empty",
    "charge_empty_design",
    "charge_full",
    "charge_full_design",
    "charge_now",
    "charge_term_current",
    "constant_charge_current",
    "constant_charge_current_max",
    "constant_charge_voltage",
    "constant_charge_voltage_max",
    "precharge_current",
    "input_current_limit",
    "power_now",
];
const INFO: [&str; 11] = [
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "scope",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
];

/// The value of an attribute in its base unit; `None` for one that is no number or not shown.
fn base_unit(attribute: &str, text: &str) -> Option<f64> {
    let value = text.parse::<i64>().ok()? as f64;
    if PLAIN.contains(&attribute) {
        Some(value)
    } else if MICRO.contains(&attribute) {
        Some(value / 1e6)
    } else if attribute.starts_with("temp") && RENAMED.iter().any(|(name, _)| *name == attribute) {
        Some(value / 10.0)
    } else {
        None
    }
}

fn measure_supplies(supplies: &[PowerSupply], page: &mut Page) {
    let mut families: BTreeMap<&str, Vec<(&str, f64)>> = BTreeMap::new();
    for supply in supplies {
        for (attribute, text) in &supply.attributes {
            let Some(value) = base_unit(attribute, text) else { continue };
            let renamed =
                RENAMED.iter().find(|(name, _)| name == attribute).map_or(attribute.as_str(), |(_, name)| *name);
            families.entry(renamed).or_default().push((&supply.name, value));
        }
    }
    for (name, values) in families {
        let help = [name, " value of /sys/class/power_supply/<power_supply>.", "", ""];
        page.family(named(Kind::Gauge, ["node_power_supply_", name, ""], help));
        for (supply, value) in values {
            page.sample(&[("power_supply", supply)], value);
        }
    }
    page.family(&SUPPLY);
    for supply in supplies {
        let mut labels = vec![("power_supply", supply.name.as_str())];
        let known = INFO.iter().filter_map(|name| Some((*name, supply.attributes.get(*name)?.as_str())));
        labels.extend(known.filter(|(_, value)| !value.is_empty()));
        labels.sort_unstable();
        page.sample(&labels, 1_u64);
    }
}

fn measure_rapl(zones: &[RaplZone], page: &mut Page) {
    let mut names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let clean = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
        let family: String = name.chars().map(clean).collect();
        let help = ["Current RAPL ", name, " value in joules", ""];
        page.family(named(Kind::Counter, ["node_rapl_", &family, "_joules_total"], help));
        for zone in zones.iter().filter(|zone| zone.name == name) {
            page.sample(&[("index", &zone.index), ("path", &zone.path)], zone.microjoules as f64 / 1e6);
        }
    }
}
