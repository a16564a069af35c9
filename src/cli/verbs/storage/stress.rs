//! `storage stress`: example files in a member, to watch the balancer work, and their removal.

use serde_json::json;

use super::super::super::desk::Desk;
use super::super::super::failure::Failure;
use super::super::super::storage_args::StressArgs;
use super::super::apply::{exit_of, print_done};
use super::follow::{Goal, follow};
use super::{find_pool, full_name, read_storage};
use crate::api::shapes::DoneShown;

/// Files of one order: each is short.
const AT_ONCE: u32 = 2000;
const BYTES_AT_ONCE: u64 = 256 << 20;

pub fn run(desk: &mut Desk<'_>, args: &StressArgs) -> Result<u8, Failure> {
    let (storage, _) = read_storage(desk)?;
    let pool = full_name(find_pool(&storage, &args.pool)?);
    if args.clean {
        let done = desk.order("/v1/storage/examples/remove", &json!({"pool": pool}))?;
        print_done(desk, &done)?;
        return Ok(exit_of(&done));
    }
    let member = args.member.as_deref().unwrap_or_default();
    // So that two runs do not meet: seconds, in the digits that a label may have.
    let label = format!("t{}", desk.seat.now.as_second());
    let fitting = BYTES_AT_ONCE.checked_div(args.size.0.max(1)).unwrap_or(1);
    let at_once = u32::try_from(fitting).unwrap_or(AT_ONCE).clamp(1, AT_ONCE);
    let mut first = 0;
    while first < args.files {
        let files = at_once.min(args.files - first);
        let body = json!({
            "pool": pool, "member": member, "label": label, "first": first, "files": files, "size": args.size.0,
        });
        let done = desk.order("/v1/storage/examples", &body)?;
        first += files;
        if exit_of(&done) != 0 || first >= args.files {
            let text = format!("{first} of {} example files made, label {label}", args.files);
            print_done(desk, &DoneShown { text, ..done.clone() })?;
        }
        if exit_of(&done) != 0 {
            return Ok(exit_of(&done));
        }
    }
    if !args.balance {
        return Ok(super::super::super::failure::DONE);
    }
    let done = desk.order("/v1/storage/balance", &json!({"pool": pool, "now": true}))?;
    print_done(desk, &done)?;
    follow(desk, &Goal { pool, empty: None })
}
