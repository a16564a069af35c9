//! One scrape: a fresh look where looking is cheap, the families of every keeper, the agent's own, and its events.

use std::sync::Arc;
use std::time::Duration;

use super::own;
use super::picture;
use super::running::{Running, Seen, lock};
use crate::api::types::{CollectorCost, Scrape};
use crate::metrics::{Filter, Group, Page};
use crate::round::{CollectorView, SharedSeat, Sight};

/// What was seen may be so old when it is scraped.
const FRESH: Duration = Duration::from_secs(1);
/// How long a scrape waits for a fresh look; without one that keeper has no series in this answer.
const LOOK_LIMIT: Duration = Duration::from_secs(4);
/// Series that the agent may add about itself beyond the cap.
const OWN_SERIES: usize = 1000;

pub async fn scrape(running: &Running, mut filter: Filter) -> Scrape {
    for seat in &running.seats {
        refresh(running, seat).await;
    }
    let loaded = running.loaded();
    let metrics = &loaded.settings.metrics;
    filter.off.extend(metrics.off());
    let sights: Vec<Arc<dyn Sight>> = lock(&running.sights).values().map(|seen| seen.sight.clone()).collect();
    let collectors = picture::collectors(sights.iter());
    let mut page = Page::new(filter, metrics.max_series);
    for sight in &sights {
        sight.measure(&mut page);
    }
    note(running, &page, &collectors);
    page.raise_cap(OWN_SERIES);
    own::measure(running, &collectors, &mut page);
    let events = page.wants(Group::Hostkeeper, "agent");
    let series = page.series();
    let mut text = page.finish();
    if let Some(recorder) = running.recorder.as_ref().filter(|_| events) {
        let events = recorder.render();
        // The recorder parts its families by empty lines, which strict readers of the format refuse.
        for line in events.lines().filter(|line| !line.is_empty()) {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
    }
    Scrape { text, series, collectors: collectors.into_iter().map(cost).collect() }
}

/// Looks again when the last look is older than a second. Whoever comes while a look is under way waits for it and
/// takes its result: two servers and a page cause one read.
async fn refresh(running: &Running, seat: &SharedSeat) {
    let looked = tokio::time::timeout(LOOK_LIMIT, async {
        let mut seat = seat.lock().await;
        let now = running.now();
        let name = seat.name();
        let fresh = lock(&running.sights).get(name).is_some_and(|seen| now.up.saturating_sub(seen.up) < FRESH);
        if fresh || !seat.at_scrape() {
            return;
        }
        let outcome = seat.look(&running.host(), &now).await;
        match (outcome, seat.sight()) {
            (Ok(()), Some(sight)) => lock(&running.sights).insert(name, Seen { sight, up: running.now().up }),
            _ => lock(&running.sights).remove(name),
        };
    })
    .await;
    if looked.is_err() {
        forget_stale(running);
    }
}

/// Nothing is frozen: what could not be looked at for a minute has no series.
fn forget_stale(running: &Running) {
    let now = running.now();
    lock(&running.sights).retain(|_, seen| now.up.saturating_sub(seen.up) < Duration::from_secs(60));
}

fn note(running: &Running, page: &Page, collectors: &[CollectorView]) {
    let now = running.now().wall;
    let mut scrapes = lock(&running.scrapes);
    scrapes.dropped_over_cap += page.dropped_over_cap();
    scrapes.dropped_twice += page.dropped_twice();
    scrapes.last_success.retain(|name, _| collectors.iter().any(|collector| collector.collector == *name));
    for collector in collectors.iter().filter(|collector| collector.success) {
        scrapes.last_success.insert(collector.collector.clone(), now);
    }
}

fn cost(view: CollectorView) -> CollectorCost {
    CollectorCost {
        collector: view.collector,
        group: view.group,
        success: view.success,
        duration_seconds: view.duration_seconds,
        error: view.error,
    }
}
