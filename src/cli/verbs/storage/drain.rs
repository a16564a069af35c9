//! `storage drain` and `storage undrain`: a member that only gives files, and one that takes them again.

use serde_json::json;

use super::super::super::desk::Desk;
use super::super::super::failure::{DONE, Failure};
use super::super::super::storage_args::MemberArgs;
use super::super::apply::print_done;
use super::follow::{Goal, follow};
use super::{find_pool, full_name, read_storage};

pub fn drain(desk: &mut Desk<'_>, args: &MemberArgs) -> Result<u8, Failure> {
    let pool = order(desk, args, "/v1/storage/drain")?;
    follow(desk, &Goal { pool, empty: Some(args.member.clone()) })
}

pub fn undrain(desk: &mut Desk<'_>, args: &MemberArgs) -> Result<u8, Failure> {
    order(desk, args, "/v1/storage/undrain").map(|_| DONE)
}

fn order(desk: &mut Desk<'_>, args: &MemberArgs, path: &str) -> Result<String, Failure> {
    let (storage, _) = read_storage(desk)?;
    let pool = full_name(find_pool(&storage, &args.pool)?);
    let done = desk.order(path, &json!({"pool": pool, "member": args.member}))?;
    print_done(desk, &done)?;
    Ok(pool)
}
