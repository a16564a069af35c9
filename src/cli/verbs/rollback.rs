//! `rollback`: takes back what an entry of the history did.

use serde_json::json;

use super::super::args::RollbackArgs;
use super::super::desk::Desk;
use super::super::failure::Failure;
use super::apply::{exit_of, print_done};

/// Takes one entry back.
pub fn run(desk: &mut Desk<'_>, args: &RollbackArgs) -> Result<u8, Failure> {
    let done = desk.order("/v1/rollback", &json!({"intent": args.intent}))?;
    print_done(desk, &done)?;
    Ok(exit_of(&done))
}
