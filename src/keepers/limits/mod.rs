//! No project starves another: the kernel holds each project inside its envelope, protects what is reserved for it, and
//! holds each container inside its limits. Slices are set over D-Bus, containers by Docker, and only the kernel is believed.

mod act;
mod backing;
mod check;
pub mod config;
mod decide;
mod fit;
pub mod gpu;
mod lasting;
mod marks;
mod metrics;
mod observe;
mod oom;
pub mod parking;
pub mod pressure;
mod show;
mod step;
#[cfg(test)]
mod tests;
mod victims;

pub use decide::released_word;
pub use metrics::COLLECTOR;
pub use observe::Seen;
pub use step::{ContainerBounds, SliceBounds, Span, Step, Target};

use crate::host::{Error, Host};
use crate::ledger::Past;
use crate::metrics::{Group, Page};
use crate::round::{Change, Keeper, Plan, Views};
use crate::values::Now;
use config::Config;

/// The word of this keeper.
const NAME: &str = "limits";

/// The keeper of envelopes and limits.
#[derive(Debug, Default)]
pub struct Limits {
    watch: observe::Watch,
}

impl Keeper for Limits {
    const NAME: &'static str = NAME;
    type Config = Config;
    type Seen = Seen;
    type Step = Step;

    async fn observe(&mut self, config: &Config, host: &Host, now: &Now) -> Result<Seen, Error> {
        Ok(self.watch.look(config, host, now).await)
    }

    fn decide(config: &Config, seen: &Seen, past: &Past, now: &Now) -> Plan<Step> {
        decide::decide(config, seen, past, now)
    }

    async fn act(&mut self, config: &Config, step: &Step, host: &Host) -> Result<Change, Error> {
        if let Step::Evict { target } = step {
            self.watch.pressure.note_eviction(target, host);
        }
        act::carry_out(config, step, host).await
    }

    async fn examine(&mut self, config: &Config, step: &Step, host: &Host) -> Option<bool> {
        act::examine(config, step, host).await
    }

    fn measure(config: &Config, seen: &Seen, page: &mut Page) {
        if page.wants(Group::Hostkeeper, COLLECTOR) {
            metrics::measure(config, seen, page);
        }
    }

    fn show(config: &Config, seen: &Seen) -> Views {
        Views { limits: show::show(config, seen), ..Views::default() }
    }
}
