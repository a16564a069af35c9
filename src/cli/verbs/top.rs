//! `top`: projects and their containers in numbers, once as a table or live on the whole screen.

mod draw;
mod live;
mod model;

#[cfg(test)]
mod tests;

use std::io;

use serde_json::{Value, json};

use super::super::args::TopArgs;
use super::super::desk::{Desk, shaped};
use super::super::failure::{BLOCKED, DONE, Failure};
use super::super::out::{plain, tinted};
use super::super::{rows, table};
use crate::api::shapes::{Containers, Status};
use model::{COLUMNS, Model, Sample};

/// Shows the numbers.
pub fn run(desk: &mut Desk<'_>, args: &TopArgs) -> Result<u8, Failure> {
    let status = desk.read("/v1/status")?;
    let containers = desk.read("/v1/containers")?;
    if desk.json {
        let shown = joined(&status, &containers);
        desk.out().json(&shown)?;
        return Ok(DONE);
    }
    let sample = sample_of(&status, &containers)?;
    let mut model = Model::new(args.sort);
    model.take(Ok(sample));
    if args.once {
        print_once(desk, &mut model)?;
        return Ok(DONE);
    }
    if !desk.out().screen().terminal {
        let text = "top draws on a terminal, and the output is none";
        return Err(Failure::new(BLOCKED, "usage", text, "use hostkeeper top --once"));
    }
    live::show(desk, model)
}

fn sample_of(status: &Value, containers: &Value) -> Result<Sample, Failure> {
    let status: Status = shaped("/v1/status", status)?;
    let containers: Containers = shaped("/v1/containers", containers)?;
    Ok(Sample { status, containers: containers.containers })
}

/// Host, projects and containers in one object.
fn joined(status: &Value, containers: &Value) -> Value {
    let part = |value: &Value, key: &str| value.get(key).cloned().unwrap_or_default();
    json!({
        "schema": "hostkeeper.top/1", "at": part(status, "at"), "host": part(status, "host"),
        "projects": part(status, "projects"), "containers": part(containers, "containers"),
        "daemon": part(status, "daemon"),
    })
}

fn print_once(desk: &mut Desk<'_>, model: &mut Model) -> io::Result<()> {
    model.open_all();
    let out = desk.out();
    for (label, text) in model.head() {
        let label = if label.is_empty() { String::new() } else { format!("{label:<8}") };
        out.hang(&[plain(label)], &text)?;
    }
    out.gap()?;
    let cells: Vec<_> = model.rows().into_iter().map(|row| row.cells).collect();
    if cells.is_empty() {
        return out.line(&[tinted(rows::tint_of("idle"), "no projects and no containers")]);
    }
    for line in table::render_table(COLUMNS, &cells, out.screen().width) {
        out.line(&line)?;
    }
    Ok(())
}
