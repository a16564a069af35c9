//! `metrics`: the page as Prometheus would read it, its families, its cost, or a strict check of it.

use serde_json::json;

use super::super::args::MetricsArgs;
use super::super::desk::{Desk, shaped};
use super::super::failure::{DONE, FAILED, Failure};
use super::super::out::{Out, Tint, plain, tinted};
use super::super::table::{ALWAYS, Column, numbers, words as column};
use super::super::{rows, words};
use crate::api::request::encode_query;
use crate::api::shapes::{MetricCost, MetricNames};
use crate::metrics::check_page;

/// Prints what was asked for.
pub fn run(desk: &mut Desk<'_>, args: &MetricsArgs) -> Result<u8, Failure> {
    let pairs = args.collect.iter().map(|name| ("collect[]", name.as_str()));
    let pairs: Vec<(&str, &str)> = pairs.chain(args.exclude.iter().map(|name| ("exclude[]", name.as_str()))).collect();
    let query = if pairs.is_empty() { String::new() } else { format!("?{}", encode_query(&pairs)) };
    if args.shown.names {
        return names(desk, &query);
    }
    if args.shown.cost {
        return cost(desk, &query);
    }
    let page = desk.read_text(&format!("/v1/metrics{query}"))?;
    if args.shown.check {
        return check(desk, &page);
    }
    if desk.json {
        let text = String::from_utf8_lossy(&page).into_owned();
        let daemon = !desk.is_direct();
        desk.out().json(&json!({"schema": "hostkeeper.metrics/1", "text": text, "daemon": daemon}))?;
    } else {
        desk.out().page(&page)?;
    }
    Ok(DONE)
}

const NAMES: &[Column] =
    &[column("FAMILY", ALWAYS, 24), column("TYPE", 5, 0), numbers("SERIES", 4), column("MEANING", 3, 12)];

fn names(desk: &mut Desk<'_>, query: &str) -> Result<u8, Failure> {
    let value = desk.read(&format!("/v1/metrics/names{query}"))?;
    if desk.json {
        desk.out().json(&value)?;
        return Ok(DONE);
    }
    let names: MetricNames = shaped("/v1/metrics/names", &value)?;
    let rows = names.families.iter().map(|family| {
        let series = family.series.to_string();
        vec![plain(family.name.as_str()), plain(family.kind.as_str()), plain(series), plain(family.help.as_str())]
    });
    rows::print_table(desk.out(), NAMES, &rows.collect::<Vec<_>>())?;
    Ok(DONE)
}

const COSTS: &[Column] = &[
    column("COLLECTOR", ALWAYS, 12),
    column("GROUP", 4, 0),
    column("STATE", ALWAYS, 0),
    numbers("MILLISECONDS", ALWAYS),
    column("WHY", 3, 10),
];

fn cost(desk: &mut Desk<'_>, query: &str) -> Result<u8, Failure> {
    let value = desk.read(&format!("/v1/metrics/cost{query}"))?;
    if desk.json {
        desk.out().json(&value)?;
        return Ok(DONE);
    }
    let cost: MetricCost = shaped("/v1/metrics/cost", &value)?;
    let rows = cost.collectors.iter().map(|one| {
        let state = if one.success { tinted(Tint::Good, "ok") } else { tinted(Tint::Bad, "failed") };
        let took = format!("{:.3}", one.duration_seconds * 1000.0);
        let why = one.error.as_deref().unwrap_or_default();
        vec![plain(one.collector.as_str()), plain(one.group.as_str()), state, plain(took), plain(why)]
    });
    let out = desk.out();
    rows::print_table(out, COSTS, &rows.collect::<Vec<_>>())?;
    let size = words::bytes(cost.bytes as f64);
    let took = format!("{:.3}", cost.seconds * 1000.0);
    let total =
        format!("{}, {size}, {took} ms in {}", series(cost.series), words::count(cost.collectors.len(), "collector"));
    out.gap()?;
    out.say(&total)?;
    Ok(DONE)
}

fn check(desk: &mut Desk<'_>, page: &[u8]) -> Result<u8, Failure> {
    let checked = check_page(page);
    let good = checked.faults.is_empty();
    if desk.json {
        let faults = checked.faults.iter().map(|fault| json!({"line": fault.line, "text": fault.text}));
        let faults: Vec<serde_json::Value> = faults.collect();
        let daemon = !desk.is_direct();
        let value = json!({"schema": "hostkeeper.metrics-check/1", "ok": good, "families": checked.families,
            "series": checked.series, "faults": faults, "daemon": daemon});
        desk.out().json(&value)?;
    } else {
        print_faults(desk.out(), &checked)?;
    }
    Ok(if good { DONE } else { FAILED })
}

fn print_faults(out: &mut Out, checked: &crate::metrics::Checked) -> Result<(), Failure> {
    for fault in &checked.faults {
        out.hang(&[tinted(Tint::Bad, format!("line {}: ", fault.line))], &plain(fault.text.as_str()))?;
    }
    let families = if checked.families == 1 { "1 family".into() } else { format!("{} families", checked.families) };
    let faults =
        if checked.faults.is_empty() { "no fault".into() } else { words::count(checked.faults.len(), "fault") };
    out.say(&format!("{families}, {}, {faults}", series(checked.series)))?;
    Ok(())
}

fn series(count: usize) -> String {
    format!("{count} series")
}
