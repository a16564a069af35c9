//! `limits release`: takes back what was set of slices and containers.

use serde_json::json;

use super::super::super::consent::Question;
use super::super::super::desk::Desk;
use super::super::super::failure::Failure;
use super::super::super::limits_args::ReleaseArgs;
use super::super::apply::{exit_of, print_done};

const QUESTION: Question = Question {
    asks: "limits release asks before it takes limits back",
    otherwise: "add --yes",
    undone: "nothing was changed",
};

pub fn run(desk: &mut Desk<'_>, args: &ReleaseArgs) -> Result<u8, Failure> {
    if !args.yes {
        QUESTION.check(desk)?;
        let who = args.project.as_deref().unwrap_or("all projects");
        let question =
            format!("Take back the limits of {who}? Nothing is stopped; projects may starve each other then.");
        QUESTION.ask(desk, &question)?;
    }
    let body = args.project.as_ref().map_or_else(|| json!({}), |project| json!({"project": project}));
    let done = desk.order("/v1/limits/release", &body)?;
    print_done(desk, &done)?;
    Ok(exit_of(&done))
}
