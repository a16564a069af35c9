//! `storage balance`: look now, go on until balanced, or only say what would be moved.

use serde_json::json;

use super::super::super::desk::Desk;
use super::super::super::failure::{DONE, Failure};
use super::super::super::out::plain;
use super::super::super::storage_args::BalanceArgs;
use super::super::apply::print_done;
use super::follow::{Goal, follow};
use super::{find_pools, full_name, listing, read_storage};

pub fn run(desk: &mut Desk<'_>, args: &BalanceArgs) -> Result<u8, Failure> {
    let (storage, value) = read_storage(desk)?;
    let pools = find_pools(&storage, args.pool.as_deref())?;
    if args.dry_run {
        if desk.json {
            return listing::print_pools_json(desk, &storage, value, args.pool.as_deref());
        }
        for pool in &pools {
            let moves = match pool.view.moves_needed {
                Some(0) => "nothing would be moved".to_owned(),
                Some(1) => "1 move would balance it".to_owned(),
                Some(moves) => format!("{moves} moves would balance it"),
                None => "how many moves would balance it is not known beforehand".to_owned(),
            };
            desk.out().hang(&[plain(format!("{}: ", full_name(pool)))], &plain(moves))?;
            listing::print_pool(desk.out(), pool)?;
        }
        return Ok(DONE);
    }
    let mut exit = DONE;
    for pool in &pools {
        let pool = full_name(pool);
        let done = desk.order("/v1/storage/balance", &json!({"pool": pool, "now": args.now}))?;
        print_done(desk, &done)?;
        if args.now {
            exit = exit.max(follow(desk, &Goal { pool, empty: None })?);
        }
    }
    Ok(exit)
}
