//! `park` and `unpark`: what is optional in a project stops for now, and starts again. Says what that freed.

use serde_json::{Value, json};

use super::super::consent::Question;
use super::super::desk::{Desk, shaped};
use super::super::failure::{DONE, Failure, UNCHECKED};
use super::super::limits_args::{ParkArgs, ParkTier, UnparkArgs};
use super::super::words;
use super::apply::{exit_of, print_done};
use crate::api::shapes::{DoneShown, Status};
use crate::api::types::StepDone;

const QUESTION: Question = Question {
    asks: "park asks before it stops containers",
    otherwise: "look with --dry-run, then add --yes",
    undone: "nothing was stopped",
};

pub fn park(desk: &mut Desk<'_>, args: &ParkArgs) -> Result<u8, Failure> {
    let order = |dry_run: bool| json!({"project": args.project, "standard": args.tier == ParkTier::Standard, "dry_run": dry_run});
    if !args.yes && !args.dry_run {
        QUESTION.check(desk)?;
    }
    let plan = desk.order("/v1/limits/park", &order(true))?;
    let to_stop = plan.steps.iter().filter(|step| step.result == "planned").count();
    if args.dry_run || to_stop == 0 || !desk.json {
        print_done(desk, &plan)?;
    }
    if args.dry_run || to_stop == 0 {
        return Ok(DONE);
    }
    if !args.yes {
        QUESTION.ask(desk, &format!("Stop {}?", words::count(to_stop, "container")))?;
    }
    let before = available(desk)?;
    let steps = order_on(desk, "/v1/limits/park", &order(false))?;
    let after = available(desk)?;
    let freed = after.saturating_sub(before);
    let text = format!(
        "{} stopped; memory available: {} before, {} now ({} more)",
        words::count(good(&steps), "container"),
        words::bytes(before as f64),
        words::bytes(after as f64),
        words::bytes(freed as f64),
    );
    finish(desk, text, steps)
}

pub fn unpark(desk: &mut Desk<'_>, args: &UnparkArgs) -> Result<u8, Failure> {
    let order = json!({"project": args.project, "dry_run": args.dry_run});
    if args.dry_run {
        let done = desk.order("/v1/limits/unpark", &order)?;
        print_done(desk, &done)?;
        return Ok(DONE);
    }
    let steps = order_on(desk, "/v1/limits/unpark", &order)?;
    let text = format!("{} started", words::count(good(&steps), "container"));
    finish(desk, text, steps)
}

/// Order after order until nothing is left, or nothing goes on.
fn order_on(desk: &mut Desk<'_>, path: &str, order: &Value) -> Result<Vec<StepDone>, Failure> {
    let mut steps: Vec<StepDone> = Vec::new();
    loop {
        let done = desk.order(path, order)?;
        if !desk.json {
            print_done(desk, &DoneShown { text: String::new(), ..done.clone() })?;
            desk.out().flush()?;
        }
        let (none, failed) = (done.steps.is_empty(), done.steps.iter().any(|step| step.result == "failed"));
        steps.extend(done.steps);
        if none || failed {
            return Ok(steps);
        }
    }
}

fn finish(desk: &mut Desk<'_>, text: String, steps: Vec<StepDone>) -> Result<u8, Failure> {
    let shown = if desk.json { steps.clone() } else { Vec::new() };
    let done = DoneShown { schema: "hostkeeper.done/1".into(), text, steps };
    print_done(desk, &DoneShown { steps: shown, ..done.clone() })?;
    Ok(exit_of(&done))
}

fn good(steps: &[StepDone]) -> usize {
    steps.iter().filter(|step| step.result != "failed").count()
}

/// The host's available memory, bytes, as the kernel tells it now.
fn available(desk: &mut Desk<'_>) -> Result<u64, Failure> {
    let status: Status = shaped("/v1/status", &desk.read("/v1/status")?)?;
    status.host.memory_available_bytes.ok_or_else(|| {
        Failure::new(UNCHECKED, "unknown", "the available memory of this host is not known", "hostkeeper doctor")
    })
}
