//! What several verbs print alike: problems, steps, containers, directories, lines of history.

use std::io;

use super::desk::Desk;
use super::out::{Out, Span, Tint, plain, tinted};
use super::table::{ALWAYS, Column, numbers, render_table, words as column};
use super::words;
use crate::api::shapes::{EntryRow, Fact, Finding, StepRow};
use crate::round::{ContainerView, DirView, Severity};

/// How bad a word of state is.
pub fn tint_of(state: &str) -> Tint {
    match state {
        "ok" | "running" | "healthy" | "made" | "already_so" | "present" => Tint::Good,
        "critical" | "fail" | "failed" | "unhealthy" | "dead" | "missing" => Tint::Bad,
        "wrong-device" | "not-a-directory" => Tint::Bad,
        "idle" | "skip" | "created" | "info" => Tint::Dim,
        _ => Tint::Warn,
    }
}

/// A word of state in its tint.
pub fn state_word(state: &str) -> Span {
    tinted(tint_of(state), state)
}

/// The word of a severity, in capitals when it is urgent.
pub fn severity_word(severity: Severity) -> Span {
    match severity {
        Severity::Critical => tinted(Tint::Bad, "CRITICAL"),
        Severity::Warning => tinted(Tint::Warn, "WARNING"),
        Severity::Info => tinted(Tint::Dim, "INFO"),
    }
}

/// A table's lines.
pub fn print_table(out: &mut Out, columns: &[Column], rows: &[Vec<Span>]) -> io::Result<()> {
    let width = out.screen().width;
    for line in render_table(columns, rows, width) {
        out.line(&line)?;
    }
    Ok(())
}

/// A problem, its facts when asked for, and the next command.
pub fn print_finding(out: &mut Out, finding: &Finding, facts: bool) -> io::Result<()> {
    let head = [severity_word(finding.severity), plain(" "), tinted(Tint::Bold, finding.subject.as_str())];
    let text = format!("{} ({})", finding.text, finding.id);
    let mut line = head.to_vec();
    line.push(plain(": "));
    hang_below(out, &line, &text, 4)?;
    for fact in finding.evidence.iter().filter(|_| facts) {
        print_fact(out, "    ", fact)?;
    }
    if finding.cure.is_empty() {
        return Ok(());
    }
    out.hang(&[plain("    next: ")], &plain(finding.cure.as_str()))
}

/// A head and text after it; lines that follow stand `indent` columns in.
pub fn hang_below(out: &mut Out, head: &[Span], body: &str, indent: usize) -> io::Result<()> {
    let taken: usize = head.iter().map(|span| super::text::width(&span.text)).sum();
    let width = out.screen().width;
    let body = super::text::clean(body);
    let lines = super::text::wrap_after(&body, width.saturating_sub(taken), width.saturating_sub(indent));
    for (index, piece) in lines.into_iter().enumerate() {
        let mut line = if index == 0 { head.to_vec() } else { vec![plain(" ".repeat(indent))] };
        line.push(plain(piece));
        out.line(&line)?;
    }
    Ok(())
}

/// A fact and where it was read; file and line when it was written there.
pub fn print_fact(out: &mut Out, indent: &str, fact: &Fact) -> io::Result<()> {
    let place = match &fact.origin {
        Some(origin) => format!("{origin}, {}", fact.source),
        None => fact.source.clone(),
    };
    let head = [plain(indent), tinted(Tint::Dim, "- ")];
    out.hang(&head, &plain(format!("{} = {}   [{place}]", fact.what, fact.value)))
}

/// Facts of a step that are shown in a plan; the others are told by `explain`.
const MOST_FACTS: usize = 12;

/// A step with everything that is known of it.
pub fn print_step(out: &mut Out, number: usize, step: &StepRow) -> io::Result<()> {
    let head = format!("{number:>2}. ");
    let gap = " ".repeat(head.len());
    out.hang(&[plain(head)], &tinted(Tint::Bold, step.text.as_str()))?;
    let mut labelled = |label: &str, text: Span| out.hang(&[plain(format!("{gap}{label:<9}"))], &text);
    labelled("because", plain(step.because.text.as_str()))?;
    for fact in step.because.evidence.iter().take(MOST_FACTS) {
        let place = fact.origin.as_deref().unwrap_or(&fact.source);
        labelled("", tinted(Tint::Dim, format!("{} = {}   [{place}]", fact.what, fact.value)))?;
    }
    if let Some(more) = step.because.evidence.len().checked_sub(MOST_FACTS).filter(|more| *more > 0) {
        labelled("", tinted(Tint::Dim, format!("and {more} more: hostkeeper explain {}", step.id)))?;
    }
    labelled("class", plain(step.class.as_str()))?;
    labelled("undo", plain(step.undo.as_deref().unwrap_or("none")))?;
    if step.gate.open {
        labelled("gate", tinted(Tint::Good, "open"))?;
    } else {
        let rule = step.gate.rule.as_deref().unwrap_or("a rule");
        let why = step.gate.text.as_deref().unwrap_or("no reason given");
        labelled("gate", tinted(Tint::Warn, format!("blocked by {rule}: {why}")))?;
    }
    labelled("id", tinted(Tint::Dim, format!("{} ({} {})", step.id, step.keeper, step.subject)))
}

const CONTAINERS: &[Column] = &[
    column("CONTAINER", ALWAYS, 12),
    column("STATE", 9, 0),
    column("HEALTH", 7, 0),
    column("CPU", 8, 0),
    numbers("THROTTLED", 4),
    column("MEM", 8, 0),
    numbers("I/O", 3),
    numbers("NET", 2),
    numbers("GPU", 5),
    column("IMAGE", 1, 10),
];

/// Containers in numbers.
pub fn print_containers(out: &mut Out, containers: &[ContainerView]) -> io::Result<()> {
    let rows: Vec<Vec<Span>> = containers.iter().map(container_row).collect();
    print_table(out, CONTAINERS, &rows)
}

fn container_row(view: &ContainerView) -> Vec<Span> {
    let state = match view.exit_code {
        Some(code) if view.state == "exited" => tinted(Tint::Warn, format!("exited {code}")),
        _ => state_word(&view.state),
    };
    vec![
        plain(view.name.as_str()),
        state,
        view.health.as_deref().map(state_word).unwrap_or_else(|| plain("")),
        plain(words::of_cores(view.cpu_used_cores, view.cpu_limit_cores)),
        plain(words::percent(view.cpu_throttled_percent)),
        plain(words::of_bytes(view.memory_working_set_bytes, view.memory_limit_bytes)),
        plain(words::sum_rate(view.io_read_bytes_per_second, view.io_write_bytes_per_second)),
        plain(words::sum_rate(view.network_receive_bytes_per_second, view.network_transmit_bytes_per_second)),
        plain(words::of_bytes(view.gpu_memory_bytes, None)),
        tinted(Tint::Dim, view.image.as_str()),
    ]
}

const DIRS: &[Column] = &[
    column("DIRECTORY", ALWAYS, 8),
    column("STATE", ALWAYS, 0),
    column("HOLDS", 2, 0),
    column("TIER", 3, 0),
    column("PATH", 4, 20),
];

/// Declared directories.
pub fn print_dirs(out: &mut Out, dirs: &[DirView]) -> io::Result<()> {
    let row = |dir: &DirView| {
        let holds = plain(words::of_bytes(dir.size_bytes, dir.quota_bytes));
        vec![plain(dir.dir.as_str()), state_word(&dir.state), holds, plain(dir.tier.as_str()), plain(dir.path.as_str())]
    };
    let rows: Vec<Vec<Span>> = dirs.iter().map(row).collect();
    print_table(out, DIRS, &rows)
}

/// One entry of history: when, which, about what and how it ended; below it what was done, and why.
pub fn print_entry(desk: &mut Desk<'_>, entry: &EntryRow) -> io::Result<()> {
    let at = desk.local(entry.at);
    let keeper = entry.keeper.as_deref().map(|keeper| format!("{keeper} ")).unwrap_or_default();
    let mut head = vec![
        tinted(Tint::Dim, at),
        plain(format!("  #{} {keeper}", entry.id)),
        tinted(Tint::Bold, entry.subject.as_str()),
    ];
    let out = desk.out();
    let ended = [plain("  "), ending(entry)];
    let room = out.screen().width;
    let wide = |spans: &[Span]| spans.iter().map(|span| super::text::width(&span.text)).sum::<usize>();
    if wide(&head) + wide(&ended) <= room {
        head.extend(ended);
        out.line(&head)?;
    } else {
        out.hang(&[], &plain(head.into_iter().map(|span| span.text).collect::<String>()))?;
        out.hang(&[plain("    ")], &ending(entry))?;
    }
    out.hang(&[plain("    ")], &plain(entry.text.as_str()))?;
    if let Some(because) = &entry.because {
        out.hang(&[plain("    because ")], &plain(because.as_str()))?;
    }
    if let Some(why) = &entry.why {
        out.hang(&[plain("    failed: ")], &plain(why.as_str()))?;
    }
    Ok(())
}

/// How an entry ended; what kind of event it is when it is no step.
fn ending(entry: &EntryRow) -> Span {
    let kind = entry.kind.replace('_', " ");
    let Some(outcome) = &entry.outcome else {
        let tint = entry.severity.as_deref().map(tint_of).unwrap_or(Tint::Plain);
        let unended = entry.kind == "step";
        return if unended { tinted(Tint::Warn, "not ended") } else { tinted(tint, kind) };
    };
    let took = entry.took_seconds.map(|seconds| format!(" in {}", words::length(seconds))).unwrap_or_default();
    tinted(tint_of(outcome), format!("{}{took}", outcome.replace('_', " ")))
}
