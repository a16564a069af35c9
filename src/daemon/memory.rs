//! What the ledger asks for besides rounds: unfinished orders examined, trials undone when their time is over, the
//! ledger tried again when it failed.

use std::time::Duration;

use super::rounds::Rounds;
use super::running::lock;
use crate::api::Refusal;
use crate::ledger::{Intent, Journal, Outcome, Unfinished};
use crate::round::{LedgerState, SharedSeat, outcome_of};

/// How often old entries are let go.
const PRUNE_EVERY: Duration = Duration::from_secs(300);

impl Rounds {
    /// Looks at every order whose result was never written, and writes down what is found. Nothing is repeated: the
    /// next round decides afresh.
    pub(super) async fn examine_unfinished(&mut self) {
        let unfinished = self.running.with_book(|book| book.write(|ledger| ledger.unfinished()));
        for order in unfinished.unwrap_or_default() {
            let found = match self.seat(&order.keeper).await {
                Some(seat) => self.examine(seat, &order).await,
                None => None,
            };
            let outcome = match found {
                Some(true) => Outcome::FoundDone,
                Some(false) => Outcome::FoundUndone,
                None => Outcome::FoundUnclear,
            };
            tracing::warn!("the agent ended during \"{}\": {outcome:?}", order.text);
            let now = self.running.now();
            let written = self.running.with_book(|book| book.conclude(order.intent, &outcome, &now));
            if let Err(error) = written {
                tracing::error!("the ledger cannot be written: {}", error.chain());
                return;
            }
        }
    }

    /// What is found, with what there is to say of it in the ledger.
    async fn examine(&self, seat: SharedSeat, order: &Unfinished) -> Option<bool> {
        let mut seat = seat.lock().await;
        if self.running.host().is_there(&self.running.loaded().settings.host.kill_switch) {
            // Examining a move brings it to its end.
            return None;
        }
        let found = seat.examine_recorded(&order.payload, &self.running.host()).await;
        let notes = seat.take_notes();
        let now = self.running.now();
        if !notes.is_empty()
            && let Err(error) = self.running.with_book(|book| book.record(order.intent, &notes, &now))
        {
            tracing::error!("what was found could not be recorded: {}", error.chain());
        }
        found
    }

    /// Tries the ledger. When it is back, orders that lost their result meanwhile are examined.
    pub(super) async fn probe_ledger(&mut self) -> LedgerState {
        let now = self.running.now();
        let trouble = self.running.with_book(|book| {
            book.probe(&now);
            book.trouble().map(str::to_owned)
        });
        match trouble {
            None => {
                if !self.was_writable {
                    tracing::info!("the ledger can be written");
                    self.examine_unfinished().await;
                }
                self.was_writable = true;
                LedgerState::Writable
            }
            Some(why) => {
                if self.was_writable {
                    metrics::counter!("hostkeeper_ledger_failures_total").increment(1);
                    tracing::error!("the ledger cannot be written, so nothing is done: {why}");
                }
                self.was_writable = false;
                LedgerState::Unwritable(why)
            }
        }
    }

    /// Tells every keeper when an earlier life of the agent was last alive.
    pub(super) async fn tell_last_alive(&self) {
        let last = self.running.with_book(|book| book.last_alive().cloned());
        for seat in &self.running.seats {
            seat.lock().await.awake(last.as_ref());
        }
    }

    /// Lets go of old entries, a bounded number at a time.
    pub(super) fn prune_now_and_then(&mut self, ledger: &LedgerState) {
        let now = self.running.now();
        if *ledger != LedgerState::Writable || now.up.saturating_sub(self.pruned) < PRUNE_EVERY {
            return;
        }
        self.pruned = now.up;
        let loaded = self.running.loaded();
        let (keep, max) = (loaded.settings.ledger.keep.0, loaded.settings.ledger.max_size.0);
        if let Err(error) = self.running.with_book(|book| book.write(|ledger| ledger.prune(&now, keep, max))) {
            tracing::warn!("old entries of the ledger could not be removed: {}", error.chain());
        }
    }

    /// Takes back what trials did and nobody confirmed in time.
    pub(super) async fn undo_expired_trials(&mut self, ledger: &LedgerState) {
        let loaded = self.running.loaded();
        if *ledger != LedgerState::Writable || self.running.host().is_there(&loaded.settings.host.kill_switch) {
            return;
        }
        let (now, limit) = (self.running.now(), loaded.settings.guard.trial.0);
        let due = self.running.with_book(|book| book.write(|ledger| ledger.trials_due(&now, limit)));
        for trial in due.unwrap_or_default() {
            match self.take_back(trial.intent, "trial").await {
                Ok((text, outcome)) => {
                    tracing::warn!("a trial was not confirmed and is taken back: {text} ({outcome:?})")
                }
                Err(refusal) => tracing::error!("a trial could not be taken back: {}", refusal.text),
            }
        }
    }

    /// Carries out the recorded undo of an order, itself an order in the ledger. The same order is held afterwards.
    pub(super) async fn take_back(&mut self, intent: i64, origin: &str) -> Result<(String, Outcome), Refusal> {
        let failed = |text: String| Refusal { code: "failed".to_owned(), text, cure: "hostkeeper doctor".to_owned() };
        let missing =
            |text: String| Refusal { code: "not_found".to_owned(), text, cure: "hostkeeper history".to_owned() };
        let recorded = self.running.with_book(|book| book.write(|ledger| ledger.undo_of(intent)));
        let order = recorded.map_err(|error| failed(error.chain()))?;
        let order = order.ok_or_else(|| missing(format!("no order {intent} in the ledger")))?;
        let undo = order.undo.clone().ok_or_else(|| missing(format!("\"{}\" has no undo", order.text)))?;
        let seat = self.seat(&order.keeper).await.ok_or_else(|| missing(format!("no keeper {}", order.keeper)))?;
        let mut seat = seat.lock().await;
        let text = seat.word(&undo).unwrap_or_else(|| format!("undo of \"{}\"", order.text));
        let step = Intent {
            plan: String::new(),
            step: format!("undo-{intent}"),
            key: format!("{}:undo:{intent}", order.keeper),
            keeper: order.keeper.clone(),
            kind: order.kind.clone(),
            project: order.project.clone(),
            thing: order.thing.clone(),
            class: order.class.clone(),
            text: text.clone(),
            because: format!("{origin}: takes back entry {intent}, \"{}\"", order.text),
            evidence: "[]".to_owned(),
            payload: undo.clone(),
            undo: None,
            origin: origin.to_owned(),
            trial: false,
        };
        let begun = self.running.now();
        let id = self.running.with_book(|book| book.intend(&step, &begun)).map_err(|error| failed(error.chain()))?;
        let outcome = outcome_of(seat.carry_out_recorded(&undo, &self.running.host()).await);
        let (ended, notes) = (self.running.now(), seat.take_notes());
        let written = self.running.with_book(|book| {
            if !notes.is_empty() {
                book.record(id, &notes, &ended)?;
            }
            book.conclude(id, &outcome, &ended)?;
            if matches!(outcome, Outcome::Failed(_)) { Ok(()) } else { book.write(|ledger| ledger.undone(intent)) }
        });
        written.map_err(|error| failed(error.chain()))?;
        Ok((text, outcome))
    }

    pub(super) async fn seat(&self, keeper: &str) -> Option<SharedSeat> {
        for seat in &self.running.seats {
            if seat.lock().await.name() == keeper {
                return Some(seat.clone());
            }
        }
        None
    }

    /// What the ledger worries about now.
    pub(super) fn ledger_worries(&self) -> Vec<crate::ledger::Worry> {
        lock(&self.running.book).worries()
    }
}
