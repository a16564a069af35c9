//! `explain`: the chain of causes behind something's present state, each link with its source.

use super::super::args::ExplainArgs;
use super::super::desk::{Desk, shaped};
use super::super::failure::{DONE, Failure};
use super::super::out::{Out, Tint, plain, tinted};
use super::super::rows;
use crate::api::request::encode_query;
use crate::api::shapes::{Explained, Fact, Found};

/// Explains everything that has this name.
pub fn run(desk: &mut Desk<'_>, args: &ExplainArgs) -> Result<u8, Failure> {
    let target = format!("/v1/explain?{}", encode_query(&[("what", &args.what)]));
    let value = desk.read(&target)?;
    if desk.json {
        desk.out().json(&value)?;
        return Ok(DONE);
    }
    let explained: Explained = shaped("/v1/explain", &value)?;
    for (index, found) in explained.found.iter().enumerate() {
        if index > 0 {
            desk.out().gap()?;
        }
        print_found(desk, found)?;
    }
    Ok(DONE)
}

fn print_found(desk: &mut Desk<'_>, found: &Found) -> Result<(), Failure> {
    let out = desk.out();
    let head = [tinted(Tint::Bold, format!("{} {}", found.kind, found.name)), plain(": ")];
    rows::hang_below(out, &head, &found.text, 2)?;
    for (depth, fact) in found.chain.iter().enumerate() {
        print_link(out, depth, fact)?;
    }
    for finding in &found.concerns {
        rows::print_finding(out, finding, true)?;
    }
    if !found.steps.is_empty() {
        out.say("planned")?;
    }
    for (index, step) in found.steps.iter().enumerate() {
        rows::print_step(out, index + 1, step)?;
    }
    if !found.history.is_empty() {
        out.say("done and happened, newest first")?;
    }
    for entry in &found.history {
        rows::print_entry(desk, entry)?;
    }
    if let Some(next) = &found.next {
        desk.out().hang(&[plain("next: ")], &plain(next.as_str()))?;
    }
    Ok(())
}

/// One link, indented below the one it explains; deep chains stop moving to the right.
fn print_link(out: &mut Out, depth: usize, fact: &Fact) -> Result<(), Failure> {
    let indent = "  ".repeat(depth.min(7) + 1);
    out.hang(&[plain(indent.as_str()), tinted(Tint::Dim, "└ ")], &plain(format!("{} = {}", fact.what, fact.value)))?;
    let source = match &fact.origin {
        Some(origin) => format!("from {origin} ({})", fact.source),
        None => format!("from {}", fact.source),
    };
    out.hang(&[plain(format!("{indent}    "))], &tinted(Tint::Dim, source))?;
    Ok(())
}
