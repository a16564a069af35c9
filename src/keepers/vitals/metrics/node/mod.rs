//! node_exporter's names, exactly: its families, types, label keys, units and arithmetic, as version 1.5.0 in Debian 12 has
//! them. Differences are in `docs/metrics.md`. A value that was not seen has no sample.

mod bcache;
mod disks;
mod memory;
mod netclass;
mod network;
mod nfs;
mod processors;
mod sensors;
mod storage;
mod system;
mod textfile;
mod xfs;

use crate::keepers::vitals::observe::host::HostSeen;
use crate::metrics::{Family, Group, Heading, Kind, Number, Page};

const TOOK: Family =
    Family::gauge("node_scrape_collector_duration_seconds", "node_exporter: Duration of a collector scrape.");
const SUCCEEDED: Family =
    Family::gauge("node_scrape_collector_success", "node_exporter: Whether a collector succeeded.");

/// Writes everything seen of the host under node_exporter's names.
pub fn measure_host(seen: &HostSeen, page: &mut Page) {
    processors::measure(&seen.processors, page);
    memory::measure(&seen.memory, page);
    network::measure(&seen.network, page);
    netclass::measure(&seen.network, page);
    disks::measure(&seen.disks, page);
    storage::measure(&seen.disks, page);
    bcache::measure(&seen.disks.bcache, page);
    xfs::measure(&seen.disks.xfs, page);
    nfs::measure(&seen.disks, page);
    sensors::measure(&seen.sensors, page);
    system::measure(seen, page);
    textfile::measure(seen, page);
    measure_runs(seen, page);
}

/// How the collectors fared. One that has nothing to collect here did not succeed, as node_exporter has it.
fn measure_runs(seen: &HostSeen, page: &mut Page) {
    let runs = || seen.runs.iter().filter(|run| run.group == Group::Node);
    let wanted: Vec<bool> = runs().map(|run| page.wants(Group::Node, run.name)).collect();
    page.family(&TOOK);
    for (run, _) in runs().zip(&wanted).filter(|(_, wanted)| **wanted) {
        page.sample(&[("collector", run.name)], run.took.as_secs_f64());
    }
    page.family(&SUCCEEDED);
    for (run, _) in runs().zip(&wanted).filter(|(_, wanted)| **wanted) {
        page.sample(&[("collector", run.name)], run.outcome.is_ok() && !seen.absent.contains(&run.name));
    }
}

/// A family and where its values are.
type Column<T> = (Family, fn(&T) -> u64);

/// Writes one family with a sample for each row whose value is there; `rendered` are the rows' labels.
fn rows<'h, V: Into<Number>>(
    page: &mut Page,
    family: impl Into<Heading<'h>>,
    rendered: &[String],
    values: impl Iterator<Item = Option<V>>,
) {
    page.family(family);
    for (labels, value) in rendered.iter().zip(values) {
        if let Some(value) = value {
            page.sample_after(labels, &[], value);
        }
    }
}

/// The labels of rows that differ in one label.
fn render_one<'r>(label: &str, values: impl Iterator<Item = &'r str>) -> Vec<String> {
    values.map(|value| Page::render_labels(&[(label, value)])).collect()
}

/// A family without labels, when its value is there.
fn single(page: &mut Page, family: &Family, value: Option<impl Into<Number>>) {
    if let Some(value) = value {
        page.single(family, value);
    }
}

/// A family that is named after a key of a kernel file.
fn named<'h>(kind: Kind, name: [&'h str; 3], help: [&'h str; 4]) -> Heading<'h> {
    Heading { name, help, kind }
}
