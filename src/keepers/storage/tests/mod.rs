//! Storage tried: tables and properties of its decisions, and whole rounds on a scratch tree.

mod properties;
mod scenes;
mod tables;
mod trends;

use std::time::Duration;

use super::config::{Config, Dir, Tier};
use super::observe::{DirSeen, Ground, Key, Seen, TierSeen};
use super::step::{Bits, Owner};
use crate::host::devices::Device;
use crate::host::files::Identity;
use crate::values::{Bytes, Known, Now};

const GIB: u64 = 1 << 30;

fn now(seconds: u64) -> Now {
    let wall = "2026-11-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let wall = wall + jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap());
    Now { wall, up: Duration::from_secs(seconds), boot: "a".into() }
}

fn tier(path: &str) -> Tier {
    Tier { path: path.into(), ..Tier::default() }
}

fn dir(path: &str, owner: Option<&str>, mode: Option<&str>) -> Dir {
    Dir { tier: "ssd".into(), path: path.into(), owner: owner.map(Into::into), mode: mode.map(Into::into), quota: None }
}

fn key(name: &str) -> Key {
    ("athena".parse().unwrap(), name.into())
}

/// One tier `ssd` and one directory `pg` in it.
fn one(dir: Dir) -> Config {
    let mut config = Config::default();
    config.tiers.insert("ssd".into(), tier("/srv/ssd"));
    config.dirs.insert(key("pg"), dir);
    config
}

fn ground() -> Ground {
    Ground {
        identity: Identity { device: (8, 1), mount: 40, inode: 2, made: None },
        mount_root: true,
        owner: Owner { user: 0, group: 0 },
        read_only: false,
        size: 446 * GIB,
        available: 200 * GIB,
        device: Known::Known(Some(Device {
            name: "sda1".into(),
            chain: vec!["sda1".into(), "sda".into()],
            rotational: Some(false),
            ..Device::default()
        })),
        fstype: Some("ext4".into()),
        full_in: None,
    }
}

fn seen(ground: Ground, found: DirSeen) -> Seen {
    let tier = Known::Known(TierSeen::There(ground));
    let mut seen = Seen::at(now(0).wall);
    seen.tiers.insert("ssd".to_owned(), tier);
    seen.dirs.insert(key("pg"), found);
    seen
}

fn there(owner: (u32, u32), mode: u32, empty: Option<bool>) -> DirSeen {
    let owner = Owner { user: owner.0, group: owner.1 };
    DirSeen::There { owner, mode: Bits(mode), empty: empty.map(Known::Known) }
}

fn bytes(count: u64) -> Option<Bytes> {
    Some(Bytes(count))
}
