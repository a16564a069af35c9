//! Steps that a person orders and no plan holds: carried out one by one, each in the ledger before and after.

use super::orders::refusal;
use super::rounds::Rounds;
use crate::api::Refusal;
use crate::api::types::{Done, StepDone};
use crate::ledger::{Intent, Journal, Outcome};
use crate::round::{Class, Step, outcome_of};
use crate::values::ProjectName;

/// One step, and what the ledger says it is about.
pub(super) struct Ordered<S: Step> {
    /// Who carries it out.
    pub keeper: &'static str,
    pub step: S,
    /// What takes it back, where something does.
    pub undo: Option<S>,
    pub project: Option<ProjectName>,
    pub thing: String,
    pub class: Class,
}

impl Rounds {
    /// Has a keeper look in the round that follows. Not in the ledger: nothing is changed by it.
    pub(super) async fn ask_to_look<S: Step>(&self, keeper: &str, look: &S, text: &str) -> Result<Done, Refusal> {
        let failed = |text: &str| refusal("failed", text, "hostkeeper doctor");
        let seat = self.seat(keeper).await.ok_or_else(|| failed("there is no keeper for it"))?;
        let order = serde_json::to_string(look).map_err(|error| failed(&error.to_string()))?;
        let asked = seat.lock().await.carry_out_recorded(&order, &self.running.host()).await;
        asked.map_err(|error| failed(&error.chain()))?;
        Ok(Done { text: text.into(), steps: Vec::new() })
    }

    pub(super) async fn carry_out<S: Step>(&self, orders: Vec<Ordered<S>>) -> Result<Done, Refusal> {
        let failed = |text: String| refusal("failed", text, "hostkeeper history");
        let mut steps = Vec::new();
        for order in orders {
            let seat = self.seat(order.keeper).await.ok_or_else(|| failed("there is no keeper for it".into()))?;
            let mut seat = seat.lock().await;
            let payload = serde_json::to_string(&order.step).map_err(|error| failed(error.to_string()))?;
            let undo = order.undo.as_ref().map(serde_json::to_string).transpose();
            let undo = undo.map_err(|error| failed(error.to_string()))?;
            let (text, intent) = (order.step.to_string(), intent_of(&order, payload.clone(), undo));
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

fn intent_of<S: Step>(order: &Ordered<S>, payload: String, undo: Option<String>) -> Intent {
    let Ordered { keeper, step, project, thing, class, .. } = order;
    let (kind, owner) = (step.kind(), project.as_ref().map(ProjectName::as_str).unwrap_or_default());
    Intent {
        plan: String::new(),
        step: format!("{kind}-{owner}-{thing}"),
        key: format!("{keeper}:{kind}:{owner}/{thing}"),
        keeper: (*keeper).into(),
        kind: kind.into(),
        project: project.clone(),
        thing: Some(thing.clone()),
        class: class.as_str().into(),
        text: step.to_string(),
        because: "a person ordered it".into(),
        evidence: "[]".into(),
        payload,
        undo,
        origin: "order".into(),
        trial: false,
    }
}
