//! `apply`: shows what would be done, asks, and lets the agent do exactly that.

use serde_json::json;

use super::super::args::ApplyArgs;
use super::super::consent::Question;
use super::super::desk::Desk;
use super::super::failure::{BLOCKED, DONE, FAILED, Failure, UNCHECKED};
use super::super::out::{plain, tinted};
use super::super::{rows, words};
use super::plan::{print_plan, read_plan};
use crate::api::shapes::{DoneShown, PlanShown};

/// Carries out the plan or some of its steps.
pub fn run(desk: &mut Desk<'_>, args: &ApplyArgs) -> Result<u8, Failure> {
    if !args.yes {
        QUESTION.check(desk)?;
    }
    let plan = chosen(desk, args)?;
    if desk.is_direct() {
        let text = format!("no daemon at {}: only the daemon carries a plan out", desk.places.socket.display());
        return Err(Failure::new(UNCHECKED, "no_daemon", text, "start it: systemctl start hostkeeper").so(UNDONE));
    }
    if !desk.json {
        print_plan(desk.out(), &plan)?;
    }
    if plan.steps.is_empty() && !desk.json {
        return Ok(DONE);
    }
    if !args.yes {
        QUESTION.ask(desk, &format!("Carry out {} now?", words::count(plan.steps.len(), "step")))?;
    }
    let body = json!({"plan": plan.plan_id, "steps": args.steps});
    let done = desk.order("/v1/apply", &body)?;
    print_done(desk, &done)?;
    Ok(exit_of(&done))
}

const UNDONE: &str = "nothing was changed";
const QUESTION: Question = Question {
    asks: "apply asks before it acts",
    otherwise: "read hostkeeper plan, then add --plan ID --yes",
    undone: UNDONE,
};

/// The plan that was meant, with the steps that were named.
fn chosen(desk: &mut Desk<'_>, args: &ApplyArgs) -> Result<PlanShown, Failure> {
    let (mut plan, _) = read_plan(desk)?;
    if let Some(meant) = args.plan.as_ref().filter(|meant| **meant != plan.plan_id) {
        let text = format!("the plan has changed: {meant} was meant, it is {} now", plan.plan_id);
        return Err(Failure::new(BLOCKED, "stale_plan", text, "read it again: hostkeeper plan").so(UNDONE));
    }
    for step in &args.steps {
        if !plan.steps.iter().any(|planned| planned.id == *step) {
            let text = format!("no step {step} in plan {}", plan.plan_id);
            return Err(Failure::new(BLOCKED, "not_found", text, "see the ids: hostkeeper plan").so(UNDONE));
        }
    }
    if !args.steps.is_empty() {
        plan.steps.retain(|planned| args.steps.contains(&planned.id));
        plan.counts.steps = plan.steps.len();
        plan.counts.blocked = plan.steps.iter().filter(|step| !step.gate.open).count();
    }
    Ok(plan)
}

/// What an order came to, for people or programs.
pub fn print_done(desk: &mut Desk<'_>, done: &DoneShown) -> Result<(), Failure> {
    if desk.json {
        let value = serde_json::to_value(done).map_err(|error| Failure::strange_answer("the order", error))?;
        desk.out().json(&value)?;
        return Ok(());
    }
    let out = desk.out();
    for step in &done.steps {
        let result = step.result.replace('_', " ");
        let head = [tinted(rows::tint_of(&step.result), format!("{result:<10}")), plain(" ")];
        let why = step.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        out.hang(&head, &plain(format!("{}{why}", step.text)))?;
    }
    for line in done.text.lines() {
        out.hang(&[], &plain(line))?;
    }
    Ok(())
}

/// 1 when a step failed, 2 when one was blocked, else 0.
pub fn exit_of(done: &DoneShown) -> u8 {
    let any = |result: &str| done.steps.iter().any(|step| step.result == result);
    if any("failed") {
        FAILED
    } else if any("blocked") {
        BLOCKED
    } else {
        DONE
    }
}
