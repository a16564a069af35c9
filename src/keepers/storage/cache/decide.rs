//! What should be done about the cache of a tier, and what is wrong with it. Pure.

use super::config::{Cache, CacheMode};
use super::observe::{CacheSeen, CachedDevice};
use super::step::{CacheOf, CacheStep};
use crate::keepers::storage::config::Tier;
use crate::keepers::storage::proof::subject;
use crate::keepers::storage::step::Step;
use crate::round::{Class, Concern, Evidence, Gate, Plan, Planned, Reason, Severity};
use crate::values::Bytes;

/// The cache of one tier that is proved to be the declared one.
pub struct Case<'c> {
    pub name: &'c str,
    pub tier: &'c Tier,
    pub seen: &'c CacheSeen,
    /// Whether the tier may be acted on.
    pub usable: bool,
}

/// Whether dirty data of a mode that was left is still being written back.
pub fn is_draining(declared: &Cache, device: &CachedDevice) -> bool {
    let mode = device.mode.as_deref().and_then(CacheMode::parse);
    let keeps = |mode: Option<CacheMode>| mode.is_none_or(|mode| mode == CacheMode::Writeback);
    !keeps(declared.mode) && !keeps(mode) && device.dirty.is_some_and(|dirty| !dirty.is_nothing())
}

impl Case<'_> {
    pub fn decide(&self, plan: &mut Plan<Step>) {
        let declared = self.tier.cache.as_ref();
        let device = match self.seen {
            CacheSeen::There(device) => device,
            CacheSeen::No { devices } => return plan.concerns.extend(declared.map(|_| self.missing(devices))),
        };
        plan.concerns.extend(self.faults(device));
        let Some(declared) = declared else { return };
        if device.state.is_none() {
            return plan.concerns.push(self.blind(device, "state"));
        }
        if !device.has_cache() {
            return plan.concerns.push(self.no_cache(device));
        }
        plan.concerns.extend(self.too_dirty(declared, device));
        if is_draining(declared, device) {
            plan.concerns.push(self.draining(declared, device));
        }
        if device.state.as_deref() != Some("inconsistent") && self.usable {
            self.set(declared, device, plan);
        }
    }

    fn set(&self, declared: &Cache, device: &CachedDevice, plan: &mut Plan<Step>) {
        if let Some(to) = declared.mode {
            match device.mode.as_deref().and_then(CacheMode::parse) {
                Some(from) if from != to => plan.steps.push(self.set_mode(device, from, to)),
                Some(_) => {}
                None => plan.concerns.push(self.blind(device, "cache_mode")),
            }
        }
        if let Some(to) = declared.sequential_cutoff {
            match device.sequential_cutoff {
                Some(now) if !now.may_be(to.0) => {
                    plan.steps.push(self.set_cutoff(device, Bytes(now.least()), to));
                }
                Some(_) => {}
                None => plan.concerns.push(self.blind(device, "sequential_cutoff")),
            }
        }
        // While the cache is emptied the kernel may be told to hurry: `echo 0 > writeback_percent`.
        let percent = declared.writeback_percent.and_then(|percent| u64::try_from(percent).ok());
        if let Some(to) = percent.filter(|_| !is_draining(declared, device)) {
            match device.writeback_percent {
                Some(now) if now != to => plan.steps.push(self.set_percent(device, now, to)),
                Some(_) => {}
                None => plan.concerns.push(self.blind(device, "writeback_percent")),
            }
        }
    }

    fn set_mode(&self, device: &CachedDevice, from: CacheMode, to: CacheMode) -> Planned<Step> {
        let text = format!("the configuration says {to}, {} is in {from}", device.device);
        let mut facts = self.facts(device, "mode", to.to_string(), ("cache_mode", from.to_string()));
        if from == CacheMode::Writeback {
            facts.push(Evidence::new("dirty bytes", dirty_of(device), sysfs(device, "dirty_data")));
        }
        let cache = || self.cache_of(device);
        let step = CacheStep::Mode { cache: cache(), from, to };
        let undo = CacheStep::Mode { cache: cache(), from: to, to: from };
        self.planned(step, undo, Reason::new(text, facts))
    }

    fn set_cutoff(&self, device: &CachedDevice, from: Bytes, to: Bytes) -> Planned<Step> {
        let text = format!("the configuration says {to}, {} has {from}", device.device);
        let facts = self.facts(device, "sequential_cutoff", to.to_string(), ("sequential_cutoff", from.to_string()));
        let cache = || self.cache_of(device);
        let step = CacheStep::SequentialCutoff { cache: cache(), from, to };
        let undo = CacheStep::SequentialCutoff { cache: cache(), from: to, to: from };
        self.planned(step, undo, Reason::new(text, facts))
    }

    fn set_percent(&self, device: &CachedDevice, from: u64, to: u64) -> Planned<Step> {
        let text = format!("the configuration says {to}, {} has {from}", device.device);
        let facts = self.facts(device, "writeback_percent", to.to_string(), ("writeback_percent", from.to_string()));
        let cache = || self.cache_of(device);
        let step = CacheStep::WritebackPercent { cache: cache(), from, to };
        let undo = CacheStep::WritebackPercent { cache: cache(), from: to, to: from };
        self.planned(step, undo, Reason::new(text, facts))
    }

    fn planned(&self, step: CacheStep, undo: CacheStep, because: Reason) -> Planned<Step> {
        Planned {
            step: Step::Cache { order: step },
            subject: subject(self.name),
            because,
            undo: Some(Step::Cache { order: undo }),
            class: Class::Tightening,
            gate: Gate::Open,
        }
    }

    fn cache_of(&self, device: &CachedDevice) -> CacheOf {
        CacheOf {
            tier: self.name.to_owned(),
            root: self.tier.path.trim_end_matches('/').to_owned(),
            device: device.device.clone(),
            backing: device.backing.clone(),
        }
    }

    fn facts(&self, device: &CachedDevice, key: &str, wanted: String, (file, found): (&str, String)) -> Vec<Evidence> {
        vec![Evidence::new(key, wanted, self.source(key)), Evidence::new(file, found, sysfs(device, file))]
    }

    fn source(&self, key: &str) -> String {
        format!("config:storage.tier.{}.cache.{key}", self.name)
    }

    /// What is wrong with a bcache, whatever is declared of it.
    fn faults(&self, device: &CachedDevice) -> Vec<Concern> {
        let mut faults = Vec::new();
        let name = &device.device;
        if device.state.as_deref() == Some("inconsistent") {
            let text = format!("{name} was used without the cache that holds a part of its data: it is inconsistent");
            let cure = format!("stop what writes to {}, then fsck; restore what is damaged", self.tier.path);
            let fact = Evidence::new("state", "inconsistent", sysfs(device, "state"));
            faults.push(self.concern("bcache-inconsistent", Severity::Critical, (text, cure), vec![fact]));
        }
        let mut bad: Vec<Evidence> = Vec::new();
        for cache in device.caches.iter().filter(|cache| cache.io_errors.is_some_and(|errors| errors > 0)) {
            let set = device.set.as_deref().unwrap_or_default();
            let source = format!("/sys/fs/bcache/{set}/{}/io_errors", cache.name);
            bad.push(Evidence::new("I/O errors", cache.io_errors.unwrap_or_default(), source));
        }
        let backing = device.io_errors.filter(|errors| *errors > 0);
        bad.extend(backing.map(|errors| Evidence::new("I/O errors", errors, sysfs(device, "io_errors"))));
        if !bad.is_empty() {
            let whose = if backing.is_some() { "the disk below it" } else { "its cache" };
            let text = format!("{name} has I/O errors of {whose}");
            let severity = if backing.is_some() { Severity::Critical } else { Severity::Warning };
            let cure = "see dmesg and smartctl -a of the disks; replace the one that fails".to_owned();
            faults.push(self.concern("bcache-errors", severity, (text, cure), bad));
        }
        faults
    }

    fn missing(&self, devices: &[String]) -> Concern {
        let path = &self.tier.path;
        let text = match devices {
            [] => format!("a cache is declared, and {path} does not stand on a bcache"),
            [one] => format!("a cache is declared, and nothing can be read of {one}, on which {path} stands"),
            several => format!("a cache is declared, and {path} stands on several: {}", several.join(", ")),
        };
        let fact = Evidence::new("cache", "declared", format!("config:storage.tier.{}.cache", self.name));
        let cure = format!("see lsblk -s and findmnt -T {path}; correct storage.tier.{}.cache", self.name);
        self.concern("bcache-missing", Severity::Warning, (text, cure), vec![fact])
    }

    fn no_cache(&self, device: &CachedDevice) -> Concern {
        let (name, path) = (&device.device, &self.tier.path);
        let text = format!("{name} has no cache: {path} is as slow as the disk below it");
        let state = device.state.as_deref().unwrap_or("unknown");
        let facts = vec![
            Evidence::new("cache", "declared", format!("config:storage.tier.{}.cache", self.name)),
            Evidence::new("state", state, sysfs(device, "state")),
        ];
        let cure = format!("see ls /sys/fs/bcache, then: echo SET > /sys/block/{name}/bcache/attach");
        self.concern("bcache-no-cache", Severity::Warning, (text, cure), facts)
    }

    fn too_dirty(&self, declared: &Cache, device: &CachedDevice) -> Option<Concern> {
        let (share, dirty) = (declared.max_dirty?, device.dirty?);
        let most = share.of(device.cache_size())?;
        if dirty.least() <= most {
            return None;
        }
        let text = format!("{} holds more than {share} of data that is in its cache only", device.device);
        let facts = self.facts(device, "max_dirty", Bytes(most).to_string(), ("dirty_data", dirty_of(device)));
        let cure = format!("to write it back: echo writethrough > /sys/block/{}/bcache/cache_mode", device.device);
        Some(self.concern("bcache-dirty", Severity::Warning, (text, cure), facts))
    }

    fn draining(&self, declared: &Cache, device: &CachedDevice) -> Concern {
        let mode = declared.mode.map_or("", CacheMode::as_str);
        // Without the number, which changes every second.
        let text = format!("{} is in {mode}, and data of writeback is still in its cache only", device.device);
        let facts = self.facts(device, "mode", mode.to_owned(), ("dirty_data", dirty_of(device)));
        let cure = format!(
            "leave the cache device in until this ends; to hurry: echo 0 > /sys/block/{}/bcache/writeback_percent",
            device.device
        );
        self.concern("bcache-draining", Severity::Warning, (text, cure), facts)
    }

    fn blind(&self, device: &CachedDevice, file: &str) -> Concern {
        let text = format!("{} does not tell its {file}, so it is not kept", device.device);
        let facts = vec![Evidence::new(file, "unknown", sysfs(device, file))];
        let cure = format!("cat {}", sysfs(device, file));
        self.concern("bcache-blind", Severity::Warning, (text, cure), facts)
    }

    fn concern(&self, id: &str, severity: Severity, said: (String, String), evidence: Vec<Evidence>) -> Concern {
        let (text, cure) = said;
        Concern { id: id.into(), severity, subject: subject(self.name), text, evidence, cure }
    }
}

fn sysfs(device: &CachedDevice, file: &str) -> String {
    format!("/sys/block/{}/bcache/{file}", device.device)
}

fn dirty_of(device: &CachedDevice) -> String {
    device.dirty.map_or_else(|| "unknown".to_owned(), |dirty| Bytes(dirty.least()).to_string())
}
