//! The metrics of clean rules, as the last whole walk of each found them. Pure.

use super::decide::count_due;
use super::observe::{CleanSeen, Found};
use crate::keepers::storage::config::Config;
use crate::keepers::storage::observe::Seen;
use crate::metrics::{Family, Number, Page};

const FILES: Family = Family::gauge("hostkeeper_clean_files", "Files that a clean rule is about.");
const BYTES: Family = Family::gauge("hostkeeper_clean_bytes", "Size of the files that a clean rule is about.");
const DUE: Family =
    Family::gauge("hostkeeper_clean_due_files", "Files that a clean rule lets go with its next step; at most 1000.");
const WALKED: Family =
    Family::gauge("hostkeeper_clean_walked_timestamp_seconds", "When the files of a clean rule were last looked at.");

/// Writes what was seen.
pub fn measure(config: &Config, seen: &Seen, page: &mut Page) {
    each(config, seen, page, &FILES, |_, found| found.met.files.into());
    each(config, seen, page, &BYTES, |_, found| found.met.bytes.into());
    each(config, seen, page, &DUE, |rule, found| (count_due(rule, found) as u64).into());
    each(config, seen, page, &WALKED, |_, found| (found.at.as_millisecond() as f64 / 1e3).into());
}

fn each(
    config: &Config,
    seen: &Seen,
    page: &mut Page,
    family: &Family,
    value: impl Fn(&super::config::Rule, &Found) -> Number,
) {
    page.family(family);
    for (key, rule) in &config.cleans {
        if let Some(CleanSeen::Found(found)) = seen.cleans.get(key) {
            page.sample(&[("project", key.0.as_str()), ("rule", key.1.as_str())], value(rule, found));
        }
    }
}
