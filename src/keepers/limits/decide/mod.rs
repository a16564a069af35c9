//! What should be set and what is wrong: slices, containers, and what no order can mend. Loosening comes before tightening,
//! so that nothing is squeezed while room is being made. Pure.

mod containers;
mod gpu;
mod pressure;
pub(super) mod slices;
mod standing;

use std::time::Duration;

use super::config::Config;
use super::observe::Seen;
use super::step::Step;
use crate::ledger::{Attempt, Outcome, Past};
use crate::round::{Concern, Evidence, Plan, Planned, Severity, Subject};
use crate::values::{Every, Now, ProjectName};

/// After an order nothing more is asked of the same thing for so long: a reload of systemd comes in several waves.
const SETTLE: Duration = Duration::from_secs(5);
/// The same order made so often within this time is a quarrel with somebody else who sets the same limit. Not fewer: twenty
/// reloads of systemd in a row take Docker's no-swap away ten times.
const QUARREL: usize = 20;
const QUARREL_WITHIN: Duration = Duration::from_secs(600);

pub fn decide(config: &Config, seen: &Seen, past: &Past, now: &Now) -> Plan<Step> {
    let mut plan = Plan { steps: Vec::new(), concerns: standing::list_concerns(config, seen) };
    plan.concerns.extend(gpu::list_concerns(config, seen));
    slices::decide(config, seen, &mut plan);
    containers::decide(config, seen, &mut plan);
    pressure::decide(config, seen, past, now, &mut plan);
    let_go(config, &mut plan, past);
    settle(&mut plan, seen, past, now);
    plan.steps.sort_by(|a, b| (a.class, &a.subject).cmp(&(b.class, &b.subject)));
    plan
}

/// The word by which the ledger holds back the limits of a project (`None`: all) that a person released.
pub fn released_word(project: Option<&ProjectName>) -> String {
    project.map_or_else(|| "limits:released".to_owned(), |project| format!("limits:released:{project}"))
}

/// What a person released is not set again until the configuration is read again.
fn let_go(config: &Config, plan: &mut Plan<Step>, past: &Past) {
    let is_held = |project: Option<&ProjectName>| past.held.contains(&released_word(project));
    let all = is_held(None);
    if !all && !config.projects.keys().any(|project| is_held(Some(project))) {
        return;
    }
    plan.steps.retain(|planned| !all && planned.subject.project.as_ref().is_none_or(|project| !is_held(Some(project))));
    let released = config.projects.iter().filter(|(project, _)| all || is_held(Some(project)));
    let released = released.filter(|(_, project)| project.is_bounded() || !project.services.is_empty());
    plan.concerns.extend(released.map(|(project, _)| {
        let text = format!("limits of {project} are declared and were released: nothing keeps them");
        let cure = "hostkeeper reload sets them again; or take them out of the configuration";
        concern(("limits-released", Severity::Warning), Subject::project(project.clone()), text, Vec::new(), cure)
    }));
}

/// Takes out what was done a moment ago, and what was done again and again. A container that was made since is another one.
fn settle(plan: &mut Plan<Step>, seen: &Seen, past: &Past, now: &Now) {
    let mut quarrels = Vec::new();
    plan.steps.retain(|planned| {
        let key = planned.key(super::NAME);
        let began = seen.began(&planned.step);
        let made = |attempt: &&Attempt| {
            let same_life = began.is_none_or(|began| attempt.began.wall.as_second() >= began);
            attempt.key == key && same_life && matches!(attempt.outcome, Some(Outcome::Made | Outcome::AlreadySo))
        };
        let before = past.attempts.iter().filter(made);
        let ages: Vec<Duration> = before.map(|attempt| now.since(&attempt.began)).collect();
        let often = ages.iter().filter(|age| **age < QUARREL_WITHIN).count();
        if often >= QUARREL {
            quarrels.push(quarrel(planned, often));
            // Still tried, but seldom: the limit is wanted.
            return ages.iter().all(|age| *age >= QUARREL_WITHIN / 10);
        }
        ages.iter().all(|age| *age >= SETTLE)
    });
    plan.concerns.extend(quarrels);
}

fn quarrel(planned: &Planned<Step>, often: usize) -> Concern {
    let within = Every(QUARREL_WITHIN);
    Concern {
        id: "limits-contested".into(),
        severity: Severity::Warning,
        subject: planned.subject.clone(),
        text: format!("somebody else changes what was set {often} times within {within}: {}", planned.step),
        evidence: planned.because.evidence.clone(),
        cure: format!(
            "hostkeeper history, and look who runs docker update or systemctl set-property on {}",
            planned.subject
        ),
    }
}

/// A concern of this keeper.
fn concern(
    (id, severity): (&str, Severity),
    subject: Subject,
    text: String,
    evidence: Vec<Evidence>,
    cure: &str,
) -> Concern {
    Concern { id: id.into(), severity, subject, text, evidence, cure: cure.into() }
}
