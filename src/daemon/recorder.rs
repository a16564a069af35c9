//! The agent's own events (rounds, steps, orders, latencies) through the `metrics` facade. Observed state never goes this
//! way: it is written by the keepers' own families, and the two sets of names are disjoint.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::host::Error;

const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// Installs the process-wide recorder. Its queues are drained by the round loop through `run_upkeep`.
pub fn start_recorder() -> Result<PrometheusHandle, Error> {
    let buckets = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS);
    let builder = buckets.map_err(|error| Error::reply("metrics recorder", error))?;
    let handle = builder.install_recorder().map_err(|error| Error::reply("metrics recorder", error))?;
    describe();
    Ok(handle)
}

/// HELP lines, and zeros for counters whose first event must not be missed by `increase()`.
fn describe() {
    metrics::describe_counter!("hostkeeper_rounds_total", "Rounds since start.");
    metrics::describe_histogram!("hostkeeper_round_duration_seconds", "Length of a round.");
    metrics::describe_counter!("hostkeeper_steps_total", "Steps begun, by keeper, kind and result.");
    metrics::describe_counter!("hostkeeper_orders_total", "Orders of people, by kind and result.");
    metrics::describe_counter!("hostkeeper_config_reloads_total", "Reloads of the configuration, by result.");
    metrics::describe_histogram!(
        "hostkeeper_api_request_duration_seconds",
        "Length of an answer of the API, by route."
    );
    metrics::describe_counter!("hostkeeper_ledger_failures_total", "Times the ledger could not be written.");
    metrics::counter!("hostkeeper_rounds_total").absolute(0);
    metrics::counter!("hostkeeper_ledger_failures_total").absolute(0);
    for result in ["applied", "refused"] {
        metrics::counter!("hostkeeper_config_reloads_total", "result" => result).absolute(0);
    }
}

/// Drains the recorder every five seconds for as long as the process lives: undrained histograms grow without bound.
pub async fn keep_draining(handle: PrometheusHandle) {
    let mut pace = tokio::time::interval(Duration::from_secs(5));
    loop {
        pace.tick().await;
        handle.run_upkeep();
    }
}
