//! An agent that answers from a script: the reference host in numbers, with whatever a test adds to it. Used by the
//! tests in the library and by those beside it.
#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod limits;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hostkeeper::api::types::{Caller, CollectorCost, Done, HistoryQuery, KeyOrigin, Order, Scrape, StepDone};
use hostkeeper::api::{Agent, Answer, Refusal};
use hostkeeper::ledger::{Entry, Outcome};
use hostkeeper::metrics::{Family, Filter, Group, Page};
use hostkeeper::round::{
    AgentView, Block, CacheView, Class, CleanView, Concern, ContainerView, DeletedView, DirView, Evidence,
    FilesystemView, Gate, GpuView, HostView, KeeperReport, LedgerState, Leftover, LeftoverClass, PlannedView,
    PoolMemberView, PoolView, ProjectView, Reason, ReclaimView, Severity, Snapshot, Subject, TierView, UnboundLog,
};
use hostkeeper::values::{Mode, ProjectName};
use tokio::sync::watch;

/// What the agent will say.
pub struct ScriptedAgent {
    pub snapshot: Mutex<Snapshot>,
    pub entries: Mutex<Vec<Entry>>,
    pub orders: Mutex<Vec<(Order, Caller)>>,
    pub rounds: watch::Sender<u64>,
    pub ready: AtomicBool,
    /// Series of the page of metrics.
    pub series: usize,
    /// Each answer about metrics takes so long.
    pub slow: std::time::Duration,
}

impl ScriptedAgent {
    pub fn new() -> ScriptedAgent {
        ScriptedAgent {
            snapshot: Mutex::new(snapshot()),
            entries: Mutex::new(entries()),
            orders: Mutex::default(),
            rounds: watch::Sender::new(7),
            ready: AtomicBool::new(true),
            series: 1500,
            slow: std::time::Duration::ZERO,
        }
    }

    pub fn with(change: impl FnOnce(&mut Snapshot)) -> ScriptedAgent {
        let agent = ScriptedAgent::new();
        change(&mut agent.snapshot.lock().unwrap());
        agent
    }

    /// Adds one line of history and wakes the streams.
    pub fn happen(&self, text: &str) -> i64 {
        let mut entries = self.entries.lock().unwrap();
        let id = entries.first().map_or(1, |entry| entry.id + 1);
        entries.insert(0, entry(id, "reloaded", "host", text));
        self.rounds.send_modify(|round| *round += 1);
        id
    }
}

impl Agent for ScriptedAgent {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(self.snapshot.lock().unwrap().clone())
    }

    fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    fn metrics(&self, filter: Filter) -> Answer<'_, Result<Scrape, Refusal>> {
        Box::pin(async move {
            tokio::time::sleep(self.slow).await;
            Ok(scrape(filter, self.series))
        })
    }

    fn history(&self, query: HistoryQuery) -> Answer<'_, Result<Vec<Entry>, Refusal>> {
        let fits = |entry: &&Entry| {
            query.after.is_none_or(|after| entry.id > after)
                && query.since.is_none_or(|since| entry.at >= since)
                && query.kind.as_ref().is_none_or(|kind| *kind == entry.kind)
                && query.keeper.as_ref().is_none_or(|keeper| Some(keeper) == entry.keeper.as_ref())
                && query.project.as_ref().is_none_or(|project| {
                    entry.subject == project.as_str() || entry.subject.starts_with(&format!("{project}/"))
                })
        };
        let entries = self.entries.lock().unwrap();
        let entries = entries.iter().filter(fits).take(query.limit as usize).cloned().collect();
        Box::pin(async move { Ok(entries) })
    }

    fn order(&self, order: Order, by: Caller) -> Answer<'_, Result<Done, Refusal>> {
        let plan = self.snapshot().plan_id.clone();
        let answer = match &order {
            Order::Apply { plan: asked, .. } if *asked != plan => Err(Refusal {
                code: "stale_plan".into(),
                text: "the plan has changed".into(),
                cure: "hostkeeper plan".into(),
            }),
            Order::Apply { steps, .. } => Ok(Done {
                text: "1 step made".into(),
                steps: steps
                    .iter()
                    .map(|id| StepDone { id: id.clone(), text: "create".into(), result: "made".into(), why: None })
                    .collect(),
            }),
            _ => Ok(Done { text: "done".into(), steps: Vec::new() }),
        };
        self.orders.lock().unwrap().push((order, by));
        Box::pin(async move { answer })
    }

    fn config_key(&self, key: &str) -> Option<KeyOrigin> {
        let (value, origin) = match key {
            "host.mode" => ("enforce", "default"),
            "project.athena.dir.postgres.mode" => ("0700", "conf.d/athena.toml:7"),
            "project.athena.mode" => ("observe", "conf.d/athena.toml:2"),
            "storage.tier.bcache.device" => ("bcache0", "hostkeeper.toml:12"),
            _ => return None,
        };
        let help = Some("What it means.".to_owned());
        Some(KeyOrigin { key: key.into(), value: value.into(), origin: origin.into(), help })
    }

    fn ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }
}

/// A page with `series` series in one family per ten series, and one failing collector.
pub fn scrape(filter: Filter, series: usize) -> Scrape {
    let node = filter.wants(Group::Node, "cpu");
    let mut page = Page::new(filter, 20_000);
    page.single(&Family::gauge("hostkeeper_up", "Whether it runs."), 1_u64);
    for family in 0..if node { series / 10 } else { 0 } {
        let name = format!("node_scripted_{family}_bytes_total");
        page.family(&Family { name: name.into(), help: "A number.".into(), ..Family::counter("", "") });
        for sample in 0..10_u64 {
            let cpu = sample.to_string();
            page.sample(&[("cpu", cpu.as_str()), ("mode", "idle")], 123_456_789 + sample);
        }
    }
    let cost = |collector: &str, error: Option<&str>| CollectorCost {
        collector: collector.into(),
        group: "node".into(),
        success: error.is_none(),
        duration_seconds: 0.001,
        error: error.map(str::to_owned),
    };
    let series = page.series();
    Scrape { text: page.finish(), series, collectors: vec![cost("cpu", None), cost("gpu", Some("no library"))] }
}

pub fn name(project: &str) -> ProjectName {
    project.parse().unwrap()
}

pub fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

pub fn entry(id: i64, kind: &str, subject: &str, text: &str) -> Entry {
    Entry {
        id,
        at: at("2026-01-31T09:12:00Z").checked_add(jiff::Span::new().seconds(id)).unwrap(),
        kind: kind.into(),
        keeper: (kind == "step").then(|| "storage".into()),
        subject: subject.into(),
        text: text.into(),
        because: (kind == "step").then(|| "config declares it, disk has none".into()),
        outcome: (kind == "step").then_some(Outcome::Made),
        took_seconds: (kind == "step").then_some(0.002),
        severity: None,
    }
}

/// Newest first.
pub fn entries() -> Vec<Entry> {
    let failed = Outcome::Failed("no space left on device".into());
    vec![
        Entry { outcome: Some(failed), ..entry(3, "step", "athena/seaweed", "create directory /data/athena/seaweed") },
        entry(2, "step", "athena/postgres", "create directory /ssd/postgres"),
        entry(1, "started", "host", "hostkeeper 0.1.0 started"),
    ]
}

pub fn snapshot() -> Snapshot {
    Snapshot {
        round: 7,
        at: jiff::Timestamp::now(),
        took_seconds: 0.012,
        mode: Mode::Enforce,
        plan_id: "5f0c2a91b7de".into(),
        plan: plan(),
        concerns: concerns(),
        keepers: ["storage", "vitals"].map(keeper).to_vec(),
        ledger: LedgerState::Writable,
        host: host(),
        projects: vec![project("athena", 12, 13), project("wxlibrary", 8, 8)],
        containers: containers(),
        tiers: tiers(),
        dirs: vec![dir("postgres", "ssd", "wrong-mode"), dir("seaweed", "bcache", "missing")],
        pools: vec![pool()],
        reclaim: Some(reclaim()),
        audit: Some(audit::audit()),
        cleans: vec![clean()],
        limits: vec![limits::limits()],
        agent: AgentView {
            version: "0.1.0".into(),
            started: at("2026-01-31T09:12:00Z"),
            config_loaded: at("2026-01-31T09:12:00Z"),
            config_files: vec!["/etc/hostkeeper/hostkeeper.toml".into()],
            config_refused: None,
            daemon: true,
        },
    }
}

fn reclaim() -> ReclaimView {
    let thing = |class: LeftoverClass, id: &str, name: &str, project: Option<&str>, bytes: u64| Leftover {
        class,
        id: id.into(),
        name: name.into(),
        names: vec![name.to_owned()].into_iter().filter(|name| !name.is_empty()).collect(),
        project: project.map(str::to_owned),
        bytes,
        since: Some(at("2026-01-02T09:12:00Z")),
    };
    ReclaimView {
        looked_at: Some(at("2026-01-31T09:12:00Z")),
        took_seconds: Some(2.5),
        looking: false,
        trouble: None,
        leftovers: vec![
            thing(LeftoverClass::Dangling, &format!("sha256:{}", "3f2a9c81".repeat(8)), "", None, 812_000_000),
            thing(
                LeftoverClass::Images,
                &format!("sha256:{}", "77aa01bc".repeat(8)),
                "athena/web:41",
                Some("athena"),
                96_000_000,
            ),
            thing(LeftoverClass::Cache, "build-cache", "212 entries", None, 5_300_000_000),
            thing(LeftoverClass::Containers, &"5d".repeat(32), "wxlibrary-migrate-run-1", Some("wxlibrary"), 41_000),
            thing(LeftoverClass::Volumes, &"e09b".repeat(16), "", None, 120_000_000),
        ],
        beyond: 0,
        unbound_logs: vec![UnboundLog {
            container: "athena-postgres-1".into(),
            project: Some("athena".into()),
            path: "/var/lib/docker/containers/5d/5d-json.log".into(),
            bytes: 2_100_000_000,
        }],
    }
}

fn clean() -> CleanView {
    CleanView {
        project: name("athena"),
        rule: "old-dumps".into(),
        dir: "seaweed".into(),
        tier: "bcache".into(),
        path: "/data/athena/seaweed/dumps/*.gz".into(),
        older_than_seconds: Some(2_592_000.0),
        keep_last: Some(5),
        max_bytes: None,
        state: "due".into(),
        why: "35 files go with the next step".into(),
        looked_at: Some(at("2026-01-31T09:12:00Z")),
        files: Some(120),
        bytes: Some(120 << 20),
        due_files: Some(35),
        due_bytes: Some(35 << 20),
        oldest: Some("0001.gz".into()),
        oldest_at: Some(at("2025-10-31T09:12:00Z")),
        left_out: Some(1),
        deleted: Some(DeletedView { at: at("2026-01-31T08:00:00Z"), files: 1000, bytes: 1000 << 20 }),
    }
}

fn pool() -> PoolView {
    let member = |name: &str, files: u64, skipped: &[(&str, u64)]| PoolMemberView {
        member: name.into(),
        tier: "bcache".into(),
        path: format!("/data/pool/{name}"),
        state: "ok".into(),
        counted_at: Some(at("2026-01-31T09:12:00Z")),
        files: Some(files),
        bytes: Some(files * 4096),
        movable: Some(files),
        skipped: skipped.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect(),
        ..PoolMemberView::default()
    };
    let drained = PoolMemberView {
        drained_since: Some(at("2026-01-31T09:00:00Z")),
        empty_since: Some(at("2026-01-31T09:05:00Z")),
        ..member("zk3", 0, &[])
    };
    PoolView {
        project: name("athena"),
        pool: "uploads".into(),
        balance: "files".into(),
        threshold: 5,
        difference: Some(12),
        moves_needed: Some(4),
        every_seconds: 15.0,
        settle_seconds: 10.0,
        max_moves: 8,
        hurry_since: None,
        state: "uneven".into(),
        why: "the difference is 12 files, the threshold 5 files".into(),
        last_balanced: Some(at("2026-01-31T09:11:00Z")),
        unsettled: 0,
        hook_trouble: None,
        members: vec![member("zk1", 20, &[("young", 2), ("hard_links", 1)]), member("zk2", 8, &[]), drained],
    }
}

fn keeper(name: &str) -> KeeperReport {
    KeeperReport { keeper: name.into(), mode: Mode::Enforce, trouble: None, observe_seconds: 0.004 }
}

fn plan() -> Vec<PlannedView> {
    let step = |id: &str, thing: &str, text: &str, gate| PlannedView {
        id: id.into(),
        key: format!("storage:set_mode:athena/{thing}"),
        keeper: "storage".into(),
        kind: "set_mode".into(),
        subject: Subject::of(name("athena"), thing),
        text: text.into(),
        because: Reason::new(
            "config says 0700, disk has 0755",
            vec![
                Evidence::new("mode", "0700", "config:project.athena.dir.postgres.mode"),
                Evidence::new("mode", "0755", "/ssd/postgres"),
            ],
        ),
        class: Class::Tightening,
        gate,
        undo: Some("set mode of /ssd/postgres to 0755".into()),
    };
    let block = Block { rule: "mode".into(), text: "project athena is in mode observe".into() };
    vec![
        step("aaaaaa111111", "postgres", "set mode of /ssd/postgres to 0700", Gate::Open),
        step("bbbbbb222222", "seaweed", "create directory /data/athena/seaweed", Gate::Blocked(block)),
    ]
}

fn concerns() -> Vec<Concern> {
    let concern = |id: &str, severity, subject| Concern {
        id: id.into(),
        severity,
        subject,
        text: "/data is not mounted from bcache0".into(),
        evidence: vec![Evidence::new("device", "bcache0", "config:storage.tier.bcache.device")],
        cure: "mount /data".into(),
    };
    vec![
        concern("tier-low-space", Severity::Warning, Subject::thing("tier:ssd")),
        concern("tier-missing-mount", Severity::Critical, Subject::thing("tier:bcache")),
        concern("project-unlimited", Severity::Info, Subject::project(name("wxlibrary"))),
    ]
}

fn host() -> HostView {
    let gib = 1 << 30;
    HostView {
        hostname: "db1".into(),
        kernel: "6.1.0-18-amd64".into(),
        uptime_seconds: 12.4 * 86_400.0,
        cpu_cores: 28,
        cpu_used_cores: Some(3.72),
        load1: Some(4.2),
        memory_total_bytes: Some(64 * gib),
        memory_available_bytes: Some(31 * gib),
        swap_total_bytes: Some(0),
        swap_free_bytes: Some(0),
        pressure_percent: [("cpu.some", 1.25), ("io.full", 0.0), ("io.some", 3.5), ("memory.some", 0.0)]
            .map(|(name, percent)| (name.to_owned(), percent))
            .into(),
        network_receive_bytes_per_second: Some(1_250_000.0),
        network_transmit_bytes_per_second: Some(480_000.0),
        gpus: vec![GpuView {
            uuid: "GPU-1".into(),
            name: "NVIDIA GeForce RTX 3060".into(),
            memory_total_bytes: Some(12 * gib),
            memory_used_bytes: Some(6 * gib),
            utilization_percent: Some(37.0),
            compute_mode: Some("default".into()),
        }],
        filesystems: vec![FilesystemView {
            path: "/data".into(),
            device: "bcache0".into(),
            fstype: "ext4".into(),
            size_bytes: 5500 * gib,
            available_bytes: 1500 * gib,
        }],
        docker: Some("20.10.24".into()),
        cgroups: Some("v2".into()),
    }
}

fn project(project: &str, running: u32, total: u32) -> ProjectView {
    ProjectView {
        project: name(project),
        declared: true,
        containers_running: running,
        containers_total: total,
        cpu_used_cores: Some(1.7),
        cpu_limit_cores: Some(8.0),
        memory_working_set_bytes: Some(9 << 30),
        memory_limit_bytes: Some(24 << 30),
        io_read_bytes_per_second: Some(12_000.0),
        io_write_bytes_per_second: Some(1_400_000.0),
        network_receive_bytes_per_second: Some(10_000.0),
        network_transmit_bytes_per_second: Some(90_000.0),
        gpu_memory_bytes: (project == "athena").then_some(6 << 30),
    }
}

pub fn container(project: &str, service: &str, state: &str) -> ContainerView {
    ContainerView {
        id: format!("{:0>12}", service.len()),
        name: format!("{project}-{service}-1"),
        project: Some(project.into()),
        service: Some(service.into()),
        image: format!("{service}:latest"),
        state: state.into(),
        health: (state == "running").then(|| "healthy".into()),
        exit_code: (state == "exited").then_some(137),
        cpu_used_cores: (state == "running").then_some(0.41),
        cpu_limit_cores: Some(8.0),
        memory_working_set_bytes: (state == "running").then_some(700 << 20),
        memory_limit_bytes: Some(8 << 30),
        ..ContainerView::default()
    }
}

fn containers() -> Vec<ContainerView> {
    let mut all: Vec<ContainerView> = ["api", "postgres", "pgbouncer", "valkey", "opensearch", "seaweed", "traefik"]
        .iter()
        .map(|service| container("athena", service, "running"))
        .collect();
    all.push(container("athena", "worker", "exited"));
    all.extend(["web", "db"].iter().map(|service| container("wxlibrary", service, "running")));
    all
}

fn tiers() -> Vec<TierView> {
    let tier = |tier: &str, path: &str, state: &str, size: u64, available: u64| TierView {
        tier: tier.into(),
        path: path.into(),
        device: Some("bcache0".into()),
        size_bytes: Some(size),
        available_bytes: Some(available),
        min_free_bytes: Some(50_000_000_000),
        full_in_seconds: Some(9.0 * 86_400.0),
        state: state.into(),
        cache: Some(CacheView {
            device: "bcache0".into(),
            state: Some("clean".into()),
            mode: Some("writearound".into()),
            hit_percent: [("total".to_owned(), 87)].into(),
            dirty_bytes: Some(0),
            ..CacheView::default()
        }),
    };
    vec![
        tier("ssd", "/home/vitiana/Athena/data_ssd", "ok", 446_000_000_000, 61_000_000_000),
        TierView {
            size_bytes: None,
            available_bytes: None,
            full_in_seconds: None,
            cache: None,
            ..tier("bcache", "/data", "not mounted", 0, 0)
        },
    ]
}

fn dir(dir: &str, tier: &str, state: &str) -> DirView {
    let (project, path) = (name("athena"), format!("/{tier}/{dir}"));
    let (dir, tier, state) = (dir.into(), tier.into(), state.into());
    let (size_bytes, quota_bytes, quota_enforced) = (Some(12 << 30), Some(200_000_000_000), Some(true));
    DirView { project, dir, tier, path, state, size_bytes, quota_bytes, quota_enforced, fix: None }
}
