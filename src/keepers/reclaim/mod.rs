//! What Docker holds that nothing uses: looked for seldom, shown and measured. Plans nothing: a thing is removed on a
//! person's word only, one by one, and never a volume that has a name.

mod act;
pub mod config;
mod leftovers;
mod metrics;
mod observe;
mod show;
mod step;
#[cfg(test)]
mod tests;

pub use leftovers::find_leftovers;
pub use metrics::COLLECTOR;
pub use observe::{Found, Seen};
pub use step::Step;

use crate::host::{Error, Host};
use crate::ledger::Past;
use crate::metrics::{Group, Page};
use crate::round::{Change, Keeper, Plan, Views};
use crate::values::Now;
use config::Config;

/// The keeper of Docker's leftovers.
#[derive(Debug, Default)]
pub struct Reclaim {
    watch: observe::Watch,
}

impl Keeper for Reclaim {
    const NAME: &'static str = "reclaim";
    type Config = Config;
    type Seen = Seen;
    type Step = Step;

    async fn observe(&mut self, config: &Config, host: &Host, now: &Now) -> Result<Seen, Error> {
        Ok(self.watch.look(config, &host.roots, now).await)
    }

    fn decide(_: &Config, _: &Seen, _: &Past, _: &Now) -> Plan<Step> {
        Plan::default()
    }

    async fn act(&mut self, config: &Config, step: &Step, _: &Host) -> Result<Change, Error> {
        match step {
            Step::Look => {
                self.watch.ask();
                Ok(Change::AlreadySo)
            }
            Step::Remove { leftover } => {
                let change = act::remove(&config.socket, leftover).await?;
                self.watch.forget(leftover);
                Ok(change)
            }
        }
    }

    async fn examine(&mut self, config: &Config, step: &Step, _: &Host) -> Option<bool> {
        match step {
            Step::Look => None,
            Step::Remove { leftover } => act::is_gone(&config.socket, leftover).await,
        }
    }

    fn measure(_: &Config, seen: &Seen, page: &mut Page) {
        if page.wants(Group::Hostkeeper, COLLECTOR) {
            metrics::measure(seen, page);
        }
    }

    fn show(_: &Config, seen: &Seen) -> Views {
        Views { reclaim: Some(show::show(seen)), ..Views::default() }
    }
}
