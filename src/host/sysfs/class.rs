//! A directory of alike devices, such as `/sys/class/thermal`: who is there, and the attributes of each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::kept::{Kept, Reader};
use super::list_names;

/// Chooses the attributes of a device, as paths below its directory.
type Choose = Box<dyn Fn(&Path) -> Vec<String> + Send>;

/// Alike devices and their attributes.
pub struct Class {
    dir: PathBuf,
    belongs: fn(&str) -> bool,
    choose: Choose,
    /// `None`: there is no such directory.
    devices: Option<Vec<Device>>,
}

struct Device {
    name: Arc<str>,
    names: Arc<[String]>,
    files: Vec<Kept>,
}

/// A device as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: Arc<str>,
    names: Arc<[String]>,
    values: Vec<Option<String>>,
}

impl Member {
    /// The trimmed value of the attribute at `path`, when it could be read.
    pub fn get(&self, path: &str) -> Option<&str> {
        let at = self.names.iter().position(|name| name == path)?;
        self.values.get(at)?.as_deref()
    }

    /// As `get`, for a decimal number.
    pub fn number<T: std::str::FromStr>(&self, path: &str) -> Option<T> {
        self.get(path)?.parse().ok()
    }

    /// All attributes that could be read.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.names.iter().zip(&self.values);
        pairs.filter_map(|(name, value)| value.as_deref().map(|value| (name.as_str(), value)))
    }
}

impl Class {
    /// The devices of `dir` whose name `belongs`, each with the attributes in `files`.
    pub fn new(dir: PathBuf, belongs: fn(&str) -> bool, files: &'static [&'static str]) -> Class {
        Class::choosing(dir, belongs, move |_| files.iter().map(|file| (*file).to_owned()).collect())
    }

    /// As `new`, with attributes that are chosen by looking at the device's directory.
    pub fn choosing(
        dir: PathBuf,
        belongs: fn(&str) -> bool,
        choose: impl Fn(&Path) -> Vec<String> + Send + 'static,
    ) -> Class {
        Class { dir, belongs, choose: Box::new(choose), devices: None }
    }

    /// Lists the directory again. Files of devices that stayed as they were stay open.
    pub fn list_devices(&mut self) {
        let mut old = self.devices.take().unwrap_or_default();
        let Some(names) = list_names(&self.dir) else { return };
        let mut devices = Vec::with_capacity(old.len());
        for name in names.into_iter().filter(|name| (self.belongs)(name)) {
            let chosen = (self.choose)(&self.dir.join(&name));
            let same = |device: &Device| *device.name == *name && *device.names == *chosen;
            devices.push(match old.iter().position(same) {
                Some(at) => old.swap_remove(at),
                None => Device::new(&self.dir, &name, chosen),
            });
        }
        self.devices = Some(devices);
    }

    /// Reads all attributes; `None` when there was no such directory at the last listing.
    pub fn read(&mut self, reader: &mut Reader) -> Option<Vec<Member>> {
        let devices = self.devices.as_mut()?;
        let read = |device: &mut Device| Member {
            name: device.name.clone(),
            names: device.names.clone(),
            values: device.files.iter_mut().map(|file| reader.read_attribute(file).map(str::to_owned)).collect(),
        };
        Some(devices.iter_mut().map(read).collect())
    }
}

impl Device {
    fn new(dir: &Path, name: &str, names: Vec<String>) -> Device {
        let files = names.iter().map(|file| Kept::attribute(dir.join(name).join(file))).collect();
        Device { name: name.into(), names: names.into(), files }
    }
}
