//! The system as a whole: names and versions, clocks, entropy, open files, text files of other programs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::scene::{Scene, Source};
use super::textfile::{TextFiles, TextLook};
use crate::host::procfs::{parse_number, parse_numbers};
use crate::host::sysfs::{Class, Member, list_names, read_attribute};
use crate::host::timex::{Timex, read_timex};
use crate::host::{Error, Roots};

/// What was seen of the system.
#[derive(Clone, Debug, Default)]
pub struct SystemSeen {
    pub uname: Option<Uname>,
    pub os: Option<OsRelease>,
    /// Attributes of the firmware, by file name.
    pub dmi: Option<BTreeMap<String, String>>,
    pub timex: Option<Timex>,
    /// Abbreviation and offset in seconds.
    pub time_zone: Option<(String, i32)>,
    pub clocksources: Vec<Clocksource>,
    /// Available and pool size, bits.
    pub entropy: Option<(u64, Option<u64>)>,
    /// Allocated and most.
    pub files: Option<(u64, u64)>,
    pub selinux: Option<Selinux>,
    pub text: Option<TextFiles>,
}

/// `uname(2)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uname {
    pub sysname: String,
    pub release: String,
    pub version: String,
    pub machine: String,
    pub nodename: String,
    pub domainname: String,
}

/// `/etc/os-release`, by key.
pub type OsRelease = BTreeMap<String, String>;

/// A source of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clocksource {
    pub device: String,
    pub available: Vec<String>,
    pub current: String,
}

/// Access control by labels. `enforcing`: 1, 0; configured -1 is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selinux {
    Off,
    On { configured: i64, enforcing: i64 },
}

/// How the system is looked at.
pub struct Look {
    roots: Roots,
    dmi_dir: PathBuf,
    os: Option<OsRelease>,
    dmi: Option<BTreeMap<String, String>>,
    clocksources: Class,
    entropy: [Source<u64>; 2],
    files: Source<Vec<u64>>,
    text: TextLook,
}

impl Look {
    pub fn new(roots: &Roots) -> Look {
        let proc = |path: &str| roots.procfs.join(path);
        Look {
            dmi_dir: roots.sysfs.join("class/dmi/id"),
            os: None,
            dmi: None,
            clocksources: Class::new(
                roots.sysfs.join("devices/system/clocksource"),
                |name| name.starts_with("clocksource"),
                &["available_clocksource", "current_clocksource"],
            ),
            entropy: ["entropy_avail", "poolsize"]
                .map(|file| Source::piece(proc("sys/kernel/random").join(file), parse_number)),
            files: Source::piece(proc("sys/fs/file-nr"), parse_numbers),
            text: TextLook::new(roots),
            roots: roots.clone(),
        }
    }

    pub fn look(&mut self, scene: &mut Scene<'_>) -> SystemSeen {
        if scene.list {
            self.clocksources.list_devices();
            self.os = self.read_os_release();
            self.dmi = self.read_dmi();
        }
        let wall = scene.now.wall;
        let time = scene.run("time", |reader| {
            let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
            let zone = zone.to_offset_info(wall);
            let sources = self.clocksources.read(reader).unwrap_or_default();
            let zone = (zone.abbreviation().to_owned(), zone.offset().seconds());
            Ok(Some((zone, sources.iter().filter_map(parse_clocksource).collect())))
        });
        let (time_zone, clocksources) = time.unzip();
        SystemSeen {
            uname: scene.run("uname", |_| read_uname().map(Some)),
            os: scene.run("os", |_| Ok(self.os.clone())),
            dmi: scene.run("dmi", |_| Ok(self.dmi.clone())),
            timex: scene.run("timex", |_| read_timex().map(Some)),
            time_zone,
            clocksources: clocksources.unwrap_or_default(),
            entropy: scene.run("entropy", |reader| {
                let [available, pool] = &mut self.entropy;
                let Some(available) = available.look(reader)? else { return Ok(None) };
                Ok(Some((available, pool.look(reader)?)))
            }),
            files: scene.run("filefd", |reader| {
                let numbers = self.files.look(reader)?;
                Ok(numbers.as_deref().and_then(|numbers| numbers.first().copied().zip(numbers.get(2).copied())))
            }),
            selinux: None,
            text: scene.run("textfile", |_| Ok(self.text.look())),
        }
    }

    /// Whether labels control access, once the mount table is known.
    pub fn look_at_selinux(&self, scene: &mut Scene<'_>, mounted: bool) -> Option<Selinux> {
        scene.run("selinux", |_| {
            if !mounted {
                return Ok(Some(Selinux::Off));
            }
            let enforce = read_attribute(&self.roots.sysfs.join("fs/selinux/enforce"));
            let config = read_attribute(&self.roots.rootfs.join("etc/selinux/config")).unwrap_or_default();
            let mode = config.lines().find_map(|line| line.trim().strip_prefix("SELINUX="));
            let configured = match mode.map(str::trim) {
                Some("enforcing") => 1,
                Some("permissive") => 0,
                _ => -1,
            };
            let enforcing = enforce.and_then(|enforce| enforce.parse().ok()).unwrap_or(0);
            Ok(Some(Selinux::On { configured, enforcing }))
        })
    }

    fn read_os_release(&self) -> Option<OsRelease> {
        let read = |path: &str| read_attribute(&self.roots.rootfs.join(path));
        read("etc/os-release").or_else(|| read("usr/lib/os-release")).map(|text| parse_os_release(&text))
    }

    fn read_dmi(&self) -> Option<BTreeMap<String, String>> {
        let names = list_names(&self.dmi_dir)?;
        let value = |name: String| read_attribute(&self.dmi_dir.join(&name)).map(|value| (name, value));
        Some(names.into_iter().filter(|name| DMI.contains(&name.as_str())).filter_map(value).collect())
    }
}

/// The firmware's attributes that are shown.
const DMI: [&str; 20] = [
    "bios_date",
    "bios_release",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_serial",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_serial",
    "chassis_vendor",
    "chassis_version",
    "product_family",
    "product_name",
    "product_serial",
    "product_sku",
    "product_uuid",
    "product_version",
    "sys_vendor",
];

fn read_uname() -> Result<Uname, Error> {
    let uname = nix::sys::utsname::uname().map_err(|errno| Error::reply("uname", errno.desc()))?;
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    Ok(Uname {
        sysname: text(uname.sysname()),
        release: text(uname.release()),
        version: text(uname.version()),
        machine: text(uname.machine()),
        nodename: text(uname.nodename()),
        domainname: text(uname.domainname()),
    })
}

fn parse_clocksource(member: &Member) -> Option<Clocksource> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    Some(Clocksource {
        device: member.name.strip_prefix("clocksource")?.to_owned(),
        available: words(member.get("available_clocksource")?),
        current: member.get("current_clocksource")?.to_owned(),
    })
}

/// Parses `os-release(5)`: `KEY=value`, quoted as a shell would.
pub fn parse_os_release(text: &str) -> OsRelease {
    let pair = |line: &str| {
        let (key, value) = line.trim().split_once('=').filter(|(key, _)| !key.starts_with('#'))?;
        let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
        let value = match quoted('"') {
            Some(inner) => unescape(inner),
            None => quoted('\'').unwrap_or(value).to_owned(),
        };
        Some((key.to_owned(), value))
    };
    text.lines().filter_map(pair).collect()
}

/// Within double quotes a backslash takes the special meaning of what follows.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut escaped = false;
    for c in text.chars() {
        if c == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        plain.push(c);
    }
    plain
}
