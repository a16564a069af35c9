//! `audit`: where projects touch each other, by pair of projects, with evidence and cure; what a Compose file would add. Ends
//! with 2 when it could not be looked, so that a pipeline never takes silence for consent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::args::{AuditArgs, FailOn};
use super::super::desk::{Desk, shaped};
use super::super::failure::{BAD_CONFIG, BLOCKED, DONE, FAILED, Failure};
use super::super::out::{Out, Span, Tint, plain, tinted};
use super::super::rows::{hang_below, print_table, severity_word};
use super::super::table::{ALWAYS, Column, numbers, words as column};
use super::super::words;
use crate::api::audit::AuditShown;
use crate::api::request::encode_query;
use crate::round::{Finding, Severity};

const BREATH: Duration = Duration::from_millis(200);
/// Longer than the agent gives Docker.
const LOOK_LIMIT: Duration = Duration::from_secs(150);
const CURE: &str = "hostkeeper doctor; systemctl status docker";

/// Whom a finding is about: a project, and the one it touches.
type Pair = (Option<String>, Option<String>);

pub fn run(desk: &mut Desk<'_>, args: &AuditArgs) -> Result<u8, Failure> {
    audit(desk, args).map_err(|mut failure| {
        // In a pipeline only three things can be told apart.
        if failure.exit != DONE && failure.exit != BAD_CONFIG {
            failure.exit = BLOCKED;
        }
        failure
    })
}

fn audit(desk: &mut Desk<'_>, args: &AuditArgs) -> Result<u8, Failure> {
    let (shown, value) = match &args.compose {
        Some(file) => {
            let shown = desk.house.audit_compose(&desk.places, file, desk.seat.now)?;
            let value = serde_json::to_value(&shown).map_err(|error| Failure::strange_answer("audit", error))?;
            (shown, value)
        }
        None => look(desk, args.project.as_deref())?,
    };
    if shown.view.looked_at.is_none() {
        let text = shown.view.trouble.clone().unwrap_or_else(|| "nothing was looked at yet".into());
        let failure = Failure::new(BLOCKED, "unseen", format!("could not look: {text}"), CURE);
        return Err(failure.so("nothing is known of what projects share"));
    }
    if desk.json {
        desk.out().json(&value)?;
    } else {
        print(desk, &shown, args)?;
    }
    Ok(exit_of(&shown, args.fail_on))
}

fn exit_of(shown: &AuditShown, fail_on: Option<FailOn>) -> u8 {
    let Some(fail_on) = fail_on else { return DONE };
    // What could not be seen may be as bad as what could.
    if !shown.view.unseen.is_empty() || shown.view.trouble.is_some() {
        return BLOCKED;
    }
    let least = fail_on.severity();
    let counts = |finding: &&Finding| finding.allowed.is_none() && finding.severity >= least;
    if shown.view.findings.iter().any(|finding| counts(&finding)) { FAILED } else { DONE }
}

/// Has the agent look now, where that may be asked for; what it found last otherwise.
fn look(desk: &mut Desk<'_>, project: Option<&str>) -> Result<(AuditShown, Value), Failure> {
    let query = project.map(|project| format!("?{}", encode_query(&[("project", project)]))).unwrap_or_default();
    let target = format!("/v1/audit{query}");
    let fresh = desk.order("/v1/audit/look", &json!({})).is_ok();
    let begun = Instant::now();
    loop {
        let value = desk.read(&target)?;
        let shown: AuditShown = shaped("/v1/audit", &value)?;
        if !(fresh && shown.view.looking) {
            return Ok((shown, value));
        }
        if begun.elapsed() >= LOOK_LIMIT {
            return Err(Failure::new(BLOCKED, "timeout", "Docker has not answered", CURE));
        }
        std::thread::sleep(BREATH);
    }
}

fn print(desk: &mut Desk<'_>, shown: &AuditShown, args: &AuditArgs) -> Result<(), Failure> {
    let at = shown.view.looked_at.map(|at| desk.local(at)).unwrap_or_default();
    let whom = match (&args.compose, &shown.project) {
        (Some(file), Some(project)) => format!(" of {} as project {project}", file.display()),
        (None, Some(project)) => format!(" of {project}"),
        _ => String::new(),
    };
    let (allowed, open): (Vec<&Finding>, Vec<&Finding>) =
        shown.view.findings.iter().partition(|finding| finding.allowed.is_some());
    let out = desk.out();
    let head = [tinted(Tint::Bold, format!("audit{whom}")), plain(": ")];
    let mut text = if open.is_empty() { "nothing found".to_owned() } else { words::count(open.len(), "finding") };
    if !allowed.is_empty() {
        text.push_str(&format!(", {} allowed", allowed.len()));
    }
    hang_below(out, &head, &format!("{text} (looked {at})"), 4)?;
    let troubles = shown.view.unseen.iter().chain(&shown.view.trouble);
    for trouble in troubles {
        out.hang(&[tinted(Tint::Warn, "not seen: ")], &plain(trouble.as_str()))?;
    }
    let pairs = group(&shown.view.findings);
    if !open.is_empty() {
        out.gap()?;
        print_table(out, PAIRS, &pairs.iter().map(pair_row).collect::<Vec<_>>())?;
    }
    for (pair, findings) in &pairs {
        out.gap()?;
        out.line(&[tinted(Tint::Bold, title(pair))])?;
        for finding in findings {
            print_one(out, finding)?;
        }
    }
    Ok(())
}

/// By pair of projects; within a pair as they came, the worst first.
fn group(findings: &[Finding]) -> BTreeMap<Pair, Vec<&Finding>> {
    let mut pairs: BTreeMap<Pair, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        pairs.entry((finding.project.clone(), finding.other.clone())).or_default().push(finding);
    }
    pairs
}

const PAIRS: &[Column] = &[
    column("PROJECT", ALWAYS, 8),
    column("TOUCHES", ALWAYS, 8),
    numbers("CRITICAL", ALWAYS),
    numbers("WARNING", 2),
    numbers("INFO", 1),
    numbers("ALLOWED", 0),
];

const NOBODY: &str = "no project";
const HOST: &str = "the host";

fn pair_row((pair, findings): (&Pair, &Vec<&Finding>)) -> Vec<Span> {
    let count = |severity: Severity, tint: Tint| {
        let of = |finding: &&&Finding| finding.allowed.is_none() && finding.severity == severity;
        let count = findings.iter().filter(of).count();
        tinted(if count == 0 { Tint::Dim } else { tint }, count.to_string())
    };
    let allowed = findings.iter().filter(|finding| finding.allowed.is_some()).count();
    vec![
        plain(pair.0.as_deref().unwrap_or(NOBODY)),
        plain(pair.1.as_deref().unwrap_or(HOST)),
        count(Severity::Critical, Tint::Bad),
        count(Severity::Warning, Tint::Warn),
        count(Severity::Info, Tint::Plain),
        tinted(Tint::Dim, allowed.to_string()),
    ]
}

fn title(pair: &Pair) -> String {
    format!("{} and {}", pair.0.as_deref().unwrap_or(NOBODY), pair.1.as_deref().unwrap_or(HOST))
}

fn print_one(out: &mut Out, finding: &Finding) -> Result<(), Failure> {
    let severity =
        if finding.allowed.is_some() { tinted(Tint::Dim, "ALLOWED") } else { severity_word(finding.severity) };
    let head = [plain("  "), severity, plain(" "), tinted(Tint::Bold, finding.id.as_str()), plain(": ")];
    hang_below(out, &head, &finding.text, 6)?;
    for fact in &finding.evidence {
        let text = format!("{} = {}   [{}]", fact.what, fact.value, fact.source);
        out.hang(&[plain("      "), tinted(Tint::Dim, "- ")], &plain(text))?;
    }
    match &finding.allowed {
        Some(allowed) => {
            let text = format!("{} (until {})", allowed.reason, allowed.until);
            out.hang(&[plain("      allowed: ")], &plain(text))?;
        }
        None => out.hang(&[plain("      next: ")], &plain(finding.cure.as_str()))?,
    }
    Ok(())
}
