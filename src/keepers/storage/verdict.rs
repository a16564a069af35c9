//! How a declared directory stands, in one word: for decisions, metrics and the page alike. Pure.

use super::config::{Config, Dir};
use super::observe::{DirSeen, Key, Seen, TierSeen, below_tier};
use super::proof::find_fault;
use super::step::{Bits, Owner, Place};

/// The state of a declared directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    Missing,
    WrongOwner,
    WrongMode,
    WrongDevice,
    NotDirectory,
    Unknown,
}

impl Verdict {
    pub const ALL: [Verdict; 7] = [
        Verdict::Ok,
        Verdict::Missing,
        Verdict::WrongOwner,
        Verdict::WrongMode,
        Verdict::WrongDevice,
        Verdict::NotDirectory,
        Verdict::Unknown,
    ];

    /// The word in metrics, JSON and on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Missing => "missing",
            Verdict::WrongOwner => "wrong-owner",
            Verdict::WrongMode => "wrong-mode",
            Verdict::WrongDevice => "wrong-device",
            Verdict::NotDirectory => "not-a-directory",
            Verdict::Unknown => "unknown",
        }
    }
}

/// What is declared of a directory, in the terms of steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub place: Place,
    pub owner: Option<Owner>,
    pub mode: Option<Bits>,
}

impl Wanted {
    /// `None` when the configuration is wrong, which its check tells.
    pub fn of(config: &Config, dir: &Dir) -> Option<Wanted> {
        let tier = config.tiers.get(&dir.tier)?;
        let below = below_tier(tier, &dir.path).filter(|below| !below.is_empty())?;
        let root = tier.path.trim_end_matches('/').to_owned();
        Some(Wanted {
            place: Place { tier: dir.tier.clone(), root, below },
            owner: dir.owner_ids().map(|(user, group)| Owner { user, group }),
            mode: dir.mode_bits().map(Bits),
        })
    }
}

/// Whether a tier is proved to be the declared one and can be written.
pub fn is_usable(config: &Config, seen: &Seen, tier: &str) -> bool {
    let (Some(declared), Some(found)) = (config.tiers.get(tier), seen.tiers.get(tier)) else { return false };
    find_fault(tier, declared, found).is_none() && matches!(found.value(), Some(TierSeen::There(_)))
}

/// How a declared directory stands. On a tier that is not proved nothing is known of it.
pub fn judge(config: &Config, seen: &Seen, key: &Key, dir: &Dir) -> Verdict {
    if !is_usable(config, seen, &dir.tier) {
        return Verdict::Unknown;
    }
    let (wanted_owner, wanted_mode) = match Wanted::of(config, dir) {
        Some(wanted) => (wanted.owner, wanted.mode),
        None => return Verdict::Unknown,
    };
    match seen.dirs.get(key) {
        None | Some(DirSeen::Unseen(_)) => Verdict::Unknown,
        Some(DirSeen::Missing { .. }) => Verdict::Missing,
        Some(DirSeen::NotDirectory { .. } | DirSeen::Link { .. }) => Verdict::NotDirectory,
        Some(DirSeen::Elsewhere { .. }) => Verdict::WrongDevice,
        Some(DirSeen::There { owner, .. }) if wanted_owner.is_some_and(|wanted| wanted != *owner) => {
            Verdict::WrongOwner
        }
        Some(DirSeen::There { mode, .. }) if wanted_mode.is_some_and(|wanted| wanted != *mode) => Verdict::WrongMode,
        Some(DirSeen::There { .. }) => Verdict::Ok,
    }
}
