//! `plan`: each step as an order with its reason, class, undo and gate; then what is wrong and not ours to mend.

use serde_json::Value;

use super::super::args::PlanArgs;
use super::super::desk::{Desk, shaped};
use super::super::failure::{DONE, Failure};
use super::super::out::{Out, Tint, plain, tinted};
use super::super::{rows, words};
use crate::api::request::encode_query;
use crate::api::shapes::PlanShown;

/// Shows the plan.
pub fn run(desk: &mut Desk<'_>, args: &PlanArgs) -> Result<u8, Failure> {
    let query = args.project.as_deref().map(|project| format!("?{}", encode_query(&[("project", project)])));
    let value = desk.read(&format!("/v1/plan{}", query.unwrap_or_default()))?;
    if desk.json {
        desk.out().json(&value)?;
        return Ok(DONE);
    }
    let plan: PlanShown = shaped("/v1/plan", &value)?;
    let direct = desk.is_direct();
    let out = desk.out();
    print_plan(out, &plan)?;
    if !plan.concerns.is_empty() {
        out.gap()?;
        out.line(&[tinted(Tint::Bold, words::count(plan.concerns.len(), "concern"))])?;
    }
    for finding in &plan.concerns {
        rows::print_finding(out, finding, true)?;
    }
    if plan.steps.is_empty() {
        return Ok(DONE);
    }
    out.gap()?;
    print_how(out, &plan, direct)?;
    Ok(DONE)
}

/// The plan's own part: also what `apply` shows before it asks.
pub fn print_plan(out: &mut Out, plan: &PlanShown) -> Result<(), Failure> {
    let counts = match (plan.counts.steps, plan.counts.blocked) {
        (0, _) => "nothing to do".to_owned(),
        (steps, 0) => words::count(steps, "step"),
        (steps, blocked) => format!("{}, {blocked} blocked", words::count(steps, "step")),
    };
    let head = [tinted(Tint::Bold, format!("plan {}", plan.plan_id)), plain(": ")];
    rows::hang_below(out, &head, &format!("{counts} (mode {})", plan.mode), 4)?;
    for (index, step) in plan.steps.iter().enumerate() {
        out.gap()?;
        rows::print_step(out, index + 1, step)?;
    }
    Ok(())
}

fn print_how(out: &mut Out, plan: &PlanShown, direct: bool) -> Result<(), Failure> {
    let apply = format!("hostkeeper apply --plan {}", plan.plan_id);
    let text = if direct { format!("apply: start the daemon, then {apply}") } else { format!("apply: {apply}") };
    out.hang(&[], &plain(text))?;
    Ok(())
}

/// The plan as the agent has it now.
pub fn read_plan(desk: &mut Desk<'_>) -> Result<(PlanShown, Value), Failure> {
    let value = desk.read("/v1/plan")?;
    Ok((shaped("/v1/plan", &value)?, value))
}
