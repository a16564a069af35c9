//! The storage keeper and the ledger together, killed at any moment: what was begun is examined, nothing is done twice,
//! nothing stays half done, and the ledger says what happened.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test says so.

use std::io::{BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hostkeeper::host::{Host, Roots};
use hostkeeper::keepers::storage::config::{Config, Dir, Tier};
use hostkeeper::keepers::storage::{Step, Storage};
use hostkeeper::ledger::{Book, Intent, Journal, Outcome, Past, Query, Unfinished};
use hostkeeper::round::{Change, Keeper, Plan};
use hostkeeper::values::Now;

const MARK: u8 = 7;
const PLACE: &str = "HOSTKEEPER_TEST_CRASH";
const DIRS: [(&str, &str); 4] = [("a", "0700"), ("b/c", "0750"), ("b/d", "2770"), ("e/f/g", "0711")];

fn now() -> Now {
    Now { wall: "2026-11-01T00:00:00Z".parse().unwrap(), up: Duration::from_secs(9), boot: "a".into() }
}

/// An agent in small: the order of a round without its guard.
struct Agent {
    book: Book,
    keeper: Storage,
    config: Config,
    host: Host,
}

impl Agent {
    fn start(place: &Path) -> Agent {
        let mut config = Config::default();
        let path = place.join("tier").to_str().unwrap().to_owned();
        let tier = Tier { path, ..Tier::default() };
        config.tiers.insert("ssd".into(), tier);
        let owner = nix::unistd::geteuid().is_root().then(|| "4242:4243".to_owned());
        for (path, mode) in DIRS {
            let mode = Some(mode.to_owned());
            let dir = Dir { tier: "ssd".into(), path: path.into(), owner: owner.clone(), mode, quota: None };
            config.dirs.insert(("athena".parse().unwrap(), path.replace('/', "_")), dir);
        }
        let book = Book::open(&place.join("state"), &now());
        assert_eq!(book.trouble(), None);
        Agent { book, keeper: Storage::default(), config, host: Host::new(Roots::default()) }
    }

    /// What was begun and not concluded is looked at, not repeated.
    async fn settle(&mut self) -> Vec<Unfinished> {
        let unfinished = self.book.write(|ledger| ledger.unfinished()).unwrap();
        for order in &unfinished {
            let step: Step = serde_json::from_str(&order.payload).unwrap();
            let outcome = match self.keeper.examine(&self.config, &step, &self.host).await {
                Some(true) => Outcome::FoundDone,
                Some(false) => Outcome::FoundUndone,
                None => Outcome::FoundUnclear,
            };
            self.book.conclude(order.intent, &outcome, &now()).unwrap();
        }
        unfinished
    }

    async fn look(&mut self) -> Plan<Step> {
        let seen = self.keeper.observe(&self.config, &self.host, &now()).await.unwrap();
        Storage::decide(&self.config, &seen, &Past::default(), &now())
    }

    async fn round(&mut self) {
        for planned in self.look().await.steps {
            let intent = Intent {
                plan: "p".into(),
                step: planned.id(Storage::NAME),
                key: planned.key(Storage::NAME),
                keeper: Storage::NAME.into(),
                kind: "k".into(),
                project: planned.subject.project.clone(),
                thing: planned.subject.thing.clone(),
                class: planned.class.as_str().into(),
                text: planned.step.to_string(),
                because: planned.because.text.clone(),
                evidence: "[]".into(),
                payload: serde_json::to_string(&planned.step).unwrap(),
                undo: None,
                origin: "round".into(),
                trial: false,
            };
            let id = self.book.intend(&intent, &now()).unwrap();
            announce();
            let outcome = match self.keeper.act(&self.config, &planned.step, &self.host).await {
                Ok(Change::Made) => Outcome::Made,
                Ok(Change::AlreadySo) => Outcome::AlreadySo,
                Err(error) => Outcome::Failed(error.chain()),
            };
            self.book.conclude(id, &outcome, &now()).unwrap();
        }
    }
}

/// Tells the killer that an order is about to be carried out.
fn announce() {
    if std::env::var_os(PLACE).is_some() {
        let mut out = std::io::stdout();
        out.write_all(&[MARK]).and_then(|()| out.flush()).unwrap();
    }
}

/// Waits for a few orders of the child, a little more, and kills it.
fn kill_in_the_middle(mut child: Child, round: u64) {
    let wanted = 1 + round % 7;
    let mut out = BufReader::new(child.stdout.take().unwrap()).bytes();
    let mut seen = 0;
    while seen < wanted {
        seen += u64::from(out.next().unwrap().unwrap() == MARK);
    }
    let pause = Instant::now() + Duration::from_micros((round * 7919) % 2_000);
    while Instant::now() < pause {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

/// The agent that is killed: rounds without end, over a tier that somebody keeps clearing.
#[test]
fn agent_child() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let place = Path::new(&place);
    let mut agent = Agent::start(place);
    block_on(async {
        agent.settle().await;
        let parent = std::os::unix::process::parent_id();
        // A test that failed must not leave an agent behind.
        while std::os::unix::process::parent_id() == parent {
            agent.round().await;
            for below in ["a", "b", "e"] {
                std::fs::remove_dir_all(place.join("tier").join(below)).unwrap();
            }
        }
    });
}

#[test]
fn killed_two_hundred_times_nothing_is_half_done() {
    // In memory where there is such a place: a kill takes nothing from a page cache, and a disk would only be slow.
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let place = directory.path().canonicalize().unwrap();
    std::fs::create_dir(place.join("tier")).unwrap();
    let mut cut_short = 0;
    for round in 0..200_u64 {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "agent_child", "--nocapture"])
            .env(PLACE, &place)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        kill_in_the_middle(child, round);
        let mut agent = Agent::start(&place);
        cut_short += block_on(agent.settle()).len();
        block_on(agent.round());
        verify(&place, &mut agent);
    }
    eprintln!("{cut_short} of 200 kills came between order and result");
    assert!(cut_short > 20, "only {cut_short} of 200 kills came between order and result");
}

/// After one round everything is as declared, and every order has exactly one result.
fn verify(place: &Path, agent: &mut Agent) {
    let plan = block_on(agent.look());
    let tidy = plan.steps.is_empty() && plan.concerns.is_empty();
    if !tidy {
        // A directory that was left without owner or mode needs orders of its own, one round later.
        block_on(agent.round());
        let plan = block_on(agent.look());
        assert!(plan.steps.is_empty() && plan.concerns.is_empty(), "{plan:?}");
    }
    for (path, mode) in DIRS {
        let facts = std::fs::metadata(place.join("tier").join(path)).unwrap();
        assert_eq!(format!("{:04o}", facts.mode() & 0o7777), mode, "{path}");
    }
    let history = agent.book.history(&Query { limit: 1000, ..Query::default() }).unwrap();
    for entry in history.iter().filter(|entry| entry.kind == "step") {
        let outcome = entry.outcome.as_ref().unwrap_or_else(|| panic!("{} has no result", entry.text));
        let failed = matches!(outcome, Outcome::Failed(_) | Outcome::FoundUnclear);
        assert!(!failed, "{}: {outcome:?}", entry.text);
    }
    assert!(agent.book.write(|ledger| ledger.unfinished()).unwrap().is_empty());
}
