//! `limits export`: a Compose override that gives every service of a project its limits and its place in the slice.

use std::collections::BTreeMap;

use super::super::super::desk::Desk;
use super::super::super::failure::{BLOCKED, DONE, Failure};
use super::read_limits;
use crate::round::{BoundView, LimitsView};

pub fn run(desk: &mut Desk<'_>, project: &str) -> Result<u8, Failure> {
    let (shown, _) = read_limits(desk, Some(project))?;
    let view = shown.projects.into_iter().find(|view| view.project.as_str() == project);
    let view = view.ok_or_else(|| {
        Failure::new(BLOCKED, "not_found", format!("no limits are declared for \"{project}\""), "hostkeeper limits")
    })?;
    let text = render_override(&view);
    if desk.json {
        let value = serde_json::json!({"schema": "hostkeeper.compose-override/1", "project": project, "yaml": text});
        desk.out().json(&value)?;
    } else {
        desk.out().page(text.as_bytes())?;
    }
    Ok(DONE)
}

/// The override. Services without anything to say are left out.
pub fn render_override(view: &LimitsView) -> String {
    let mut services: BTreeMap<&str, &[BoundView]> = BTreeMap::new();
    for service in &view.services {
        services.entry(&service.service).or_insert(&service.bounds);
    }
    let mut text = format!(
        "# Limits of {} as they are declared for hostkeeper.\n# As compose.override.yml beside the Compose file docker compose up uses it.\nservices:",
        view.project
    );
    let mut any = false;
    for (name, bounds) in services {
        let lines = render_service(view, bounds);
        if !lines.is_empty() {
            any = true;
            text.push_str(&format!("\n  {name}:\n{lines}"));
        }
    }
    text.push_str(if any { "" } else { " {}\n" });
    text
}

fn render_service(view: &LimitsView, bounds: &[BoundView]) -> String {
    let of = |what: &str| bounds.iter().find(|bound| bound.what == what).and_then(|bound| bound.configured);
    let mut text = String::new();
    if let Some(parent) = &view.cgroup_parent {
        // In single quotes a backslash is a backslash.
        text.push_str(&format!("    cgroup_parent: '{parent}'\n"));
    }
    let (memory, swap) = (of("memory"), of("swap"));
    if let (Some(memory), Some(swap)) = (memory, swap) {
        text.push_str(&format!("    memswap_limit: {:.0}\n", memory + swap));
    }
    let limits = [
        of("cpus").map(|cpus| format!("          cpus: '{cpus}'\n")),
        memory.map(|bytes| format!("          memory: '{bytes:.0}'\n")),
        of("pids").map(|pids| format!("          pids: {pids:.0}\n")),
    ];
    let limits: String = limits.into_iter().flatten().collect();
    let low = of("reserved_memory").map(|bytes| format!("          memory: '{bytes:.0}'\n"));
    if limits.is_empty() && low.is_none() {
        return text;
    }
    text.push_str("    deploy:\n      resources:\n");
    if !limits.is_empty() {
        text.push_str(&format!("        limits:\n{limits}"));
    }
    if let Some(low) = low {
        text.push_str(&format!("        reservations:\n{low}"));
    }
    text
}
