//! The guard: which of all keepers' steps may be done now. Pure: rules, plans, history and the moment in; a gate per
//! step out. It never changes a plan, and the order of its input does not matter.

mod arbitration;
mod budget;
mod history;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::{Block, Class, Gate, LedgerState, PlannedView, Purpose, Rules, Subject};
use crate::ledger::Past;
use crate::values::{Every, Mode, Now, Stamp};

use arbitration::Arbitration;
use budget::Budget;
use history::Histories;

/// A step as the guard sees it: of any keeper, without its content.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub view: PlannedView,
    pub purpose: Purpose,
    /// Subjects that must be well first.
    pub waits_for: Vec<Subject>,
}

/// Containers that turned bad within the storm window, of all that are watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Storm {
    pub bad: u32,
    pub watched: u32,
}

/// What the guard must know besides plans and history.
#[derive(Clone, Debug, PartialEq)]
pub struct Circumstances {
    /// The kill switch file exists.
    pub kill_switch: bool,
    pub ledger: LedgerState,
    pub agent_started: Stamp,
    pub storm: Storm,
    /// Step ids that a person ordered by `apply`: mode, hold, back-off, quarantine, quiet period and windows give way.
    pub ordered: BTreeSet<String>,
}

/// The gates of `proposals`, in their order.
pub fn decide_gates(
    rules: &Rules,
    proposals: &[Proposal],
    past: &Past,
    circumstances: &Circumstances,
    now: &Now,
) -> Vec<Gate> {
    let histories = Histories::of(past);
    let arbitration = Arbitration::of(proposals);
    let mut budget = Budget::of(past, now);
    let mut order: Vec<(usize, &Proposal)> = proposals.iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| rank(a).cmp(&rank(b)));
    let mut gates = vec![Gate::Open; proposals.len()];
    for (index, proposal) in order {
        let ordered = circumstances.ordered.contains(&proposal.view.id);
        let judge = Judge { rules, past, circumstances, now, proposal, ordered };
        let block = judge
            .standing()
            .or_else(|| histories.block(proposal, ordered, &rules.limits, now))
            .or_else(|| judge.disruption())
            .or_else(|| arbitration.block(proposal))
            .or_else(|| budget.block(proposal, &rules.limits));
        match block {
            None => budget.spend(proposal),
            Some(block) => {
                if let Some(gate) = gates.get_mut(index) {
                    *gate = Gate::Blocked(block);
                }
            }
        }
    }
    gates
}

/// The fixed order in which scarce budget is given out: the strongest purpose first, the gentlest class first.
fn rank(proposal: &Proposal) -> (Purpose, Class, &str, &str) {
    (proposal.purpose, proposal.view.class, &proposal.view.key, &proposal.view.id)
}

pub(super) fn blocked(rule: &str, text: impl Into<String>) -> Option<Block> {
    Some(Block { rule: rule.to_owned(), text: text.into() })
}

/// One proposal before the rules that need no counting.
struct Judge<'a> {
    rules: &'a Rules,
    past: &'a Past,
    circumstances: &'a Circumstances,
    now: &'a Now,
    proposal: &'a Proposal,
    ordered: bool,
}

impl Judge<'_> {
    /// Whether the agent may do this kind of thing at all: ledger, kill switch, mode, holds.
    fn standing(&self) -> Option<Block> {
        let view = &self.proposal.view;
        if let LedgerState::Unwritable(why) = &self.circumstances.ledger {
            return blocked("ledger", format!("the ledger cannot be written: {why}"));
        }
        if self.circumstances.kill_switch {
            return blocked("kill_switch", "the kill switch file exists");
        }
        if self.ordered {
            return None;
        }
        let mode = self.rules.mode(&view.keeper, view.subject.project.as_ref());
        if !mode.acts() {
            return blocked("mode", format!("mode is {mode}"));
        }
        if self.past.held.contains(&view.id) {
            return blocked("held", "it was undone before; change the configuration or run hostkeeper apply");
        }
        if mode == Mode::Trial && view.undo.is_none() {
            return blocked("trial", "mode is trial and this step cannot be undone");
        }
        None
    }

    /// Whether this is a moment in which a service may be interrupted.
    fn disruption(&self) -> Option<Block> {
        if self.proposal.view.class != Class::Disruptive {
            return None;
        }
        self.boot_grace().or_else(|| self.quiet()).or_else(|| self.storm()).or_else(|| self.window())
    }

    fn boot_grace(&self) -> Option<Block> {
        let grace = self.rules.limits.boot_grace.0;
        let awake = self.now.up.min(self.now.since(&self.circumstances.agent_started));
        let left = grace.checked_sub(awake).filter(|left| !left.is_zero())?;
        blocked("boot_grace", format!("host or agent started just now, wait {}", Every(left)))
    }

    fn quiet(&self) -> Option<Block> {
        let project = self.proposal.view.subject.project.as_ref();
        let concerns = |who: &Option<_>| who.is_none() || who.as_ref() == project;
        let recent =
            self.past.human.iter().filter(|(who, _)| concerns(who)).map(|(_, when)| self.now.since(when)).min();
        let left = self.rules.limits.quiet_period.0.checked_sub(recent?).filter(|left| !left.is_zero())?;
        if self.ordered {
            return None;
        }
        blocked("quiet_period", format!("a person is at work here, wait {}", Every(left)))
    }

    fn storm(&self) -> Option<Block> {
        let Storm { bad, watched } = self.circumstances.storm;
        let limits = &self.rules.limits;
        let many =
            bad >= limits.storm_count || u64::from(bad) * 100 >= u64::from(watched) * u64::from(limits.storm_percent);
        if bad == 0 || !many || self.proposal.purpose == Purpose::Evict {
            return None;
        }
        blocked(
            "storm",
            format!("{bad} of {watched} containers went bad at once: a common cause is not healed by restarts"),
        )
    }

    /// Only what changes the configuration of a running service waits for a window; healing does not.
    fn window(&self) -> Option<Block> {
        if self.proposal.purpose != Purpose::Configure || self.ordered {
            return None;
        }
        let project = self.proposal.view.subject.project.as_ref()?;
        let windows = self.rules.windows.get(project).filter(|windows| !windows.is_empty())?;
        if windows.iter().any(|window| window.contains(self.now.wall)) {
            return None;
        }
        blocked("window", "outside the project's maintenance windows")
    }
}
