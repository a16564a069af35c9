//! `doctor`: the named checks, the bad ones with why they matter and how to mend them.

use super::super::desk::{Desk, shaped};
use super::super::failure::{DONE, Failure, UNCHECKED};
use super::super::out::{Out, Span, Tint, plain, tinted};
use super::super::{rows, words};
use crate::api::shapes::{Check, Doctor, Mark};

/// Shows the checks; the exit code is the worst of them.
pub fn run(desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let value = desk.read("/v1/doctor")?;
    let doctor: Doctor = shaped("/v1/doctor", &value)?;
    if desk.json {
        desk.out().json(&value)?;
    } else {
        print_checks(desk.out(), &doctor)?;
    }
    Ok(match doctor.worst {
        Mark::Ok => DONE,
        Mark::Warn => 1,
        Mark::Fail => 2,
        Mark::Skip => UNCHECKED,
    })
}

fn print_checks(out: &mut Out, doctor: &Doctor) -> Result<(), Failure> {
    for check in &doctor.checks {
        print_check(out, check)?;
    }
    let counts = &doctor.counts;
    let numbers = format!("{} ok, {} warn, {} fail, {} skipped", counts.ok, counts.warn, counts.fail, counts.skip);
    out.gap()?;
    out.say(&format!("{}: {numbers}", words::count(doctor.checks.len(), "check")))?;
    Ok(())
}

fn print_check(out: &mut Out, check: &Check) -> Result<(), Failure> {
    let head = [mark(check.result), plain("  "), tinted(Tint::Bold, check.id.as_str()), plain(": ")];
    let about = if check.subject.is_empty() || check.subject == "host" {
        String::new()
    } else {
        format!("{}: ", check.subject)
    };
    rows::hang_below(out, &head, &format!("{about}{}", check.text), 6)?;
    if check.result == Mark::Ok {
        return Ok(());
    }
    for fact in &check.evidence {
        rows::print_fact(out, "      ", fact)?;
    }
    if !check.why.is_empty() {
        out.hang(&[plain("      why: ")], &plain(check.why.as_str()))?;
    }
    if let Some(fix) = &check.fix {
        out.hang(&[plain("      fix: ")], &plain(fix.as_str()))?;
    }
    Ok(())
}

fn mark(result: Mark) -> Span {
    match result {
        Mark::Ok => tinted(Tint::Good, "OK  "),
        Mark::Warn => tinted(Tint::Warn, "WARN"),
        Mark::Fail => tinted(Tint::Bad, "FAIL"),
        Mark::Skip => tinted(Tint::Dim, "SKIP"),
    }
}
