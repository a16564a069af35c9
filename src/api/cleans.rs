//! Clean rules as the API shows them: with what is planned, and what holds it back. Pure.

use serde::{Deserialize, Serialize};

use crate::round::{CleanView, Gate, PlannedView, Snapshot};

/// A clean rule, its step in the present plan, and what holds that back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CleanShown {
    #[serde(flatten)]
    pub view: CleanView,
    /// Steps of the present plan, in words.
    pub planned: Vec<String>,
    /// Why they are not carried out, when so: `mode is observe`.
    pub blocked: Option<String>,
}

pub fn render_clean(view: &CleanView, snapshot: &Snapshot) -> CleanShown {
    let is_meant = |step: &&PlannedView| {
        let subject = (step.subject.project.as_ref(), step.subject.thing.as_deref());
        step.kind == "delete_files" && subject == (Some(&view.project), Some(view.rule.as_str()))
    };
    let steps = || snapshot.plan.iter().filter(is_meant);
    let blocked = steps().find_map(|step| match &step.gate {
        Gate::Blocked(block) => Some(block.text.clone()),
        Gate::Open => None,
    });
    CleanShown { view: view.clone(), planned: steps().map(|step| step.text.clone()).collect(), blocked }
}
