//! Orders of people: reload, apply, confirm, rollback, wake. Carried out on the rounds' own task, one at a time,
//! recorded with who gave them, and answered after the round that follows: what is asked next shows what they did.

use std::collections::BTreeSet;

use super::messages;
use super::rounds::Rounds;
use super::running::{Command, Reply, lock};
use super::start::host_of;
use crate::api::Refusal;
use crate::api::types::{Caller, Done, Order, ReclaimOrder, StepDone};
use crate::config;
use crate::ledger::{Event, Outcome};
use crate::round::{Gate, RoundResult};

/// What came of an order, until the round after it has ended.
pub(super) struct Answer {
    word: &'static str,
    result: Result<Done, Refusal>,
    reply: Reply,
}

pub(super) fn refusal(code: &str, text: impl Into<String>, cure: &str) -> Refusal {
    Refusal { code: code.to_owned(), text: text.into(), cure: cure.to_owned() }
}

impl Rounds {
    /// Does what is asked. A round follows, and then the answer.
    pub(super) async fn obey(&mut self, command: Command) {
        let Command { order, by, reply } = command;
        let word = word(&order);
        let result = match order {
            Order::Reload => self.reload_config().await,
            Order::Apply { plan, steps } => self.apply(&plan, &steps, &by).await,
            Order::Confirm { intent } => self.confirm(intent, &by),
            Order::Rollback { intent } => self.roll_back(intent, &by).await,
            Order::Pool(order) => self.obey_pool(order, &by).await,
            Order::Fix(order) => self.fix(order, &by).await,
            Order::Reclaim(order) => self.reclaim(order, &by).await,
            Order::Park(order) => self.park(&order, &by).await,
            Order::Unpark(order) => self.unpark(&order, &by).await,
            Order::ReleaseLimits { project } => self.release_limits(project.as_ref(), &by).await,
            Order::Audit => self.look_between_projects().await,
            Order::KeepSpeed(note) => self.keep_speed(&note, &by),
            Order::Wake => Ok(Done { text: "looked again".to_owned(), steps: Vec::new() }),
        };
        let outcome = if result.is_ok() { "done" } else { "refused" };
        metrics::counter!("hostkeeper_orders_total", "order" => word, "result" => outcome).increment(1);
        self.answer = Some(Answer { word, result, reply });
    }

    /// Answers the order that was obeyed before this round.
    pub(super) fn answer(&mut self) {
        let Some(Answer { word, result, reply }) = self.answer.take() else { return };
        if reply.send(result).is_err() {
            tracing::warn!(order = word, "the caller left before the answer");
        }
    }

    /// Reads the configuration again. A bad one changes nothing.
    pub(super) async fn reload_config(&mut self) -> Result<Done, Refusal> {
        self.systemd.reloading();
        let path = self.places.config.clone();
        let read = tokio::task::spawn_blocking(move || config::load(&path)).await;
        let result = match read {
            Ok(Ok(loaded)) => self.take_over(loaded).await,
            Ok(Err(problems)) => self.refuse_config(problems.to_string()),
            Err(error) => self.refuse_config(format!("the configuration could not be read: {error}")),
        };
        self.systemd.ready();
        result
    }

    async fn take_over(&mut self, loaded: config::Loaded) -> Result<Done, Refusal> {
        let changed = config::diff(&self.running.loaded(), &loaded).text;
        for chair in &self.chairs {
            (chair.configure)(&loaded.settings).await;
        }
        let now = self.running.now();
        self.config_loaded = now.wall;
        self.config_refused = None;
        let host = self.running.host().placed(host_of(&loaded).roots);
        *lock(&self.running.host) = std::sync::Arc::new(host);
        *lock(&self.running.loaded) = std::sync::Arc::new(loaded);
        let released = self.running.with_book(|book| book.write(|ledger| ledger.release_holds(None)));
        if let Err(error) = released {
            tracing::warn!("held steps could not be released: {}", error.chain());
        }
        self.note(Event {
            because: Some(changed.clone()),
            ..Event::new("reloaded", "the configuration was read again")
        });
        metrics::counter!("hostkeeper_config_reloads_total", "result" => "applied").increment(1);
        tracing::info!(MESSAGE_ID = messages::RELOADED, "configuration read again");
        Ok(Done { text: format!("configuration read again\n{}", changed.trim_end()), steps: Vec::new() })
    }

    fn refuse_config(&mut self, why: String) -> Result<Done, Refusal> {
        let since = self.config_loaded;
        let id = messages::RELOAD_REFUSED;
        tracing::error!(MESSAGE_ID = id, "the configuration is bad, the one read at {since} stays in force:\n{why}");
        self.note(Event { because: Some(why.clone()), ..Event::new("reload_refused", "the configuration is bad") });
        metrics::counter!("hostkeeper_config_reloads_total", "result" => "refused").increment(1);
        self.config_refused = Some(why.lines().next().unwrap_or_default().to_owned());
        let text = format!("{}\nhostkeeper keeps running with the configuration loaded at {since}.", why.trim_end());
        Err(refusal("bad_config", text, "hostkeeper config check"))
    }

    /// Runs a round in which the named steps of the named plan are ordered.
    async fn apply(&mut self, plan: &str, steps: &[String], by: &Caller) -> Result<Done, Refusal> {
        let snapshot = self.running.snapshot();
        if snapshot.plan_id != plan {
            let text = format!("the plan is {} now, not {plan}: it changed since it was shown", snapshot.plan_id);
            return Err(refusal("stale_plan", text, "hostkeeper plan"));
        }
        let all: BTreeSet<String> = snapshot.plan.iter().map(|step| step.id.clone()).collect();
        if let Some(unknown) = steps.iter().find(|step| !all.contains(*step)) {
            return Err(refusal("not_found", format!("no step {unknown} in plan {plan}"), "hostkeeper plan"));
        }
        let ordered: BTreeSet<String> = if steps.is_empty() { all } else { steps.iter().cloned().collect() };
        self.person_acted(by, &format!("apply plan {plan}, {} steps", ordered.len()));
        let result = self.round(ordered.clone()).await;
        Ok(done_of(&result, &ordered))
    }

    fn confirm(&mut self, intent: Option<i64>, by: &Caller) -> Result<Done, Refusal> {
        let confirmed = self.running.with_book(|book| book.write(|ledger| ledger.confirm(intent)));
        match confirmed {
            Ok(0) => Err(refusal("not_found", "no trial is under way", "hostkeeper history")),
            Ok(count) => {
                self.person_acted(by, &format!("confirmed {count} trials"));
                Ok(Done { text: format!("{count} trials confirmed: what they did stays"), steps: Vec::new() })
            }
            Err(error) => Err(refusal("failed", error.chain(), "hostkeeper doctor")),
        }
    }

    async fn roll_back(&mut self, intent: i64, by: &Caller) -> Result<Done, Refusal> {
        self.check_switch()?;
        self.person_acted(by, &format!("rollback of {intent}"));
        let (text, outcome) = self.take_back(intent, "rollback").await?;
        let result = match &outcome {
            Outcome::Made => "made",
            Outcome::AlreadySo => "already_so",
            _ => "failed",
        };
        let why = if let Outcome::Failed(why) = outcome { Some(why) } else { None };
        let step = StepDone { id: intent.to_string(), text: text.clone(), result: result.to_owned(), why };
        Ok(Done { text: format!("taken back: {text}"), steps: vec![step] })
    }

    /// While the kill switch is there nobody's order changes anything.
    pub(super) fn check_switch(&self) -> Result<(), Refusal> {
        if self.running.host().is_there(&self.running.loaded().settings.host.kill_switch) {
            return Err(refusal("blocked", "the kill switch file exists", "remove it first"));
        }
        Ok(())
    }

    pub(super) fn note(&self, event: Event) {
        let now = self.running.now();
        self.running.with_book(|book| book.note(vec![event], &now));
    }

    pub(super) fn person_acted(&self, by: &Caller, what: &str) {
        let now = self.running.now();
        let text = format!("{what} (by uid {}, pid {})", by.uid, by.pid);
        let written = self.running.with_book(|book| {
            book.note(vec![Event::new("order", text)], &now);
            book.write(|ledger| ledger.human_acted(None, &now))
        });
        if let Err(error) = written {
            tracing::warn!("a person's order could not be recorded: {}", error.chain());
        }
    }
}

fn word(order: &Order) -> &'static str {
    match order {
        Order::Reload => "reload",
        Order::Apply { .. } => "apply",
        Order::Confirm { .. } => "confirm",
        Order::Rollback { .. } => "rollback",
        Order::Wake => "wake",
        Order::Pool(order) => super::pools::word(order),
        Order::Fix(_) => "fix",
        Order::Audit => "look_between_projects",
        Order::Reclaim(ReclaimOrder::Look) => "look_at_docker",
        Order::Reclaim(ReclaimOrder::Remove { .. }) => "reclaim",
        Order::ReleaseLimits { .. } => "release_limits",
        Order::Park(_) => "park",
        Order::Unpark(_) => "unpark",
        Order::KeepSpeed(_) => "keep_speed",
    }
}

fn done_of(result: &RoundResult, ordered: &BTreeSet<String>) -> Done {
    let mut steps = Vec::new();
    for view in result.plan.iter().filter(|view| ordered.contains(&view.id)) {
        let done = result.done.iter().find(|done| done.step.id == view.id);
        let (word, why) = match (done.map(|done| &done.outcome), &view.gate) {
            (Some(Outcome::Made), _) => ("made", None),
            (Some(Outcome::AlreadySo), _) => ("already_so", None),
            (Some(Outcome::Failed(why)), _) => ("failed", Some(why.clone())),
            (_, Gate::Blocked(block)) => ("blocked", Some(block.text.clone())),
            _ => ("blocked", Some("an earlier step failed".to_owned())),
        };
        steps.push(StepDone { id: view.id.clone(), text: view.text.clone(), result: word.to_owned(), why });
    }
    let made = steps.iter().filter(|step| step.result == "made").count();
    Done { text: format!("{made} of {} steps made a change", steps.len()), steps }
}
