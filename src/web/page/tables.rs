//! The tables of the page: concerns, projects, plan, storage, containers, history. Pure; long lists are cut and say so.

use jiff::Timestamp;

use crate::api::shapes::{EntryRow, Finding, History, PlanShown, ProjectRow, Status, StepRow};
use crate::round::{CacheView, ContainerView, Severity, TierView};
use crate::values::Every;
use crate::web::html::{Html, bound, bytes, cores, of, percent, rate};

/// Rows of one table.
const MOST_ROWS: usize = 300;

/// Facts behind one concern or step; `explain` has them all.
const MOST_FACTS: usize = 8;

/// `2026-01-31 09:12:00` in UTC, with the letter that says so.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn open(html: &mut Html, title: &'static str, count: usize, columns: &'static [&'static str]) {
    html.raw("<section>\n<h2>").raw(title).raw(" <span class=\"count\">").text(&count.to_string());
    html.raw("</span></h2>\n<div class=\"scroll\"><table>\n<thead><tr>");
    for column in columns {
        match column.strip_prefix('>') {
            Some(number) => html.raw("<th class=\"n\">").raw(number).raw("</th>"),
            None => html.raw("<th>").raw(column).raw("</th>"),
        };
    }
    html.raw("</tr></thead>\n<tbody>\n");
}

fn close(html: &mut Html, count: usize) {
    html.raw("</tbody>\n</table></div>\n");
    if count > MOST_ROWS {
        html.raw("<p class=\"note\">and ").text(&(count - MOST_ROWS).to_string()).raw(" more</p>\n");
    }
    html.raw("</section>\n");
}

fn nothing(html: &mut Html, title: &'static str, text: &'static str) {
    html.raw("<section>\n<h2>").raw(title).raw("</h2>\n<p class=\"none\">").raw(text).raw("</p>\n</section>\n");
}

pub(super) fn push_concerns(html: &mut Html, concerns: &[Finding]) {
    if concerns.is_empty() {
        return nothing(html, "Concerns", "Nothing is wrong.");
    }
    open(html, "Concerns", concerns.len(), &["Severity", "Subject", "What is wrong", "What to do"]);
    for concern in concerns.iter().take(MOST_ROWS) {
        html.raw("<tr><td>").badge(match concern.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
        });
        html.raw("</td>")
            .cell(&concern.subject)
            .raw("<td class=\"w\">")
            .text(&concern.text)
            .raw("<span class=\"note\">");
        html.text(&concern.id);
        for fact in concern.evidence.iter().take(MOST_FACTS) {
            html.raw(" · ").text(&fact.what).raw(" ").text(&fact.value).raw(" (");
            html.text(fact.origin.as_deref().unwrap_or(&fact.source)).raw(")");
        }
        html.raw("</span></td><td class=\"c\"><code>").text(&concern.cure).raw("</code></td></tr>\n");
    }
    close(html, concerns.len());
}

pub(super) fn push_projects(html: &mut Html, projects: &[ProjectRow]) {
    if projects.is_empty() {
        return nothing(html, "Projects", "No project is declared, and Docker shows none.");
    }
    let columns = &[
        "Project",
        "State",
        ">Containers",
        ">CPU cores",
        "",
        ">Memory",
        "",
        ">Disk read, write",
        ">Network in, out",
        ">GPU",
    ];
    open(html, "Projects", projects.len(), columns);
    for row in projects.iter().take(MOST_ROWS) {
        let view = &row.view;
        html.raw("<tr><td><b>").text(view.project.as_str()).raw("</b>");
        if !view.declared {
            html.raw("<span class=\"note\">not in the configuration</span>");
        }
        html.raw("</td><td>").badge(&row.state).raw("</td>");
        html.number(&format!("{} of {}", view.containers_running, view.containers_total));
        html.number(&of(&cores(view.cpu_used_cores), bound(view.cpu_limit_cores)));
        html.raw("<td class=\"bar\">").bar(view.cpu_used_cores, view.cpu_limit_cores).raw("</td>");
        let (used, limit) = (view.memory_working_set_bytes, view.memory_limit_bytes);
        html.number(&of(&bytes(used), limit.map(|limit| bytes(Some(limit)))));
        html.raw("<td class=\"bar\">").bar(used.map(|used| used as f64), limit.map(|limit| limit as f64)).raw("</td>");
        push_pair(html, view.io_read_bytes_per_second, view.io_write_bytes_per_second);
        push_pair(html, view.network_receive_bytes_per_second, view.network_transmit_bytes_per_second);
        html.number(&bytes(view.gpu_memory_bytes)).raw("</tr>\n");
    }
    close(html, projects.len());
}

fn push_pair(html: &mut Html, first: Option<f64>, second: Option<f64>) {
    html.raw("<td class=\"n\">").text(&rate(first)).raw("<br>").text(&rate(second)).raw("</td>");
}

pub(super) fn push_plan(html: &mut Html, plan: &PlanShown) {
    if plan.steps.is_empty() {
        return nothing(html, "Plan", "The host is as the configuration says: nothing to do.");
    }
    open(html, "Plan", plan.steps.len(), &["Step", "Because", "Now", "Id"]);
    for step in plan.steps.iter().take(MOST_ROWS) {
        push_step(html, step);
    }
    close(html, plan.steps.len());
}

fn push_step(html: &mut Html, step: &StepRow) {
    html.raw("<tr><td class=\"w\">").text(&step.text).raw("<span class=\"note\">").text(&step.subject).raw(" · ");
    html.text(step.class.as_str());
    if let Some(undo) = &step.undo {
        html.raw(" · undo: ").text(undo);
    }
    html.raw("</span></td><td class=\"w\">").text(&step.because.text).raw("<span class=\"note\">");
    for (index, fact) in step.because.evidence.iter().take(MOST_FACTS).enumerate() {
        html.raw(if index > 0 { " · " } else { "" }).text(&fact.what).raw(" ").text(&fact.value).raw(" (");
        html.text(fact.origin.as_deref().unwrap_or(&fact.source)).raw(")");
    }
    html.raw("</span></td><td>").badge(if step.gate.open { "open" } else { "held back" });
    if let Some(why) = &step.gate.text {
        html.raw("<span class=\"note\">").text(why).raw("</span>");
    }
    html.raw("</td><td class=\"c\"><code>").text(&step.id).raw("</code></td></tr>\n");
}

pub(super) fn push_storage(html: &mut Html, status: &Status) {
    if status.tiers.is_empty() && status.dirs.is_empty() {
        return nothing(html, "Storage", "No tier and no directory is declared.");
    }
    let columns = &["Tier", "State", "Path", ">Free", ">Must stay free", ">Used", "", ">Full in"];
    open(html, "Storage tiers", status.tiers.len(), columns);
    for tier in status.tiers.iter().take(MOST_ROWS) {
        push_tier(html, tier);
    }
    close(html, status.tiers.len());
    open(html, "Directories", status.dirs.len(), &["Project", "Directory", "State", ">Holds", "Tier", "Path"]);
    for dir in status.dirs.iter().take(MOST_ROWS) {
        html.raw("<tr>").cell(dir.project.as_str()).cell(&dir.dir).raw("<td>").state(&dir.state).raw("</td>");
        html.number(&of(&bytes(dir.size_bytes), dir.quota_bytes.map(|quota| bytes(Some(quota)))));
        html.cell(&dir.tier).raw("<td class=\"c\"><code>").text(&dir.path).raw("</code></td></tr>\n");
    }
    close(html, status.dirs.len());
}

fn push_tier(html: &mut Html, tier: &TierView) {
    html.raw("<tr><td><b>").text(&tier.tier).raw("</b></td><td>").state(&tier.state).raw("</td><td class=\"c\"><code>");
    html.text(&tier.path).raw("</code>");
    if let Some(device) = &tier.device {
        html.raw("<span class=\"note\">").text(device);
        if let Some(cache) = &tier.cache {
            push_cache(html, cache);
        }
        html.raw("</span>");
    }
    html.raw("</td>").number(&bytes(tier.available_bytes)).number(&bytes(tier.min_free_bytes));
    let used = tier.size_bytes.zip(tier.available_bytes).map(|(size, free)| size.saturating_sub(free));
    html.number(&of(&bytes(used), tier.size_bytes.map(|size| bytes(Some(size)))));
    let size = tier.size_bytes.map(|size| size as f64);
    html.raw("<td class=\"bar\">").bar(used.map(|used| used as f64), size).raw("</td>");
    html.number(&tier.full_in_seconds.map_or("–".to_owned(), length)).raw("</tr>\n");
}

/// Mode, state and numbers of a cache, on the line of its tier.
fn push_cache(html: &mut Html, cache: &CacheView) {
    let mode = cache.mode.as_deref().unwrap_or("unknown");
    html.raw(" · ").text(mode).raw(", ").text(cache.state.as_deref().unwrap_or("unknown"));
    if cache.draining {
        html.raw(", being emptied");
    }
    let dirty = cache.dirty_bytes.and_then(|dirty| u64::try_from(dirty).ok());
    html.raw(" · dirty ").text(&bytes(dirty));
    for (window, percent) in &cache.hit_percent {
        html.raw(" · hits ").text(window).raw(" ").text(&percent.to_string()).raw(" %");
    }
}

pub(super) fn push_containers(html: &mut Html, containers: &[ContainerView]) {
    if containers.is_empty() {
        return nothing(html, "Containers", "Docker shows no container.");
    }
    let columns = &["Container", "Project", "State", "Health", ">CPU cores", ">Throttled", ">Memory", "", "Image"];
    open(html, "Containers", containers.len(), columns);
    for container in containers.iter().take(MOST_ROWS) {
        push_container(html, container);
    }
    close(html, containers.len());
}

fn push_container(html: &mut Html, container: &ContainerView) {
    html.raw("<tr><td>").text(&container.name).raw("</td>").cell(container.project.as_deref().unwrap_or("–"));
    html.raw("<td>").badge(&container.state);
    if let Some(code) = container.exit_code.filter(|_| container.state == "exited") {
        html.raw("<span class=\"note\">exit ").text(&code.to_string()).raw("</span>");
    }
    html.raw("</td><td>");
    match &container.health {
        Some(health) => html.badge(health),
        None => html.raw("–"),
    };
    html.raw("</td>");
    html.number(&of(&cores(container.cpu_used_cores), bound(container.cpu_limit_cores)));
    html.number(&container.cpu_throttled_percent.map_or("–".to_owned(), percent));
    let (used, limit) = (container.memory_working_set_bytes, container.memory_limit_bytes);
    html.number(&of(&bytes(used), limit.map(|limit| bytes(Some(limit)))));
    html.raw("<td class=\"bar\">").bar(used.map(|used| used as f64), limit.map(|limit| limit as f64)).raw("</td>");
    html.raw("<td class=\"c\"><code>").text(&container.image).raw("</code></td></tr>\n");
}

pub(super) fn push_history(html: &mut Html, history: &History) {
    if history.entries.is_empty() {
        return nothing(html, "History", "Nothing has happened yet.");
    }
    open(html, "History", history.entries.len(), &["When", "Subject", "What", "Why", "Outcome"]);
    for entry in &history.entries {
        push_entry(html, entry);
    }
    close(html, history.entries.len());
    if history.more {
        html.raw("<p class=\"note\">Earlier: <code>hostkeeper history</code></p>\n");
    }
}

fn push_entry(html: &mut Html, entry: &EntryRow) {
    html.raw("<tr><td><time>").text(&moment(entry.at)).raw("</time></td>").cell(&entry.subject);
    html.raw("<td class=\"w\">").text(&entry.text).raw("<span class=\"note\">").text(&entry.kind).raw("</span></td>");
    html.cell(entry.because.as_deref().unwrap_or("")).raw("<td>");
    if let Some(word) = entry.outcome.as_deref().or(entry.severity.as_deref()) {
        html.badge(word);
    }
    if let Some(why) = &entry.why {
        html.raw("<span class=\"note\">").text(why).raw("</span>");
    }
    html.raw("</td></tr>\n");
}

fn length(seconds: f64) -> String {
    let whole = if seconds.is_finite() && seconds > 0.0 { seconds.min(1e12) as u64 } else { 0 };
    Every(std::time::Duration::from_secs(whole)).to_string()
}
