//! `web`: hands over to the page's process.

use super::super::args::WebArgs;
use super::super::desk::Desk;
use super::super::failure::{DONE, Failure};
use super::super::house::WebOrder;

/// Runs the page until it is told to stop.
pub fn run(desk: &mut Desk<'_>, args: &WebArgs) -> Result<u8, Failure> {
    let order = WebOrder {
        listen: args.listen.clone(),
        web_config: args.web_config.clone(),
        hosts: args.hosts.clone(),
        user: args.user.clone(),
    };
    desk.house.web(&desk.places, &order)?;
    Ok(DONE)
}
