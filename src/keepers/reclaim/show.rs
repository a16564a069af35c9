//! What the API and the command line show of it. Pure.

use super::leftovers::{Leftover, UnboundLog};
use super::observe::Seen;
use crate::round::{LeftoverView, ReclaimView, UnboundLogView};

pub fn show(seen: &Seen) -> ReclaimView {
    let found = seen.found.as_deref();
    ReclaimView {
        looked_at: found.map(|found| found.at),
        took_seconds: found.map(|found| found.took.as_secs_f64()),
        looking: seen.looking,
        trouble: seen.trouble.clone(),
        leftovers: found.map(|found| found.leftovers.iter().map(view).collect()).unwrap_or_default(),
        beyond: found.map_or(0, |found| found.beyond),
        unbound_logs: found.map(|found| found.logs.iter().map(log_view).collect()).unwrap_or_default(),
    }
}

fn view(leftover: &Leftover) -> LeftoverView {
    LeftoverView {
        class: leftover.class.as_str().to_owned(),
        id: leftover.id.clone(),
        name: leftover.name.clone(),
        names: leftover.names.clone(),
        project: leftover.project.clone(),
        bytes: leftover.bytes,
        since: leftover.since,
    }
}

fn log_view(log: &UnboundLog) -> UnboundLogView {
    UnboundLogView {
        container: log.container.clone(),
        project: log.project.clone(),
        path: log.path.clone(),
        bytes: log.bytes,
    }
}
