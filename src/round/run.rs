//! One round: every keeper looks, decides, the guard gates all plans together, open steps are done one by one, each in
//! the ledger before and after. A failing keeper or step never ends more than its own keeper's round.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::{
    Change, Circumstances, Concern, Gate, KeeperReport, LedgerState, PlannedView, Proposal, Rules, Seat, Severity,
    Sight, Subject, decide_gates,
};
use crate::host::{Error, Host};
use crate::ledger::{Journal, Outcome, Past};
use crate::values::{Mode, Now, fingerprint};

/// A seat that the round and the scrape share.
pub type SharedSeat = Arc<Mutex<dyn Seat>>;

/// The time that one keeper has for one look.
pub const LOOK_LIMIT: Duration = Duration::from_secs(20);
/// The time that one step has, less than the patience of the watchdog (`WatchdogSec=90s`). Longer work belongs into a job.
pub const STEP_LIMIT: Duration = Duration::from_secs(75);

/// What a round works with.
pub struct Table<'a> {
    pub seats: &'a [SharedSeat],
    pub host: &'a Host,
    pub rules: &'a Rules,
    pub clock: &'a (dyn Fn() -> Now + Sync),
    /// Called at every sign of progress: the watchdog lives on it.
    pub progress: &'a (dyn Fn() + Sync),
    /// Whether the process is to end: no further step is begun.
    pub stopping: &'a (dyn Fn() -> bool + Sync),
}

/// One step that was begun, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    pub step: PlannedView,
    pub outcome: Outcome,
    pub took: Duration,
}

/// What a round saw, decided and did.
#[derive(Default)]
pub struct RoundResult {
    pub plan: Vec<PlannedView>,
    pub concerns: Vec<Concern>,
    pub reports: Vec<KeeperReport>,
    pub done: Vec<Done>,
    /// What was seen, by keeper.
    pub sights: BTreeMap<&'static str, Arc<dyn Sight>>,
    pub ledger: LedgerState,
}

impl RoundResult {
    /// Names the plan: changes when any step in it changes.
    pub fn plan_id(&self) -> String {
        let ids: Vec<&str> = self.plan.iter().map(|step| step.id.as_str()).collect();
        fingerprint(ids.join("\n").as_bytes())
    }
}

/// Looks, decides and gates, and changes nothing.
pub async fn look_and_plan(
    table: &Table<'_>,
    past: &Past,
    circumstances: &Circumstances,
) -> (RoundResult, Vec<Proposal>) {
    let mut result = RoundResult { ledger: circumstances.ledger.clone(), ..RoundResult::default() };
    let mut proposals = Vec::new();
    for seat in table.seats {
        let mut seat = seat.lock().await;
        seat.recall(past);
        look(&mut *seat, table, &mut result).await;
        let (steps, concerns) = seat.decide(past, &(table.clock)());
        proposals.extend(steps);
        result.concerns.extend(concerns);
        (table.progress)();
    }
    let gates = decide_gates(table.rules, &proposals, past, circumstances, &(table.clock)());
    for (proposal, gate) in proposals.iter_mut().zip(gates) {
        proposal.view.gate = gate;
    }
    result.plan = proposals.iter().map(|proposal| proposal.view.clone()).collect();
    result.concerns.extend(proposals.iter().filter_map(|proposal| concern_about(proposal, table.rules)));
    (result, proposals)
}

/// A whole round. With an unwritable ledger nothing is done.
pub async fn run_round(table: &Table<'_>, circumstances: &Circumstances, journal: &mut dyn Journal) -> RoundResult {
    let past = journal.past(&(table.clock)());
    let mut circumstances = circumstances.clone();
    let past = past.unwrap_or_else(|error| {
        circumstances.ledger = LedgerState::Unwritable(error.to_string());
        Past::default()
    });
    let (mut result, _) = look_and_plan(table, &past, &circumstances).await;
    act(table, &circumstances, journal, &mut result).await;
    result
}

async fn look(seat: &mut dyn Seat, table: &Table<'_>, result: &mut RoundResult) {
    let begun = Instant::now();
    let now = (table.clock)();
    let looked = tokio::time::timeout(LOOK_LIMIT, seat.look(table.host, &now)).await;
    let outcome =
        looked.unwrap_or_else(|_| Err(Error::Timeout { what: format!("look of {}", seat.name()), limit: LOOK_LIMIT }));
    let trouble = outcome.err().map(|error| error.chain());
    if let Some(trouble) = &trouble {
        seat.close_eyes();
        result.concerns.push(blind(seat.name(), trouble));
    }
    if let Some(sight) = seat.sight() {
        result.sights.insert(seat.name(), sight);
    }
    result.reports.push(KeeperReport {
        keeper: seat.name().to_owned(),
        mode: table.rules.mode(seat.name(), None),
        trouble,
        observe_seconds: begun.elapsed().as_secs_f64(),
    });
}

fn blind(keeper: &str, why: &str) -> Concern {
    Concern {
        id: "keeper-blind".to_owned(),
        severity: Severity::Critical,
        subject: Subject::thing(keeper),
        text: format!("{keeper} could not look: {why}"),
        evidence: Vec::new(),
        cure: "hostkeeper doctor".to_owned(),
    }
}

/// Steps that are held back in a way a person should know of: in mode warn, and in quarantine.
fn concern_about(proposal: &Proposal, rules: &Rules) -> Option<Concern> {
    let Gate::Blocked(block) = &proposal.view.gate else { return None };
    let view = &proposal.view;
    let mode = rules.mode(&view.keeper, view.subject.project.as_ref());
    let (id, severity) = match block.rule.as_str() {
        "mode" if mode == Mode::Warn => ("drift", Severity::Warning),
        "quarantine" => ("step-quarantined", Severity::Critical),
        "held" => ("step-held", Severity::Warning),
        _ => return None,
    };
    Some(Concern {
        id: id.to_owned(),
        severity,
        subject: view.subject.clone(),
        text: format!("not done: {} ({}; {})", view.text, view.because.text, block.text),
        evidence: view.because.evidence.clone(),
        cure: format!("hostkeeper explain {}", view.id),
    })
}

/// Does the open steps of every seat in order. A failure ends that keeper's steps; a ledger failure ends all.
async fn act(table: &Table<'_>, circumstances: &Circumstances, journal: &mut dyn Journal, result: &mut RoundResult) {
    let plan_id = result.plan_id();
    let mut failed: Option<String> = None;
    let mut index_in_keeper: BTreeMap<String, usize> = BTreeMap::new();
    for position in 0..result.plan.len() {
        let Some(view) = result.plan.get(position).cloned() else { break };
        let index = index_in_keeper.entry(view.keeper.clone()).or_default();
        let this = *index;
        *index += 1;
        if view.gate != Gate::Open || failed.as_ref() == Some(&view.keeper) || (table.stopping)() {
            continue;
        }
        let Some(seat) = seat_of(table.seats, &view.keeper).await else { continue };
        let origin = if circumstances.ordered.contains(&view.id) { "apply" } else { "round" };
        let begun = Instant::now();
        let doing = Doing { table, journal, seat, index: this, plan: &plan_id, origin };
        match doing.step(&view).await {
            Ok(outcome) => {
                if let Outcome::Failed(why) = &outcome {
                    failed = Some(view.keeper.clone());
                    trouble(result, &view.keeper, why);
                }
                result.done.push(Done { step: view, outcome, took: begun.elapsed() });
            }
            Err(why) => {
                result.ledger = LedgerState::Unwritable(why);
                return;
            }
        }
        (table.progress)();
    }
}

fn trouble(result: &mut RoundResult, keeper: &str, why: &str) {
    if let Some(report) = result.reports.iter_mut().find(|report| report.keeper == keeper) {
        report.trouble = Some(why.to_owned());
    }
}

async fn seat_of(seats: &[SharedSeat], name: &str) -> Option<SharedSeat> {
    for seat in seats {
        if seat.lock().await.name() == name {
            return Some(seat.clone());
        }
    }
    None
}

struct Doing<'a, 'b> {
    table: &'a Table<'b>,
    journal: &'a mut dyn Journal,
    seat: SharedSeat,
    index: usize,
    plan: &'a str,
    origin: &'a str,
}

impl Doing<'_, '_> {
    /// Intent, act, result. `Err`: the ledger could not be written.
    async fn step(self, view: &PlannedView) -> Result<Outcome, String> {
        let mut seat = self.seat.lock().await;
        let Some(mut intent) = seat.intent(self.index) else {
            return Ok(Outcome::Failed("the step is no longer in the plan".to_owned()));
        };
        intent.plan = self.plan.to_owned();
        intent.origin = self.origin.to_owned();
        let mode = self.table.rules.mode(&view.keeper, view.subject.project.as_ref());
        intent.trial = mode == Mode::Trial && self.origin == "round";
        let clock = self.table.clock;
        let id = self.journal.intend(&intent, &clock()).map_err(|error| error.to_string())?;
        let acted = tokio::time::timeout(STEP_LIMIT, seat.carry_out(self.index, self.table.host)).await;
        let acted = acted.unwrap_or_else(|_| Err(Error::Timeout { what: view.text.clone(), limit: STEP_LIMIT }));
        let outcome = outcome_of(acted);
        let notes = seat.take_notes();
        if !notes.is_empty() {
            self.journal.record(id, &notes, &clock()).map_err(|error| error.to_string())?;
        }
        self.journal.conclude(id, &outcome, &clock()).map_err(|error| error.to_string())?;
        Ok(outcome)
    }
}

/// A step's answer as the ledger keeps it.
pub fn outcome_of(acted: Result<Change, Error>) -> Outcome {
    match acted {
        Ok(Change::Made) => Outcome::Made,
        Ok(Change::AlreadySo) => Outcome::AlreadySo,
        Err(error) => Outcome::Failed(error.chain()),
    }
}
