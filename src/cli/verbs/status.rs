//! `status`: the verdict first, then projects, tiers and the host in numbers, problems last with their next command.

use super::super::args::StatusArgs;
use super::super::desk::{Desk, shaped};
use super::super::failure::{DONE, Failure};
use super::super::out::{Out, Span, Tint, plain, tinted};
use super::super::rows;
use super::super::table::{ALWAYS, Column, numbers, words as column};
use super::super::words;
use crate::api::request::encode_segment;
use crate::api::shapes::{Finding, ProjectRow, ProjectStatus, Status};
use crate::round::{AgentView, HostView, TierView};
use crate::values::Bytes;

/// Shows the host or one project.
pub fn run(desk: &mut Desk<'_>, args: &StatusArgs) -> Result<u8, Failure> {
    let target = match &args.project {
        Some(project) => format!("/v1/status/{}", encode_segment(project)),
        None => "/v1/status".to_owned(),
    };
    let value = desk.read(&target)?;
    if desk.json {
        desk.out().json(&value)?;
    } else if args.project.is_some() {
        print_project(desk, &shaped(&target, &value)?)?;
    } else {
        print_host(desk, &shaped(&target, &value)?)?;
    }
    Ok(DONE)
}

fn print_host(desk: &mut Desk<'_>, status: &Status) -> Result<(), Failure> {
    let looked = looked(desk, status);
    let out = desk.out();
    let tint = if status.verdict.state == "ok" { Tint::Good } else { rows::tint_of(&status.verdict.state) };
    out.hang(&[], &tinted(tint, status.verdict.text.as_str()))?;
    out.gap()?;
    if !status.projects.is_empty() {
        rows::print_table(out, PROJECTS, &status.projects.iter().map(project_row).collect::<Vec<_>>())?;
        out.gap()?;
    }
    if !status.tiers.is_empty() {
        rows::print_table(out, TIERS, &status.tiers.iter().map(tier_row).collect::<Vec<_>>())?;
        out.gap()?;
    }
    out.hang(&[plain("host    ")], &plain(host_numbers(&status.host)))?;
    out.hang(&[plain("agent   ")], &plain(looked))?;
    print_troubles(out, status)?;
    if status.counts.steps > 0 {
        let blocked = match status.counts.steps_blocked {
            0 => String::new(),
            blocked => format!(", {blocked} blocked"),
        };
        let text = format!("{}{blocked}: hostkeeper plan", words::count(status.counts.steps, "step"));
        out.hang(&[plain("plan    ")], &plain(text))?;
    }
    print_problems(out, &status.concerns)?;
    Ok(())
}

/// What keeps the agent itself from its work.
fn print_troubles(out: &mut Out, status: &Status) -> Result<(), Failure> {
    if let Some(why) = status.ledger.why.as_ref().filter(|_| !status.ledger.writable) {
        let text = format!("cannot be written: {why}; nothing is done until it can be");
        out.hang(&[plain("ledger  ")], &tinted(Tint::Bad, text))?;
    }
    if let Some(why) = &status.agent.config_refused {
        let text = format!("the last reload was refused, the configuration before it is in force: {why}");
        out.hang(&[plain("config  ")], &tinted(Tint::Bad, text))?;
    }
    for keeper in &status.keepers {
        if let Some(trouble) = &keeper.trouble {
            out.hang(&[plain("keeper  ")], &tinted(Tint::Warn, format!("{}: {trouble}", keeper.keeper)))?;
        }
    }
    Ok(())
}

fn looked(desk: &Desk<'_>, status: &Status) -> String {
    let files = words::count(status.agent.config_files.len(), "configuration file");
    let when = desk.local(status.at);
    let who = who(&status.agent);
    format!("{who}, mode {}, {files}, looked at {when} (round {})", status.mode, status.round)
}

fn who(agent: &AgentView) -> String {
    let version = &agent.version;
    if agent.daemon { format!("hostkeeper {version}") } else { format!("hostkeeper {version}, no daemon") }
}

fn host_numbers(host: &HostView) -> String {
    let memory_used =
        host.memory_total_bytes.zip(host.memory_available_bytes).map(|(all, free)| all.saturating_sub(free));
    let pressure = |key: &str| host.pressure_percent.get(key).copied();
    let named = |name: &str, text: String| if text.is_empty() { text } else { format!("{name} {text}") };
    words::listed(&[
        named(
            "CPU",
            words::of_cores(host.cpu_used_cores, Some(f64::from(host.cpu_cores)).filter(|count| *count > 0.0)),
        ),
        named("load", host.load1.map(words::cores).unwrap_or_default()),
        named("memory", words::of_bytes(memory_used, host.memory_total_bytes)),
        named("pressure CPU", words::percent(pressure("cpu.some"))),
        named("memory", words::percent(pressure("memory.some"))),
        named("I/O", words::percent(pressure("io.some"))),
        named("net in", words::rate(host.network_receive_bytes_per_second)),
        named("out", words::rate(host.network_transmit_bytes_per_second)),
        named("up", words::length(host.uptime_seconds)),
    ])
}

const PROJECTS: &[Column] = &[
    column("PROJECT", ALWAYS, 8),
    column("STATE", ALWAYS, 0),
    numbers("RUNNING", 5),
    column("CPU", 9, 0),
    column("MEM", 8, 0),
    numbers("DISK I/O", 4),
    numbers("NET", 3),
    numbers("GPU", 6),
];

fn project_row(row: &ProjectRow) -> Vec<Span> {
    let view = &row.view;
    vec![
        plain(view.project.as_str()),
        rows::state_word(&row.state),
        plain(format!("{} of {}", view.containers_running, view.containers_total)),
        plain(words::of_cores(view.cpu_used_cores, view.cpu_limit_cores)),
        plain(words::of_bytes(view.memory_working_set_bytes, view.memory_limit_bytes)),
        plain(words::sum_rate(view.io_read_bytes_per_second, view.io_write_bytes_per_second)),
        plain(words::sum_rate(view.network_receive_bytes_per_second, view.network_transmit_bytes_per_second)),
        plain(words::of_bytes(view.gpu_memory_bytes, None)),
    ]
}

const TIERS: &[Column] = &[
    column("TIER", ALWAYS, 6),
    column("STATE", ALWAYS, 12),
    column("FREE", 9, 0),
    numbers("MIN FREE", 6),
    numbers("FULL IN", 5),
    column("DEVICE", 3, 0),
    column("CACHE", 2, 0),
    column("PATH", 4, 16),
];

fn tier_row(tier: &TierView) -> Vec<Span> {
    vec![
        plain(tier.tier.as_str()),
        rows::state_word(&tier.state),
        plain(words::of_bytes(tier.available_bytes, tier.size_bytes)),
        plain(tier.min_free_bytes.map(|bytes| Bytes(bytes).to_string()).unwrap_or_default()),
        plain(tier.full_in_seconds.map(words::length).unwrap_or_default()),
        plain(tier.device.as_deref().unwrap_or_default()),
        cache_word(tier),
        plain(tier.path.as_str()),
    ]
}

/// The mode of a tier's cache and its hits; what is wrong with it, when something is.
fn cache_word(tier: &TierView) -> Span {
    let Some(cache) = &tier.cache else { return plain("") };
    let mode = cache.mode.as_deref().unwrap_or_default();
    match cache.state.as_deref() {
        Some(bad @ ("no cache" | "inconsistent")) => tinted(Tint::Warn, bad),
        _ if cache.draining => tinted(Tint::Warn, format!("{mode}, being emptied")),
        _ => match cache.hit_percent.get("day").or_else(|| cache.hit_percent.get("total")) {
            Some(hits) => plain(format!("{mode}, {hits}% hits")),
            None => plain(mode),
        },
    }
}

/// The problems, each with its next command.
fn print_problems(out: &mut Out, concerns: &[Finding]) -> Result<(), Failure> {
    if concerns.is_empty() {
        return Ok(());
    }
    out.gap()?;
    for finding in concerns {
        rows::print_finding(out, finding, false)?;
    }
    Ok(())
}

fn print_project(desk: &mut Desk<'_>, status: &ProjectStatus) -> Result<(), Failure> {
    let (row, view) = (&status.project, &status.project.view);
    let name = view.project.as_str();
    let undeclared = if view.declared { "" } else { ", not in the configuration" };
    let running = format!("{} of {} containers running", view.containers_running, view.containers_total);
    let problems = words::count(status.concerns.len(), "problem");
    let text = format!("{name}: {}, {problems}, {running}{undeclared}", row.state);
    let out = desk.out();
    out.hang(&[], &tinted(rows::tint_of(&row.state), text))?;
    let cells = project_row(row);
    for (label, index) in [("CPU", 3), ("memory", 4), ("disk I/O", 5), ("network", 6), ("GPU", 7)] {
        if let Some(cell) = cells.get(index).filter(|cell| !cell.text.is_empty()) {
            out.line(&[plain(format!("{label:<10}")), cell.clone()])?;
        }
    }
    if !status.containers.is_empty() {
        out.gap()?;
        rows::print_containers(out, &status.containers)?;
    }
    if !status.dirs.is_empty() {
        out.gap()?;
        rows::print_dirs(out, &status.dirs)?;
    }
    if !status.history.is_empty() {
        out.gap()?;
        out.say("last done and happened")?;
    }
    for entry in &status.history {
        rows::print_entry(desk, entry)?;
    }
    let out = desk.out();
    if !status.steps.is_empty() {
        out.gap()?;
        out.say(&format!("{} planned: hostkeeper plan {name}", words::count(status.steps.len(), "step")))?;
    }
    print_problems(out, &status.concerns)
}
