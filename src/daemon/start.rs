//! Start and stop of the daemon: configuration, lock, ledger, socket, rounds, signals. The order matters: nothing is
//! looked at before the configuration holds, nothing is ready before the first round is over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::messages;
use super::places::Places;
use super::recorder::{keep_draining, start_recorder};
use super::rounds::Rounds;
use super::running::{Command, Running, Scrapes};
use super::seats::{Chair, set_table};
use super::storm::StormWatch;
use super::systemd::Systemd;
use crate::api::{Agent, Door, ServeOptions};
use crate::config::{self, Loaded, Problems};
use crate::host::lock::Lock;
use crate::host::open_files::raise_open_files;
use crate::host::watch::Watch;
use crate::host::{Clock, Error, Host, Roots};
use crate::ledger::{Book, Event};

/// How long a step under way may take to end after the stop was asked for.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// Orders that may wait.
const ORDERS: usize = 16;

/// Why the daemon could not start or ended.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Exit 78: trying again does not help.
    #[error("{0}")]
    Config(Problems),
    #[error("{}", .0.chain())]
    Host(#[from] Error),
}

/// Runs the agent until SIGTERM or SIGINT.
pub fn run(places: &Places) -> Result<(), Failure> {
    let loaded = config::load(&places.config).map_err(Failure::Config)?;
    let _lock = Lock::acquire(&places.state)?;
    let limit = raise_open_files();
    tracing::debug!(?limit, "open files");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Rounds and scrapes are short and take turns; what may block moves aside (`block_in_place`, `Patience`).
        // A second worker cost a fifth of a scrape's CPU in wake-ups.
        .worker_threads(1)
        .max_blocking_threads(8)
        // Longer than a round: the thread that looks is not made anew each time.
        .thread_keep_alive(Duration::from_secs(90))
        .thread_stack_size(512 * 1024)
        .enable_all()
        .build()
        .map_err(|error| Error::reply("tokio", error))?;
    let outcome = runtime.block_on(live(places, loaded));
    // A look that hangs in the kernel must not hold the end of the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn live(places: &Places, loaded: Loaded) -> Result<(), Failure> {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let recorder = start_recorder()?;
    tokio::spawn(keep_draining(recorder.clone()));
    let (orders, waiting) = mpsc::channel(ORDERS);
    let chairs = set_table(&loaded.settings);
    let group = loaded.settings.api.group.clone();
    let running = Arc::new(assemble(places, loaded, &chairs, orders, Some(recorder)));
    let door = Door::open(&ServeOptions { socket: places.socket.clone(), group: Some(group) })?;
    let (stop, stopped) = watch::channel(false);
    let systemd = Arc::new(Systemd::default());
    let reload = listen(&stop, systemd.clone())?;
    let server = tokio::spawn(door.serve(running.clone() as Arc<dyn Agent>, stopped.clone()));
    let rounds = sit_down(places, running.clone(), (chairs, waiting), (stopped, reload), systemd);
    note(&running, "started", format!("hostkeeper {} started", env!("CARGO_PKG_VERSION")));
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(MESSAGE_ID = messages::STARTED, "hostkeeper {version} looks after this host");
    let rounds = tokio::spawn(rounds.run());
    finish(rounds, stop.subscribe()).await;
    // Also when the rounds ended by themselves: nobody may be told that all is well by a socket without an agent.
    stop.send_replace(true);
    note(&running, "stopped", "hostkeeper stopped".to_owned());
    if tokio::time::timeout(Duration::from_secs(2), server).await.is_err() {
        tracing::warn!("the API did not end in time");
    }
    Ok(())
}

/// Waits for the rounds to end; after the stop was asked for only so long as a step may take.
async fn finish(mut rounds: tokio::task::JoinHandle<()>, mut stopped: watch::Receiver<bool>) {
    let asked = async move {
        while !*stopped.borrow_and_update() {
            if stopped.changed().await.is_err() {
                break;
            }
        }
        tokio::time::sleep(STOP_LIMIT).await;
    };
    tokio::select! {
        ended = &mut rounds => if let Err(error) = ended {
            tracing::error!("the rounds ended: {error}");
        },
        () = asked => tracing::error!("a step did not end within {} s; it is examined at the next start", STOP_LIMIT.as_secs()),
    }
}

/// The shared state, before anything was seen.
pub(super) fn assemble(
    places: &Places,
    loaded: Loaded,
    chairs: &[Chair],
    orders: mpsc::Sender<Command>,
    recorder: Option<metrics_exporter_prometheus::PrometheusHandle>,
) -> Running {
    let clock = Clock::of_this_boot();
    let now = clock.now();
    let daemon = recorder.is_some();
    let book = if daemon { Book::open(&places.state, &now) } else { Book::to_read(&places.state) };
    Running {
        host: Mutex::new(Arc::new(host_of(&loaded))),
        seats: chairs.iter().map(|chair| chair.seat.clone()).collect(),
        orders,
        rounds: watch::channel(0).0,
        recorder,
        sights: Mutex::default(),
        snapshot: Mutex::new(Arc::new(super::look::nothing_seen(&loaded, &now, daemon))),
        loaded: Mutex::new(Arc::new(loaded)),
        book: Mutex::new(book),
        scrapes: Mutex::new(Scrapes::default()),
        daemon,
        clock,
    }
}

/// The machine as the configuration places it.
pub(super) fn host_of(loaded: &Loaded) -> Host {
    let vitals = &loaded.settings.vitals;
    let [procfs, sysfs, rootfs] = [&vitals.procfs, &vitals.sysfs, &vitals.rootfs].map(Into::into);
    Host::new(Roots { procfs, sysfs, rootfs })
}

fn sit_down(
    places: &Places,
    running: Arc<Running>,
    (chairs, orders): (Vec<Chair>, mpsc::Receiver<Command>),
    (stop, reload): (watch::Receiver<bool>, mpsc::Receiver<()>),
    systemd: Arc<Systemd>,
) -> Rounds {
    let now = running.now();
    let watch = Watch::start(&running.host().roots)
        .inspect_err(|error| tracing::warn!("changes are seen by the next round only: {}", error.chain()))
        .ok();
    Rounds {
        running,
        watch,
        chairs,
        places: places.clone(),
        orders,
        stop,
        reload,
        systemd,
        started: (now.wall, now.stamp()),
        config_loaded: now.wall,
        config_refused: None,
        number: 0,
        storm: StormWatch::default(),
        standing: std::collections::BTreeMap::new(),
        was_writable: true,
        pruned: now.up,
        due_in: std::time::Duration::MAX,
        answer: None,
    }
}

fn note(running: &Running, kind: &str, text: String) {
    let now = running.now();
    running.with_book(|book| book.note(vec![Event::new(kind, text)], &now));
}

/// SIGTERM and SIGINT stop, SIGHUP reloads. A second SIGTERM changes nothing: the bound holds already.
fn listen(stop: &watch::Sender<bool>, systemd: Arc<Systemd>) -> Result<mpsc::Receiver<()>, Error> {
    let catch = |kind: SignalKind| signal(kind).map_err(|error| Error::reply("signals", error));
    let (mut term, mut int, mut hup) =
        (catch(SignalKind::terminate())?, catch(SignalKind::interrupt())?, catch(SignalKind::hangup())?);
    let (reload, reloads) = mpsc::channel(1);
    let stop = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = term.recv() => break,
                _ = int.recv() => break,
                _ = hup.recv() => {
                    // Full: a reload is waiting already, and it will read the newest files.
                    if reload.try_send(()).is_err() {
                        tracing::debug!("a reload is waiting already");
                    }
                }
            }
        }
        systemd.stopping(STOP_LIMIT);
        tracing::info!(MESSAGE_ID = messages::STOPPING, "stopping");
        stop.send_replace(true);
        // Keeps the reload channel open until the process ends: a closed one would spin the loop.
        reload.closed().await;
    });
    Ok(reloads)
}
