//! `storage`: tiers, directories and pools, and the orders about pools. One file per subcommand.

mod balance;
mod bench;
mod clean;
mod diagnostics;
mod drain;
mod fix;
mod follow;
mod listing;
mod reclaim;
mod stress;

use serde_json::Value;

use super::super::desk::{Desk, shaped};
use super::super::failure::{BLOCKED, DONE, Failure};
use super::super::storage_args::{StorageArgs, StorageVerb};
use crate::api::storage::{PoolShown, StorageShown};

/// Shows or orders.
pub fn run(desk: &mut Desk<'_>, args: &StorageArgs) -> Result<u8, Failure> {
    match &args.what {
        None => listing::all(desk),
        Some(StorageVerb::Tier(args)) => listing::tiers(desk, args),
        Some(StorageVerb::Dir(args)) => listing::dirs(desk, args),
        Some(StorageVerb::Pool(args)) => listing::pools(desk, args),
        Some(StorageVerb::Clean(args)) => clean::run(desk, args),
        Some(StorageVerb::Drain(args)) => drain::drain(desk, args),
        Some(StorageVerb::Undrain(args)) => drain::undrain(desk, args),
        Some(StorageVerb::Balance(args)) => balance::run(desk, args),
        Some(StorageVerb::Diagnostics(args)) => diagnostics::run(desk, args),
        Some(StorageVerb::Bench(args)) => bench::run(desk, args),
        Some(StorageVerb::Fix(args)) => fix::run(desk, args),
        Some(StorageVerb::Reclaim(args)) => reclaim::run(desk, args),
        Some(StorageVerb::Stress(args)) => stress::run(desk, args),
    }
}

/// Storage as the agent has it now.
fn read_storage(desk: &mut Desk<'_>) -> Result<(StorageShown, Value), Failure> {
    let value = desk.read("/v1/storage")?;
    Ok((shaped("/v1/storage", &value)?, value))
}

/// Prints JSON with only the entries of one list that are kept.
fn print_json(desk: &mut Desk<'_>, mut value: Value, list: &str, keep: &dyn Fn(&Value) -> bool) -> Result<u8, Failure> {
    if let Some(fields) = value.as_object_mut() {
        for other in ["tiers", "dirs", "pools", "cleans", "reclaim"].iter().filter(|other| **other != list) {
            fields.remove(*other);
        }
        if let Some(entries) = fields.get_mut(list).and_then(Value::as_array_mut) {
            entries.retain(keep);
        }
    }
    desk.out().json(&value)?;
    Ok(DONE)
}

fn full_name(pool: &PoolShown) -> String {
    format!("{}/{}", pool.view.project, pool.view.pool)
}

/// Whether `name` means this pool: `project/pool`, or `pool`.
fn is_meant(pool: &PoolShown, name: &str) -> bool {
    pool.view.pool == name || full_name(pool) == name
}

/// The one pool that `name` means.
fn find_pool<'s>(storage: &'s StorageShown, name: &str) -> Result<&'s PoolShown, Failure> {
    let found: Vec<&PoolShown> = storage.pools.iter().filter(|pool| is_meant(pool, name)).collect();
    let known = || storage.pools.iter().map(full_name).collect::<Vec<_>>().join(", ");
    match found.as_slice() {
        [one] => Ok(one),
        [] if storage.pools.is_empty() => {
            let cure = "declare one: [project.NAME.pool.NAME] members = [\"a\", \"b\"]";
            Err(Failure::new(BLOCKED, "not_found", "no pool is declared", cure))
        }
        [] => {
            let text = format!("there is no pool \"{name}\"");
            Err(Failure::new(BLOCKED, "not_found", text, format!("pools: {}", known())))
        }
        _ => {
            let text = format!("more than one project has a pool \"{name}\"");
            Err(Failure::new(BLOCKED, "usage", text, format!("name one: {}", known())))
        }
    }
}

/// The pools that are meant: the named one, or all.
fn find_pools(storage: &StorageShown, name: Option<&str>) -> Result<Vec<PoolShown>, Failure> {
    match name {
        Some(name) => Ok(vec![find_pool(storage, name)?.clone()]),
        None => Ok(storage.pools.clone()),
    }
}
