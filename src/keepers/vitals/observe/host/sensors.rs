//! Sensors and power: hardware monitors, thermal zones, power supplies, energy counters.

use crate::host::Roots;
use crate::host::kept::Reader;
use crate::host::sysfs::{Class, Member, chip_name, list_sensor_files, parse_sensor_file};

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::scene::Scene;

/// What was seen of sensors and power.
#[derive(Clone, Debug, Default)]
pub struct Sensors {
    pub chips: Option<Vec<Chip>>,
    pub zones: Vec<ThermalZone>,
    pub cooling: Vec<CoolingDevice>,
    pub supplies: Option<Vec<PowerSupply>>,
    pub rapl: Option<Vec<RaplZone>>,
}

/// A hardware monitor.
#[derive(Clone, Debug, PartialEq)]
pub struct Chip {
    /// A name that does not change with the order in which drivers were loaded.
    pub chip: String,
    /// The driver's own name.
    pub driver: Option<String>,
    pub sensors: Vec<Sensor>,
}

/// One sensor: its values by element, such as `input`, `max`, `crit_alarm`; the element of a bare `pwm1` is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    pub kind: &'static str,
    pub number: u32,
    pub label: Option<String>,
    pub values: BTreeMap<String, f64>,
}

/// A thermal zone, thousandths of a degree Celsius.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThermalZone {
    pub zone: String,
    pub kind: String,
    pub temperature: i64,
}

/// A fan or another means of cooling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoolingDevice {
    pub name: String,
    pub kind: String,
    pub state: i64,
    pub highest: i64,
}

/// A power supply or battery: its attributes in the kernel's names and units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerSupply {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
}

/// An energy counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaplZone {
    /// `package`, `core`, `dram`.
    pub name: String,
    pub index: String,
    pub path: String,
    pub microjoules: u64,
}

/// How sensors are looked at.
pub struct Look {
    hwmon_dir: PathBuf,
    hwmon: Class,
    chips: BTreeMap<String, String>,
    zones: Class,
    cooling: Class,
    supplies: Class,
    rapl_dir: PathBuf,
    rapl: Class,
}

impl Look {
    pub fn new(roots: &Roots) -> Look {
        let class = |name: &str| roots.sysfs.join("class").join(name);
        let sensors = |dir: &std::path::Path| {
            let mut files = list_sensor_files(dir);
            files.push("name".into());
            files
        };
        let supply = |dir: &std::path::Path| {
            let names = crate::host::sysfs::list_names(dir).unwrap_or_default();
            names.into_iter().filter(|name| name != "uevent" && dir.join(name).is_file()).collect()
        };
        Look {
            hwmon_dir: class("hwmon"),
            hwmon: Class::choosing(class("hwmon"), |_| true, sensors),
            chips: BTreeMap::new(),
            zones: Class::new(class("thermal"), |name| name.starts_with("thermal_zone"), &["type", "temp"]),
            cooling: Class::new(
                class("thermal"),
                |name| name.starts_with("cooling_device"),
                &["type", "cur_state", "max_state"],
            ),
            supplies: Class::choosing(class("power_supply"), |_| true, supply),
            rapl_dir: class("powercap"),
            rapl: Class::new(class("powercap"), |_| true, &["name", "energy_uj"]),
        }
    }

    pub fn look(&mut self, scene: &mut Scene<'_>) -> Sensors {
        if scene.list {
            for class in [&mut self.hwmon, &mut self.zones, &mut self.cooling, &mut self.supplies, &mut self.rapl] {
                class.list_devices();
            }
            self.chips.clear();
        }
        let chips = scene.run("hwmon", |reader| Ok(self.look_at_chips(reader)));
        let thermal = scene.run("thermal_zone", |reader| {
            let zones = self.zones.read(reader).unwrap_or_default();
            let cooling = self.cooling.read(reader).unwrap_or_default();
            Ok(Some((
                zones.iter().filter_map(parse_zone).collect(),
                cooling.iter().filter_map(parse_cooling).collect(),
            )))
        });
        let (zones, cooling) = thermal.unwrap_or_default();
        let supplies = |members: Vec<Member>| members.iter().map(parse_supply).collect();
        Sensors {
            chips,
            zones,
            cooling,
            supplies: scene.run("powersupplyclass", |reader| Ok(self.supplies.read(reader).map(supplies))),
            rapl: scene.run("rapl", |reader| {
                let members = self.rapl.read(reader).unwrap_or_default();
                let zones = parse_rapl(&members, &self.rapl_dir);
                Ok(Some(zones).filter(|zones| !zones.is_empty()))
            }),
        }
    }

    fn look_at_chips(&mut self, reader: &mut Reader) -> Option<Vec<Chip>> {
        let members = self.hwmon.read(reader)?;
        let chip = |member: &Member| {
            let name = self.chips.entry(member.name.to_string());
            let chip = name.or_insert_with(|| chip_name(&self.hwmon_dir.join(&*member.name))).clone();
            parse_chip(chip, member)
        };
        Some(members.iter().map(chip).collect())
    }
}

fn parse_chip(chip: String, member: &Member) -> Chip {
    let mut sensors: Vec<Sensor> = Vec::new();
    for (path, value) in member.attributes() {
        let file = path.strip_prefix("device/").unwrap_or(path);
        let Some((kind, number, element)) = parse_sensor_file(file) else { continue };
        let known = sensors.iter().position(|sensor| sensor.kind == kind && sensor.number == number);
        let at = known.unwrap_or_else(|| {
            sensors.push(Sensor { kind, number, label: None, values: BTreeMap::new() });
            sensors.len() - 1
        });
        let Some(sensor) = sensors.get_mut(at) else { continue };
        if element == "label" {
            sensor.label = Some(value.to_owned());
        } else if let Some(value) = value.parse().ok().filter(|value: &f64| value.is_finite()) {
            sensor.values.insert(element.to_owned(), value);
        }
    }
    let driver = member.get("name").filter(|name| !name.is_empty()).map(str::to_owned);
    Chip { chip, driver, sensors }
}

fn parse_zone(member: &Member) -> Option<ThermalZone> {
    Some(ThermalZone {
        zone: member.name.strip_prefix("thermal_zone")?.to_owned(),
        kind: member.get("type")?.to_owned(),
        temperature: member.number("temp")?,
    })
}

fn parse_cooling(member: &Member) -> Option<CoolingDevice> {
    Some(CoolingDevice {
        name: member.name.strip_prefix("cooling_device")?.to_owned(),
        kind: member.get("type")?.to_owned(),
        state: member.number("cur_state")?,
        highest: member.number("max_state")?,
    })
}

fn parse_supply(member: &Member) -> PowerSupply {
    let attributes = member.attributes().map(|(name, value)| (name.to_owned(), value.to_owned()));
    PowerSupply { name: member.name.to_string(), attributes: attributes.collect() }
}

/// `package-0` carries its number; zones of one name without number are counted.
fn parse_rapl(members: &[Member], dir: &std::path::Path) -> Vec<RaplZone> {
    let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
    let mut zones = Vec::new();
    for member in members {
        let Some(full) = member.get("name") else { continue };
        let numbered = full.rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok());
        let (name, index) = match numbered {
            Some((name, number)) => (name, number.to_owned()),
            None => {
                let count = counted.entry(full).or_default();
                *count += 1;
                (full, (*count - 1).to_string())
            }
        };
        let path = dir.join(&*member.name).to_string_lossy().into_owned();
        let microjoules = member.number("energy_uj");
        zones.extend(microjoules.map(|microjoules| RaplZone { name: name.to_owned(), index, path, microjoules }));
    }
    zones
}
