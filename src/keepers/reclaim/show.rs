//! What the API and the command line show of it. Pure.

use super::observe::Seen;
use crate::round::ReclaimView;

pub fn show(seen: &Seen) -> ReclaimView {
    let found = seen.found.as_deref();
    ReclaimView {
        looked_at: found.map(|found| found.at),
        took_seconds: found.map(|found| found.took.as_secs_f64()),
        looking: seen.looking,
        trouble: seen.trouble.clone(),
        leftovers: found.map(|found| found.leftovers.clone()).unwrap_or_default(),
        beyond: found.map_or(0, |found| found.beyond),
        unbound_logs: found.map(|found| found.logs.clone()).unwrap_or_default(),
    }
}
