//! A keeper at the table: its configuration, what it saw last, and its typed plan behind one face, so that the round
//! can run all keepers without knowing their types.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{Change, Concern, Gate, Keeper, Plan, Planned, PlannedView, Proposal, Step, Views};
use crate::host::{Error, Host};
use crate::ledger::{Intent, Notes, Past};
use crate::metrics::Page;
use crate::values::{Now, Stamp};

/// A boxed future of a seat.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a keeper saw, ready to be measured and shown while the keeper goes on. Immutable.
pub trait Sight: Send + Sync {
    fn measure(&self, page: &mut Page);
    fn show(&self) -> Views;
}

/// A keeper without its types.
pub trait Seat: Send {
    fn name(&self) -> &'static str;

    /// Whether a scrape may ask for a fresh look.
    fn at_scrape(&self) -> bool;

    /// Hands on when an earlier life of the agent was last alive.
    fn awake(&mut self, last_alive: Option<&Stamp>);

    /// Hands on what a look must know of the ledger.
    fn recall(&mut self, past: &Past);

    /// What there is to say of the order just carried out or examined, besides its result. Given once.
    fn take_notes(&mut self) -> Notes;

    /// Observes. On failure what was seen before is forgotten: nothing is decided or measured on old sight.
    fn look<'a>(&'a mut self, host: &'a Host, now: &'a Now) -> Promise<'a, Result<(), Error>>;

    /// Forgets what was seen.
    fn close_eyes(&mut self);

    /// Decides on what was seen and keeps the plan; `carry_out` takes its steps by index.
    fn decide(&mut self, past: &Past, now: &Now) -> (Vec<Proposal>, Vec<Concern>);

    /// What must be in the ledger before step `index` is done. `None`: there is no such step.
    fn intent(&self, index: usize) -> Option<Intent>;

    /// Does step `index` of the plan.
    fn carry_out<'a>(&'a mut self, index: usize, host: &'a Host) -> Promise<'a, Result<Change, Error>>;

    /// Does a step that was recorded as JSON: an undo.
    fn carry_out_recorded<'a>(&'a mut self, step: &'a str, host: &'a Host) -> Promise<'a, Result<Change, Error>>;

    /// Whether a step that was recorded as JSON is done. `None`: cannot be told.
    fn examine_recorded<'a>(&'a mut self, step: &'a str, host: &'a Host) -> Promise<'a, Option<bool>>;

    /// A recorded step in words.
    fn word(&self, step: &str) -> Option<String>;

    /// What was seen, when there is any.
    fn sight(&self) -> Option<Arc<dyn Sight>>;
}

struct Seen<K: Keeper> {
    config: K::Config,
    seen: K::Seen,
}

impl<K: Keeper> Sight for Seen<K> {
    fn measure(&self, page: &mut Page) {
        K::measure(&self.config, &self.seen, page);
    }

    fn show(&self) -> Views {
        K::show(&self.config, &self.seen)
    }
}

/// The seat of a keeper `K`.
pub struct Seated<K: Keeper> {
    keeper: K,
    config: K::Config,
    seen: Option<Arc<Seen<K>>>,
    steps: Vec<Planned<K::Step>>,
}

impl<K: Keeper> Seated<K> {
    pub fn new(keeper: K, config: K::Config) -> Seated<K> {
        Seated { keeper, config, seen: None, steps: Vec::new() }
    }

    /// Replaces the configuration. What was seen under the old one is forgotten when it differs.
    pub fn configure(&mut self, config: K::Config) {
        if self.config != config {
            self.config = config;
            self.seen = None;
            self.steps.clear();
        }
    }
}

impl<K: Keeper> Seat for Seated<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn at_scrape(&self) -> bool {
        K::AT_SCRAPE
    }

    fn awake(&mut self, last_alive: Option<&Stamp>) {
        self.keeper.awake(last_alive);
    }

    fn recall(&mut self, past: &Past) {
        self.keeper.recall(past);
    }

    fn take_notes(&mut self) -> Notes {
        self.keeper.take_notes()
    }

    fn look<'a>(&'a mut self, host: &'a Host, now: &'a Now) -> Promise<'a, Result<(), Error>> {
        Box::pin(async move {
            self.close_eyes();
            let seen = self.keeper.observe(&self.config, host, now).await?;
            self.seen = Some(Arc::new(Seen { config: self.config.clone(), seen }));
            Ok(())
        })
    }

    fn close_eyes(&mut self) {
        self.seen = None;
        self.steps.clear();
    }

    fn decide(&mut self, past: &Past, now: &Now) -> (Vec<Proposal>, Vec<Concern>) {
        let Some(sight) = &self.seen else { return (Vec::new(), Vec::new()) };
        let Plan { steps, concerns } = K::decide(&sight.config, &sight.seen, past, now);
        let proposals = steps.iter().map(|planned| propose(K::NAME, planned)).collect();
        self.steps = steps;
        (proposals, concerns)
    }

    fn intent(&self, index: usize) -> Option<Intent> {
        self.steps.get(index).map(|planned| intend(K::NAME, planned))
    }

    fn carry_out<'a>(&'a mut self, index: usize, host: &'a Host) -> Promise<'a, Result<Change, Error>> {
        Box::pin(async move {
            let missing = || Error::reply(K::NAME, "the step is no longer in the plan");
            let planned = self.steps.get(index).ok_or_else(missing)?;
            self.keeper.act(&self.config, &planned.step, host).await
        })
    }

    fn carry_out_recorded<'a>(&'a mut self, step: &'a str, host: &'a Host) -> Promise<'a, Result<Change, Error>> {
        Box::pin(async move {
            let step: K::Step = serde_json::from_str(step).map_err(|error| Error::reply("ledger", error))?;
            self.keeper.act(&self.config, &step, host).await
        })
    }

    fn examine_recorded<'a>(&'a mut self, step: &'a str, host: &'a Host) -> Promise<'a, Option<bool>> {
        Box::pin(async move {
            let step: K::Step = serde_json::from_str(step).ok()?;
            self.keeper.examine(&self.config, &step, host).await
        })
    }

    fn word(&self, step: &str) -> Option<String> {
        serde_json::from_str::<K::Step>(step).ok().map(|step| step.to_string())
    }

    fn sight(&self) -> Option<Arc<dyn Sight>> {
        self.seen.clone().map(|seen| seen as Arc<dyn Sight>)
    }
}

fn propose<S: Step>(keeper: &str, planned: &Planned<S>) -> Proposal {
    Proposal {
        purpose: planned.step.purpose(),
        waits_for: planned.step.waits_for(),
        view: PlannedView {
            id: planned.id(keeper),
            key: planned.key(keeper),
            keeper: keeper.to_owned(),
            kind: planned.step.kind().to_owned(),
            subject: planned.subject.clone(),
            text: planned.step.to_string(),
            because: planned.because.clone(),
            class: planned.class,
            gate: Gate::Open,
            undo: planned.undo.as_ref().map(ToString::to_string),
        },
    }
}

fn intend<S: Step>(keeper: &str, planned: &Planned<S>) -> Intent {
    let json = |step: &S| serde_json::to_string(step).unwrap_or_default();
    Intent {
        plan: String::new(),
        step: planned.id(keeper),
        key: planned.key(keeper),
        keeper: keeper.to_owned(),
        kind: planned.step.kind().to_owned(),
        project: planned.subject.project.clone(),
        thing: planned.subject.thing.clone(),
        class: planned.class.as_str().to_owned(),
        text: planned.step.to_string(),
        because: planned.because.text.clone(),
        evidence: serde_json::to_string(&planned.because.evidence).unwrap_or_default(),
        payload: json(&planned.step),
        undo: planned.undo.as_ref().map(json),
        origin: "round".to_owned(),
        trial: false,
    }
}
