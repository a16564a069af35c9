//! How much may be interrupted: tries per service, project and host within ten minutes, and at once.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Proposal, blocked};
use crate::ledger::Past;
use crate::round::{Block, Class, Limits, Subject};
use crate::values::{Now, ProjectName};

const PERIOD: Duration = Duration::from_secs(600);

#[derive(Default)]
struct Count {
    recent: u32,
    in_flight: u32,
}

/// Disruptive steps of the recent past and of this round.
pub(super) struct Budget {
    subjects: BTreeMap<Subject, Count>,
    projects: BTreeMap<ProjectName, Count>,
    host: Count,
}

impl Budget {
    pub(super) fn of(past: &Past, now: &Now) -> Budget {
        let mut budget = Budget { subjects: BTreeMap::new(), projects: BTreeMap::new(), host: Count::default() };
        for attempt in past.attempts.iter().filter(|attempt| attempt.class == "disruptive") {
            let subject = Subject { project: attempt.project.clone(), thing: attempt.thing.clone() };
            let recent = u32::from(now.since(&attempt.began) < PERIOD);
            budget.add(&subject, recent, u32::from(attempt.outcome.is_none()));
        }
        budget
    }

    /// A step of this round counts as recent and as under way.
    pub(super) fn spend(&mut self, proposal: &Proposal) {
        if proposal.view.class == Class::Disruptive {
            self.add(&proposal.view.subject, 1, 1);
        }
    }

    pub(super) fn block(&self, proposal: &Proposal, limits: &Limits) -> Option<Block> {
        if proposal.view.class != Class::Disruptive {
            return None;
        }
        let subject = &proposal.view.subject;
        let nothing = Count::default();
        let of_subject = self.subjects.get(subject).unwrap_or(&nothing);
        let of_project = subject.project.as_ref().and_then(|project| self.projects.get(project)).unwrap_or(&nothing);
        let spent =
            |who: &str, limit: u32| blocked("budget", format!("{limit} disruptive steps in 10m for {who} are spent"));
        let busy = |who: &str, limit: u32| {
            blocked("in_flight", format!("{limit} disruptive steps at once for {who}, not more"))
        };
        if of_subject.recent >= limits.budget_service {
            return spent(&subject.to_string(), limits.budget_service);
        }
        if subject.project.is_some() && of_project.recent >= limits.budget_project {
            return spent("the project", limits.budget_project);
        }
        if self.host.recent >= limits.budget_host {
            return spent("the host", limits.budget_host);
        }
        if subject.project.is_some() && of_project.in_flight >= limits.in_flight_project {
            return busy("the project", limits.in_flight_project);
        }
        if self.host.in_flight >= limits.in_flight_host {
            return busy("the host", limits.in_flight_host);
        }
        None
    }

    fn add(&mut self, subject: &Subject, recent: u32, in_flight: u32) {
        let project = subject.project.clone().map(|project| self.projects.entry(project).or_default());
        let own = self.subjects.entry(subject.clone()).or_default();
        for count in [Some(own), project, Some(&mut self.host)].into_iter().flatten() {
            count.recent = count.recent.saturating_add(recent);
            count.in_flight = count.in_flight.saturating_add(in_flight);
        }
    }
}
