//! Mending by orders on a scratch tree.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::host::{Host, Roots};
use crate::keepers::storage::config::{Config, Dir, Tier};
use crate::keepers::storage::{Bits, Step, Storage, declared_place};
use crate::round::Keeper;
use crate::values::Now;

struct Scene {
    directory: tempfile::TempDir,
    keeper: Storage,
    config: Config,
    host: Host,
}

fn key() -> Key {
    ("athena".parse().unwrap(), "pg".into())
}

impl Scene {
    /// A tier `/srv/ssd` below a scratch root, and in it a directory of mode 0750 with `files` files.
    fn new(files: usize) -> Scene {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let pg = directory.path().join("srv/ssd/pg");
        std::fs::create_dir_all(&pg).unwrap();
        for index in 0..files {
            std::fs::write(pg.join(index.to_string()), "").unwrap();
        }
        let mut config = Config::default();
        config.tiers.insert("ssd".into(), Tier { path: "/srv/ssd".into(), ..Tier::default() });
        let (owner, mode) = (None, Some("0750".into()));
        config.dirs.insert(key(), Dir { tier: "ssd".into(), path: "pg".into(), owner, mode, quota: None });
        let roots = Roots { rootfs: directory.path().to_owned(), ..Roots::default() };
        Scene { directory, keeper: Storage::default(), config, host: Host::new(roots) }
    }

    fn pg(&self) -> PathBuf {
        self.directory.path().join("srv/ssd/pg")
    }

    fn order(&self, begin: bool) -> MendOrder {
        let (project, dir) = key();
        let place = declared_place(&self.config, &project, &dir).unwrap();
        let (mode, file_mode) = (Some(Bits(0o750)), Some(Bits(0o640)));
        MendOrder { project, dir, place, owner: None, mode, file_mode, recursive: true, begin }
    }

    async fn look(&mut self) -> Option<FixView> {
        let now = Now { wall: "2026-11-01T00:00:00Z".parse().unwrap(), up: Duration::from_secs(9), boot: "a".into() };
        let seen = self.keeper.observe(&self.config, &self.host, &now).await.unwrap();
        Storage::show(&self.config, &seen).dirs.remove(0).fix
    }

    async fn act(&mut self, order: MendOrder) -> Result<Change, String> {
        let step = Step::Mend { order };
        self.keeper.act(&self.config, &step, &self.host).await.map_err(|error| error.chain())
    }

    fn count(&self) -> Result<Counted, String> {
        let survey = Survey { recursive: true, file_mode: Some(Bits(0o640)) };
        count((&self.config, &key()), survey, &self.host.roots, &mut |_| true).map_err(|error| error.chain())
    }
}

#[tokio::test]
async fn orders_go_on_where_the_one_before_left_off() {
    let mut scene = Scene::new(12_000);
    assert_eq!(scene.look().await, None);
    let counted = scene.count().unwrap().met.unfit;
    assert_eq!(counted, 12_001);
    let mut changed = Vec::new();
    for begin in [true, false, false] {
        assert_eq!(scene.act(scene.order(begin)).await, Ok(Change::Made));
        let fix = scene.look().await.unwrap();
        changed.push((fix.changed, fix.ended));
    }
    assert_eq!(changed, [(act::MOST, false), (2 * act::MOST, false), (counted, true)]);
    assert_eq!(scene.act(scene.order(true)).await, Ok(Change::AlreadySo));
    assert_eq!(scene.count().unwrap().met.unfit, 0);
    assert_eq!(std::fs::metadata(scene.pg().join("7")).unwrap().mode() & 0o7777, 0o640);
}

#[tokio::test]
async fn after_the_agent_was_killed_an_order_to_go_on_begins_anew() {
    let mut scene = Scene::new(6000);
    assert_eq!(scene.act(scene.order(true)).await, Ok(Change::Made));
    scene.keeper = Storage::default();
    assert_eq!(scene.act(scene.order(false)).await, Ok(Change::Made));
    let fix = scene.look().await.unwrap();
    assert_eq!((fix.ended, fix.changed, fix.entries), (true, 6001 - act::MOST, 6001));
    // Another order than the one under way is a mending of its own.
    std::fs::set_permissions(scene.pg(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let other = MendOrder { recursive: false, ..scene.order(false) };
    assert_eq!(scene.act(other).await, Ok(Change::Made));
    assert_eq!(scene.look().await.unwrap().entries, 1);
}

#[tokio::test]
async fn what_is_left_off_is_gone_on_with_only_by_the_same_order() {
    let mut scene = Scene::new(6000);
    assert_eq!(scene.act(scene.order(true)).await, Ok(Change::Made));
    assert!(!scene.look().await.unwrap().ended);
    let other = MendOrder { mode: Some(Bits(0o700)), ..scene.order(false) };
    assert_eq!(scene.act(other).await, Ok(Change::Made));
    assert_eq!(std::fs::metadata(scene.pg()).unwrap().mode() & 0o7777, 0o700);
    assert!(scene.look().await.unwrap().ended);
}

#[tokio::test]
async fn another_tier_or_a_missing_directory_is_refused() {
    let mut scene = Scene::new(1);
    let order = scene.order(true);
    scene.config.tiers.insert("ssd".into(), Tier { path: "/srv".into(), ..Tier::default() });
    assert!(scene.act(order.clone()).await.unwrap_err().contains("is at /srv now"));
    let strict = Tier { path: "/srv/ssd".into(), require_mount: true, ..Tier::default() };
    scene.config.tiers.insert("ssd".into(), strict);
    assert!(scene.act(order.clone()).await.unwrap_err().contains("nothing is mounted"));
    assert!(scene.count().unwrap_err().contains("nothing is mounted"));
    let mut scene = Scene::new(1);
    std::fs::rename(scene.pg(), scene.pg().with_file_name("other")).unwrap();
    std::os::unix::fs::symlink("other", scene.pg()).unwrap();
    assert!(scene.act(order).await.unwrap_err().contains("is no directory"));
    assert!(scene.count().unwrap_err().contains("is no directory"));
    scene.config.dirs.get_mut(&key()).unwrap().mode = None;
    let survey = Survey { recursive: true, file_mode: None };
    let nothing = count((&scene.config, &key()), survey, &scene.host.roots, &mut |_| true).unwrap_err();
    assert!(nothing.chain().contains("neither owner nor mode is declared"), "{}", nothing.chain());
}
