//! Mending and deleting on real mounts: a disk that goes between look and act, and what is mounted inside a directory.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use hostkeeper::host::{Host, Roots};
use hostkeeper::keepers::storage::clean::config::Rule;
use hostkeeper::keepers::storage::config::{Config, Dir, Tier};
use hostkeeper::keepers::storage::{Bits, MendOrder, Place, Step, Storage};
use hostkeeper::ledger::Past;
use hostkeeper::round::{Change, Keeper};
use hostkeeper::values::{Every, Now};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::mounted::{Tmpfs, may_mount};
use super::scratch;

const DAY: u64 = 86_400;

struct Scene {
    keeper: Storage,
    config: Config,
    host: Host,
}

impl Scene {
    /// A tier at `path` with the directory `logs`, of which files older than 30 days may go.
    fn new(path: &Path) -> Scene {
        let mut config = Config::default();
        let tier = Tier { path: path.to_str().unwrap().to_owned(), ..Tier::default() };
        config.tiers.insert("hdd".into(), tier);
        let dir = Dir { tier: "hdd".into(), path: "logs".into(), owner: None, mode: Some("0750".into()), quota: None };
        config.dirs.insert(("wx".parse().unwrap(), "logs".into()), dir);
        let older_than = Some(Every(Duration::from_secs(30 * DAY)));
        let rule = Rule { path: "logs".into(), older_than, ..Rule::default() };
        config.cleans.insert(("wx".parse().unwrap(), "old".into()), rule);
        Scene { keeper: Storage::default(), config, host: Host::new(Roots::default()) }
    }

    /// The steps that delete.
    async fn look(&mut self) -> Vec<Step> {
        let now = Now { wall: jiff::Timestamp::now(), up: Duration::from_secs(9), boot: "a".into() };
        let seen = self.keeper.observe(&self.config, &self.host, &now).await.unwrap();
        let plan = Storage::decide(&self.config, &seen, &Past::default(), &now);
        let steps = plan.steps.into_iter().map(|planned| planned.step);
        steps.filter(|step| matches!(step, Step::Clean { .. })).collect()
    }

    async fn act(&mut self, step: &Step) -> Result<Change, String> {
        self.keeper.act(&self.config, step, &self.host).await.map_err(|error| error.chain())
    }

    fn mend(&self) -> Step {
        let root = self.config.tiers["hdd"].path.clone();
        let order = MendOrder {
            project: "wx".parse().unwrap(),
            dir: "logs".into(),
            place: Place { tier: "hdd".into(), root, below: "logs".into() },
            owner: None,
            mode: Some(Bits(0o750)),
            file_mode: Some(Bits(0o640)),
            recursive: true,
            begin: true,
        };
        Step::Mend { order }
    }
}

fn make(path: &Path, name: &str) {
    std::fs::create_dir_all(path).unwrap();
    let file = std::fs::File::create(path.join(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(90 * DAY)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o7777
}

#[tokio::test]
async fn what_lies_below_a_mount_point_is_neither_deleted_nor_mended() {
    if !may_mount("what_lies_below_a_mount_point_is_neither_deleted_nor_mended") {
        return;
    }
    let (_directory, path) = scratch();
    make(&path.join("logs"), "of the root disk");
    let before = mode(&path.join("logs"));
    let disk = Tmpfs::mount(&path, "size=1m");
    make(&path.join("logs"), "of the root disk");
    let mut scene = Scene::new(&path);
    let step = scene.look().await.remove(0);
    let mend = scene.mend();
    drop(disk);
    for step in [&step, &mend] {
        let refused = scene.act(step).await.unwrap_err();
        assert!(refused.contains("another file system than at the last look"), "{refused}");
    }
    scene.config.tiers.get_mut("hdd").unwrap().require_mount = true;
    assert!(scene.look().await.is_empty());
    for step in [&step, &mend] {
        assert!(scene.act(step).await.unwrap_err().contains("nothing is mounted"));
    }
    assert!(path.join("logs/of the root disk").exists());
    assert_eq!(mode(&path.join("logs")), before);
}

#[tokio::test]
async fn what_is_mounted_inside_is_neither_deleted_nor_mended() {
    if !may_mount("what_is_mounted_inside_is_neither_deleted_nor_mended") {
        return;
    }
    let (_directory, path) = scratch();
    let _disk = Tmpfs::mount(&path, "size=1m");
    let bind = |from: &Path, to: &Path| mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    // Of the same file system, so that its number tells nothing.
    make(&path.join("outside"), "dir file");
    make(&path.join("outside"), "file");
    make(&path.join("logs/dir"), "hidden");
    make(&path.join("logs"), "file");
    make(&path.join("logs"), "mine");
    bind(&path.join("outside"), &path.join("logs/dir"));
    bind(&path.join("outside/file"), &path.join("logs/file"));
    let modes = [mode(&path.join("outside")), mode(&path.join("outside/file")), mode(&path.join("outside/dir file"))];
    let mut scene = Scene::new(&path);
    let steps = scene.look().await;
    let ended = (scene.act(&steps[0]).await, scene.act(&scene.mend()).await);
    let after = [mode(&path.join("outside")), mode(&path.join("outside/file")), mode(&path.join("outside/dir file"))];
    for inside in ["logs/file", "logs/dir"] {
        umount2(&path.join(inside), MntFlags::MNT_DETACH).unwrap();
    }
    assert_eq!((ended, after), ((Ok(Change::Made), Ok(Change::Made)), modes));
    assert!(path.join("outside/file").exists() && path.join("outside/dir file").exists());
    assert!(
        path.join("logs/file").exists() && path.join("logs/dir/hidden").exists() && !path.join("logs/mine").exists()
    );
    assert_eq!(mode(&path.join("logs")), 0o750);
}
