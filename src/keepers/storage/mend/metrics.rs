//! The metrics of mendings. Pure.

use crate::keepers::storage::observe::Seen;
use crate::metrics::{Family, Page};

const ENTRIES: Family = Family::gauge(
    "hostkeeper_datadir_fix_entries",
    "What the last storage fix of a directory since the agent started did: entries changed, left for their several names, refused.",
);

/// Writes what was seen.
pub fn measure(seen: &Seen, page: &mut Page) {
    page.family(&ENTRIES);
    for ((project, dir), mend) in &seen.mends {
        let met = &mend.met;
        for (result, count) in [("changed", met.changed), ("several_names", met.linked), ("refused", met.refused)] {
            page.sample(&[("project", project.as_str()), ("dir", dir), ("result", result)], count);
        }
    }
}
