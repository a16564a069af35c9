//! What the agent worries about of itself: ledger, configuration, kill switch; and concerns that came or went, as events.

use std::collections::BTreeMap;

use super::rounds::Rounds;
use crate::ledger::Event;
use crate::round::{Concern, Evidence, LedgerState, Severity, Snapshot, Subject};

/// Kinds of events.
const RAISED: &str = "concern_raised";
pub(super) const ENDED: &str = "concern_ended";

type Standing = BTreeMap<(String, String), (String, String)>;

pub(super) fn concerns(rounds: &Rounds, ledger: &LedgerState) -> Vec<Concern> {
    let mut concerns: Vec<Concern> = rounds.ledger_worries().into_iter().map(from_worry).collect();
    if let LedgerState::Unwritable(why) = ledger
        && !concerns.iter().any(|concern| concern.id == "ledger-unwritable")
    {
        let text = format!("the ledger cannot be written, so nothing is done: {why}");
        concerns.push(own("ledger-unwritable", Severity::Critical, text, "hostkeeper doctor"));
    }
    if let Some(why) = &rounds.config_refused {
        let text = format!("the last reload was refused and the earlier configuration stays in force: {why}");
        concerns.push(own("config-refused", Severity::Warning, text, "hostkeeper config check"));
    }
    let loaded = rounds.running.loaded();
    let switch = &loaded.settings.host.kill_switch;
    if rounds.running.host().is_there(switch) {
        let text = "the kill switch is on: the agent looks and plans, and changes nothing";
        let mut concern = own("kill-switch", Severity::Warning, text.to_owned(), &format!("rm {}", switch.display()));
        concern.evidence.push(Evidence::new("kill switch file", switch.display(), "config:host.kill_switch"));
        concerns.push(concern);
    }
    concerns
}

fn own(id: &str, severity: Severity, text: String, cure: &str) -> Concern {
    let subject = Subject::thing("agent");
    Concern { id: id.to_owned(), severity, subject, text, evidence: Vec::new(), cure: cure.to_owned() }
}

fn from_worry(worry: crate::ledger::Worry) -> Concern {
    let severity = if worry.severity == "critical" { Severity::Critical } else { Severity::Warning };
    let mut concern = own(worry.id, severity, worry.text, &worry.cure);
    concern.evidence.push(Evidence::new("ledger", "seen there", worry.source));
    concern
}

/// Events for concerns that came, changed their severity, or went.
pub(super) fn changes(before: &Standing, now: &Standing, snapshot: &Snapshot) -> Vec<Event> {
    let mut events = Vec::new();
    for concern in &snapshot.concerns {
        let key = (concern.id.clone(), concern.subject.to_string());
        if before.get(&key).is_none_or(|(severity, _)| severity != concern.severity.as_str()) {
            events.push(Event {
                project: concern.subject.project.clone(),
                thing: concern.subject.thing.clone(),
                severity: Some(concern.severity.as_str().to_owned()),
                because: Some(concern.text.clone()),
                ..Event::new(RAISED, format!("{}: {}", concern.id, concern.subject))
            });
        }
    }
    for ((id, subject), (severity, text)) in before.iter().filter(|(key, _)| !now.contains_key(*key)) {
        let (project, thing) = match subject.split_once('/') {
            Some((project, thing)) => (project.parse().ok(), Some(thing.to_owned())),
            None => (None, Some(subject.clone())),
        };
        events.push(Event {
            project,
            thing,
            severity: Some(severity.clone()),
            because: Some(text.clone()),
            ..Event::new(ENDED, format!("{id}: {subject}"))
        });
    }
    events
}
