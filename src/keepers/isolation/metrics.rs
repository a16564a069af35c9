//! The metrics of the audit. Pure.

use std::collections::BTreeMap;

use super::observe::Seen;
use crate::metrics::{Family, Page};
use crate::round::Severity;

/// The name of these metrics in `collect[]` and `exclude[]`.
pub const COLLECTOR: &str = "isolation";

const FINDINGS: Family = Family::gauge(
    "hostkeeper_isolation_findings",
    "What the audit finds and nobody allowed, by project, the one it touches (empty: the host) and severity.",
);
const ALLOWED: Family = Family::gauge(
    "hostkeeper_isolation_allowed_findings",
    "What the audit finds and the configuration allows for now.",
);
const LOOKED: Family = Family::gauge(
    "hostkeeper_isolation_looked_timestamp_seconds",
    "When the audit looked last at what projects share.",
);
const TOOK: Family = Family::gauge("hostkeeper_isolation_look_seconds", "How long the last look of the audit took.");

/// Writes what was found last; nothing before that.
pub fn measure(seen: &Seen, page: &mut Page) {
    let Some(found) = &seen.found else { return };
    let severities = [Severity::Info, Severity::Warning, Severity::Critical];
    let mut sums: BTreeMap<(&str, &str, Severity), u64> =
        severities.into_iter().map(|severity| (("", "", severity), 0)).collect();
    for finding in found.findings.iter().filter(|finding| finding.allowed.is_none()) {
        let (project, other) = (finding.project.as_deref(), finding.other.as_deref());
        let key = (project.unwrap_or_default(), other.unwrap_or_default(), finding.severity);
        *sums.entry(key).or_default() += 1;
    }
    page.family(&FINDINGS);
    for ((project, other, severity), count) in &sums {
        page.sample(&[("project", project), ("other", other), ("severity", severity.as_str())], *count);
    }
    page.family(&ALLOWED);
    page.sample(&[], found.findings.iter().filter(|finding| finding.allowed.is_some()).count() as u64);
    page.family(&LOOKED);
    page.sample(&[], found.at.as_millisecond() as f64 / 1e3);
    page.family(&TOOK);
    page.sample(&[], found.took.as_secs_f64());
}
