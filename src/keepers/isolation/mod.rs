//! Where projects touch each other, and where a container may do more than it should. Looks and reports, changes nothing.

pub mod config;
pub mod decide;
pub mod facts;
pub mod ids;
mod metrics;
pub mod observe;
pub mod policy;
mod show;
mod step;
#[cfg(test)]
mod tests;

pub use metrics::COLLECTOR;
pub use observe::Seen;
pub use step::Step;

use crate::host::{Error, Host};
use crate::ledger::Past;
use crate::metrics::{Group, Page};
use crate::round::{Change, Keeper, Plan, Views};
use crate::values::Now;
use config::Config;

/// The keeper of the walls between projects.
#[derive(Debug, Default)]
pub struct Isolation {
    watch: observe::Watch,
}

impl Keeper for Isolation {
    const NAME: &'static str = "isolation";
    type Config = Config;
    type Seen = Seen;
    type Step = Step;

    async fn observe(&mut self, config: &Config, host: &Host, now: &Now) -> Result<Seen, Error> {
        Ok(self.watch.look(config, &host.roots, now).await)
    }

    fn decide(_: &Config, seen: &Seen, _: &Past, _: &Now) -> Plan<Step> {
        Plan { steps: Vec::new(), concerns: decide::decide(seen) }
    }

    async fn act(&mut self, _: &Config, step: &Step, _: &Host) -> Result<Change, Error> {
        match step {
            Step::Look => {
                self.watch.ask();
                Ok(Change::AlreadySo)
            }
        }
    }

    async fn examine(&mut self, _: &Config, step: &Step, _: &Host) -> Option<bool> {
        match step {
            Step::Look => None,
        }
    }

    fn measure(_: &Config, seen: &Seen, page: &mut Page) {
        if page.wants(Group::Hostkeeper, COLLECTOR) {
            metrics::measure(seen, page);
        }
    }

    fn show(_: &Config, seen: &Seen) -> Views {
        Views { audit: Some(show::show(seen)), ..Views::default() }
    }
}
