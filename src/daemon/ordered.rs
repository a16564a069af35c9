//! Steps that a person orders and no plan holds: carried out one by one, each in the ledger before and after.

use super::orders::refusal;
use super::rounds::Rounds;
use crate::api::Refusal;
use crate::api::types::{Done, StepDone};
use crate::keepers::storage::Step;
use crate::ledger::{Intent, Journal, Outcome};
use crate::round::outcome_of;
use crate::values::ProjectName;

/// One step, and what the ledger says it is about.
pub(super) struct Ordered {
    pub step: Step,
    pub project: ProjectName,
    pub thing: String,
    pub kind: &'static str,
    pub class: &'static str,
    pub text: String,
}

impl Rounds {
    pub(super) async fn carry_out(&self, orders: Vec<Ordered>) -> Result<Done, Refusal> {
        let failed = |text: String| refusal("failed", text, "hostkeeper history");
        let seat = self.seat("storage").await.ok_or_else(|| failed("there is no storage keeper".into()))?;
        let mut steps = Vec::new();
        for order in orders {
            let mut seat = seat.lock().await;
            let payload = serde_json::to_string(&order.step).map_err(|error| failed(error.to_string()))?;
            let (text, intent) = (order.text.clone(), intent_of(order, payload.clone()));
            let begun = self.running.now();
            let id =
                self.running.with_book(|book| book.intend(&intent, &begun)).map_err(|error| failed(error.chain()))?;
            let outcome = outcome_of(seat.carry_out_recorded(&payload, &self.running.host()).await);
            let ended = self.running.now();
            let written = self.running.with_book(|book| book.conclude(id, &outcome, &ended));
            written.map_err(|error| failed(error.chain()))?;
            let (result, why) = match outcome {
                Outcome::Made => ("made", None),
                Outcome::Failed(why) => ("failed", Some(why)),
                _ => ("already_so", None),
            };
            steps.push(StepDone { id: id.to_string(), text, result: result.into(), why });
        }
        let text = match steps.iter().find_map(|step| step.why.clone()) {
            Some(why) => format!("not everything was done: {why}"),
            None => "done".to_owned(),
        };
        Ok(Done { text, steps })
    }
}

fn intent_of(order: Ordered, payload: String) -> Intent {
    let Ordered { project, thing, kind, class, text, .. } = order;
    Intent {
        plan: String::new(),
        step: format!("{kind}-{project}-{thing}"),
        key: format!("storage:{kind}:{project}/{thing}"),
        keeper: "storage".into(),
        kind: kind.into(),
        project: Some(project),
        thing: Some(thing),
        class: class.into(),
        text,
        because: "a person ordered it".into(),
        evidence: "[]".into(),
        payload,
        undo: None,
        origin: "order".into(),
        trial: false,
    }
}
