//! Pools: directories between which files are kept balanced, and members that are emptied. Files are moved so that each
//! is always visible and whole at least once, and in the end exactly once.

mod act;
mod balance;
pub mod config;
mod decide;
pub mod examples;
mod memory;
mod metrics;
pub mod moving;
mod seen;
mod show;
mod step;
mod verdict;
pub mod walk;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub use balance::{Level, count_moves, plan_moves};
pub use decide::decide;
pub use metrics::{FAMILIES, measure};
pub use seen::{MemberSeen, PoolSeen, PoolsSeen};
pub use show::show;
pub use step::{Item, Member, Name, Order};
pub use watch::{KEPT, Look, Watch};

use super::act::Site;
use super::config::Config;
use super::step::Place;
use crate::host::files::Identity;
use crate::host::{Error, Host, patience::Patience};
use crate::round::Change;

/// How long an order about a pool may take, the program that it tells included.
const LIMIT: Duration = Duration::from_secs(60);

impl Watch {
    /// Carries an order out on a thread of its own.
    pub async fn act(
        &mut self,
        (config, seen): (&Config, &BTreeMap<String, Identity>),
        order: &Order,
        host: &Host,
        patience: &mut Patience,
    ) -> Result<Change, Error> {
        let job = self.job((config, seen), order, host);
        let key = order.pool().key();
        let answer = patience.wait(&watch::thread_name(&key), LIMIT, move || act::carry_out(job)).await;
        let mut answer = answer.inspect_err(|_| self.forget(order))?;
        self.learn(order, &mut answer);
        answer.change()
    }

    /// Brings a move that was broken off to its end, and says whether files were moved.
    pub async fn examine(
        &mut self,
        (config, seen): (&Config, &BTreeMap<String, Identity>),
        order: &Order,
        host: &Host,
        patience: &mut Patience,
    ) -> Option<bool> {
        let job = self.job((config, seen), order, host);
        let key = order.pool().key();
        let answer = patience.wait(&watch::thread_name(&key), LIMIT, move || act::examine(&job)).await;
        let (found, mut answer) = answer.ok()?;
        self.learn(order, &mut answer);
        found
    }

    fn job(&mut self, (config, seen): (&Config, &BTreeMap<String, Identity>), order: &Order, host: &Host) -> act::Job {
        let key = order.pool().key();
        let roots = &host.roots;
        let site = |place: &Place| {
            let same_root = |tier: &super::config::Tier| tier.path.trim_end_matches('/') == place.root;
            let named = config.tiers.get_key_value(&place.tier).filter(|(_, tier)| same_root(tier));
            let (name, tier) = named.or_else(|| config.tiers.iter().find(|(_, tier)| same_root(tier)))?;
            Some(Site::new(roots, tier, seen.get(name).copied()))
        };
        act::Job {
            order: order.clone(),
            roots: roots.clone(),
            sites: order.places().into_iter().filter_map(site).collect(),
            hook: config.pools.get(&key).and_then(|pool| pool.path_changed.clone()),
            partial: self.pools.get_mut(&key).and_then(|memory| memory.partial.take()),
            point: |_| (),
        }
    }
}
