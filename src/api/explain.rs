//! `explain`: what a name stands for, how it stands now, and the chain of causes behind it, each with its source.
//! Pure: snapshot, history, configuration and metrics page are arguments.

mod orders;
mod things;
mod words;

use super::Refusal;
use super::rows::Fact;
use super::shapes::{Explained, Found};
use super::views::{self, Origins};
use crate::ledger::Entry;
use crate::round::{Snapshot, Subject};

/// Lines of history that go with one thing.
const HISTORY: usize = 5;
/// Things that one name may stand for in one answer.
const FOUND: usize = 20;

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

/// Everything that `what` names: host, project, `project/thing`, container, tier, keeper, concern, step, metric,
/// configuration key. Unknown names are refused with the nearest known ones.
pub fn explain(what: &str, sources: Sources<'_>) -> Result<Explained, Refusal> {
    let what = what.trim();
    if what.is_empty() {
        return Err(Refusal {
            code: "bad_request".into(),
            text: "explain needs a name".into(),
            cure: "name a project, project/thing, container, tier, concern, step, metric or configuration key".into(),
        });
    }
    let mut found = Vec::new();
    found.extend(things::find_host(what, sources));
    found.extend(things::find_projects(what, sources));
    found.extend(things::find_things(what, sources));
    found.extend(things::find_containers(what, sources));
    found.extend(things::find_tiers(what, sources));
    found.extend(words::find_keepers(what, sources));
    found.extend(orders::find_concerns(what, sources));
    found.extend(orders::find_steps(what, sources));
    found.extend(words::find_metrics(what, sources));
    found.extend(words::find_keys(what, sources));
    if found.is_empty() {
        found.extend(words::find_past(what, sources));
    }
    if found.is_empty() {
        return Err(unknown(what, sources));
    }
    found.truncate(FOUND);
    Ok(Explained { schema: "hostkeeper.explain/1".into(), what: what.to_owned(), found })
}

/// Something found, before its concerns, steps and history are attached.
struct Draft {
    kind: &'static str,
    name: String,
    text: String,
    chain: Vec<Fact>,
    next: Option<String>,
}

impl Draft {
    /// Attaches everything whose subject is `mine`.
    fn about(self, mine: impl Fn(&Subject) -> bool, sources: Sources<'_>) -> Found {
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
    fn alone(self) -> Found {
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

fn fact(what: impl Into<String>, value: impl std::fmt::Display, source: &str) -> Fact {
    Fact { what: what.into(), value: value.to_string(), source: source.to_owned(), origin: None }
}

/// The configuration key as a fact, when the configuration knows it.
fn key_fact(key: &str, sources: Sources<'_>) -> Option<Fact> {
    let origin = (sources.origins)(key)?;
    Some(Fact {
        what: key.to_owned(),
        value: origin.value,
        source: format!("config:{key}"),
        origin: Some(origin.origin),
    })
}

fn unknown(what: &str, sources: Sources<'_>) -> Refusal {
    let mut near: Vec<(f64, String)> = words::list_names(sources)
        .into_iter()
        .filter(|name| name.len() <= 100)
        .map(|name| (strsim::jaro_winkler(what, &name), name))
        .filter(|(alike, _)| *alike > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    let names: Vec<String> = near.into_iter().take(3).map(|(_, name)| name).collect();
    let cure = if names.is_empty() {
        "name a project, project/thing, container, tier, concern, step, metric or configuration key; see hostkeeper status"
            .to_owned()
    } else {
        format!("did you mean {}?", names.join(" or "))
    };
    let text = format!("nothing here is called \"{}\"", crate::values::one_line(what, 80));
    Refusal { code: "not_found".into(), text, cure }
}
