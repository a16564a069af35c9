//! `reload`: lets the daemon read its configuration again.

use serde_json::json;

use super::super::desk::Desk;
use super::super::failure::Failure;
use super::apply::{exit_of, print_done};

/// Reloads; a bad configuration changes nothing.
pub fn run(desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let done = desk.order("/v1/reload", &json!({}))?;
    print_done(desk, &done)?;
    Ok(exit_of(&done))
}
