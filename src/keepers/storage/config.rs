//! `[storage]` and `[project.*.dir.*]`: tiers and data directories, and everything that can be wrong with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::cache::config::{Cache, CacheMode, Share};
pub use super::disks::config::Smart;
use super::pools::config::{Pool, check_pools};
use super::{cache, quota};
use crate::values::{Bytes, Mode, Problem, ProjectName, one_line};

/// The `[storage]` table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    #[serde(default)]
    pub mode: Option<Mode>,
    #[serde(default)]
    pub tier: BTreeMap<String, Tier>,
    pub smart: Smart,
}

/// A place for data: `[storage.tier.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Absolute path of the tier's root.
    pub path: String,
    /// Kernel name of the block device that must be mounted there, such as `bcache0` or `sda1`.
    #[serde(default)]
    pub device: Option<String>,
    /// Whether `path` itself must be a mount point.
    #[serde(default)]
    pub require_mount: bool,
    /// Free space that must remain.
    #[serde(default)]
    pub min_free: Option<Bytes>,
    /// What the device must be made of.
    #[serde(default)]
    pub media: Option<Media>,
    /// How fast it is meant to be.
    #[serde(default)]
    pub expected: Option<Expected>,
    /// The bcache that it must stand on.
    #[serde(default)]
    pub cache: Option<Cache>,
}

/// What `storage bench` is compared with: `[storage.tier.NAME.expected]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Bytes per second of one sequential writer.
    #[serde(default)]
    pub sequential_write: Option<Bytes>,
    /// Reads of 4 KiB per second, one at a time, all over a file.
    #[serde(default)]
    pub random_read: Option<u64>,
}

/// What a block device is made of, as the kernel's `queue/rotational` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    Ssd,
    Hdd,
    Bcache,
}

/// A data directory: `[project.NAME.dir.NAME]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dir {
    /// The tier it belongs to.
    pub tier: String,
    /// Path below the tier's root, or an absolute path below it.
    pub path: String,
    /// `uid:gid` in numbers; without it the owner is left alone.
    #[serde(default)]
    pub owner: Option<String>,
    /// Octal permission bits such as `"0700"`; without it they are left alone.
    #[serde(default)]
    pub mode: Option<String>,
    /// What it may hold.
    #[serde(default)]
    pub quota: Option<Bytes>,
}

/// What the storage keeper works from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub tiers: BTreeMap<String, Tier>,
    pub dirs: BTreeMap<(ProjectName, String), Dir>,
    pub smart: Smart,
    pub pools: BTreeMap<(ProjectName, String), Pool>,
    pub cleans: BTreeMap<(ProjectName, String), super::clean::config::Rule>,
}

impl Config {
    /// Everything that is wrong with tiers and directories, alone and together.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = self.smart.check();
        for (name, tier) in &self.tiers {
            check_tier(name, tier, &mut problems);
        }
        check_same_roots(&self.tiers, &mut problems);
        quota::config::check(&self.dirs, &mut problems);
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for ((project, name), dir) in &self.dirs {
            let key = format!("project.{project}.dir.{name}");
            check_dir(&key, name, dir, &mut problems);
            let Some(tier) = self.tiers.get(&dir.tier) else {
                problems.push(unknown_tier(&key, &dir.tier, &self.tiers));
                continue;
            };
            match parse_place(tier, &dir.path) {
                Ok(place) => {
                    check_overlap(&key, &place, &taken, &mut problems);
                    taken.entry(place).or_insert(key);
                }
                Err(Some((what, cure))) => problems.push(Problem::new(format!("{key}.path"), what, cure)),
                Err(None) => {}
            }
        }
        problems.extend(check_pools(&self.pools, &self.dirs));
        problems.extend(super::clean::config::check(self));
        problems
    }
}

impl Config {
    /// The absolute paths of all tiers and declared directories: what a change of is news.
    pub fn list_places(&self) -> Vec<String> {
        let place = |dir: &Dir| parse_place(self.tiers.get(&dir.tier)?, &dir.path).ok();
        let roots = self.tiers.values().map(|tier| tier.path.clone());
        roots.chain(self.dirs.values().filter_map(place)).collect()
    }
}

impl Dir {
    /// The permission bits, when they are given and right.
    pub fn mode_bits(&self) -> Option<u32> {
        self.mode.as_deref().and_then(parse_mode)
    }

    /// User and group, when they are given and right.
    pub fn owner_ids(&self) -> Option<(u32, u32)> {
        self.owner.as_deref().and_then(parse_owner)
    }
}

/// Octal permission bits of three or four digits.
pub fn parse_mode(text: &str) -> Option<u32> {
    let octal = (3..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    if octal { u32::from_str_radix(text, 8).ok() } else { None }
}

/// `uid:gid`, both in numbers. The kernel's own "nobody set" (the largest number) is refused.
pub fn parse_owner(text: &str) -> Option<(u32, u32)> {
    let (user, group) = text.split_once(':')?;
    let id = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|id| digits && *id < u32::MAX)
    };
    Some((id(user)?, id(group)?))
}

/// The absolute path of a directory, without a slash at the end. `Err(None)`: the tier itself is wrong.
pub fn parse_place(tier: &Tier, path: &str) -> Result<String, Option<(String, String)>> {
    if check_path(&tier.path).is_err() {
        return Err(None);
    }
    let root = tier.path.trim_end_matches('/');
    let below = if path.starts_with('/') {
        let inside = path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let root = if root.is_empty() { "/" } else { root };
        let cure = || format!("write a path below {root}, such as \"{}\"", path.trim_matches('/'));
        inside.ok_or_else(|| Some((format!("is not below the tier's root {root}"), cure())))?
    } else {
        path
    };
    let below = below.trim_matches('/');
    if below.is_empty() {
        return Err(Some(("is the root of the tier itself".into(), "name a directory below it".into())));
    }
    let place = format!("{root}/{below}");
    check_path(&place)
        .map(|()| place)
        .map_err(|what| Some((what, "write a plain path such as \"athena/seaweed\"".into())))
}

/// Absolute, without `.` and `..` and empty parts, and within the kernel's bounds; else what is wrong with it.
pub fn check_path(path: &str) -> Result<(), String> {
    let parts = || path.trim_end_matches('/').split('/').skip(1);
    if !path.starts_with('/') {
        return Err("is no absolute path".into());
    }
    if path.chars().any(char::is_control) {
        return Err("holds a control character".into());
    }
    if let Some(part) = parts().find(|part| *part == "." || *part == ".." || part.is_empty()) {
        return Err(format!("holds an empty part or \"{part}\""));
    }
    if path.len() >= 4096 || parts().any(|part| part.len() > 255) {
        return Err("is longer than the kernel allows".into());
    }
    Ok(())
}

pub(super) fn check_name(key: &str, name: &str, problems: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
        let what = format!("\"{}\" is no name", one_line(name, 40));
        problems.push(Problem::new(key, what, "use letters, digits, _ and -, at most 63 characters"));
    }
}

fn check_tier(name: &str, tier: &Tier, problems: &mut Vec<Problem>) {
    let key = format!("storage.tier.{name}");
    check_name(&key, name, problems);
    if let Err(what) = check_path(&tier.path) {
        problems.push(Problem::new(format!("{key}.path"), what, "write the whole path, such as \"/data\""));
    }
    if let Some(cache) = &tier.cache {
        cache::config::check(&key, cache, tier.media.is_some_and(|media| media != Media::Bcache), problems);
    }
    if let Some(device) = &tier.device {
        let kernel = device.strip_prefix("/dev/").unwrap_or(device);
        if device.is_empty() || device.len() > 255 || device.contains('/') || device.chars().any(char::is_control) {
            let what = "is no kernel name of a block device";
            let last = kernel.rsplit('/').next().unwrap_or_default();
            let name = if kernel.contains('/') || last.is_empty() { "bcache0" } else { last };
            let cure = format!("use the name in /proc/partitions, such as \"{}\"", one_line(name, 40));
            problems.push(Problem::new(format!("{key}.device"), what, cure));
        }
    }
    let Some(expected) = &tier.expected else { return };
    if expected.sequential_write.is_some_and(|speed| speed.0 < 1_000_000) {
        let cure = "write bytes per second, such as \"932MB\"";
        problems.push(Problem::new(format!("{key}.expected.sequential_write"), "is less than 1 MB a second", cure));
    }
    if expected.random_read == Some(0) {
        let cure = "write reads per second, such as 11200, or leave it out";
        problems.push(Problem::new(format!("{key}.expected.random_read"), "no disk is expected to read nothing", cure));
    }
}

fn check_same_roots(tiers: &BTreeMap<String, Tier>, problems: &mut Vec<Problem>) {
    let mut roots: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, tier) in tiers {
        let root = tier.path.trim_end_matches('/');
        if let Some(other) = roots.insert(root, name) {
            let what = format!("is the root of the tier \"{other}\" too");
            problems.push(Problem::new(format!("storage.tier.{name}.path"), what, "keep one of the two tiers"));
        }
    }
}

fn unknown_tier(key: &str, tier: &str, tiers: &BTreeMap<String, Tier>) -> Problem {
    let near = tiers.keys().map(|known| (strsim::damerau_levenshtein(tier, known), known)).min();
    let cure = match near {
        None => "declare it: [storage.tier.NAME] with a path".into(),
        Some((distance, known)) if distance <= 2 && tier.len() < 100 => format!("did you mean \"{known}\"?"),
        Some(_) => {
            let known: Vec<String> = tiers.keys().take(20).map(|known| format!("\"{known}\"")).collect();
            format!("declared are {}", known.join(", "))
        }
    };
    Problem::new(format!("{key}.tier"), format!("unknown tier \"{}\"", one_line(tier, 40)), cure)
}

fn check_dir(key: &str, name: &str, dir: &Dir, problems: &mut Vec<Problem>) {
    check_name(key, name, problems);
    if dir.owner.is_some() && dir.owner_ids().is_none() {
        let cure = "use numbers, user:group, such as \"999:999\"; names differ inside containers";
        problems.push(Problem::new(format!("{key}.owner"), "is no owner", cure));
    }
    let Some(mode) = &dir.mode else { return };
    let key = format!("{key}.mode");
    match dir.mode_bits() {
        None => problems.push(Problem::new(key, "is no mode", "use three or four octal digits, such as \"0700\"")),
        Some(bits) if bits & 0o002 != 0 && bits & 0o1000 == 0 => {
            let closed = format!("{:04o}", bits & !0o007);
            let what = "everyone could write there";
            problems.push(Problem::new(
                key,
                what,
                format!("use \"{closed}\", or \"1{}\" for a shared one", tail(mode)),
            ));
        }
        Some(bits) if bits & 0o4000 != 0 => {
            problems.push(Problem::new(
                key,
                "set-user-id means nothing on a directory",
                format!("use \"{:04o}\"", bits & 0o3777),
            ));
        }
        Some(_) => {}
    }
}

/// The last three digits of a mode.
fn tail(mode: &str) -> &str {
    mode.get(mode.len().saturating_sub(3)..).unwrap_or(mode)
}

/// One path has one owner: no directory is the same as, within, or above another.
fn check_overlap(key: &str, place: &str, taken: &BTreeMap<String, String>, problems: &mut Vec<Problem>) {
    let cure = "give each directory its own path, apart from the others";
    if let Some(other) = taken.get(place) {
        let what = format!("is the directory of {other} too");
        return problems.push(Problem::new(format!("{key}.path"), what, cure));
    }
    let mut above = place;
    while let Some((parent, _)) = above.rsplit_once('/') {
        above = parent;
        if let Some(other) = taken.get(parent) {
            let what = format!("lies within {parent} of {other}");
            return problems.push(Problem::new(format!("{key}.path"), what, cure));
        }
    }
    let within = format!("{place}/");
    if let Some((_, other)) = taken.range(within.clone()..).next().filter(|(path, _)| path.starts_with(&within)) {
        problems.push(Problem::new(format!("{key}.path"), format!("holds the directory of {other}"), cure));
    }
}
