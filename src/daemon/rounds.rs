//! The loop: a round, then wait for time, an order, or the end. The watchdog is fed from here and from nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::orders::Answer;
use super::picture::{Frame, draw_snapshot, status_line};
use super::running::{Command, Running, Seen, SharedJournal, lock};
use super::seats::Chair;
use super::storm::StormWatch;
use super::systemd::Systemd;
use super::{Places, messages, own_concerns};
use crate::host::Host;
use crate::host::bell::Bell;
use crate::host::resident::release_code;
use crate::host::watch::Watch;
use crate::ledger::Outcome;
use crate::round::{AgentView, Circumstances, Gate, LedgerState, RoundResult, Snapshot, Table, run_round};
use crate::values::Stamp;

/// Longest silence towards the watchdog while nothing is to be done.
const BREATH: Duration = Duration::from_secs(5);
/// After a sign of change: what belongs together comes together.
const SETTLE: Duration = Duration::from_millis(100);
/// How often declared limits are compared with those in force.
const DRIFT: Duration = Duration::from_secs(4);
/// Signs of change do not make rounds follow each other faster.
const MOST_OFTEN: Duration = Duration::from_secs(1);

/// The one who runs the rounds. Everything that changes the machine happens on its task, one thing at a time.
pub struct Rounds {
    pub(super) running: Arc<Running>,
    pub(super) chairs: Vec<Chair>,
    pub(super) places: Places,
    pub(super) orders: mpsc::Receiver<Command>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) reload: mpsc::Receiver<()>,
    pub(super) systemd: Arc<Systemd>,
    pub(super) started: (Timestamp, Stamp),
    pub(super) config_loaded: Timestamp,
    pub(super) config_refused: Option<String>,
    pub(super) number: u64,
    pub(super) storm: StormWatch,
    /// `None`: nothing can be watched here, and rounds come by time alone.
    pub(super) watch: Option<Watch>,
    /// Concerns of the last round: id and subject, severity and text.
    pub(super) standing: BTreeMap<(String, String), (String, String)>,
    pub(super) was_writable: bool,
    /// When old entries were last let go, time since boot.
    pub(super) pruned: Duration,
    /// How long the next round may wait at most, for the sake of pools.
    pub(super) due_in: Duration,
    pub(super) answer: Option<Answer>,
}

impl Rounds {
    /// Rounds until it is told to stop. What is under way when the stop comes is finished.
    pub async fn run(mut self) {
        self.examine_unfinished().await;
        loop {
            self.round(BTreeSet::new()).await;
            self.answer();
            if self.number == 1 {
                self.systemd.ready();
                release_code();
            }
            if !self.wait().await {
                return;
            }
        }
    }

    /// Waits for the next round. `false`: the end.
    async fn wait(&mut self) -> bool {
        let ended = tokio::time::Instant::now();
        let mut due = ended + self.running.loaded().settings.host.interval.0.min(self.due_in);
        let bell = self.running.host().bell.clone();
        let breath_length = self.systemd.patience().map_or(BREATH, |patience| BREATH.min(patience / 3));
        loop {
            if *self.stop.borrow() {
                return false;
            }
            let breath = due.min(tokio::time::Instant::now() + breath_length);
            tokio::select! {
                _ = self.stop.changed() => return false,
                Some(()) = self.reload.recv() => {
                    let _ = self.reload_config().await;
                    return true;
                }
                Some(command) = self.orders.recv() => {
                    self.obey(command).await;
                    return true;
                }
                () = sign_of_change(self.watch.as_ref(), &bell) => {
                    due = due.min((tokio::time::Instant::now() + SETTLE).max(ended + MOST_OFTEN));
                }
                () = tokio::time::sleep_until(breath) => {
                    self.systemd.alive();
                    if tokio::time::Instant::now() >= due {
                        return true;
                    }
                }
            }
        }
    }

    /// One round. `ordered`: step ids that a person wants done in it.
    pub(super) async fn round(&mut self, ordered: BTreeSet<String>) -> RoundResult {
        let begun = Instant::now();
        self.number += 1;
        let ledger = self.probe_ledger().await;
        self.tell_last_alive().await;
        self.undo_expired_trials(&ledger).await;
        self.prune_now_and_then(&ledger);
        let circumstances = self.circumstances(ledger, ordered);
        let running = self.running.clone();
        let host = running.host();
        let rules = running.loaded().settings.rules();
        let clock = || running.now();
        let (systemd, stop) = (self.systemd.clone(), self.stop.clone());
        let progress = move || systemd.alive();
        let stopping = move || *stop.borrow();
        let table = Table {
            seats: &running.seats,
            host: &host,
            rules: &rules,
            clock: &clock,
            progress: &progress,
            stopping: &stopping,
        };
        let result = run_round(&table, &circumstances, &mut SharedJournal(&running)).await;
        self.watch_places(&host);
        self.publish(&result, begun.elapsed());
        self.follow_pools(&result);
        if !running.loaded().settings.limits.is_idle() {
            // What was changed in the kernel by hand rings no bell.
            self.due_in = self.due_in.min(DRIFT);
        }
        if result.done.iter().any(|done| done.outcome == Outcome::Made) {
            // What was done is seen, and what waited for it follows.
            self.due_in = self.due_in.min(MOST_OFTEN);
        }
        result
    }

    /// What is declared and missing can be watched once it is there.
    fn watch_places(&self, host: &Host) {
        let Some(watch) = &self.watch else { return };
        let places = self.running.loaded().settings.storage.list_places();
        let below = |place: &str| host.roots.rootfs.join(place.trim_start_matches('/'));
        watch.set_places(places.iter().map(|place| below(place)).collect());
    }

    fn circumstances(&mut self, ledger: LedgerState, ordered: BTreeSet<String>) -> Circumstances {
        let settings = &self.running.loaded().settings;
        let snapshot = self.running.snapshot();
        Circumstances {
            kill_switch: self.running.host().is_there(&settings.host.kill_switch),
            ledger,
            agent_started: self.started.1.clone(),
            storm: self.storm.count(&snapshot.containers, settings.guard.storm_window.0, &self.running.now()),
            ordered,
        }
    }

    /// Makes what was seen and decided known: snapshot, sights, events, status line, counters.
    fn publish(&mut self, result: &RoundResult, took: Duration) {
        let now = self.running.now();
        {
            let mut sights = lock(&self.running.sights);
            sights.retain(|name, _| result.sights.contains_key(name));
            for (name, sight) in &result.sights {
                sights.insert(name, Seen { sight: sight.clone(), up: now.up });
            }
        }
        let loaded = self.running.loaded();
        let frame = Frame {
            number: self.number,
            at: &now,
            took_seconds: took.as_secs_f64(),
            loaded: &loaded,
            agent: self.agent_view(),
            own: own_concerns::concerns(self, &result.ledger),
        };
        let snapshot = Arc::new(draw_snapshot(result, frame));
        self.note_concerns(&snapshot);
        self.systemd.status(&status_line(&snapshot));
        *lock(&self.running.snapshot) = snapshot;
        self.running.rounds.send_replace(self.number);
        count(result, took);
    }

    pub(super) fn agent_view(&self) -> AgentView {
        AgentView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started.0,
            config_loaded: self.config_loaded,
            config_files: self.running.loaded().files.iter().map(|file| file.display().to_string()).collect(),
            config_refused: self.config_refused.clone(),
            daemon: true,
        }
    }

    /// Concerns that came, changed or went, as events.
    fn note_concerns(&mut self, snapshot: &Snapshot) {
        let now: BTreeMap<(String, String), (String, String)> = snapshot
            .concerns
            .iter()
            .map(|c| ((c.id.clone(), c.subject.to_string()), (c.severity.as_str().to_owned(), c.text.clone())))
            .collect();
        let events = own_concerns::changes(&self.standing, &now, snapshot);
        self.standing = now;
        for event in &events {
            let project = event.project.as_ref().map(|project| project.as_str());
            let because = event.because.as_deref().unwrap_or_default();
            let (text, kind) = (&event.text, &event.kind);
            if event.kind == own_concerns::ENDED {
                let id = messages::CONCERN_ENDED;
                tracing::info!(MESSAGE_ID = id, HOSTKEEPER_PROJECT = project, HOSTKEEPER_EVENT = %kind, "ended: {text}: {because}");
            } else {
                let id = messages::CONCERN_RAISED;
                tracing::warn!(MESSAGE_ID = id, HOSTKEEPER_PROJECT = project, HOSTKEEPER_EVENT = %kind, "{text}: {because}");
            }
        }
        let moment = self.running.now();
        self.running.with_book(|book| book.note(events, &moment));
    }
}

async fn sign_of_change(watch: Option<&Watch>, bell: &Bell) {
    let watched = async {
        match watch {
            Some(watch) => watch.changed().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = watched => {}
        () = bell.rung() => {}
    }
}

fn count(result: &RoundResult, took: Duration) {
    metrics::counter!("hostkeeper_rounds_total").increment(1);
    metrics::histogram!("hostkeeper_round_duration_seconds").record(took.as_secs_f64());
    for done in &result.done {
        let word = match &done.outcome {
            Outcome::Made => "made",
            Outcome::AlreadySo => "already_so",
            _ => "failed",
        };
        let (keeper, kind) = (done.step.keeper.clone(), done.step.kind.clone());
        metrics::counter!("hostkeeper_steps_total", "keeper" => keeper, "kind" => kind, "result" => word).increment(1);
        log_step(done, word);
    }
    let open = result.plan.iter().filter(|step| step.gate == Gate::Open).count();
    tracing::debug!(steps = result.plan.len(), open, "round ended");
}

fn log_step(done: &crate::round::Done, word: &str) {
    let project = done.step.subject.project.as_ref().map(|project| project.as_str());
    let because = &done.step.because.text;
    let (text, step) = (&done.step.text, &done.step.id);
    match &done.outcome {
        Outcome::Failed(why) => {
            let id = messages::STEP_FAILED;
            tracing::error!(MESSAGE_ID = id, HOSTKEEPER_PROJECT = project, HOSTKEEPER_STEP = %step, "failed: {text}: {why}");
        }
        _ => {
            let id = messages::STEP_DONE;
            tracing::info!(MESSAGE_ID = id, HOSTKEEPER_PROJECT = project, HOSTKEEPER_STEP = %step, "{word}: {text}, because {because}");
        }
    }
}
