//! Carries one step out, below a tier that is proved again at this very moment, in directories that are held open.
//! Every step can be killed at any point and done again.

use std::io::ErrorKind;
use std::path::Path;

use super::config::Tier;
use super::observe::{Ground, TierSeen, read_tier};
use super::proof::find_fault;
use super::quota::usage::SharedMarking;
use super::step::{Bits, Owner, QuotaStep, Step};
use super::{cache, quota};
use crate::host::files::{Directory, Facts, Found, Identity, read_user};
use crate::host::{Error, Roots, mounts::read_mounts};
use crate::round::Change;
use crate::values::Known;

/// What a step is carried out on: the machine, the tier as declared, and which file system the last look found there.
#[derive(Clone, Debug)]
pub struct Site {
    pub roots: Roots,
    pub tier: Tier,
    pub seen: Option<Identity>,
    /// What an order about a quota that goes on over several rounds has reached.
    pub marking: SharedMarking,
}

impl Site {
    pub fn new(roots: &Roots, tier: &Tier, seen: Option<Identity>) -> Site {
        Site { roots: roots.clone(), tier: tier.clone(), seen, marking: SharedMarking::default() }
    }
}

/// One `match` from step to host calls.
pub fn carry_out(site: &Site, step: &Step) -> Result<Change, Error> {
    let (ground, root) = prove(site, step.tier())?;
    match step {
        Step::CreateDirectory { place, parents, owner, mode } => {
            create(&root, Path::new(&place.below), parents, &Outfit::of(*owner, *mode, &ground))
        }
        Step::SetOwner { place, from, to, only_empty } => {
            let directory = found(root.open_below(Path::new(&place.below))?)?;
            let facts = directory.read_facts()?;
            let expected = expect(&directory, "owner", owner_of(&facts), (*from, *to))?;
            if expected == Change::AlreadySo {
                return Ok(expected);
            }
            if *only_empty && !directory.read_emptiness()? {
                return Err(refused(&directory, "is not empty any more: its owner is left alone"));
            }
            directory.write_owner(to.user, to.group)?;
            directory.sync().map(|()| Change::Made)
        }
        Step::SetMode { place, from, to } => {
            let directory = found(root.open_below(Path::new(&place.below))?)?;
            let expected = expect(&directory, "mode", Bits(directory.read_facts()?.mode), (*from, *to))?;
            if expected == Change::AlreadySo {
                return Ok(expected);
            }
            directory.write_mode(to.0)?;
            directory.sync().map(|()| Change::Made)
        }
        Step::RemoveEmptyDirectory { place, parents } => remove(&root, Path::new(&place.below), parents),
        Step::Cache { order } => cache::act::carry_out(&site.roots, &ground, order),
        Step::Quota { order } => {
            let directory = found(root.open_below(Path::new(&order.place().below))?)?;
            quota::act::carry_out(&quota_site(site, &ground, &root, &directory), order)
        }
        Step::Pool { .. } | Step::Clean { .. } | Step::Mend { .. } => {
            Err(Error::reply(step.to_string(), "is no order about one directory"))
        }
    }
}

fn quota_site<'s>(
    site: &'s Site,
    ground: &'s Ground,
    root: &'s Directory,
    directory: &'s Directory,
) -> quota::act::Site<'s> {
    quota::act::Site { roots: &site.roots, ground, root, directory, marking: &site.marking }
}

fn examine_quota(site: &Site, ground: &Ground, root: &Directory, order: &QuotaStep) -> Option<bool> {
    let directory = found(root.open_below(Path::new(&order.place().below)).ok()?).ok()?;
    quota::act::examine(&quota_site(site, ground, root, &directory), order)
}

/// Whether a step is done; `None`: things are neither as before it nor as after it.
pub fn examine(site: &Site, step: &Step) -> Option<bool> {
    let (ground, root) = prove(site, step.tier()).ok()?;
    let below = match step {
        // A mending is not done as long as somebody can make new files.
        Step::Pool { .. } | Step::Mend { .. } => return None,
        Step::Clean { order } => return super::clean::examine(&root, order),
        Step::Cache { order } => return cache::act::examine(&site.roots, &ground, order),
        Step::Quota { order } => return examine_quota(site, &ground, &root, order),
        Step::CreateDirectory { place, .. }
        | Step::SetOwner { place, .. }
        | Step::SetMode { place, .. }
        | Step::RemoveEmptyDirectory { place, .. } => &place.below,
    };
    let answer = root.open_below(Path::new(below)).ok()?;
    let facts = match answer {
        Found::Missing(_) => return Some(matches!(step, Step::RemoveEmptyDirectory { .. })),
        Found::There(directory) => directory.read_facts().ok()?,
        Found::Link(_) | Found::NotDirectory(_) | Found::OtherMount(_) => return None,
    };
    let (owner, mode) = (owner_of(&facts), Bits(facts.mode));
    match step {
        Step::CreateDirectory { owner: wanted, mode: bits, .. } => {
            let outfit = Outfit::of(*wanted, *bits, &ground);
            Some(mode == outfit.mode && outfit.owner.is_none_or(|wanted| wanted == owner))
        }
        Step::SetOwner { from, to, .. } => tell(owner, *from, *to),
        Step::SetMode { from, to, .. } => tell(mode, *from, *to),
        Step::RemoveEmptyDirectory { .. }
        | Step::Cache { .. }
        | Step::Quota { .. }
        | Step::Pool { .. }
        | Step::Clean { .. }
        | Step::Mend { .. } => Some(false),
    }
}

fn tell<T: PartialEq>(now: T, from: T, to: T) -> Option<bool> {
    if now == to { Some(true) } else { (now == from).then_some(false) }
}

/// Opens the tier and proves that it is the declared one and the one that was decided on. Whatever is mounted or
/// unmounted there from now on: the open directory stays on this file system.
pub(super) fn prove(site: &Site, (name, planned_root): (&str, &str)) -> Result<(Ground, Directory), Error> {
    let tier = &site.tier;
    let who = || format!("tier {name}");
    if tier.path.trim_end_matches('/') != planned_root {
        return Err(Error::reply(who(), format!("is at {} now, not at {planned_root}", tier.path)));
    }
    let mounts = read_mounts(&site.roots).unwrap_or_default();
    let (seen, root) = read_tier(&site.roots, tier, &mounts)?;
    let seen = Known::Known(seen);
    if let Some(fault) = find_fault(name, tier, &seen) {
        return Err(Error::reply(who(), fault.text));
    }
    let (Known::Known(TierSeen::There(ground)), Some(root)) = (seen, root) else {
        return Err(Error::reply(who(), "is not there"));
    };
    if site.seen.is_some_and(|seen| seen != ground.identity) {
        return Err(Error::reply(who(), "is another file system than at the last look"));
    }
    Ok((ground, root))
}

/// What a new directory gets.
struct Outfit {
    owner: Option<Owner>,
    /// The owner of new parents.
    parents: Option<Owner>,
    mode: Bits,
}

impl Outfit {
    /// Without a declared owner that of the tier's root; who is not root makes directories of its own.
    fn of(owner: Option<Owner>, mode: Bits, ground: &Ground) -> Outfit {
        let tier = (read_user() == 0).then_some(ground.owner);
        Outfit { owner: owner.or(tier), parents: tier, mode }
    }
}

fn create(root: &Directory, below: &Path, parents: &[String], outfit: &Outfit) -> Result<Change, Error> {
    if let Found::There(directory) = root.open_below(below)? {
        return complete(&directory, outfit);
    }
    let mut above = found(root.open_below(Path::new(""))?)?;
    let mut path = std::path::PathBuf::new();
    let (Some(name), parts) = (below.file_name(), below.parent().into_iter().flat_map(Path::components)) else {
        return Err(Error::reply(below.display().to_string(), "is no place for a directory"));
    };
    for part in parts {
        path.push(part);
        let planned = parents.iter().any(|parent| Path::new(parent) == path);
        if planned && above.create_child(Path::new(part.as_os_str()), 0o755)? {
            let made = found(root.open_below(&path)?)?;
            own(&made, outfit.parents)?;
            made.write_mode(0o755)?;
            above.sync()?;
        }
        above = found(root.open_below(&path)?)?;
    }
    // For its maker alone until it has its owner: nobody can use it half made.
    let made = above.create_child(Path::new(name), 0o700)?;
    let directory = found(root.open_below(below)?)?;
    if !made {
        return complete(&directory, outfit);
    }
    if !is_untouched(&directory)? {
        return Err(refused(&directory, "was replaced while it was made"));
    }
    dress(&directory, outfit)?;
    above.sync()?;
    Ok(Change::Made)
}

/// A directory that is there already: finished if an earlier life of the agent was killed while making it.
fn complete(directory: &Directory, outfit: &Outfit) -> Result<Change, Error> {
    let changed = is_untouched(directory)? && dress(directory, outfit)?;
    Ok(if changed { Change::Made } else { Change::AlreadySo })
}

/// Whether it is as `create_child` leaves it.
fn is_untouched(directory: &Directory) -> Result<bool, Error> {
    let facts = directory.read_facts()?;
    let mine = facts.user == read_user() && facts.mode & 0o777 == 0o700;
    Ok(mine && directory.read_emptiness()?)
}

/// Owner first, then mode: at no moment has the directory the rights of one and the owner of another.
fn dress(directory: &Directory, outfit: &Outfit) -> Result<bool, Error> {
    let mut changed = own(directory, outfit.owner)?;
    if directory.read_facts()?.mode != outfit.mode.0 {
        directory.write_mode(outfit.mode.0)?;
        changed = true;
    }
    directory.sync()?;
    Ok(changed)
}

fn own(directory: &Directory, owner: Option<Owner>) -> Result<bool, Error> {
    match owner {
        Some(owner) if owner_of(&directory.read_facts()?) != owner => {
            directory.write_owner(owner.user, owner.group).map(|()| true)
        }
        _ => Ok(false),
    }
}

fn remove(root: &Directory, below: &Path, parents: &[String]) -> Result<Change, Error> {
    let removed = remove_one(root, below)?;
    for parent in parents.iter().rev() {
        match remove_one(root, Path::new(parent)) {
            // Somebody uses it by now.
            Err(Error::File { source, .. }) if source.kind() == ErrorKind::DirectoryNotEmpty => break,
            other => other?,
        };
    }
    Ok(if removed { Change::Made } else { Change::AlreadySo })
}

fn remove_one(root: &Directory, below: &Path) -> Result<bool, Error> {
    let (Some(name), Some(above)) = (below.file_name(), below.parent()) else {
        return Err(Error::reply(below.display().to_string(), "is no place for a directory"));
    };
    let above = match root.open_below(above)? {
        Found::Missing(_) => return Ok(false),
        other => found(other)?,
    };
    let removed = above.remove_empty_child(Path::new(name))?;
    if removed {
        above.sync()?;
    }
    Ok(removed)
}

/// Whether a value is still the one that was decided on (`Made`: to be changed) or the wanted one already.
fn expect<T: PartialEq + std::fmt::Display>(
    directory: &Directory,
    what: &str,
    now: T,
    (from, to): (T, T),
) -> Result<Change, Error> {
    if now == to {
        return Ok(Change::AlreadySo);
    }
    if now != from {
        return Err(refused(directory, &format!("has {what} {now} by now, not {from}: it is left alone")));
    }
    Ok(Change::Made)
}

fn owner_of(facts: &Facts) -> Owner {
    Owner { user: facts.user, group: facts.group }
}

pub(super) fn found(answer: Found<Directory>) -> Result<Directory, Error> {
    let (at, what) = match answer {
        Found::There(directory) => return Ok(directory),
        Found::Missing(at) => (at, "does not exist any more"),
        Found::Link(at) => (at, "is a symlink, and none is followed"),
        Found::NotDirectory(at) => (at, "is no directory"),
        Found::OtherMount(at) => (at, "is on another file system than its tier"),
    };
    Err(Error::reply(at.display().to_string(), what))
}

fn refused(directory: &Directory, what: &str) -> Error {
    Error::reply(directory.path().display().to_string(), what)
}
