//! Asks disks for their health in a task of its own, and reads the arrays. A look never waits for a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::config::{Smart as Config, parse_device};
use crate::host::devices::read_arrays;
pub use crate::host::procfs::MdArray;
pub use crate::host::smartctl::Smart;
use crate::host::smartctl::{Asked, Disk, ask_disk};
use crate::host::{Error, Host};
use crate::values::Now;

/// What came of the last question to a disk.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskSeen {
    /// Whether the configuration names it: one that was merely found may have nothing to say.
    pub named: bool,
    /// What it said when it last said something, and when.
    pub told: Option<(Smart, Timestamp)>,
    /// Why it could not be asked the last time.
    pub trouble: Option<String>,
}

/// Disks by name (`sda`, `sda:megaraid,0`), and arrays. Both empty until looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DisksSeen {
    pub disks: BTreeMap<String, DiskSeen>,
    pub arrays: Vec<MdArray>,
}

type Answers = Vec<(Disk, Result<Option<Asked>, Error>)>;

/// What is known of the disks between two questions.
#[derive(Debug, Default)]
pub struct Disks {
    known: BTreeMap<String, DiskSeen>,
    asking: Option<JoinHandle<Answers>>,
    /// When the disks were last asked, time since boot, and which.
    asked: Option<(Duration, BTreeSet<Disk>)>,
}

impl Disks {
    /// What is known now. Begins to ask when it is time; `found` are the whole disks below the tiers.
    pub async fn look(&mut self, config: &Config, found: BTreeSet<String>, host: &Host, now: &Now) -> DisksSeen {
        self.take_answers(now).await;
        let named = config.devices.is_some();
        let wanted: BTreeSet<Disk> = match &config.devices {
            Some(devices) => devices.iter().filter_map(|device| disk_of(device)).collect(),
            None => found.into_iter().map(|name| Disk { name, kind: None }).collect(),
        };
        self.known.retain(|name, _| wanted.iter().any(|disk| disk.to_string() == *name));
        for disk in &wanted {
            let fresh = DiskSeen { named, told: None, trouble: None };
            self.known.entry(disk.to_string()).or_insert(fresh).named = named;
        }
        let due = self.asked.as_ref().is_none_or(|(at, disks)| {
            now.up.saturating_sub(*at) >= config.every.0 || wanted.difference(disks).next().is_some()
        });
        if due && self.asking.is_none() && !wanted.is_empty() {
            self.asked = Some((now.up, wanted.clone()));
            self.asking = Some(tokio::task::spawn_blocking(|| ask(wanted)));
        }
        DisksSeen { disks: self.known.clone(), arrays: read_arrays(&host.roots) }
    }

    async fn take_answers(&mut self, now: &Now) {
        if !self.asking.as_ref().is_some_and(JoinHandle::is_finished) {
            return;
        }
        let Some(asking) = self.asking.take() else { return };
        for (disk, answer) in asking.await.unwrap_or_default() {
            let Some(known) = self.known.get_mut(&disk.to_string()) else { continue };
            known.trouble = None;
            match answer {
                Ok(Some(Asked::Told(smart))) => known.told = Some((smart, now.wall)),
                // What it said before it fell asleep holds.
                Ok(Some(Asked::Asleep)) => {}
                Ok(Some(Asked::Mute(why))) => known.trouble = Some(why),
                Ok(None) => known.trouble = Some("smartctl is not installed".into()),
                Err(error) => known.trouble = Some(error.chain()),
            }
        }
    }
}

/// One after the other: they may share a controller.
fn ask(disks: BTreeSet<Disk>) -> Answers {
    let ask_one = |disk: Disk| {
        let answer = ask_disk(&disk);
        (disk, answer)
    };
    disks.into_iter().map(ask_one).collect()
}

fn disk_of(device: &str) -> Option<Disk> {
    let (name, kind) = parse_device(device)?;
    Some(Disk { name: name.to_owned(), kind: kind.map(str::to_owned) })
}
