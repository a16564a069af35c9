//! What should be done about declared directories, and what is wrong with them and their tiers. Pure.

use super::cache::decide::Case as CacheCase;
use super::config::{Config, Dir};
use super::disks::decide::find_trouble;
use super::growth::most_grown;
use super::observe::{DirSeen, Key, Seen, TierSeen};
use super::proof::{declared_ground, find_fault};
use super::quota::decide::Case as QuotaCase;
use super::room::find_shortage;
use super::step::{Bits, Owner, Place, Step};
use super::verdict::{Wanted, is_usable};
use crate::round::{Class, Concern, Evidence, Gate, Plan, Planned, Reason, Severity, Subject};
use crate::values::Known;

/// The mode of a new directory for which none is declared.
const DEFAULT_MODE: Bits = Bits(0o755);

/// Steps for directories on tiers that are proved; concerns for everything else that is not as declared.
pub fn decide(config: &Config, seen: &Seen) -> Plan<Step> {
    let mut plan = Plan { concerns: find_trouble(&seen.disks), ..Plan::default() };
    for (name, tier) in &config.tiers {
        let Some(found) = seen.tiers.get(name) else { continue };
        match (find_fault(name, tier, found), found) {
            (Some(fault), _) => plan.concerns.push(fault),
            (None, Known::Known(TierSeen::There(ground))) => {
                plan.concerns.extend(find_shortage((name, tier), ground, most_grown(config, seen, name)));
            }
            (None, _) => {}
        }
        if let (Some(_), Some(cache)) = (declared_ground(name, tier, found), seen.caches.get(name)) {
            CacheCase { name, tier, seen: cache, usable: is_usable(config, seen, name) }.decide(&mut plan);
        }
    }
    for (key, dir) in &config.dirs {
        if !is_usable(config, seen, &dir.tier) {
            continue;
        }
        if let (Some(wanted), Some(found)) = (Wanted::of(config, dir), seen.dirs.get(key)) {
            Case { key, dir, wanted: &wanted }.decide(found, &mut plan);
            decide_quota(seen, (key, dir), &wanted.place, &mut plan);
        }
    }
    plan
}

/// What is to be done about the quota of a directory on a tier that is proved.
fn decide_quota(seen: &Seen, (key, dir): (&Key, &Dir), place: &Place, plan: &mut Plan<Step>) {
    let Some(Known::Known(TierSeen::There(ground))) = seen.tiers.get(&dir.tier) else { return };
    if matches!(seen.dirs.get(key), Some(DirSeen::There { .. })) {
        let usage = seen.usage.get(key).copied().unwrap_or_default();
        QuotaCase { key, dir, place, ground, quota: seen.quotas.get(key), usage }.decide(plan);
    }
}

/// One declared directory.
struct Case<'c> {
    key: &'c Key,
    dir: &'c Dir,
    wanted: &'c Wanted,
}

impl Case<'_> {
    fn decide(&self, found: &DirSeen, plan: &mut Plan<Step>) {
        match found {
            DirSeen::Missing { parents } => plan.steps.push(self.create(parents)),
            DirSeen::There { owner, mode, empty } => self.set(*owner, *mode, empty.as_ref(), plan),
            DirSeen::Unseen(why) => plan.concerns.push(self.blind(why)),
            DirSeen::NotDirectory { at } => plan.concerns.push(self.blocked(at, "is no directory")),
            DirSeen::Link { at } => plan.concerns.push(self.blocked(at, "is a symlink, and none is followed")),
            DirSeen::Elsewhere { at } => plan.concerns.push(self.elsewhere(at)),
        }
    }

    fn create(&self, parents: &[String]) -> Planned<Step> {
        let (place, parents) = (self.wanted.place.clone(), parents.to_vec());
        let reason = Reason::new(
            format!("the configuration declares {place}, and it does not exist"),
            vec![
                Evidence::new("path", &self.dir.path, self.source("path")),
                Evidence::new("directory", "missing", place.to_string()),
            ],
        );
        let undo = Step::RemoveEmptyDirectory { place: place.clone(), parents: parents.clone() };
        let mode = self.wanted.mode.unwrap_or(DEFAULT_MODE);
        let step = Step::CreateDirectory { place, parents, owner: self.wanted.owner, mode };
        self.planned(step, reason, undo, Class::Safe)
    }

    /// Owner first: a directory of somebody else with content is left alone, its mode too.
    fn set(&self, owner: Owner, mode: Bits, empty: Option<&Known<bool>>, plan: &mut Plan<Step>) {
        if let Some(wanted) = self.wanted.owner.filter(|wanted| *wanted != owner) {
            match empty {
                Some(Known::Known(true)) => plan.steps.push(self.set_owner(owner, wanted)),
                Some(Known::Known(false)) => return plan.concerns.push(self.foreign(owner, wanted)),
                Some(Known::Unknown(why)) => return plan.concerns.push(self.blind(why)),
                None => return plan.concerns.push(self.blind("whether it is empty was not looked at")),
            }
        }
        if let Some(wanted) = self.wanted.mode.filter(|wanted| *wanted != mode) {
            plan.steps.push(self.set_mode(mode, wanted));
        }
    }

    fn set_owner(&self, from: Owner, to: Owner) -> Planned<Step> {
        let place = self.wanted.place.clone();
        let reason = Reason::new(
            format!("the configuration says {to}, the directory belongs to {from} and is empty"),
            vec![Evidence::new("owner", to, self.source("owner")), Evidence::new("owner", from, place.to_string())],
        );
        let undo = Step::SetOwner { place: place.clone(), from: to, to: from, only_empty: false };
        self.planned(Step::SetOwner { place, from, to, only_empty: true }, reason, undo, Class::Tightening)
    }

    fn set_mode(&self, from: Bits, to: Bits) -> Planned<Step> {
        let place = self.wanted.place.clone();
        let reason = Reason::new(
            format!("the configuration says {to}, the directory has {from}"),
            vec![Evidence::new("mode", to, self.source("mode")), Evidence::new("mode", from, place.to_string())],
        );
        let undo = Step::SetMode { place: place.clone(), from: to, to: from };
        // Who loses a right may miss it; the sticky bit takes one away too.
        let takes = from.0 & !to.0 & 0o6777 != 0 || to.0 & !from.0 & 0o1000 != 0;
        let class = if takes { Class::Tightening } else { Class::Safe };
        self.planned(Step::SetMode { place, from, to }, reason, undo, class)
    }

    fn planned(&self, step: Step, because: Reason, undo: Step, class: Class) -> Planned<Step> {
        Planned { step, subject: self.subject(), because, undo: Some(undo), class, gate: Gate::Open }
    }

    fn foreign(&self, found: Owner, wanted: Owner) -> Concern {
        let place = &self.wanted.place;
        let text = format!("{place} belongs to {found}, not to {wanted}, and is not empty");
        let cure = format!(
            "if {wanted} is right: hostkeeper storage fix {}/{} --recursive; else correct {}",
            self.key.0,
            self.key.1,
            self.key_of("owner")
        );
        let mut concern = self.concern("dir-foreign-owner", text, cure);
        concern.evidence.push(Evidence::new("owner", wanted, self.source("owner")));
        concern.evidence.push(Evidence::new("owner", found, place.to_string()));
        concern
    }

    fn blocked(&self, at: &str, what: &str) -> Concern {
        let at = format!("{}/{at}", self.wanted.place.root);
        let cure = format!("look at it: ls -ld {at}; move it away, or correct {}", self.key_of("path"));
        let mut concern = self.concern("dir-path-blocked", format!("{at} {what}"), cure);
        concern.evidence.push(Evidence::new("path", &self.dir.path, self.source("path")));
        concern
    }

    fn elsewhere(&self, at: &str) -> Concern {
        let place = &self.wanted.place;
        let at = format!("{}/{at}", place.root);
        let text = format!("{place} is not on the disk of tier {}: {at} is on another file system", place.tier);
        let cure = format!("see findmnt -T {at}; unmount it, or declare a tier for it");
        let mut concern = self.concern("dir-wrong-device", text, cure);
        concern.evidence.push(Evidence::new("tier", &self.dir.tier, self.source("tier")));
        concern
    }

    fn blind(&self, why: &str) -> Concern {
        let place = &self.wanted.place;
        let text = format!("{place} could not be looked at: {why}");
        self.concern("dir-blind", text, format!("see whether `ls -ld {place}` answers"))
    }

    fn concern(&self, id: &str, text: String, cure: String) -> Concern {
        let (severity, subject) = (Severity::Warning, self.subject());
        Concern { id: id.into(), severity, subject, text, evidence: Vec::new(), cure }
    }

    fn subject(&self) -> Subject {
        Subject::of(self.key.0.clone(), self.key.1.clone())
    }

    fn key_of(&self, field: &str) -> String {
        format!("project.{}.dir.{}.{field}", self.key.0, self.key.1)
    }

    fn source(&self, field: &str) -> String {
        format!("config:{}", self.key_of(field))
    }
}
