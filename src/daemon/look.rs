//! A look without a daemon: one round that plans and changes nothing, answering like the daemon would.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::picture::{Frame, draw_snapshot};
use super::places::Places;
use super::running::{Running, Seen, SharedJournal, lock};
use super::seats::set_table;
use super::start::{Failure, assemble};
use crate::api::Agent;
use crate::config::{self, Loaded};
use crate::ledger::{Journal, Past};
use crate::round::{AgentView, Circumstances, LedgerState, RoundResult, Snapshot, Storm, Table, look_and_plan};
use crate::values::Now;

/// Looks once and plans as the daemon would; rates need two looks and are not known. Writes nothing anywhere.
pub async fn look_once(places: &Places) -> Result<Arc<dyn Agent>, Failure> {
    let path = places.config.clone();
    let read = tokio::task::spawn_blocking(move || config::load(&path)).await;
    let loaded = read.map_err(|error| crate::host::Error::reply("config", error))?.map_err(Failure::Config)?;
    let chairs = set_table(&loaded.settings);
    let (orders, _) = mpsc::channel(1);
    let running = assemble(places, loaded, &chairs, orders, None);
    plan(&running).await;
    Ok(Arc::new(running))
}

async fn plan(running: &Running) {
    let loaded = running.loaded();
    let rules = loaded.settings.rules();
    let begun = running.now();
    let past = SharedJournal(running).past(&begun);
    let (past, ledger) = match past {
        Ok(past) => (past, LedgerState::Writable),
        Err(error) => (Past::default(), LedgerState::Unwritable(error.chain())),
    };
    let circumstances = Circumstances {
        kill_switch: running.host().is_there(&loaded.settings.host.kill_switch),
        ledger,
        agent_started: begun.stamp(),
        storm: Storm::default(),
        ordered: BTreeSet::new(),
    };
    let clock = || running.now();
    let host = running.host();
    let table = Table {
        seats: &running.seats,
        host: &host,
        rules: &rules,
        clock: &clock,
        progress: &|| (),
        stopping: &|| true,
    };
    let (result, _) = look_and_plan(&table, &past, &circumstances).await;
    show(running, &result, &begun);
}

fn show(running: &Running, result: &RoundResult, begun: &Now) {
    let now = running.now();
    let loaded = running.loaded();
    let took_seconds = now.up.saturating_sub(begun.up).as_secs_f64();
    let agent = agent_view(&loaded, &now, false);
    let frame = Frame { number: 1, at: &now, took_seconds, loaded: &loaded, agent, own: Vec::new() };
    *lock(&running.snapshot) = Arc::new(draw_snapshot(result, frame));
    let mut sights = lock(&running.sights);
    for (name, sight) in &result.sights {
        sights.insert(name, Seen { sight: sight.clone(), up: now.up });
    }
    running.rounds.send_replace(1);
}

fn agent_view(loaded: &Loaded, now: &Now, daemon: bool) -> AgentView {
    AgentView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: now.wall,
        config_loaded: now.wall,
        config_files: loaded.files.iter().map(|file| file.display().to_string()).collect(),
        config_refused: None,
        daemon,
    }
}

/// The snapshot before the first round: nothing is known, and it says so by round 0.
pub(super) fn nothing_seen(loaded: &Loaded, now: &Now, daemon: bool) -> Snapshot {
    let agent = agent_view(loaded, now, daemon);
    let frame = Frame { number: 0, at: now, took_seconds: 0.0, loaded, agent, own: Vec::new() };
    draw_snapshot(&RoundResult::default(), frame)
}
