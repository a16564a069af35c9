//! What an explanation is drawn from, and an answer in the making. Pure.

use crate::api::rows::Fact;
use crate::api::shapes::Found;
use crate::api::views::{self, Origins};
use crate::ledger::Entry;
use crate::round::{Snapshot, Subject};

/// Lines of history that go with one thing.
pub(super) const HISTORY: usize = 5;

/// Everything an explanation is drawn from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub snapshot: &'a Snapshot,
    /// Newest first.
    pub history: &'a [Entry],
    pub origins: Origins<'a>,
    /// A page of metrics, when there is one.
    pub page: &'a [u8],
}

/// Something found, before its concerns, steps and history are attached.
pub(super) struct Draft {
    pub kind: &'static str,
    pub name: String,
    pub text: String,
    pub chain: Vec<Fact>,
    pub next: Option<String>,
}

impl Draft {
    /// Attaches everything whose subject is `mine`.
    pub fn about(self, mine: impl Fn(&Subject) -> bool, sources: Sources<'_>) -> Found {
        let snapshot = sources.snapshot;
        let concerns = snapshot.concerns.iter().filter(|concern| mine(&concern.subject));
        let steps = snapshot.plan.iter().filter(|step| mine(&step.subject));
        let subjects: Vec<String> = concerns
            .clone()
            .map(|concern| concern.subject.to_string())
            .chain(steps.clone().map(|step| step.subject.to_string()))
            .collect();
        let name = self.name.clone();
        let below = format!("{name}/");
        let history = sources.history.iter().filter(|entry| {
            entry.subject == name || entry.subject.starts_with(&below) || subjects.contains(&entry.subject)
        });
        Found {
            concerns: views::render_findings(concerns, sources.origins),
            steps: steps.map(|step| views::render_step(step, sources.origins)).collect(),
            history: history.take(HISTORY).map(views::render_entry).collect(),
            ..self.alone()
        }
    }

    /// Nothing attached.
    pub fn alone(self) -> Found {
        Found {
            kind: self.kind.to_owned(),
            name: self.name,
            text: self.text,
            chain: self.chain,
            concerns: Vec::new(),
            steps: Vec::new(),
            history: Vec::new(),
            next: self.next,
        }
    }
}

pub(super) fn fact(what: impl Into<String>, value: impl std::fmt::Display, source: &str) -> Fact {
    Fact { what: what.into(), value: value.to_string(), source: source.to_owned(), origin: None }
}

/// The configuration key as a fact, when the configuration knows it.
pub(super) fn key_fact(key: &str, sources: Sources<'_>) -> Option<Fact> {
    let origin = (sources.origins)(key)?;
    Some(Fact {
        what: key.to_owned(),
        value: origin.value,
        source: format!("config:{key}"),
        origin: Some(origin.origin),
    })
}
