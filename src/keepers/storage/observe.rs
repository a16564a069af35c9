//! Looks at tiers and declared directories. What hangs costs its tier, not the round.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use super::cache::observe::CacheSeen;
use super::cache::observe::read_cache;
use super::clean::{CleanSeen, Deleted, RuleKey};
use super::config::{Config, Tier, parse_place};
use super::disks::DisksSeen;
use super::mend::MendSeen;
use super::pools::PoolsSeen;
pub use super::quota::observe::QuotaSeen;
use super::quota::observe::read_quota;
pub use super::quota::usage::UsageSeen;
use super::step::{Bits, Owner};
pub use crate::host::devices::Device;
use crate::host::devices::{read_device, read_device_of_source};
use crate::host::files::{Directory, Found, Identity, open_root};
use crate::host::mounts::{Mount, mount_of, read_mounts};
use crate::host::{Error, Host, Roots, patience::Patience};
use crate::values::{Known, Now, ProjectName};

/// How long all tiers together may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Project and name of a declared directory.
pub type Key = (ProjectName, String);

/// What was seen of storage.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub at: Timestamp,
    pub tiers: BTreeMap<String, Known<TierSeen>>,
    pub dirs: BTreeMap<Key, DirSeen>,
    /// Of tiers that are there.
    pub caches: BTreeMap<String, CacheSeen>,
    /// Of directories that are there.
    pub quotas: BTreeMap<Key, QuotaSeen>,
    pub usage: BTreeMap<Key, UsageSeen>,
    pub cleans: BTreeMap<RuleKey, CleanSeen>,
    pub deleted: BTreeMap<RuleKey, Deleted>,
    /// What people had mended.
    pub mends: BTreeMap<Key, MendSeen>,
    pub disks: DisksSeen,
    /// Looked at after the tiers are proved.
    pub pools: PoolsSeen,
}

impl Seen {
    /// Nothing yet.
    pub fn at(at: Timestamp) -> Seen {
        Seen {
            at,
            tiers: BTreeMap::new(),
            dirs: BTreeMap::new(),
            caches: BTreeMap::new(),
            quotas: BTreeMap::new(),
            usage: BTreeMap::new(),
            cleans: BTreeMap::new(),
            deleted: BTreeMap::new(),
            mends: BTreeMap::new(),
            disks: DisksSeen::default(),
            pools: PoolsSeen::default(),
        }
    }

    /// The whole disks below the tiers that can have a health: no virtual ones.
    pub fn list_disks(&self) -> BTreeSet<String> {
        let ground = |tier: &Known<TierSeen>| match tier.value() {
            Some(TierSeen::There(ground)) => ground.device.value().and_then(|device| device.as_ref()).cloned(),
            _ => None,
        };
        let disks = self.tiers.values().filter_map(ground).flat_map(|device| device.disks);
        disks.filter(|name| ["sd", "nvme", "hd"].iter().any(|real| name.starts_with(real))).collect()
    }
}

/// What is at a tier's path. The text is the part of the path that is so.
#[derive(Clone, Debug, PartialEq)]
pub enum TierSeen {
    Missing(String),
    Link(String),
    NotDirectory(String),
    There(Ground),
}

/// A tier's root and what it stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground {
    pub identity: Identity,
    /// Whether the path is itself a mount point.
    pub mount_root: bool,
    pub owner: Owner,
    pub read_only: bool,
    pub size: u64,
    /// Free for those who are not root.
    pub available: u64,
    /// `None`: a file system without a block device.
    pub device: Known<Option<Device>>,
    pub fstype: Option<String>,
    /// Seconds until it is full at the present trend.
    pub full_in: Option<f64>,
}

/// What is at a declared directory's path.
#[derive(Clone, Debug, PartialEq)]
pub enum DirSeen {
    /// Not looked at, and why.
    Unseen(String),
    /// Not there; `parents` are not there either, outermost first.
    Missing { parents: Vec<String> },
    /// `at`, a part of the path, is no directory.
    NotDirectory { at: String },
    /// `at`, a part of the path, is a symlink.
    Link { at: String },
    /// `at`, a part of the path, is on another file system than the tier.
    Elsewhere { at: String },
    /// There. `empty` is only looked at where the owner differs from the declared one.
    There { owner: Owner, mode: Bits, empty: Option<Known<bool>> },
}

/// One directory to look at: where below its tier, and whose it should be.
struct Question {
    key: Key,
    below: String,
    owner: Option<Owner>,
}

/// Looks at everything that the configuration names.
pub async fn look(config: &Config, host: &Host, now: &Now, patience: &mut Patience) -> Seen {
    let mounts = Arc::new(read_mounts(&host.roots).unwrap_or_default());
    let until = Instant::now() + LIMIT;
    let mut seen = Seen::at(now.wall);
    let mut questions = sort_by_tier(config, &mut seen);
    let mut waiting = Vec::new();
    for (name, tier) in &config.tiers {
        let asked = questions.remove(name).unwrap_or_default();
        let keys: Vec<Key> = asked.iter().map(|question| question.key.clone()).collect();
        let (roots, tier, mounts) = (host.roots.clone(), tier.clone(), Arc::clone(&mounts));
        let work = move || look_at_tier(&roots, &tier, &asked, &mounts);
        waiting.push((name.clone(), keys, patience.start(&thread_name(name), work)));
    }
    for (name, keys, started) in waiting {
        let answer = match started {
            Ok(waiting) => waiting.wait(until.saturating_duration_since(Instant::now())).await,
            Err(error) => Err(error),
        };
        let (tier, dirs) = match answer {
            Ok(look) => {
                seen.caches.extend(look.cache.map(|cache| (name.clone(), cache)));
                seen.quotas.extend(look.quotas);
                (look.tier.map_err(|error| error.chain()).into(), look.dirs)
            }
            Err(error) => {
                let why = error.chain();
                let dirs = keys.into_iter().map(|key| (key, DirSeen::Unseen(why.clone()))).collect();
                (Known::Unknown(why), dirs)
            }
        };
        seen.tiers.insert(name, tier);
        seen.dirs.extend(dirs);
    }
    seen
}

/// The name under which work on a tier is known to be under way, looking and acting alike.
pub fn thread_name(tier: &str) -> String {
    format!("tier {tier}")
}

/// The declared directories by tier. Those without a place are not looked at.
fn sort_by_tier(config: &Config, seen: &mut Seen) -> BTreeMap<String, Vec<Question>> {
    let mut questions: BTreeMap<String, Vec<Question>> = BTreeMap::new();
    for (key, dir) in &config.dirs {
        let below = config.tiers.get(&dir.tier).and_then(|tier| below_tier(tier, &dir.path));
        let Some(below) = below else {
            seen.dirs.insert(key.clone(), DirSeen::Unseen("it has no place in its tier".into()));
            continue;
        };
        let owner = dir.owner_ids().map(|(user, group)| Owner { user, group });
        questions.entry(dir.tier.clone()).or_default().push(Question { key: key.clone(), below, owner });
    }
    questions
}

/// The path of a declared directory below its tier's root; `None` when the configuration is wrong.
pub fn below_tier(tier: &Tier, path: &str) -> Option<String> {
    let place = parse_place(tier, path).ok()?;
    let below = place.strip_prefix(tier.path.trim_end_matches('/'))?;
    Some(below.trim_start_matches('/').to_owned())
}

/// What one look at a tier gave.
struct Look {
    tier: Result<TierSeen, Error>,
    dirs: Vec<(Key, DirSeen)>,
    cache: Option<CacheSeen>,
    quotas: Vec<(Key, QuotaSeen)>,
}

fn look_at_tier(roots: &Roots, tier: &Tier, questions: &[Question], mounts: &[Mount]) -> Look {
    let unseen = |why: &str| -> Vec<(Key, DirSeen)> {
        questions.iter().map(|question| (question.key.clone(), DirSeen::Unseen(why.to_owned()))).collect()
    };
    let nothing = |tier, dirs| Look { tier, dirs, cache: None, quotas: Vec::new() };
    let (ground, root) = match read_tier(roots, tier, mounts) {
        Ok((TierSeen::There(ground), Some(root))) => (ground, root),
        Ok((other, _)) => return nothing(Ok(other), unseen("its tier is not there")),
        Err(error) => return nothing(Err(error), unseen("its tier could not be looked at")),
    };
    let mut quotas = Vec::new();
    let mut look = |question: &Question| {
        let key = &question.key;
        let seen = match open_dir(&root, &ground, question) {
            Ok(Ok(directory)) => {
                let shown = format!("{}/{}", tier.path.trim_end_matches('/'), question.below);
                quotas.push((key.clone(), read_quota(roots, &ground, &directory, key, &shown)));
                read_dir(&directory, question).unwrap_or_else(|error| DirSeen::Unseen(error.chain()))
            }
            Ok(Err(other)) => other,
            Err(error) => DirSeen::Unseen(error.chain()),
        };
        (key.clone(), seen)
    };
    let dirs = questions.iter().map(&mut look).collect();
    let cache = Some(read_cache(roots, &ground));
    Look { tier: Ok(TierSeen::There(ground)), dirs, cache, quotas }
}

/// Opens a tier's root and looks at what it stands on. Also how acting proves its ground.
pub fn read_tier(roots: &Roots, tier: &Tier, mounts: &[Mount]) -> Result<(TierSeen, Option<Directory>), Error> {
    let path = Path::new(&tier.path);
    let shown = |at: &Path| at.strip_prefix(&roots.rootfs).map_or(at.to_owned(), |at| Path::new("/").join(at));
    let shown = |at: &Path| shown(at).display().to_string();
    let root = match open_root(&roots.rootfs, path)? {
        Found::There(root) => root,
        Found::Missing(at) => return Ok((TierSeen::Missing(shown(&at)), None)),
        Found::Link(at) => return Ok((TierSeen::Link(shown(&at)), None)),
        Found::NotDirectory(at) | Found::OtherMount(at) => return Ok((TierSeen::NotDirectory(shown(&at)), None)),
    };
    let facts = root.read_facts()?;
    let space = root.read_space()?;
    let mount = mount_of(mounts, path);
    let ground = Ground {
        identity: facts.identity,
        mount_root: facts.mount_root,
        owner: Owner { user: facts.user, group: facts.group },
        read_only: space.read_only,
        size: space.size,
        available: space.available,
        device: read_ground_device(roots, facts.identity.device, mount).map_err(|error| error.chain()).into(),
        fstype: mount.map(|mount| mount.fstype.clone()),
        full_in: None,
    };
    Ok((TierSeen::There(ground), Some(root)))
}

/// By number, or by the mount's source for file systems whose numbers are of no device (btrfs).
fn read_ground_device(roots: &Roots, number: (u32, u32), mount: Option<&Mount>) -> Result<Option<Device>, Error> {
    match (read_device(roots, number)?, mount) {
        (None, Some(mount)) if mount.device == number || number.0 == 0 => {
            read_device_of_source(roots, Path::new(&mount.source))
        }
        (device, _) => Ok(device),
    }
}

/// Opens a declared directory; else what is in its place.
fn open_dir(root: &Directory, ground: &Ground, question: &Question) -> Result<Result<Directory, DirSeen>, Error> {
    let below = |at: &Path| at.strip_prefix(root.path()).unwrap_or(at).display().to_string();
    let directory = match root.open_below(Path::new(&question.below))? {
        Found::There(directory) => directory,
        Found::Missing(at) => {
            return Ok(Err(DirSeen::Missing { parents: parents_from(&question.below, &below(&at)) }));
        }
        Found::Link(at) => return Ok(Err(DirSeen::Link { at: below(&at) })),
        Found::NotDirectory(at) => return Ok(Err(DirSeen::NotDirectory { at: below(&at) })),
        Found::OtherMount(at) => return Ok(Err(DirSeen::Elsewhere { at: below(&at) })),
    };
    if directory.read_facts()?.identity.device != ground.identity.device {
        return Ok(Err(DirSeen::Elsewhere { at: question.below.clone() }));
    }
    Ok(Ok(directory))
}

fn read_dir(directory: &Directory, question: &Question) -> Result<DirSeen, Error> {
    let facts = directory.read_facts()?;
    let owner = Owner { user: facts.user, group: facts.group };
    let foreign = question.owner.is_some_and(|wanted| wanted != owner);
    let empty = foreign.then(|| directory.read_emptiness().map_err(|error| error.chain()).into());
    Ok(DirSeen::There { owner, mode: Bits(facts.mode), empty })
}

/// The directories above `below` from the first missing one on, outermost first.
fn parents_from(below: &str, first: &str) -> Vec<String> {
    let ends = below.match_indices('/').map(|(end, _)| end);
    let above = ends.filter_map(|end| below.get(..end));
    above.filter(|parent| parent.len() >= first.len()).map(str::to_owned).collect()
}
