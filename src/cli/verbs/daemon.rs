//! `daemon`: hands over to the agent.

use super::super::desk::Desk;
use super::super::failure::{DONE, Failure};

/// Runs the agent until it is told to stop.
pub fn run(desk: &mut Desk<'_>) -> Result<u8, Failure> {
    desk.house.daemon(&desk.places)?;
    Ok(DONE)
}
