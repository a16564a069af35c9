//! What is to be moved, settled and swept in pools, and what is wrong with them. Pure.

use std::collections::BTreeMap;

use super::super::config::Config;
use super::super::observe::Key;
use super::super::step::Step;
use super::balance::{Move, plan_moves};
use super::config::Pool;
use super::seen::{MemberSeen, OpenSeen, PoolSeen, PoolsSeen};
use super::step::{Item, MOST_FILES, MOST_NAMES, Member, Name, Order};
use super::verdict::{State, amount, judge, levels, members, show_amount};
use crate::ledger::Past;
use crate::round::{Class, Concern, Evidence, Gate, Plan, Planned, Reason, Severity, Subject};
use crate::values::{Known, Now, one_line};

/// Adds steps and concerns of every pool.
pub fn decide(config: &Config, seen: &PoolsSeen, past: &Past, now: &Now, plan: &mut Plan<Step>) {
    for open in &seen.open {
        settle(open, plan);
    }
    for (key, pool) in &config.pools {
        let Some(found) = seen.pools.get(key) else { continue };
        let open = seen.open.iter().any(|open| open.order.as_ref().is_none_or(|order| order.pool().key() == *key));
        Case { key, pool, seen: found, past, now }.decide(open, plan);
    }
}

/// A move that was broken off is brought to its end before anything else happens to its pool.
fn settle(open: &OpenSeen, plan: &mut Plan<Step>) {
    let intent = open.intent;
    let Some(Order::MoveFiles { pool, from, to, files }) = &open.order else {
        let text = format!("the move of entry {intent} was broken off, and its record cannot be read");
        let cure = format!("see hostkeeper history, entry {intent}, and compare the members by hand");
        plan.concerns.push(concern(Severity::Critical, ("pool-unsettled", Subject::host()), text, cure));
        return;
    };
    let subject = Subject::of(pool.project.clone(), pool.pool.clone());
    let text = format!("a move of {} files from {from} to {to} was broken off, files may be in both", files.len());
    let cure = format!("it is settled by itself when {} and {} can be used", from.place.root, to.place.root);
    let mut worry = concern(Severity::Warning, ("pool-unsettled", subject.clone()), text.clone(), cure);
    worry.evidence.push(Evidence::new("move", format!("entry {intent}"), "ledger"));
    plan.concerns.push(worry);
    let (pool, from, to) = (pool.clone(), from.clone(), to.clone());
    let order = Order::SettleMoves { pool, intent, from, to, files: files.clone() };
    let evidence = vec![Evidence::new("move", format!("entry {intent}"), "ledger")];
    plan.steps.push(planned(order.clone(), subject, Reason::new(text, evidence), order, Class::Safe));
}

/// What finishes or tidies a broken-off move is its own undo: done once more, it finds nothing to do.
fn planned(order: Order, subject: Subject, because: Reason, undo: Order, class: Class) -> Planned<Step> {
    let undo = Some(Step::Pool { order: undo });
    Planned { step: Step::Pool { order }, subject, because, undo, class, gate: Gate::Open }
}

fn concern(severity: Severity, (id, subject): (&str, Subject), text: String, cure: String) -> Concern {
    Concern { id: id.into(), severity, subject, text, evidence: Vec::new(), cure }
}

struct Case<'c> {
    key: &'c Key,
    pool: &'c Pool,
    seen: &'c PoolSeen,
    past: &'c Past,
    now: &'c Now,
}

impl Case<'_> {
    fn decide(&self, open: bool, plan: &mut Plan<Step>) {
        let (state, why) = judge(self.pool, self.seen);
        self.worry(state, &why, plan);
        if matches!(state, State::Blind | State::Counting) || open {
            return;
        }
        self.sweep(plan);
        if state == State::Uneven && (self.is_hurried() || self.is_due()) {
            self.balance(&why, plan);
        }
    }

    fn is_hurried(&self) -> bool {
        let drained = |member: &MemberSeen| member.drained.is_some() && member.count.files > 0;
        self.seen.hurry.is_some() || self.seen.members.values().filter_map(Known::value).any(drained)
    }

    /// Whether the last moves are `every` ago.
    fn is_due(&self) -> bool {
        let ours = |attempt: &&crate::ledger::Attempt| {
            attempt.kind == "move_files"
                && attempt.keeper == "storage"
                && attempt.project.as_ref() == Some(&self.key.0)
                && attempt.thing.as_deref() == Some(&self.key.1)
        };
        let last = self.past.attempts.iter().filter(ours).map(|attempt| self.now.since(&attempt.began)).min();
        last.is_none_or(|age| age >= self.pool.every.0)
    }

    fn sweep(&self, plan: &mut Plan<Step>) {
        for member in self.seen.members.values().filter_map(Known::value) {
            let names = &member.count.leftovers;
            if names.is_empty() {
                continue;
            }
            let mut names = names.clone();
            names.sort();
            let because = Reason::new("an earlier life of the agent was killed while it copied", self.facts());
            let order = Order::SweepCopies { pool: Name::of(self.key), at: member.member.clone(), names };
            plan.steps.push(planned(order.clone(), self.subject(), because, order, Class::Safe));
        }
    }

    fn balance(&self, why: &str, plan: &mut Plan<Step>) {
        let most = if self.is_hurried() { MOST_FILES } else { self.pool.max_moves as usize };
        let Some(levels) = levels(self.pool, self.seen) else { return };
        let moves = plan_moves(&levels, self.pool.balance, self.pool.least(), most);
        let mut batches: BTreeMap<(&str, &str), Vec<&Item>> = BTreeMap::new();
        for Move { from, to, item } in moves {
            batches.entry((from, to)).or_default().push(item);
        }
        let find = |dir: &str| self.seen.members.get(dir).and_then(Known::value).map(|seen| &seen.member);
        for ((from, to), items) in batches {
            let (Some(from), Some(to)) = (find(from), find(to)) else { continue };
            plan.steps.push(self.move_files(from, to, &items, why));
        }
    }

    fn move_files(&self, from: &Member, to: &Member, items: &[&Item], why: &str) -> Planned<Step> {
        let (mut names, mut files) = (0, Vec::new());
        for item in items {
            names += item.name.len() + 48;
            if names <= MOST_NAMES || files.is_empty() {
                files.push((*item).clone());
            }
        }
        files.sort();
        let (pool, from, to) = (Name::of(self.key), from.clone(), to.clone());
        let back = Order::MoveFiles { pool: pool.clone(), from: to.clone(), to: from.clone(), files: files.clone() };
        let order = Order::MoveFiles { pool, from, to, files };
        let because = Reason::new(why.to_owned(), self.facts());
        planned(order, self.subject(), because, back, Class::Tightening)
    }

    /// What each member has, and the threshold.
    fn facts(&self) -> Vec<Evidence> {
        let mut facts: Vec<Evidence> = members(self.seen)
            .unwrap_or_default()
            .into_iter()
            .map(|member| {
                let amount = show_amount(self.pool, amount(self.pool, member));
                Evidence::new(member.member.dir.clone(), amount, member.member.place.to_string())
            })
            .collect();
        let key = format!("config:project.{}.pool.{}.threshold", self.key.0, self.key.1);
        facts.push(Evidence::new("threshold", show_amount(self.pool, self.pool.least()), key));
        facts
    }

    fn worry(&self, state: State, why: &str, plan: &mut Plan<Step>) {
        let (project, pool) = self.key;
        let diagnose = format!("hostkeeper storage diagnostics {project}/{pool}");
        let mut add = |id: &str, text: String, cure: String| {
            let mut worry = concern(Severity::Warning, (id, self.subject()), text, cure);
            worry.evidence = self.facts();
            plan.concerns.push(worry);
        };
        match state {
            State::Blind => {
                add("pool-blind", format!("pool {project}/{pool} is not balanced: {why}"), diagnose.clone())
            }
            State::Stuck => add("pool-stuck", format!("pool {project}/{pool}: {why}"), diagnose.clone()),
            _ => {}
        }
        if let Some((file, from, to)) = &self.seen.clash {
            let count: u64 = self.seen.refused.values().map(|refused| refused.clash).sum();
            let file = one_line(file, 80);
            let text = format!(
                "{count} files of pool {project}/{pool} are not moved because their names are taken: {file} of {from} is in {to} too"
            );
            add("pool-clash", text, format!("compare both, rename or remove one; {diagnose}"));
        }
        if let Some(trouble) = &self.seen.hook_trouble {
            let text =
                format!("path_changed of pool {project}/{pool} failed: {trouble}; the files are moved all the same");
            let cure = format!("run it by hand; the moved files: hostkeeper history --kind move --project {project}");
            add("pool-hook-failed", text, cure);
        }
        let orphans = self.seen.members.values().filter_map(Known::value).find(|member| member.count.orphans > 0);
        if let Some(member) = orphans {
            let (count, place) = (member.count.orphans, &member.member.place);
            let text = format!("{place} holds {count} files named .hostkeeper-* that no record explains");
            let cure = format!("find {place} -name '.hostkeeper-*' -ls; compare them with the other members");
            add("pool-leftover", text, cure);
        }
    }

    fn subject(&self) -> Subject {
        Subject::of(self.key.0.clone(), self.key.1.clone())
    }
}

impl std::fmt::Display for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.dir)
    }
}
