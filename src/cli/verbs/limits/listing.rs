//! The limits in tables: declared, in force, in use, and who guarantees them.

use super::super::super::desk::Desk;
use super::super::super::failure::{DONE, Failure};
use super::super::super::out::{Out, Span, Tint, plain, tinted};
use super::super::super::rows::print_table;
use super::super::super::table::{ALWAYS, Column, numbers, words as column};
use super::super::super::words;
use super::read_limits;
use crate::round::{BoundState, BoundView, LimitsView};

pub fn run(desk: &mut Desk<'_>, project: Option<&str>) -> Result<u8, Failure> {
    let (shown, value) = read_limits(desk, project)?;
    if desk.json {
        desk.out().json(&value)?;
        return Ok(DONE);
    }
    let out = desk.out();
    let declared: Vec<&LimitsView> = shown.projects.iter().filter(|view| says_something(view)).collect();
    if declared.is_empty() {
        out.say("no limits are declared: [project.NAME] envelope = { memory_max = \"32GiB\" }")?;
    }
    for (index, view) in declared.into_iter().enumerate() {
        if index > 0 {
            out.gap()?;
        }
        print_project(out, view)?;
    }
    Ok(DONE)
}

/// Of a project of which nothing is declared only what it needed is known.
fn says_something(view: &LimitsView) -> bool {
    !view.envelope.is_empty() || view.services.iter().any(|service| !service.bounds.is_empty())
}

const BOUNDS: &[Column] = &[
    column("SERVICE", ALWAYS, 8),
    column("CONTAINER", 2, 12),
    column("LIMIT", ALWAYS, 0),
    numbers("DECLARED", ALWAYS),
    numbers("IN FORCE", ALWAYS),
    numbers("IN USE", 4),
    column("BY", 3, 0),
];

fn print_project(out: &mut Out, view: &LimitsView) -> Result<(), Failure> {
    let mut head = format!(": {}, priority {}", view.tier, view.priority);
    match &view.slice {
        Some(slice) => {
            let (inside, all) = (view.containers_in_slice, view.containers_running);
            head.push_str(&format!(", {slice} with {inside} of {all} running containers"));
        }
        None => head.push_str(&format!(", no slice, {} running containers", view.containers_running)),
    }
    out.hang(&[tinted(Tint::Bold, view.project.as_str())], &plain(head))?;
    let whole = view.envelope.iter().map(|bound| row("(all)", "", bound));
    let services = view.services.iter().flat_map(|service| {
        let container = service.container.as_deref().unwrap_or("not running");
        service.bounds.iter().map(move |bound| row(&service.service, container, bound))
    });
    let mut rows: Vec<Vec<Span>> = whole.chain(services).collect();
    blank_repeats(&mut rows);
    if !rows.is_empty() {
        print_table(out, BOUNDS, &rows)?;
    }
    Ok(())
}

/// Service and container are told once, in the first of their lines.
fn blank_repeats(rows: &mut [Vec<Span>]) {
    let key = |row: &Vec<Span>| row.iter().take(2).map(|span| span.text.clone()).collect::<Vec<_>>();
    let mut before = Vec::new();
    for row in rows {
        let this = key(row);
        if this == before {
            for span in row.iter_mut().take(2) {
                *span = plain("");
            }
        }
        before = this;
    }
}

fn row(service: &str, container: &str, bound: &BoundView) -> Vec<Span> {
    let number = |value: Option<f64>| value.map(|value| in_unit(&bound.what, value));
    let in_force = match (bound.state, number(bound.in_force)) {
        (BoundState::Unknown, _) => tinted(Tint::Dim, "?"),
        (BoundState::Differs, found) => tinted(Tint::Warn, found.unwrap_or_else(|| "none".into())),
        (BoundState::Ok, found) => tinted(Tint::Good, found.unwrap_or_else(|| "none".into())),
        (BoundState::Free, found) => tinted(Tint::Dim, found.unwrap_or_else(|| "none".into())),
    };
    let by = if bound.backing == "kernel" { plain("kernel") } else { tinted(Tint::Dim, bound.backing.as_str()) };
    vec![
        plain(service),
        tinted(Tint::Dim, container),
        plain(bound.what.replace('_', " ")),
        plain(number(bound.configured).unwrap_or_else(|| "-".into())),
        in_force,
        plain(number(bound.used).unwrap_or_default()),
        by,
    ]
}

fn in_unit(what: &str, value: f64) -> String {
    match what {
        "cpus" => words::cores(value),
        "pids" => format!("{value:.0}"),
        "read_max" | "write_max" => format!("{}/s", words::bytes(value)),
        _ => words::bytes(value).to_string(),
    }
}
