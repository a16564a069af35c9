//! Every declared directory exists on the disk it belongs to, with the right owner and mode, and nothing is ever
//! written to a mount point whose disk is missing.

mod act;
pub mod bench;
mod cache;
pub mod clean;
pub mod config;
mod decide;
pub mod disks;
mod growth;
pub mod mend;
mod metrics;
mod observe;
pub mod pools;
mod proof;
mod quota;
mod room;
mod show;
mod step;
mod trend;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub use metrics::{COLLECTOR, FAMILIES};
pub use observe::{CacheSeen, Device, DirSeen, Ground, Key, QuotaSeen, Seen, TierSeen, UsageSeen};
pub use quota::config::project_id;
pub use step::{Bits, CacheStep, MendOrder, Owner, Place, QuotaStep, Step};
pub use verdict::Verdict;

use crate::host::files::Identity;
use crate::host::{Error, Host, patience::Patience};
use crate::ledger::{Notes, Past};
use crate::metrics::{Group, Page};
use crate::round::{Change, Keeper, Plan, Views};
use crate::values::{Known, Now, Stamp};
use config::Config;
use disks::Disks;
use quota::usage::{Usage, WalkedTier};
use trend::Trend;

/// Where a declared directory is; `None` when it is not declared, or wrongly.
pub fn declared_place(config: &Config, project: &crate::values::ProjectName, dir: &str) -> Option<Place> {
    let declared = config.dirs.get(&(project.clone(), dir.to_owned()))?;
    verdict::Wanted::of(config, declared).map(|wanted| wanted.place)
}

/// How long one step may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The keeper of tiers and data directories.
#[derive(Debug, Default)]
pub struct Storage {
    patience: Patience,
    /// Which file system the last look found at each tier: a step is refused on another one.
    seen: BTreeMap<String, Identity>,
    pools: pools::Watch,
    /// Free space of the last day, of that very file system.
    trends: BTreeMap<String, Trend>,
    disks: Disks,
    cleans: clean::Cleans,
    /// What people had mended.
    mends: mend::Mends,
    /// How much directories hold, and the walks that tell.
    usage: Usage,
}

impl Storage {
    /// Takes what was seen as the ground of the steps to come, and adds the trend.
    fn remember(&mut self, seen: &mut Seen, now: &Now) {
        let before = std::mem::take(&mut self.seen);
        self.trends.retain(|name, _| seen.tiers.contains_key(name));
        for (name, tier) in &mut seen.tiers {
            let Known::Known(TierSeen::There(ground)) = tier else { continue };
            if before.get(name).is_some_and(|before| *before != ground.identity) {
                self.trends.remove(name);
            }
            let trend = self.trends.entry(name.clone()).or_default();
            trend.push(now.up, ground.available);
            ground.full_in = trend.full_in();
            self.seen.insert(name.clone(), ground.identity);
        }
    }

    fn site(&mut self, config: &Config, step: &Step, host: &Host) -> Result<act::Site, Error> {
        let (name, _) = step.tier();
        let Some(tier) = config.tiers.get(name) else {
            return Err(Error::reply(format!("tier {name}"), "is not declared any more, so nothing proves its disk"));
        };
        let mut site = act::Site::new(&host.roots, tier, self.seen.get(name).copied());
        if let Step::Quota { order } = step {
            site.marking = self.usage.marking(name, &order.place().below);
        }
        Ok(site)
    }
}

/// The tiers whose directories may be walked: those that are proved.
fn list_walked(config: &Config, seen: &Seen, host: &Host) -> BTreeMap<String, WalkedTier> {
    let proved = config.tiers.iter().filter_map(|(name, tier)| {
        let ground = proof::declared_ground(name, tier, seen.tiers.get(name)?)?;
        let walked = WalkedTier { roots: host.roots.clone(), tier: tier.clone(), identity: ground.identity };
        Some((name.clone(), walked))
    });
    proved.collect()
}

impl Keeper for Storage {
    const NAME: &'static str = "storage";
    type Config = Config;
    type Seen = Seen;
    type Step = Step;

    async fn observe(&mut self, config: &Config, host: &Host, now: &Now) -> Result<Seen, Error> {
        let mut seen = observe::look(config, host, now, &mut self.patience).await;
        self.remember(&mut seen, now);
        seen.disks = self.disks.look(&config.smart, seen.list_disks(), host, now).await;
        let look = pools::Look { config, roots: &host.roots, seen: &seen, sites: &self.seen, now };
        seen.pools = self.pools.look(&look, &mut self.patience).await;
        let (questions, tiers) = (quota::usage::list_questions(config, &seen), list_walked(config, &seen, host));
        seen.mends = self.mends.look();
        seen.cleans = self.cleans.look(config, &tiers, &mut self.patience, now).await;
        seen.deleted = self.cleans.list_deleted();
        seen.usage = self.usage.refresh(questions, &tiers, &mut self.patience, now).await;
        Ok(seen)
    }

    fn awake(&mut self, last_alive: Option<&Stamp>) {
        self.cleans.recall(last_alive);
    }

    fn recall(&mut self, past: &Past) {
        self.pools.recall(&past.pools);
    }

    fn take_notes(&mut self) -> Notes {
        self.cleans.take_notes(self.pools.take_notes())
    }

    fn decide(config: &Config, seen: &Seen, past: &Past, now: &Now) -> Plan<Step> {
        let mut plan = decide::decide(config, seen);
        clean::decide(config, seen, &mut plan);
        pools::decide(config, &seen.pools, past, now, &mut plan);
        plan
    }

    async fn act(&mut self, config: &Config, step: &Step, host: &Host) -> Result<Change, Error> {
        if let Step::Pool { order } = step {
            return self.pools.act((config, &self.seen), order, host, &mut self.patience).await;
        }
        if let Step::Clean { order } = step {
            let (site, rule) = (self.site(config, step, host)?, clean::config::find_rule(config, order));
            return self.cleans.act(site, (order, rule), &mut self.patience).await;
        }
        if let Step::Mend { order } = step {
            let site = self.site(config, step, host)?;
            return self.mends.act(site, order, &mut self.patience).await;
        }
        let (site, order) = (self.site(config, step, host)?, step.clone());
        let name = observe::thread_name(step.tier().0);
        self.patience.wait(&name, LIMIT, move || act::carry_out(&site, &order)).await?
    }

    async fn examine(&mut self, config: &Config, step: &Step, host: &Host) -> Option<bool> {
        if let Step::Pool { order } = step {
            return self.pools.examine((config, &self.seen), order, host, &mut self.patience).await;
        }
        let (site, order) = (self.site(config, step, host).ok()?, step.clone());
        let name = observe::thread_name(step.tier().0);
        self.patience.wait(&name, LIMIT, move || act::examine(&site, &order)).await.ok()?
    }

    fn measure(config: &Config, seen: &Seen, page: &mut Page) {
        metrics::measure(config, seen, page);
        if page.wants(Group::Hostkeeper, COLLECTOR) {
            pools::measure(config, &seen.pools, page);
        }
    }

    fn show(config: &Config, seen: &Seen) -> Views {
        Views { pools: pools::show(config, &seen.pools), cleans: clean::show(config, seen), ..show::show(config, seen) }
    }
}
