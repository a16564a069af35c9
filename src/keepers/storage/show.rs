//! What the API, the command line and the page show of storage. Pure.

use super::cache::show::cache_view;
use super::config::Config;
use super::mend::fix_view;
use super::observe::{CacheSeen, Seen, TierSeen};
use super::proof::{declared_ground, find_fault};
use super::quota::decide::{is_enforced, used};
use super::verdict::{Wanted, judge};
use crate::round::{DirView, TierView, Views};
use crate::values::Known;

/// Tiers and declared directories as last seen.
pub fn show(config: &Config, seen: &Seen) -> Views {
    let tiers = config.tiers.keys().filter_map(|name| tier_view(config, seen, name)).collect();
    let dirs = config.dirs.iter().map(|(key, dir)| DirView {
        project: key.0.clone(),
        dir: key.1.clone(),
        tier: dir.tier.clone(),
        path: Wanted::of(config, dir).map_or_else(|| dir.path.clone(), |wanted| wanted.place.to_string()),
        state: judge(config, seen, key, dir).as_str().to_owned(),
        size_bytes: used(config, seen, key),
        quota_bytes: dir.quota.map(|quota| quota.0),
        fix: seen.mends.get(key).map(fix_view),
        quota_enforced: dir.quota.map(|quota| is_enforced(key, seen.quotas.get(key), quota)),
    });
    Views { tiers, dirs: dirs.collect(), ..Views::default() }
}

fn tier_view(config: &Config, seen: &Seen, name: &str) -> Option<TierView> {
    let (tier, found) = (config.tiers.get(name)?, seen.tiers.get(name)?);
    let mut view = TierView {
        tier: name.to_owned(),
        path: tier.path.clone(),
        min_free_bytes: tier.min_free.map(|least| least.0),
        state: find_fault(name, tier, found).map_or_else(|| "ok".to_owned(), |fault| fault.text),
        ..TierView::default()
    };
    if let Known::Known(TierSeen::There(ground)) = found {
        view.device = ground.device.value().and_then(|device| Some(device.as_ref()?.name.clone()));
    }
    if let Some(ground) = declared_ground(name, tier, found) {
        view.size_bytes = Some(ground.size);
        view.available_bytes = Some(ground.available);
        view.full_in_seconds = ground.full_in;
        if let Some(CacheSeen::There(device)) = seen.caches.get(name) {
            view.cache = Some(cache_view(tier.cache.as_ref(), device));
        }
    }
    Some(view)
}
