//! meminfo, vmstat, edac.

use super::named;
use crate::keepers::vitals::observe::host::{EdacController, Memory};
use crate::metrics::{Family, Group, Kind, Page};

pub fn measure(seen: &Memory, page: &mut Page) {
    if let Some(fields) = seen.meminfo.as_ref().filter(|_| page.wants(Group::Node, "meminfo")) {
        for field in fields {
            let mut key = String::with_capacity(field.name.len() + 8);
            key.extend(field.name.chars().filter(|c| *c != ')').map(|c| if c == '(' { '_' } else { c }));
            if field.is_bytes {
                key.push_str("_bytes");
            }
            let help = ["Memory information field ", &key, ".", ""];
            page.single(named(Kind::Gauge, ["node_memory_", &key, ""], help), field.value);
        }
    }
    if let Some(fields) = seen.vmstat.as_ref().filter(|_| page.wants(Group::Node, "vmstat")) {
        for field in fields {
            let help = ["/proc/vmstat information field ", &field.name, ".", ""];
            page.single(named(Kind::Untyped, ["node_vmstat_", &field.name, ""], help), field.value);
        }
    }
    if page.wants(Group::Node, "edac") {
        measure_edac(&seen.controllers, page);
    }
}

fn measure_edac(controllers: &[EdacController], page: &mut Page) {
    const CORRECTED: Family = Family::counter("node_edac_correctable_errors_total", "Total correctable memory errors.");
    const UNCORRECTED: Family =
        Family::counter("node_edac_uncorrectable_errors_total", "Total uncorrectable memory errors.");
    const ROW_CORRECTED: Family =
        Family::counter("node_edac_csrow_correctable_errors_total", "Total correctable memory errors for this csrow.");
    const ROW_UNCORRECTED: Family = Family::counter(
        "node_edac_csrow_uncorrectable_errors_total",
        "Total uncorrectable memory errors for this csrow.",
    );
    type Count<T> = fn(&T) -> Option<u64>;
    let totals: [(Family, Count<EdacController>); 2] = [(CORRECTED, |c| c.corrected), (UNCORRECTED, |c| c.uncorrected)];
    for (family, count) in totals {
        page.family(&family);
        for controller in controllers {
            if let Some(count) = count(controller) {
                page.sample(&[("controller", &controller.controller)], count);
            }
        }
    }
    type Row = (String, Option<u64>, Option<u64>);
    let by_row: [(Family, Count<Row>); 2] = [(ROW_CORRECTED, |row| row.1), (ROW_UNCORRECTED, |row| row.2)];
    for (family, count) in by_row {
        page.family(&family);
        for (controller, row) in controllers.iter().flat_map(|c| c.rows.iter().map(move |row| (c, row))) {
            if let Some(count) = count(row) {
                page.sample(&[("controller", &controller.controller), ("csrow", &row.0)], count);
            }
        }
    }
}
