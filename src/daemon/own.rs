//! The agent's families about itself: modes, concerns, plan, ledger, configuration, collectors.

use super::running::{Running, lock};
use crate::metrics::{Family, Group, Page};
use crate::round::{CollectorView, Gate, LedgerState, Snapshot};
use crate::values::Mode;

const BUILD: Family = Family::gauge("hostkeeper_build_info", "A constant 1 with the version of the agent.");
const START: Family =
    Family::gauge("hostkeeper_start_time_seconds", "When the agent started, seconds since the Unix epoch.");
const ROUND: Family = Family::gauge(
    "hostkeeper_last_round_timestamp_seconds",
    "When the last round ended, seconds since the Unix epoch.",
);
const MODE: Family = Family::gauge("hostkeeper_mode", "1 for the host's mode by configuration.");
const CONCERN: Family = Family::gauge("hostkeeper_concern", "1 while a concern stands; the id is its runbook heading.");
const CONCERNS: Family = Family::gauge("hostkeeper_concerns", "Concerns that stand, by severity.");
const PLAN: Family = Family::gauge("hostkeeper_plan_steps", "Steps of the last plan, by keeper and gate.");
const KEEPER: Family =
    Family::gauge("hostkeeper_keeper_success", "Whether the keeper's last look and steps succeeded.");
const KEEPER_SECONDS: Family =
    Family::gauge("hostkeeper_keeper_look_seconds", "Length of the keeper's look in the last round.");
const LEDGER: Family =
    Family::gauge("hostkeeper_ledger_writable", "Whether the ledger can be written; 0: nothing is done.");
const RELOAD: Family = Family::gauge(
    "hostkeeper_config_last_reload_successful",
    "Whether the last attempt to read the configuration succeeded.",
);
const LOADED: Family = Family::gauge(
    "hostkeeper_config_last_reload_success_timestamp_seconds",
    "When the configuration in force was read, seconds since the Unix epoch.",
);
const SUCCESS: Family =
    Family::gauge("hostkeeper_collector_success", "Whether a collector succeeded in the last look.");
const DURATION: Family =
    Family::gauge("hostkeeper_collector_duration_seconds", "Length of a collector's part of the last look.");
const LAST: Family = Family::gauge(
    "hostkeeper_collector_last_success_timestamp_seconds",
    "When a collector last succeeded, seconds since the Unix epoch.",
);
const DROPPED: Family =
    Family::counter("hostkeeper_series_dropped_total", "Series left out of the page, by reason, over all scrapes.");
const SERIES: Family = Family::gauge("hostkeeper_scrape_series", "Series of the keepers on this page.");

pub fn measure(running: &Running, collectors: &[CollectorView], page: &mut Page) {
    if !page.wants(Group::Hostkeeper, "agent") {
        return;
    }
    let series = page.series() as u64;
    let snapshot = running.snapshot();
    page.family(&BUILD);
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1_u64);
    page.single(&START, seconds(snapshot.agent.started));
    if snapshot.round > 0 {
        measure_round(&snapshot, page);
    }
    page.single(&RELOAD, snapshot.agent.config_refused.is_none());
    page.single(&LOADED, seconds(snapshot.agent.config_loaded));
    measure_collectors(running, collectors, page);
    page.single(&SERIES, series);
}

fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn measure_round(snapshot: &Snapshot, page: &mut Page) {
    page.single(&ROUND, seconds(snapshot.at));
    page.family(&MODE);
    for mode in [Mode::Observe, Mode::Warn, Mode::Trial, Mode::Enforce] {
        page.sample(&[("mode", mode.as_str())], snapshot.mode == mode);
    }
    page.family(&CONCERN);
    for concern in &snapshot.concerns {
        let subject = concern.subject.to_string();
        let labels = [("id", &*concern.id), ("severity", concern.severity.as_str()), ("subject", &*subject)];
        page.sample(&labels, 1_u64);
    }
    page.family(&CONCERNS);
    for severity in ["info", "warning", "critical"] {
        let count = snapshot.concerns.iter().filter(|concern| concern.severity.as_str() == severity).count();
        page.sample(&[("severity", severity)], count as u64);
    }
    page.family(&PLAN);
    for report in &snapshot.keepers {
        for open in [true, false] {
            let of_gate = |gate: &Gate| (*gate == Gate::Open) == open;
            let count = snapshot.plan.iter().filter(|s| s.keeper == report.keeper && of_gate(&s.gate)).count();
            let gate = if open { "open" } else { "blocked" };
            page.sample(&[("keeper", &*report.keeper), ("gate", gate)], count as u64);
        }
    }
    page.family(&KEEPER);
    for report in &snapshot.keepers {
        page.sample(&[("keeper", &*report.keeper)], report.trouble.is_none());
    }
    page.family(&KEEPER_SECONDS);
    for report in &snapshot.keepers {
        page.sample(&[("keeper", &*report.keeper)], report.observe_seconds);
    }
    page.single(&LEDGER, snapshot.ledger == LedgerState::Writable);
}

fn measure_collectors(running: &Running, collectors: &[CollectorView], page: &mut Page) {
    page.family(&SUCCESS);
    for collector in collectors {
        page.sample(&[("collector", &*collector.collector)], collector.success);
    }
    page.family(&DURATION);
    for collector in collectors {
        page.sample(&[("collector", &*collector.collector)], collector.duration_seconds);
    }
    let scrapes = lock(&running.scrapes);
    page.family(&LAST);
    for (collector, at) in &scrapes.last_success {
        page.sample(&[("collector", &**collector)], seconds(*at));
    }
    page.family(&DROPPED);
    page.sample(&[("reason", "cap")], scrapes.dropped_over_cap);
    page.sample(&[("reason", "duplicate")], scrapes.dropped_twice);
}
