//! textfile: what other programs left to be shown. Families of several files with one name are joined.

use std::collections::BTreeMap;

use super::named;
use crate::keepers::vitals::observe::host::{HostSeen, TextFamily};
use crate::metrics::{Family, Group, Page};

const CHANGED: Family = Family::gauge("node_textfile_mtime_seconds", "Unixtime mtime of textfiles successfully read.");
const FAILED: Family =
    Family::gauge("node_textfile_scrape_error", "1 if there was an error opening or reading a file, 0 otherwise");

pub fn measure(seen: &HostSeen, page: &mut Page) {
    let Some(text) = seen.system.text.as_ref().filter(|_| page.wants(Group::Node, "textfile")) else { return };
    page.single(&FAILED, text.failed);
    page.family(&CHANGED);
    for (file, changed) in &text.files {
        page.sample(&[("file", file)], *changed);
    }
    let mut joined: BTreeMap<&str, Vec<&TextFamily>> = BTreeMap::new();
    for family in text.families.iter().flat_map(|families| families.iter()) {
        joined.entry(&family.name).or_default().push(family);
    }
    for (name, families) in joined {
        let typed = families.iter().find(|family| !family.help.is_empty()).or(families.first());
        let Some((first, kind)) = typed.and_then(|first| Some((first, first.kind?))) else { continue };
        page.family(named(kind, [name, "", ""], [&first.help, "", "", ""]));
        for sample in families.iter().flat_map(|family| &family.samples) {
            let labels: Vec<(&str, &str)> =
                sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            page.sample(&labels, sample.value);
        }
    }
}
