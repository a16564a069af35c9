//! Explanations of words: keepers, metrics, configuration keys, and what only history still knows. Pure.

use super::draft::{Draft, HISTORY, Sources, fact, key_fact};
use crate::api::families;
use crate::api::shapes::Found;
use crate::api::views;
use crate::round::Subject;

/// Samples of a metric that are shown.
const SAMPLES: usize = 20;

pub(super) fn find_keepers(what: &str, sources: Sources<'_>) -> Option<Found> {
    let report = sources.snapshot.keepers.iter().find(|report| report.keeper == what)?;
    let plan = sources.snapshot.plan.iter().filter(|step| step.keeper == what);
    let mut chain = vec![fact("mode", report.mode, "the lowest of host, keeper and project")];
    chain.extend(["host.mode".to_owned(), format!("{what}.mode")].iter().filter_map(|key| key_fact(key, sources)));
    chain.push(fact("observing took", format!("{:.3}s", report.observe_seconds), "last round"));
    let text = match &report.trouble {
        None => format!("keeper {what} works, mode {}", report.mode),
        Some(trouble) => format!("keeper {what} is in trouble: {trouble}"),
    };
    let draft = Draft { kind: "keeper", name: what.to_owned(), text, chain, next: None };
    let subject = Subject::thing(format!("keeper:{what}"));
    let concerns = sources.snapshot.concerns.iter().filter(|concern| concern.subject == subject);
    let history = sources.history.iter().filter(|entry| entry.keeper.as_deref() == Some(what));
    Some(Found {
        concerns: views::render_findings(concerns, sources.origins),
        steps: plan.map(|step| views::render_step(step, sources.origins)).collect(),
        history: history.take(HISTORY).map(views::render_entry).collect(),
        ..draft.alone()
    })
}

pub(super) fn find_metrics(what: &str, sources: Sources<'_>) -> Option<Found> {
    let family = families::parse_families(sources.page).into_iter().find(|family| family.name == what)?;
    let (samples, all) = families::parse_samples(sources.page, what, SAMPLES);
    let mut chain = vec![fact("type", &family.kind, "/metrics"), fact("series", family.series, "/metrics")];
    chain.extend(samples.into_iter().map(|sample| fact("sample", sample, "/metrics")));
    if all > SAMPLES {
        chain.push(fact("more samples", all - SAMPLES, "/metrics"));
    }
    let next = Some(format!("hostkeeper metrics --once | grep '^{what}'"));
    Some(Draft { kind: "metric", name: family.name, text: family.help, chain, next }.alone())
}

pub(super) fn find_keys(what: &str, sources: Sources<'_>) -> Option<Found> {
    let origin = (sources.origins)(what)?;
    let text = origin.help.clone().unwrap_or_else(|| format!("configuration key {what}"));
    let chain = key_fact(what, sources).into_iter().collect();
    let next = Some(format!("hostkeeper config explain {what}"));
    Some(Draft { kind: "key", name: origin.key, text, chain, next }.alone())
}

/// A subject that is gone or in order, of which history still tells.
pub(super) fn find_past(what: &str, sources: Sources<'_>) -> Option<Found> {
    let entries = sources.history.iter().filter(|entry| entry.subject == what);
    let history: Vec<_> = entries.take(HISTORY).map(views::render_entry).collect();
    if history.is_empty() {
        return None;
    }
    let text = format!("{what} is only known from history");
    let draft = Draft { kind: "thing", name: what.to_owned(), text, chain: Vec::new(), next: None };
    Some(Found { history, ..draft.alone() })
}

/// Every name that can be explained, for the nearest match.
pub(super) fn list_names(sources: Sources<'_>) -> Vec<String> {
    let snapshot = sources.snapshot;
    let mut names = vec!["host".to_owned()];
    names.extend(snapshot.projects.iter().map(|view| view.project.to_string()));
    names.extend(snapshot.dirs.iter().map(|dir| format!("{}/{}", dir.project, dir.dir)));
    names.extend(snapshot.containers.iter().map(|container| container.name.clone()));
    names.extend(
        snapshot.containers.iter().filter_map(|container| {
            Some(format!("{}/{}", container.project.as_deref()?, container.service.as_deref()?))
        }),
    );
    names.extend(snapshot.tiers.iter().map(|tier| tier.tier.clone()));
    names.extend(snapshot.keepers.iter().map(|report| report.keeper.clone()));
    names.extend(snapshot.concerns.iter().map(|concern| concern.id.clone()));
    names.extend(families::parse_families(sources.page).into_iter().map(|family| family.name));
    names
}
