//! The shape of a keeper. Everything the agent does is one of these.

use std::future::Future;

use super::{
    AuditView, CleanView, CollectorView, ContainerView, DirView, HostView, LimitsView, Plan, PoolView, ProjectView,
    ReclaimView, Step, TierView,
};
use crate::host::{self, Host};
use crate::ledger::{Notes, Past};
use crate::metrics::Page;
use crate::values::{Now, Stamp};

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The machine was changed.
    Made,
    /// It was so already: somebody else, or an earlier life of this agent, did it.
    AlreadySo,
}

/// What a keeper has to show of the parts of the host that it sees. The API joins these by project.
#[derive(Clone, Debug, Default)]
pub struct Views {
    pub host: Option<HostView>,
    pub projects: Vec<ProjectView>,
    pub containers: Vec<ContainerView>,
    pub tiers: Vec<TierView>,
    pub dirs: Vec<DirView>,
    pub pools: Vec<PoolView>,
    pub reclaim: Option<ReclaimView>,
    pub audit: Option<AuditView>,
    pub cleans: Vec<CleanView>,
    pub limits: Vec<LimitsView>,
    pub collectors: Vec<CollectorView>,
}

/// One duty. Remembers nothing that matters: history comes as `Past`, configuration is replaced on reload.
pub trait Keeper: Send + 'static {
    /// The word used as TOML table, folder, metric label and log field.
    const NAME: &'static str;
    /// Whether looking is so cheap that a scrape may ask for a fresh look.
    const AT_SCRAPE: bool = false;
    type Config: Clone + PartialEq + Send + Sync + 'static;
    type Seen: Send + Sync + 'static;
    type Step: Step;

    /// Takes in when an earlier life of the agent was last alive. Comes before each look of a round, always the same.
    fn awake(&mut self, _last_alive: Option<&Stamp>) {}

    /// Takes what a look must know of the ledger: what people ordered. Comes before each look of a round.
    fn recall(&mut self, _past: &Past) {}

    /// What there is to say of the order just carried out or examined, besides its result. Given once.
    fn take_notes(&mut self) -> Notes {
        Notes::default()
    }

    /// Looks at the machine. Every wait inside has a time-out. An error means that nothing could be seen at all;
    /// parts that could not be seen are `Known::Unknown` inside `Seen`.
    fn observe(
        &mut self,
        config: &Self::Config,
        host: &Host,
        now: &Now,
    ) -> impl Future<Output = Result<Self::Seen, host::Error>> + Send;

    /// What should be done and what is wrong. Pure.
    fn decide(config: &Self::Config, seen: &Self::Seen, past: &Past, now: &Now) -> Plan<Self::Step>;

    /// Carries one step out. Safe to repeat; looks again at what it depends on right before it changes it.
    fn act(
        &mut self,
        config: &Self::Config,
        step: &Self::Step,
        host: &Host,
    ) -> impl Future<Output = Result<Change, host::Error>> + Send;

    /// Whether an order whose result was never written (the agent was killed) is done now.
    /// `None`: cannot be told, the next round decides afresh.
    fn examine(
        &mut self,
        config: &Self::Config,
        step: &Self::Step,
        host: &Host,
    ) -> impl Future<Output = Option<bool>> + Send;

    /// Writes the metrics of what was seen.
    fn measure(config: &Self::Config, seen: &Self::Seen, page: &mut Page);

    /// What the API, the CLI and the page show of it.
    fn show(config: &Self::Config, seen: &Self::Seen) -> Views;
}
