//! hwmon: families are named after kind and element of a sensor, with the unit that the kernel documents for them.

use std::collections::BTreeMap;

use super::named;
use crate::keepers::vitals::observe::host::{Chip, Sensor};
use crate::metrics::{Family, Kind, Page};

const CHIP: Family = Family::gauge("node_hwmon_chip_names", "Annotation metric for human-readable chip names");
const LABEL: Family = Family::gauge("node_hwmon_sensor_label", "Label for given chip and sensor");

/// Name, help and type of a family, and its samples: chip, sensor, value.
type Families<'c> = BTreeMap<String, (String, Kind, Vec<(&'c str, String, f64)>)>;

pub fn measure(chips: &[Chip], page: &mut Page) {
    page.family(&CHIP);
    for chip in chips {
        if let Some(driver) = &chip.driver {
            page.sample(&[("chip", &chip.chip), ("chip_name", driver)], 1_u64);
        }
    }
    page.family(&LABEL);
    for (chip, sensor) in sensors(chips) {
        if let Some(label) = &sensor.label {
            page.sample(&[("chip", &chip.chip), ("label", label), ("sensor", &sensor_name(sensor))], 1_u64);
        }
    }
    let mut families = Families::new();
    for (chip, sensor) in sensors(chips) {
        for (element, value) in &sensor.values {
            let bare = sensor.values.contains_key("");
            let Some((name, help, factor)) = describe(sensor.kind, element, bare) else { continue };
            let kind = if sensor.kind == "energy" { Kind::Counter } else { Kind::Gauge };
            let family = families.entry(name).or_insert_with(|| (help, kind, Vec::new()));
            family.2.push((&chip.chip, sensor_name(sensor), factor.of(*value)));
        }
    }
    for (name, (help, kind, samples)) in families {
        page.family(named(kind, [&name, "", ""], [&help, "", "", ""]));
        for (chip, sensor, value) in samples {
            page.sample(&[("chip", chip), ("sensor", &sensor)], value);
        }
    }
}

fn sensors(chips: &[Chip]) -> impl Iterator<Item = (&Chip, &Sensor)> {
    chips.iter().flat_map(|chip| chip.sensors.iter().map(move |sensor| (chip, sensor)))
}

fn sensor_name(sensor: &Sensor) -> String {
    format!("{}{}", sensor.kind, sensor.number)
}

/// From the kernel's number to the unit of the name; multiplied or divided as node_exporter does.
#[derive(Clone, Copy)]
enum Factor {
    One,
    Thousandth,
    Millionth,
}

impl Factor {
    fn of(self, value: f64) -> f64 {
        match self {
            Factor::One => value,
            Factor::Thousandth => value * 0.001,
            Factor::Millionth => value / 1_000_000.0,
        }
    }
}

/// Name, help and factor of an element. `bare`: the sensor also has a value without element.
fn describe(kind: &str, element: &str, bare: bool) -> Option<(String, String, Factor)> {
    use Factor::{Millionth, One, Thousandth};
    match kind {
        "beep_enable" => return Some(("node_hwmon_beep_enabled".into(), "Hardware beep enabled".into(), One)),
        "vrm" => {
            let name = "node_hwmon_voltage_regulator_version";
            return Some((name.into(), "Hardware voltage regulator".into(), One));
        }
        "update_interval" => {
            let name = "node_hwmon_update_interval_seconds";
            return Some((name.into(), "Hardware monitor update interval".into(), Thousandth));
        }
        _ => {}
    }
    let name = match element {
        "" => format!("node_hwmon_{kind}"),
        "input" if !bare => format!("node_hwmon_{kind}"),
        element => format!("node_hwmon_{kind}_{}", clean(element)),
    };
    let (suffix, help, factor) = match (kind, element) {
        (_, "fault" | "alarm") => ("", format!("Hardware sensor {element} status ({kind})"), One),
        (_, "beep") => ("_enabled", "Hardware monitor sensor has beeping enabled".into(), One),
        ("in" | "cpu", _) => ("_volts", format!("Hardware monitor for voltage ({element})"), Thousandth),
        ("temp", "type") => ("", "Hardware monitor temp element type".into(), One),
        ("temp", _) => ("_celsius", format!("Hardware monitor for temperature ({element})"), Thousandth),
        ("curr", _) => ("_amps", format!("Hardware monitor for current ({element})"), Thousandth),
        ("energy", _) => ("_joule_total", format!("Hardware monitor for joules used so far ({element})"), Millionth),
        ("power", "accuracy") => ("", "Hardware monitor power meter accuracy, as a ratio".into(), Millionth),
        ("power", "average_interval" | "average_interval_min" | "average_interval_max") => {
            ("_seconds", format!("Hardware monitor power usage update interval ({element})"), Thousandth)
        }
        ("power", _) => ("_watt", format!("Hardware monitor for power usage in watts ({element})"), Millionth),
        ("humidity", _) => {
            let what = "as a ratio (multiply with 100.0 to get the humidity as a percentage)";
            ("", format!("Hardware monitor for humidity, {what} ({element})"), Millionth)
        }
        ("fan", "input" | "min" | "max" | "target") => {
            ("_rpm", format!("Hardware monitor for fan revolutions per minute ({element})"), One)
        }
        _ => ("", format!("Hardware monitor {kind} element {element}"), One),
    };
    Some((name + suffix, help, factor))
}

fn clean(element: &str) -> String {
    let word = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == ':' || c == '_' { c } else { '_' };
    element.to_lowercase().chars().map(word).collect::<String>().trim_matches('_').to_owned()
}
