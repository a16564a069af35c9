//! What should be done about the quota of a directory that is there, and what is wrong with it. Pure.

use super::config::{is_same, project_id};
use super::observe::{Counted, Mark, QuotaSeen};
use super::step::QuotaStep;
use super::usage::UsageSeen;
use crate::keepers::storage::config::{Config, Dir};
use crate::keepers::storage::observe::{Ground, Key, Seen};
use crate::keepers::storage::step::{Place, Step};
use crate::keepers::storage::verdict::is_usable;
use crate::round::{Class, Concern, Evidence, Gate, Plan, Planned, Reason, Severity, Subject};
use crate::values::Bytes;

/// A directory that is there, on a tier that is proved.
pub struct Case<'c> {
    pub key: &'c Key,
    pub dir: &'c Dir,
    pub place: &'c Place,
    pub ground: &'c Ground,
    pub quota: Option<&'c QuotaSeen>,
    pub usage: UsageSeen,
}

/// How much a directory holds: as the kernel counts when all of it is counted to its project, else as it was walked.
pub fn used_of(key: &Key, quota: Option<&QuotaSeen>, usage: UsageSeen) -> Option<u64> {
    let strange = usage.figures.and_then(|figures| figures.strangers).is_some_and(|strangers| strangers > 0);
    match quota {
        Some(QuotaSeen::There { mark, counted, .. }) if !strange && *mark == own_mark(key) => Some(counted.bytes),
        // A part of it is counted: what was walked, or more.
        Some(QuotaSeen::There { counted, .. }) => usage.figures.map(|figures| figures.bytes.max(counted.bytes)),
        _ => usage.figures.map(|figures| figures.bytes),
    }
}

/// As [`used_of`], of a directory on a tier that is proved.
pub fn used(config: &Config, seen: &Seen, key: &Key) -> Option<u64> {
    let dir = config.dirs.get(key)?;
    let usage = seen.usage.get(key).copied().unwrap_or_default();
    is_usable(config, seen, &dir.tier).then(|| used_of(key, seen.quotas.get(key), usage))?
}

/// Whether the file system refuses what is beyond the quota.
pub fn is_enforced(key: &Key, quota: Option<&QuotaSeen>, wanted: Bytes) -> bool {
    match quota {
        Some(QuotaSeen::There { enforced, mark, counted, .. }) => {
            *enforced && *mark == own_mark(key) && is_same(counted.limit, Some(wanted))
        }
        _ => false,
    }
}

/// The project that a directory should belong to.
pub fn own_mark(key: &Key) -> Mark {
    Mark { id: project_id(key), inherit: true }
}

impl Case<'_> {
    pub fn decide(&self, plan: &mut Plan<Step>) {
        let Some(quota) = self.dir.quota else { return plan.steps.extend(self.lift()) };
        match self.quota {
            None => {}
            Some(QuotaSeen::Unsupported(why)) => plan.concerns.push(self.unsupported(why)),
            Some(QuotaSeen::Unseen(why)) => plan.concerns.push(self.blind(why)),
            Some(QuotaSeen::There { enforced, mark, counted, claimed }) => {
                plan.concerns.extend(self.above(quota));
                if let Some(path) = claimed {
                    let text = format!("/etc/projects gives project {} to {path}", project_id(self.key));
                    plan.concerns.push(self.taken(text, "/etc/projects".into()));
                } else if !enforced {
                    plan.concerns.push(self.unsupported("its file system counts projects and refuses nothing"));
                } else {
                    self.keep(quota, *mark, *counted, plan);
                }
            }
        }
        plan.concerns.extend(self.near(quota));
        plan.concerns.extend(self.incomplete());
    }

    /// A quota that is not declared any more.
    fn lift(&self) -> Option<Planned<Step>> {
        let Some(QuotaSeen::There { mark, counted, claimed: None, .. }) = self.quota else { return None };
        let from = counted.limit.filter(|_| mark.id == project_id(self.key)).map(Bytes)?;
        let reason = Reason::new(
            format!("the configuration declares no quota, {} has one of {from}", self.place),
            vec![Evidence::new("quota", from, self.projects())],
        );
        Some(self.limit(Some(from), None, reason, Class::Safe))
    }

    /// What there is is counted first, unless the quota was in force before.
    fn keep(&self, quota: Bytes, mark: Mark, counted: Counted, plan: &mut Plan<Step>) {
        let figures = self.usage.figures;
        if figures.is_none() && counted.limit.is_none() {
            return;
        }
        let own = own_mark(self.key);
        if mark.id != 0 && mark.id != own.id && counted.limit.is_none() {
            let text = format!("{} belongs to project {} already, which is not ours", self.place, mark.id);
            return plan.concerns.push(self.taken(text, format!("lsattr -pd {}", self.place)));
        }
        if mark != own {
            plan.steps.push(self.give(mark, own, counted));
        }
        if !is_same(counted.limit, Some(quota)) {
            plan.steps.push(self.set(counted.limit.map(Bytes), quota));
        }
        let strangers = figures.and_then(|figures| figures.strangers).filter(|strangers| *strangers > 0);
        plan.steps.extend(strangers.map(|strangers| self.content(own.id, strangers)));
    }

    fn give(&self, from: Mark, to: Mark, counted: Counted) -> Planned<Step> {
        let place = self.place.clone();
        let text = match from.id {
            _ if counted.limit.is_some() => "its quota is in force, and the directory is not counted to it any more",
            _ => "the configuration declares a quota, and the directory is counted to nothing",
        };
        let facts = vec![
            Evidence::new("quota", self.dir.quota.unwrap_or_default(), self.source()),
            Evidence::new("project", from.id, format!("lsattr -pd {place}")),
            Evidence::new("passed on", from.inherit, format!("lsattr -pd {place}")),
        ];
        let undo = QuotaStep::Project { place: place.clone(), from: to, to: from };
        self.planned(QuotaStep::Project { place, from, to }, undo, Reason::new(text, facts), Class::Tightening)
    }

    fn set(&self, from: Option<Bytes>, to: Bytes) -> Planned<Step> {
        let used = used_of(self.key, self.quota, self.usage);
        let found = from.map_or_else(|| "none".to_owned(), |from| from.to_string());
        let mut facts =
            vec![Evidence::new("quota", to, self.source()), Evidence::new("quota", &found, self.projects())];
        facts.extend(used.map(|used| Evidence::new("used", Bytes(used), self.projects())));
        let reason = Reason::new(format!("the configuration says {to}, the file system has {found}"), facts);
        let tighter = from.is_none_or(|from| to < from) || used.is_none_or(|used| to.0 < used);
        self.limit(from, Some(to), reason, if tighter { Class::Tightening } else { Class::Safe })
    }

    fn limit(&self, from: Option<Bytes>, to: Option<Bytes>, because: Reason, class: Class) -> Planned<Step> {
        let (place, id) = (self.place.clone(), project_id(self.key));
        let undo = QuotaStep::Limit { place: place.clone(), id, from: to, to: from };
        self.planned(QuotaStep::Limit { place, id, from, to }, undo, because, class)
    }

    fn content(&self, id: u32, strangers: u64) -> Planned<Step> {
        let place = self.place.clone();
        let all = self.usage.figures.map_or(0, |figures| figures.files);
        let text = "files and directories in it are not counted to its quota";
        let facts = vec![
            Evidence::new("not counted", strangers, format!("walk of {place}")),
            Evidence::new("files", all, format!("walk of {place}")),
        ];
        let undo = QuotaStep::Content { place: place.clone(), to: 0, only: Some(id) };
        let step = QuotaStep::Content { place, to: id, only: None };
        self.planned(step, undo, Reason::new(text, facts), Class::Tightening)
    }

    fn planned(&self, step: QuotaStep, undo: QuotaStep, because: Reason, class: Class) -> Planned<Step> {
        let (step, undo) = (Step::Quota { order: step }, Some(Step::Quota { order: undo }));
        Planned { step, subject: self.subject(), because, undo, class, gate: Gate::Open }
    }

    fn unsupported(&self, why: &str) -> Concern {
        let text = format!("the quota of {} is not kept, only watched: {why}", self.place);
        let root = &self.place.root;
        let cure = format!("mount {root} with prjquota (ext4, unmounted, first: tune2fs -O quota,project DEVICE)");
        self.concern("dir-no-quota-support", Severity::Info, (text, cure), self.declared())
    }

    fn blind(&self, why: &str) -> Concern {
        let text = format!("the quota of {} could not be looked at: {why}", self.place);
        let cure = format!("see repquota -P {}", self.place.root);
        self.concern("dir-quota-blind", Severity::Warning, (text, cure), self.declared())
    }

    fn taken(&self, text: String, source: String) -> Concern {
        let mut facts = self.declared();
        facts.push(Evidence::new("project", &text, source));
        let cure = format!("if nobody needs it: chattr -R -p 0 {}, and take it out of /etc/projects", self.place);
        self.concern("dir-project-taken", Severity::Warning, (text, cure), facts)
    }

    fn above(&self, quota: Bytes) -> Option<Concern> {
        let size = Bytes(self.ground.size);
        if quota <= size {
            return None;
        }
        let text = format!("the quota of {} is {quota}, its file system has {size}", self.place);
        let mut facts = self.declared();
        facts.push(Evidence::new("size", size, format!("statvfs {}", self.place.root)));
        let cure = format!("lower {}: it refuses nothing", self.key_of());
        Some(self.concern("dir-quota-above-filesystem", Severity::Warning, (text, cure), facts))
    }

    fn near(&self, quota: Bytes) -> Option<Concern> {
        let used = used_of(self.key, self.quota, self.usage)?;
        let share = u128::from(used) * 100 / u128::from(quota.0.max(1));
        let (severity, share) = match share {
            95.. => (Severity::Critical, 95),
            80.. => (Severity::Warning, 80),
            _ => return None,
        };
        // Without the number, which changes all the time.
        let text = format!("{} holds {share} % or more of its quota of {quota}", self.place);
        let mut facts = self.declared();
        facts.push(Evidence::new("used", Bytes(used), self.place.to_string()));
        let cure = format!("see du -xhd1 {} | sort -h; make room, or raise {}", self.place, self.key_of());
        Some(self.concern("dir-near-quota", severity, (text, cure), facts))
    }

    fn incomplete(&self) -> Option<Concern> {
        let figures = self.usage.figures?;
        if figures.refused == 0 || figures.strangers != Some(0) {
            return None;
        }
        let text = format!("a part of {} could not be counted to its quota", self.place);
        let mut facts = self.declared();
        facts.push(Evidence::new("refused", figures.refused, format!("walk of {}", self.place)));
        let cure = format!("see lsattr -R {} | grep -e ----i; what is immutable stays as it is", self.place);
        Some(self.concern("dir-quota-incomplete", Severity::Info, (text, cure), facts))
    }

    fn concern(&self, id: &str, severity: Severity, said: (String, String), evidence: Vec<Evidence>) -> Concern {
        let (text, cure) = said;
        Concern { id: id.into(), severity, subject: self.subject(), text, evidence, cure }
    }

    fn subject(&self) -> Subject {
        Subject::of(self.key.0.clone(), self.key.1.clone())
    }

    fn declared(&self) -> Vec<Evidence> {
        vec![Evidence::new("quota", self.dir.quota.unwrap_or_default(), self.source())]
    }

    fn key_of(&self) -> String {
        format!("project.{}.dir.{}.quota", self.key.0, self.key.1)
    }

    fn source(&self) -> String {
        format!("config:{}", self.key_of())
    }

    fn projects(&self) -> String {
        format!("repquota -P {}: project {}", self.place.root, project_id(self.key))
    }
}
