//! Findings that are declared to be right: they stay in the list, with the reason and the last day. Pure.

use jiff::tz::TimeZone;

use super::super::policy::{Allow, Policy};
use crate::round::{Allowed, Evidence, Finding, Severity};

/// Marks what is allowed, and adds a finding for each declaration whose time is over.
pub fn allow(findings: &mut Vec<Finding>, policy: &Policy) {
    let today = policy.now.to_zoned(TimeZone::UTC).date();
    for finding in findings.iter_mut() {
        let found = policy.allow.iter().find(|allow| allow.until >= today && fits(allow, finding));
        finding.allowed = found.map(|allow| Allowed { reason: allow.reason.clone(), until: allow.until.to_string() });
    }
    findings.extend(policy.allow.iter().filter(|allow| allow.until < today).map(expired));
}

/// A declaration without a project means whichever the container has.
fn fits(allow: &Allow, finding: &Finding) -> bool {
    let same = |declared: &Option<String>, found: Option<&String>| declared.is_none() || declared.as_ref() == found;
    allow.finding == finding.id
        && same(&allow.container, Some(&finding.subject))
        && same(&allow.project, finding.project.as_ref())
        && same(&allow.other, finding.other.as_ref())
}

fn expired(allow: &Allow) -> Finding {
    let whom = allow.container.as_ref().or(allow.project.as_ref()).cloned().unwrap_or_default();
    let until = allow.until.to_string();
    Finding {
        id: "allow-expired".into(),
        severity: Severity::Warning,
        project: allow.project.clone(),
        other: allow.other.clone(),
        subject: whom.clone(),
        text: format!("{} of {whom} was allowed until {until}: {}", allow.finding, allow.reason),
        evidence: vec![Evidence::new("until", &until, "config:isolation.allow")],
        cure: "mend it, or write a later day after looking again; else take the entry out".into(),
        allowed: None,
    }
}
