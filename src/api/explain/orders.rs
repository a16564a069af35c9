//! Explanations of concerns and planned steps: the cause, its facts, and what stands in the way. Pure.

use super::draft::{Draft, HISTORY, Sources, fact, key_fact};
use crate::api::rows::Fact;
use crate::api::shapes::Found;
use crate::api::views;
use crate::round::{Concern, Gate, PlannedView};

/// A concern's id, which several subjects may have; or `id@subject` for one of them.
pub(super) fn find_concerns(what: &str, sources: Sources<'_>) -> Vec<Found> {
    let (id, subject) = what.split_once('@').map_or((what, None), |(id, subject)| (id, Some(subject)));
    let named =
        |concern: &&Concern| concern.id == id && subject.is_none_or(|subject| concern.subject.to_string() == subject);
    sources.snapshot.concerns.iter().filter(named).map(|concern| explain_concern(concern, sources)).collect()
}

fn explain_concern(concern: &Concern, sources: Sources<'_>) -> Found {
    let subject = concern.subject.to_string();
    let chain = concern.evidence.iter().map(|evidence| views::render_fact(evidence, sources.origins)).collect();
    let draft = Draft {
        kind: "concern",
        name: concern.id.clone(),
        text: format!("{}: {}: {}", concern.severity.as_str(), subject, concern.text),
        chain,
        next: Some(concern.cure.clone()).filter(|cure| !cure.is_empty()),
    };
    let history = sources.history.iter().filter(|entry| entry.subject == subject);
    Found { history: history.take(HISTORY).map(views::render_entry).collect(), ..draft.alone() }
}

/// A step's id, or at least six digits of it, or its key.
pub(super) fn find_steps(what: &str, sources: Sources<'_>) -> Vec<Found> {
    let named =
        |step: &&PlannedView| step.id == what || step.key == what || (what.len() >= 6 && step.id.starts_with(what));
    sources.snapshot.plan.iter().filter(named).map(|step| explain_step(step, sources)).collect()
}

fn explain_step(step: &PlannedView, sources: Sources<'_>) -> Found {
    let mut chain = vec![fact("because", &step.because.text, &format!("keeper:{}", step.keeper))];
    chain.extend(step.because.evidence.iter().map(|evidence| views::render_fact(evidence, sources.origins)));
    let (state, next) = match &step.gate {
        Gate::Open => ("will be carried out".to_owned(), None),
        Gate::Blocked(block) => {
            chain.push(fact(format!("held back by {}", block.rule), &block.text, "guard"));
            chain.extend(rule_facts(&block.rule, step, sources));
            (format!("held back: {}", block.text), Some("hostkeeper apply".to_owned()))
        }
    };
    chain.extend(step.undo.as_ref().map(|undo| fact("undo", undo, "ledger")));
    let draft = Draft { kind: "step", name: step.id.clone(), text: format!("{}: {state}", step.text), chain, next };
    let subject = step.subject.to_string();
    let mine =
        |entry: &&crate::ledger::Entry| entry.subject == subject && entry.keeper.as_deref() == Some(&step.keeper);
    let history = sources.history.iter().filter(mine).take(HISTORY).map(views::render_entry).collect();
    Found { history, ..draft.alone() }
}

/// The configuration keys that a rule of the guard reads.
fn rule_facts(rule: &str, step: &PlannedView, sources: Sources<'_>) -> Vec<Fact> {
    let project = step.subject.project.as_ref();
    let mut keys = vec![format!("host.{rule}"), format!("{}.{rule}", step.keeper)];
    keys.extend(project.map(|project| format!("project.{project}.{rule}")));
    keys.push(format!("guard.{rule}"));
    keys.iter().filter_map(|key| key_fact(key, sources)).collect()
}
