//! What the API and the command line show of it. Pure.

use super::observe::Seen;
use crate::round::AuditView;

pub fn show(seen: &Seen) -> AuditView {
    let found = seen.found.as_deref();
    AuditView {
        looked_at: found.map(|found| found.at),
        took_seconds: found.map(|found| found.took.as_secs_f64()),
        looking: seen.looking,
        trouble: seen.trouble.clone().or_else(|| seen.absent.map(str::to_owned)),
        unseen: found.map(|found| found.unseen.clone()).unwrap_or_default(),
        findings: seen.findings().to_vec(),
    }
}
