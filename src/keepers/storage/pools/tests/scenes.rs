//! Whole rounds of the keeper on a scratch tree: count, decide, act, and what is remembered.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use super::super::super::config::{Config, Dir, Tier};
use super::super::super::{Seen, Storage, step::Step};
use super::super::config::{Measure, Pool};
use super::super::verdict::{State, judge};
use crate::host::{Host, Roots};
use crate::ledger::{Attempt, Drained, Hurry, Notes, Outcome, Past};
use crate::metrics::{Filter, Page};
use crate::round::{Change, Keeper, Plan};
use crate::values::{Every, Now};

struct Scene {
    directory: tempfile::TempDir,
    keeper: Storage,
    config: Config,
    past: Past,
    up: u64,
}

fn key() -> (crate::values::ProjectName, String) {
    ("zkdemo".parse().unwrap(), "uploads".into())
}

impl Scene {
    fn new(files: [usize; 3]) -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap().to_str().unwrap().to_owned();
        let mut config = Config::default();
        let tier = Tier { path, ..Tier::default() };
        config.tiers.insert("ssd".into(), tier);
        for (index, name) in ["zk1", "zk2", "zk3"].into_iter().enumerate() {
            let dir = Dir { tier: "ssd".into(), path: name.into(), owner: None, mode: None, quota: None };
            config.dirs.insert((key().0, name.into()), dir);
            std::fs::create_dir(directory.path().join(name)).unwrap();
            for number in 0..files[index] {
                std::fs::write(directory.path().join(name).join(format!("{name}-{number:03}")), "some bytes").unwrap();
            }
        }
        let pool = Pool {
            members: vec!["zk1".into(), "zk2".into(), "zk3".into()],
            balance: Measure::Files,
            threshold: None,
            every: Every(Duration::from_secs(15)),
            max_moves: 8,
            settle: Every(Duration::ZERO),
            path_changed: None,
        };
        config.pools.insert(key(), pool);
        Scene { directory, keeper: Storage::default(), config, past: Past::default(), up: 100 }
    }

    fn pool(&mut self) -> &mut Pool {
        self.config.pools.get_mut(&key()).unwrap()
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn now(&self) -> Now {
        Now { wall: jiff::Timestamp::now(), up: Duration::from_secs(self.up), boot: "a".into() }
    }

    async fn look(&mut self) -> (Seen, Plan<Step>) {
        self.up += 1;
        let now = self.now();
        self.keeper.recall(&self.past);
        let host = Host::new(Roots::default());
        let seen = self.keeper.observe(&self.config, &host, &now).await.unwrap();
        let plan = Storage::decide(&self.config, &seen, &self.past, &now);
        (seen, plan)
    }

    async fn act(&mut self, step: &Step) -> (Result<Change, String>, Notes) {
        let host = Host::new(Roots::default());
        let done = self.keeper.act(&self.config, step, &host).await.map_err(|error| error.chain());
        (done, self.keeper.take_notes())
    }

    fn counts(&self) -> [usize; 3] {
        ["zk1", "zk2", "zk3"].map(|name| std::fs::read_dir(self.path(name)).unwrap().count())
    }

    fn drain(&mut self, member: &str) {
        let (project, pool) = key();
        let since = self.now().stamp();
        self.past.pools.drained.push(Drained { project, pool, member: member.into(), since, empty: None });
    }

    fn state(&self, seen: &Seen) -> (State, String) {
        judge(self.config.pools.get(&key()).unwrap(), &seen.pools.pools[&key()])
    }
}

fn ids(plan: &Plan<Step>) -> Vec<&str> {
    plan.concerns.iter().map(|concern| concern.id.as_str()).collect()
}

#[tokio::test]
async fn at_most_so_many_files_go_from_the_fullest_to_the_emptiest() {
    let mut scene = Scene::new([30, 3, 6]);
    let (_, plan) = scene.look().await;
    let words: Vec<String> = plan.steps.iter().map(|planned| planned.step.to_string()).collect();
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words[0].ends_with("of pool zkdemo/uploads from zk1 to zk2"), "{words:?}");
    let mut files = 0;
    for planned in &plan.steps {
        let (done, notes) = scene.act(&planned.step).await;
        assert_eq!(done, Ok(Change::Made));
        assert!(notes.operations.iter().all(|operation| operation.outcome == "moved"));
        files += notes.operations.len();
    }
    assert_eq!((files, scene.counts().iter().sum::<usize>()), (8, 39));
    assert_eq!(scene.counts()[0], 22);
    // The undo brings them back.
    for planned in plan.steps.iter().rev() {
        assert_eq!(scene.act(planned.undo.as_ref().unwrap()).await.0, Ok(Change::Made));
    }
    assert_eq!(scene.counts(), [30, 3, 6]);
}

#[tokio::test]
async fn between_two_moves_lies_the_interval_that_the_ledger_remembers() {
    let mut scene = Scene::new([30, 0, 0]);
    let began = scene.now().stamp();
    let attempt = Attempt {
        intent: 1,
        step: "x".into(),
        key: "storage:move_files:zkdemo/uploads".into(),
        keeper: "storage".into(),
        kind: "move_files".into(),
        project: Some(key().0),
        thing: Some("uploads".into()),
        class: "tightening".into(),
        began: began.clone(),
        ended: Some(began),
        outcome: Some(Outcome::Made),
    };
    scene.past.attempts.push(attempt);
    assert!(scene.look().await.1.steps.is_empty());
    scene.up += 15;
    assert!(!scene.look().await.1.steps.is_empty());
    scene.up -= 15;
    let (project, pool) = key();
    let since = scene.now().stamp();
    scene.past.pools.hurried.push(Hurry { project, pool, since });
    let (_, plan) = scene.look().await;
    let moved: usize = plan
        .steps
        .iter()
        .filter_map(|planned| {
            let Step::Pool { order: super::super::Order::MoveFiles { files, .. } } = &planned.step else { return None };
            Some(files.len())
        })
        .sum();
    assert_eq!(moved as u64, super::super::count_moves(&[(30, false), (0, false), (0, false)], 5));
}

#[tokio::test]
async fn a_drained_member_gives_everything_and_takes_nothing() {
    let mut scene = Scene::new([10, 2, 2]);
    scene.drain("zk1");
    for _ in 0..5 {
        let (_, plan) = scene.look().await;
        for planned in &plan.steps {
            assert_eq!(scene.act(&planned.step).await.0, Ok(Change::Made));
        }
    }
    assert_eq!(scene.counts(), [0, 7, 7]);
    let (seen, plan) = scene.look().await;
    assert!(plan.steps.is_empty() && plan.concerns.is_empty(), "{plan:?}");
    assert_eq!(scene.state(&seen).0, State::Balanced);
    let view = Storage::show(&scene.config, &seen).pools.remove(0);
    assert_eq!((view.difference, view.members[0].files, view.moves_needed), (Some(0), Some(0), Some(0)));
}

#[tokio::test]
async fn what_cannot_be_moved_is_counted_and_said() {
    let mut scene = Scene::new([0, 0, 0]);
    for number in 0..12 {
        std::fs::write(scene.path("zk1").join(format!("f{number}")), "x").unwrap();
        std::fs::hard_link(scene.path("zk1").join(format!("f{number}")), scene.path("zk1").join(format!("g{number}")))
            .unwrap();
    }
    std::os::unix::fs::symlink("f0", scene.path("zk1/link")).unwrap();
    std::fs::write(scene.path("zk2").join("a\nb"), "x").unwrap();
    let odd = scene.path("zk2").join(std::ffi::OsStr::from_bytes(b"no text \xff"));
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("x"), "x").unwrap();
    let (seen, plan) = scene.look().await;
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    assert_eq!(ids(&plan), ["pool-stuck"]);
    let view = Storage::show(&scene.config, &seen).pools.remove(0);
    assert_eq!((view.state.as_str(), view.members[0].files), ("stuck", Some(24)));
    assert_eq!((view.members[0].skipped["hard_links"], view.members[0].skipped["symlinks"]), (24, 1));
    // What lies in a directory whose name is no text is counted too.
    assert_eq!(view.members[1].skipped["odd_names"], 2);
    assert!(view.why.contains("24 with more than one name"), "{}", view.why);
}

#[tokio::test]
async fn young_files_are_waited_for() {
    let mut scene = Scene::new([20, 0, 0]);
    scene.pool().settle = Every(Duration::from_secs(3600));
    let (seen, plan) = scene.look().await;
    assert!(plan.steps.is_empty() && plan.concerns.is_empty());
    assert_eq!(scene.state(&seen).0, State::Waiting);
}

#[tokio::test]
async fn a_member_that_cannot_be_seen_stops_its_pool() {
    let mut scene = Scene::new([20, 0, 0]);
    std::fs::remove_dir(scene.path("zk3")).unwrap();
    let (seen, plan) = scene.look().await;
    assert!(ids(&plan).contains(&"pool-blind"), "{plan:?}");
    assert!(plan.steps.iter().all(|planned| !matches!(planned.step, Step::Pool { .. })));
    assert!(scene.state(&seen).1.contains("zk3: its directory does not exist"));
    scene.config.tiers.get_mut("ssd").unwrap().require_mount = true;
    assert_eq!(ids(&scene.look().await.1), ["tier-missing-mount", "pool-blind"]);
}

#[tokio::test]
async fn a_taken_name_is_a_concern_and_is_not_tried_again_at_once() {
    let mut scene = Scene::new([6, 0, 0]);
    for name in ["zk2", "zk3"] {
        for number in 0..6 {
            std::fs::write(scene.path(name).join(format!("zk1-{number:03}")), "other").unwrap();
        }
    }
    std::fs::write(scene.path("zk1/extra"), "x").unwrap();
    scene.pool().threshold = None;
    scene.drain("zk1");
    let (_, plan) = scene.look().await;
    for planned in &plan.steps {
        scene.act(&planned.step).await.0.unwrap();
    }
    scene.up += 60;
    let (seen, plan) = scene.look().await;
    assert!(ids(&plan).contains(&"pool-clash") && plan.steps.is_empty(), "{plan:?}");
    let view = Storage::show(&scene.config, &seen).pools.remove(0);
    assert_eq!(view.members[0].skipped["clash"], 6);
    assert_eq!(std::fs::read_to_string(scene.path("zk1/zk1-000")).unwrap(), "some bytes");
}

#[tokio::test]
async fn leftovers_of_a_killed_life_are_swept_and_orphans_are_left() {
    let mut scene = Scene::new([1, 1, 1]);
    std::fs::write(scene.path("zk2/.hostkeeper-move-0123456789ab"), "half").unwrap();
    std::fs::write(scene.path("zk3/.hostkeeper-gone-0123456789ab"), "whole").unwrap();
    let (seen, plan) = scene.look().await;
    assert_eq!(plan.steps[0].step.to_string(), "remove 1 unfinished copies of pool zkdemo/uploads from zk2");
    assert_eq!(ids(&plan), ["pool-leftover"]);
    assert_eq!(scene.state(&seen).0, State::Balanced);
    assert_eq!(scene.act(&plan.steps[0].step).await.0, Ok(Change::Made));
    assert!(!scene.path("zk2/.hostkeeper-move-0123456789ab").exists());
    assert!(scene.path("zk3/.hostkeeper-gone-0123456789ab").exists());
}

#[tokio::test]
async fn the_program_is_told_and_its_failure_is_a_concern() {
    let mut scene = Scene::new([30, 0, 0]);
    let told = scene.path("told");
    let script = format!("cat >> {}; exit 3", told.display());
    scene.pool().path_changed = Some(vec!["/bin/sh".into(), "-c".into(), script]);
    let (_, plan) = scene.look().await;
    assert_eq!(scene.act(&plan.steps[0].step).await.0, Ok(Change::Made));
    let lines = std::fs::read_to_string(&told).unwrap();
    let root = scene.directory.path().canonicalize().unwrap().display().to_string();
    let expected = format!("zkdemo/uploads\tzk1-000\t{root}/zk1\t{root}/zk2");
    assert!(lines.lines().any(|line| line == expected), "{lines}");
    let (_, plan) = scene.look().await;
    assert!(ids(&plan).contains(&"pool-hook-failed"), "{plan:?}");
}

#[tokio::test]
async fn a_broken_off_move_is_settled_before_anything_else() {
    let mut scene = Scene::new([30, 0, 0]);
    let (_, plan) = scene.look().await;
    let step = plan.steps[0].step.clone();
    let payload = serde_json::to_string(&step).unwrap();
    scene.past.pools.open.push(crate::ledger::OpenMove { intent: 7, payload });
    let (_, plan) = scene.look().await;
    assert_eq!(plan.steps.len(), 1);
    assert!(plan.steps[0].step.to_string().starts_with("finish the move of"), "{}", plan.steps[0].step);
    assert!(ids(&plan).contains(&"pool-unsettled"));
    let (done, notes) = scene.act(&plan.steps[0].step).await;
    assert_eq!((done, notes.settled), (Ok(Change::AlreadySo), Some(7)));
    // Also when the tier is not declared any more; then nothing is made, and what is there is told.
    let tiers = std::mem::take(&mut scene.config.tiers);
    let host = Host::new(Roots::default());
    assert_eq!(scene.keeper.examine(&scene.config, &step, &host).await, Some(false));
    scene.config.tiers = tiers;
    assert_eq!(scene.counts(), [30, 0, 0]);
}

/// Who has no room is not said to have files that are too young, and who gives nothing is not named.
#[tokio::test]
async fn a_drained_member_with_odd_names_alone_is_named_alone() {
    let mut scene = Scene::new([1, 6, 6]);
    std::fs::rename(scene.path("zk1/zk1-000"), scene.path("zk1/a\tb")).unwrap();
    scene.drain("zk1");
    let (seen, plan) = scene.look().await;
    assert_eq!(ids(&plan), ["pool-stuck"]);
    let why = scene.state(&seen).1;
    assert!(why.ends_with("nothing that is left can be moved: zk1 has 1 with names that are no plain text"), "{why}");
}

#[tokio::test]
async fn a_file_that_was_changed_meanwhile_is_waited_for() {
    let mut scene = Scene::new([8, 0, 0]);
    scene.drain("zk1");
    let (_, plan) = scene.look().await;
    for number in 0..8 {
        std::fs::write(scene.path("zk1").join(format!("zk1-{number:03}")), "other bytes").unwrap();
    }
    for planned in &plan.steps {
        assert_eq!(scene.act(&planned.step).await.0, Ok(Change::AlreadySo));
    }
    scene.pool().settle = Every(Duration::from_secs(3600));
    let (seen, _) = scene.look().await;
    assert_eq!(scene.state(&seen).0, State::Waiting);
    // Counted again within the time to settle, however long the interval is.
    scene.pool().settle = Every(Duration::ZERO);
    scene.pool().every = Every(Duration::from_secs(3600));
    scene.up += 1;
    assert!(!scene.look().await.1.steps.is_empty());
}

/// Between look and act the disk was replaced by another, on which everything looks the same.
#[tokio::test]
async fn nothing_is_moved_on_a_tier_that_is_another_one_by_now() {
    let mut scene = Scene::new([30, 0, 0]);
    let (_, plan) = scene.look().await;
    let root = scene.directory.path().canonicalize().unwrap();
    let away = tempfile::tempdir().unwrap();
    std::fs::rename(&root, away.path().join("away")).unwrap();
    for name in ["zk1", "zk2", "zk3"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    for entry in std::fs::read_dir(away.path().join("away/zk1")).unwrap() {
        let from = entry.unwrap().path();
        std::fs::rename(&from, root.join("zk1").join(from.file_name().unwrap())).unwrap();
    }
    for planned in &plan.steps {
        assert!(scene.act(&planned.step).await.0.is_err());
    }
    assert_eq!(scene.counts(), [30, 0, 0]);
}

#[tokio::test]
async fn a_member_that_is_the_other_one_takes_nothing() {
    let mut scene = Scene::new([30, 0, 0]);
    let (_, plan) = scene.look().await;
    let mut step = plan.steps[0].step.clone();
    if let Step::Pool { order: super::super::Order::MoveFiles { from, to, .. } } = &mut step {
        to.place = from.place.clone();
    }
    let said = scene.act(&step).await.0.unwrap_err();
    assert!(said.contains("is the very directory of"), "{said}");
    assert_eq!(scene.counts(), [30, 0, 0]);
}

#[test]
fn what_a_failed_order_moved_is_told_once() {
    use super::super::act::Answer;
    use super::super::moving::End;
    use super::super::{Item, Member, Name, Order, Watch};
    let member = |dir: &str| {
        let place = super::super::super::step::Place { tier: "ssd".into(), root: "/x".into(), below: dir.into() };
        Member { dir: dir.into(), place }
    };
    let item = |name: &str| Item { name: name.into(), size: 7, modified: (1, 2) };
    let (pool, from, to, files) = (Name::of(&key()), member("zk1"), member("zk2"), vec![item("a"), item("b")]);
    let mut watch = Watch::default();
    let failed = Order::MoveFiles { pool: pool.clone(), from: from.clone(), to: to.clone(), files: files.clone() };
    let trouble = Some(crate::host::Error::reply("zk2", "is full"));
    let ends = vec![(item("a"), End::Moved), (item("b"), End::Later)];
    watch.learn(&failed, &mut Answer { ends, trouble, ..Answer::default() });
    assert_eq!(watch.take_notes().operations.len(), 1);
    let settling = Order::SettleMoves { pool, intent: 7, from, to, files };
    let ends = vec![(item("a"), End::Moved), (item("b"), End::Moved)];
    watch.learn(&settling, &mut Answer { ends, ..Answer::default() });
    let notes = watch.take_notes();
    let told: Vec<&str> = notes.operations.iter().map(|operation| operation.file.as_str()).collect();
    assert_eq!((told, notes.settled), (vec!["b"], Some(7)));
    assert_eq!(watch.pools[&key()].totals.files["moved"], 2);
}

#[tokio::test]
async fn metrics_have_a_series_per_member_and_none_per_file() {
    let mut scene = Scene::new([30, 0, 0]);
    let (seen, plan) = scene.look().await;
    scene.act(&plan.steps[0].step).await.0.unwrap();
    let (after, _) = scene.look().await;
    for found in [&seen, &after] {
        let mut page = Page::new(Filter::default(), 10_000);
        Storage::measure(&scene.config, found, &mut page);
        let page = String::from_utf8(page.finish()).unwrap();
        assert!(page.lines().filter(|line| line.starts_with("hostkeeper_pool")).count() < 40, "{page}");
        // It was never balanced.
        for family in super::super::FAMILIES.iter().filter(|family| !family.name.contains("last_balanced")) {
            assert!(page.contains(&format!("# TYPE {} ", family.name)), "{} is missing", family.name);
        }
    }
    let mut page = Page::new(Filter::default(), 10_000);
    Storage::measure(&scene.config, &after, &mut page);
    let page = String::from_utf8(page.finish()).unwrap();
    for line in [
        "hostkeeper_pool_threshold{project=\"zkdemo\",pool=\"uploads\"} 5",
        "hostkeeper_pool_moves_total{project=\"zkdemo\",pool=\"uploads\",result=\"moved\"} 4",
        "hostkeeper_pool_moved_bytes_total{project=\"zkdemo\",pool=\"uploads\"} 40",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
}
