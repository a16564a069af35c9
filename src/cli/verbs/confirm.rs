//! `confirm`: keeps what a trial did.

use serde_json::json;

use super::super::args::ConfirmArgs;
use super::super::desk::Desk;
use super::super::failure::Failure;
use super::apply::{exit_of, print_done};

/// Confirms one trial or all.
pub fn run(desk: &mut Desk<'_>, args: &ConfirmArgs) -> Result<u8, Failure> {
    let body = args.intent.map(|intent| json!({"intent": intent})).unwrap_or_else(|| json!({}));
    let done = desk.order("/v1/confirm", &body)?;
    print_done(desk, &done)?;
    Ok(exit_of(&done))
}
