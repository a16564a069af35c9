//! The snapshot as the API shows it. Pure: a snapshot in, rows out; configuration keys are looked up by a function.

use std::time::Duration;

use super::rows::{Because, EntryRow, Fact, Finding, GateShown, ProjectRow, StepRow};
use super::shapes::{
    Concerns, Containers, Counts, LedgerShown, PlanCounts, PlanShown, ProjectStatus, Projects, Status, Verdict,
};
use super::types::KeyOrigin;
use crate::ledger::{Entry, Outcome};
use crate::round::{Concern, Evidence, Gate, LedgerState, PlannedView, ProjectView, Severity, Snapshot};
use crate::values::{Every, ProjectName};

/// Where a configuration key was written.
pub type Origins<'a> = &'a (dyn Fn(&str) -> Option<KeyOrigin> + Sync);

/// A fact with the file and line of its key, when its source is `config:KEY`.
pub fn render_fact(evidence: &Evidence, origins: Origins<'_>) -> Fact {
    let origin = evidence.source.strip_prefix("config:").and_then(origins).map(|key| key.origin);
    Fact { what: evidence.what.clone(), value: evidence.value.clone(), source: evidence.source.clone(), origin }
}

fn render_facts(evidence: &[Evidence], origins: Origins<'_>) -> Vec<Fact> {
    evidence.iter().map(|fact| render_fact(fact, origins)).collect()
}

pub fn render_finding(concern: &Concern, origins: Origins<'_>) -> Finding {
    Finding {
        id: concern.id.clone(),
        severity: concern.severity,
        subject: concern.subject.to_string(),
        project: concern.subject.project.as_ref().map(ToString::to_string),
        thing: concern.subject.thing.clone(),
        text: concern.text.clone(),
        evidence: render_facts(&concern.evidence, origins),
        cure: concern.cure.clone(),
    }
}

/// Findings, worst first, then by subject and id.
pub fn render_findings<'a>(concerns: impl Iterator<Item = &'a Concern>, origins: Origins<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = concerns.map(|concern| render_finding(concern, origins)).collect();
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| (&a.subject, &a.id).cmp(&(&b.subject, &b.id))));
    findings
}

pub fn render_step(step: &PlannedView, origins: Origins<'_>) -> StepRow {
    let gate = match &step.gate {
        Gate::Open => GateShown { open: true, rule: None, text: None },
        Gate::Blocked(block) => {
            GateShown { open: false, rule: Some(block.rule.clone()), text: Some(block.text.clone()) }
        }
    };
    StepRow {
        id: step.id.clone(),
        key: step.key.clone(),
        keeper: step.keeper.clone(),
        kind: step.kind.clone(),
        subject: step.subject.to_string(),
        project: step.subject.project.as_ref().map(ToString::to_string),
        thing: step.subject.thing.clone(),
        text: step.text.clone(),
        because: Because { text: step.because.text.clone(), evidence: render_facts(&step.because.evidence, origins) },
        class: step.class,
        gate,
        undo: step.undo.clone(),
    }
}

pub fn render_entry(entry: &Entry) -> EntryRow {
    let (outcome, why) = match &entry.outcome {
        None => (None, None),
        Some(Outcome::Made) => (Some("made"), None),
        Some(Outcome::AlreadySo) => (Some("already_so"), None),
        Some(Outcome::Failed(why)) => (Some("failed"), Some(why.clone())),
        Some(Outcome::FoundDone) => (Some("found_done"), None),
        Some(Outcome::FoundUndone) => (Some("found_undone"), None),
        Some(Outcome::FoundUnclear) => (Some("found_unclear"), None),
    };
    EntryRow {
        id: entry.id,
        at: entry.at,
        kind: entry.kind.clone(),
        keeper: entry.keeper.clone(),
        subject: entry.subject.clone(),
        text: entry.text.clone(),
        because: entry.because.clone(),
        outcome: outcome.map(str::to_owned),
        why,
        took_seconds: entry.took_seconds,
        severity: entry.severity.clone(),
    }
}

pub fn render_project(view: &ProjectView, snapshot: &Snapshot) -> ProjectRow {
    let name = Some(&view.project);
    let concerns = || snapshot.concerns.iter().filter(|concern| concern.subject.project.as_ref() == name);
    let steps = snapshot.plan.iter().filter(|step| step.subject.project.as_ref() == name).count();
    let unhealthy = snapshot
        .containers
        .iter()
        .filter(|container| container.project.as_deref() == Some(view.project.as_str()))
        .filter(|container| {
            container.health.as_deref() == Some("unhealthy")
                || ["restarting", "dead"].contains(&container.state.as_str())
        })
        .count();
    let worst = concerns().map(|concern| concern.severity).max();
    let state = match worst {
        Some(Severity::Critical) => "critical",
        Some(Severity::Warning) => "warning",
        _ if unhealthy > 0 => "warning",
        _ if view.containers_total == 0 => "idle",
        _ if view.containers_running == 0 => "stopped",
        _ => "ok",
    };
    ProjectRow {
        state: state.to_owned(),
        containers_unhealthy: u32::try_from(unhealthy).unwrap_or(u32::MAX),
        concerns: u32::try_from(concerns().count()).unwrap_or(u32::MAX),
        steps: u32::try_from(steps).unwrap_or(u32::MAX),
        view: view.clone(),
    }
}

fn render_rows(snapshot: &Snapshot) -> Vec<ProjectRow> {
    snapshot.projects.iter().map(|view| render_project(view, snapshot)).collect()
}

pub fn render_counts(snapshot: &Snapshot) -> Counts {
    let of = |severity| snapshot.concerns.iter().filter(|concern| concern.severity == severity).count();
    Counts {
        projects: snapshot.projects.len(),
        containers: snapshot.containers.len(),
        containers_running: snapshot.containers.iter().filter(|container| container.state == "running").count(),
        concerns: snapshot.concerns.len(),
        critical: of(Severity::Critical),
        warning: of(Severity::Warning),
        info: of(Severity::Info),
        steps: snapshot.plan.len(),
        steps_blocked: snapshot.plan.iter().filter(|step| step.gate != Gate::Open).count(),
    }
}

/// `db1: 2 problems, 2 projects, 21 containers, up 12d`. A problem is a concern of severity warning or worse.
pub fn render_verdict(snapshot: &Snapshot) -> Verdict {
    let counts = render_counts(snapshot);
    let lost = snapshot.ledger != LedgerState::Writable;
    let state = match (counts.critical, counts.warning) {
        _ if lost => "critical",
        (0, 0) => "ok",
        (0, _) => "warning",
        _ => "critical",
    };
    let host = if snapshot.host.hostname.is_empty() { "this host" } else { &snapshot.host.hostname };
    let problems = match counts.critical + counts.warning {
        0 => "no problems".to_owned(),
        some => count(some, "problem"),
    };
    let ledger = if lost { ", ledger not writable" } else { "" };
    let text = format!(
        "{host}: {problems}{ledger}, {}, {}, up {}",
        count(counts.projects, "project"),
        count(counts.containers, "container"),
        render_age(snapshot.host.uptime_seconds)
    );
    Verdict { state: state.to_owned(), text }
}

/// `1 project`, `2 projects`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A length of time in its largest unit: `12d`, `3h`, `40s`.
pub fn render_age(seconds: f64) -> String {
    let whole = if seconds.is_finite() && seconds > 0.0 { seconds as u64 } else { 0 };
    let unit = [86_400, 3_600, 60].into_iter().find(|unit| whole >= *unit).unwrap_or(1);
    Every(Duration::from_secs(whole / unit * unit)).to_string()
}

pub fn render_status(snapshot: &Snapshot, origins: Origins<'_>) -> Status {
    let ledger = match &snapshot.ledger {
        LedgerState::Writable => LedgerShown { writable: true, why: None },
        LedgerState::Unwritable(why) => LedgerShown { writable: false, why: Some(why.clone()) },
    };
    Status {
        schema: "hostkeeper.status/1".into(),
        at: snapshot.at,
        round: snapshot.round,
        took_seconds: snapshot.took_seconds,
        mode: snapshot.mode,
        verdict: render_verdict(snapshot),
        counts: render_counts(snapshot),
        host: snapshot.host.clone(),
        projects: render_rows(snapshot),
        tiers: snapshot.tiers.clone(),
        dirs: snapshot.dirs.clone(),
        concerns: render_findings(snapshot.concerns.iter(), origins),
        keepers: snapshot.keepers.clone(),
        ledger,
        agent: snapshot.agent.clone(),
    }
}

/// One project, or `None` when no configuration and no container names it.
pub fn render_project_status(
    name: &ProjectName,
    snapshot: &Snapshot,
    history: &[Entry],
    origins: Origins<'_>,
) -> Option<ProjectStatus> {
    let view = snapshot.projects.iter().find(|view| view.project == *name)?;
    let mine = |subject: &crate::round::Subject| subject.project.as_ref() == Some(name);
    let containers = snapshot.containers.iter().filter(|container| container.project.as_deref() == Some(name.as_str()));
    Some(ProjectStatus {
        schema: "hostkeeper.project/1".into(),
        at: snapshot.at,
        project: render_project(view, snapshot),
        containers: containers.cloned().collect(),
        dirs: snapshot.dirs.iter().filter(|dir| dir.project == *name).cloned().collect(),
        concerns: render_findings(snapshot.concerns.iter().filter(|concern| mine(&concern.subject)), origins),
        steps: snapshot.plan.iter().filter(|step| mine(&step.subject)).map(|step| render_step(step, origins)).collect(),
        history: history.iter().map(render_entry).collect(),
        agent: snapshot.agent.clone(),
    })
}

pub fn render_projects(snapshot: &Snapshot) -> Projects {
    Projects { schema: "hostkeeper.projects/1".into(), at: snapshot.at, projects: render_rows(snapshot) }
}

pub fn render_containers(snapshot: &Snapshot, project: Option<&ProjectName>) -> Containers {
    let wanted = |name: &Option<String>| project.is_none_or(|project| name.as_deref() == Some(project.as_str()));
    let containers = snapshot.containers.iter().filter(|container| wanted(&container.project));
    Containers { schema: "hostkeeper.containers/1".into(), at: snapshot.at, containers: containers.cloned().collect() }
}

pub fn render_plan(snapshot: &Snapshot, project: Option<&ProjectName>, origins: Origins<'_>) -> PlanShown {
    let wanted = |step: &&PlannedView| project.is_none_or(|project| step.subject.project.as_ref() == Some(project));
    let steps: Vec<StepRow> = snapshot.plan.iter().filter(wanted).map(|step| render_step(step, origins)).collect();
    let open = steps.iter().filter(|step| step.gate.open).count();
    PlanShown {
        schema: "hostkeeper.plan/1".into(),
        at: snapshot.at,
        round: snapshot.round,
        plan_id: snapshot.plan_id.clone(),
        mode: snapshot.mode,
        counts: PlanCounts { steps: steps.len(), open, blocked: steps.len() - open },
        steps,
        concerns: render_concerns(snapshot, project, origins).concerns,
        daemon: snapshot.agent.daemon,
    }
}

pub fn render_concerns(snapshot: &Snapshot, project: Option<&ProjectName>, origins: Origins<'_>) -> Concerns {
    let wanted = |concern: &&Concern| project.is_none_or(|project| concern.subject.project.as_ref() == Some(project));
    Concerns {
        schema: "hostkeeper.concerns/1".into(),
        at: snapshot.at,
        concerns: render_findings(snapshot.concerns.iter().filter(wanted), origins),
    }
}
