//! The metrics of what Docker holds that nothing uses. Pure.

use std::collections::BTreeMap;

use super::observe::Seen;
use crate::metrics::{Family, Page};
use crate::round::{Leftover, LeftoverClass};

/// The name of these metrics in `collect[]` and `exclude[]`.
pub const COLLECTOR: &str = "reclaim";

const BYTES: Family = Family::gauge(
    "hostkeeper_docker_reclaimable_bytes",
    "What the removal of what nothing uses would free at Docker, by class and Compose project (empty: none).",
);
const ITEMS: Family = Family::gauge(
    "hostkeeper_docker_reclaimable_items",
    "Things at Docker that nothing uses, by class and Compose project (empty: none).",
);
const LOG: Family = Family::gauge(
    "hostkeeper_docker_unbounded_log_bytes",
    "Size of the log of a container whose log has no bound, when Docker was last looked at.",
);
const LOOKED: Family =
    Family::gauge("hostkeeper_docker_space_looked_timestamp_seconds", "When Docker was last asked what it holds.");

/// Writes what was found last; nothing before that.
pub fn measure(seen: &Seen, page: &mut Page) {
    let Some(found) = &seen.found else { return };
    let mut sums: BTreeMap<(LeftoverClass, &str), (u64, u64)> =
        LeftoverClass::ALL.into_iter().map(|class| ((class, ""), (0, 0))).collect();
    for Leftover { class, project, bytes, .. } in &found.leftovers {
        let (count, sum) = sums.entry((*class, project.as_deref().unwrap_or_default())).or_default();
        *count += 1;
        *sum = sum.saturating_add(*bytes);
    }
    for (family, pick) in [(&BYTES, (|sum| sum.1) as fn(&(u64, u64)) -> u64), (&ITEMS, |sum| sum.0)] {
        page.family(family);
        for ((class, project), sum) in &sums {
            page.sample(&[("class", class.as_str()), ("project", project)], pick(sum));
        }
    }
    page.family(&LOG);
    for log in &found.logs {
        page.sample(
            &[("container", &log.container), ("project", log.project.as_deref().unwrap_or_default())],
            log.bytes,
        );
    }
    page.family(&LOOKED);
    page.sample(&[], found.at.as_millisecond() as f64 / 1e3);
}
