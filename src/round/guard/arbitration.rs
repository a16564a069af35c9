//! When steps disagree: what is being evicted is not healed, and root causes come before their dependents.

use std::collections::BTreeSet;

use super::{Proposal, blocked};
use crate::round::{Block, Purpose, Subject};

/// Who is being evicted and who is being healed in this round, over all keepers.
pub(super) struct Arbitration<'a> {
    evicted: BTreeSet<&'a Subject>,
    sick: BTreeSet<&'a Subject>,
}

impl<'a> Arbitration<'a> {
    pub(super) fn of(proposals: &'a [Proposal]) -> Arbitration<'a> {
        let subjects = |purpose: Purpose| {
            proposals.iter().filter(move |p| p.purpose == purpose).map(|p| &p.view.subject).collect::<BTreeSet<_>>()
        };
        Arbitration { evicted: subjects(Purpose::Evict), sick: subjects(Purpose::Heal) }
    }

    pub(super) fn block(&self, proposal: &Proposal) -> Option<Block> {
        if proposal.purpose != Purpose::Heal {
            return None;
        }
        let subject = &proposal.view.subject;
        let project = Subject { project: subject.project.clone(), thing: None };
        if self.evicted.contains(subject) || (subject.project.is_some() && self.evicted.contains(&project)) {
            return blocked("evicted", "it is being evicted to relieve the host");
        }
        let root = proposal.waits_for.iter().find(|root| *root != subject && self.sick.contains(root))?;
        blocked("root_cause", format!("{root} is sick and comes first"))
    }
}
