//! The storage keeper against real file systems that come, go and fill up, and against people who plant links.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr)] // A test says so.

mod mounted;
mod orders;

use std::ffi::CString;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hostkeeper::host::files::{Found, open_root};
use hostkeeper::host::quota::Mark;
use hostkeeper::host::walk::{Duty, Walk};
use hostkeeper::host::{Host, Roots};
use hostkeeper::keepers::storage::config::{Config, Dir, Tier};
use hostkeeper::keepers::storage::{Place, QuotaStep, Seen, Step, Storage};
use hostkeeper::ledger::Past;
use hostkeeper::round::{Change, Keeper, Plan};
use hostkeeper::values::{Bytes, Now};
use mounted::{Tmpfs, may_mount};
use nix::mount::{MsFlags, mount};

fn now() -> Now {
    Now { wall: "2026-11-01T00:00:00Z".parse().unwrap(), up: Duration::from_secs(9), boot: "a".into() }
}

/// A keeper with one tier at `path` and one directory in it.
struct Scene {
    keeper: Storage,
    config: Config,
    host: Host,
}

impl Scene {
    fn new(path: &Path, below: &str, owner: Option<&str>) -> Scene {
        let path = path.to_str().unwrap().to_owned();
        let tier = Tier { path, require_mount: true, ..Tier::default() };
        let dir = Dir {
            tier: "ssd".into(),
            path: below.into(),
            owner: owner.map(Into::into),
            mode: Some("0750".into()),
            quota: None,
        };
        let mut config = Config::default();
        config.tiers.insert("ssd".into(), tier);
        config.dirs.insert(("athena".parse().unwrap(), "pg".into()), dir);
        Scene { keeper: Storage::default(), config, host: Host::new(Roots::default()) }
    }

    async fn look(&mut self) -> (Seen, Plan<Step>) {
        let seen = self.keeper.observe(&self.config, &self.host, &now()).await.unwrap();
        let plan = Storage::decide(&self.config, &seen, &Past::default(), &now());
        (seen, plan)
    }

    async fn the_step(&mut self) -> Step {
        let (_, plan) = self.look().await;
        assert!(plan.concerns.is_empty(), "{:?}", plan.concerns);
        assert_eq!(plan.steps.len(), 1);
        plan.steps[0].step.clone()
    }

    /// The only concern; there is no step beside it.
    async fn the_concern(&mut self) -> String {
        let (_, plan) = self.look().await;
        assert!(plan.steps.is_empty(), "{:?}", plan.steps);
        assert_eq!(plan.concerns.len(), 1, "{:?}", plan.concerns);
        plan.concerns[0].id.clone()
    }

    async fn act(&mut self, step: &Step) -> Result<Change, String> {
        self.keeper.act(&self.config, step, &self.host).await.map_err(|error| error.chain())
    }
}

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let tier = directory.path().canonicalize().unwrap().join("tier");
    (directory, tier)
}

#[tokio::test]
async fn a_directory_is_made_on_a_mounted_disk() {
    if !may_mount("a_directory_is_made_on_a_mounted_disk") {
        return;
    }
    let (_directory, path) = scratch();
    let _disk = Tmpfs::mount(&path, "size=1m,mode=0711,uid=77,gid=78");
    let mut scene = Scene::new(&path, "a/pg", Some("4242:4243"));
    let step = scene.the_step().await;
    assert_eq!(scene.act(&step).await, Ok(Change::Made));
    let owner = |below: &str| {
        let facts = std::fs::metadata(path.join(below)).unwrap();
        (facts.uid(), facts.gid(), facts.mode() & 0o7777)
    };
    assert_eq!((owner("a/pg"), owner("a")), ((4242, 4243, 0o750), (77, 78, 0o755)));
    let (_, plan) = scene.look().await;
    assert!(plan.steps.is_empty() && plan.concerns.is_empty(), "{plan:?}");
}

#[tokio::test]
async fn unmounted_between_look_and_act_nothing_is_written_below() {
    if !may_mount("unmounted_between_look_and_act_nothing_is_written_below") {
        return;
    }
    for require_mount in [true, false] {
        let (_directory, path) = scratch();
        let disk = Tmpfs::mount(&path, "size=1m");
        let mut scene = Scene::new(&path, "a/pg", None);
        scene.config.tiers.get_mut("ssd").unwrap().require_mount = require_mount;
        let step = scene.the_step().await;
        drop(disk);
        let refused = scene.act(&step).await.unwrap_err();
        let why = if require_mount { "nothing is mounted" } else { "another file system than at the last look" };
        assert!(refused.contains(why), "{refused}");
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0, "written below the mount point");
        if require_mount {
            assert_eq!(scene.the_concern().await, "tier-missing-mount");
        }
    }
}

#[tokio::test]
async fn replaced_by_another_disk_between_look_and_act_it_is_refused() {
    if !may_mount("replaced_by_another_disk_between_look_and_act_it_is_refused") {
        return;
    }
    let (_directory, path) = scratch();
    let disk = Tmpfs::mount(&path, "size=1m");
    let mut scene = Scene::new(&path, "pg", None);
    let step = scene.the_step().await;
    drop(disk);
    let other = Tmpfs::mount(&path, "size=2m");
    let refused = scene.act(&step).await.unwrap_err();
    assert!(refused.contains("another file system than at the last look"), "{refused}");
    assert_eq!(std::fs::read_dir(&other.path).unwrap().count(), 0);
    // Looked at again, it is the tier: nothing else was declared of it.
    let step = scene.the_step().await;
    assert_eq!(scene.act(&step).await, Ok(Change::Made));
    drop(other);
}

#[tokio::test]
async fn mounted_over_between_look_and_act_it_is_refused() {
    if !may_mount("mounted_over_between_look_and_act_it_is_refused") {
        return;
    }
    let (_directory, path) = scratch();
    let _disk = Tmpfs::mount(&path, "size=1m");
    let mut scene = Scene::new(&path, "a/pg", None);
    std::fs::create_dir(path.join("a")).unwrap();
    let step = scene.the_step().await;
    let inner = Tmpfs::mount(&path.join("a"), "size=1m");
    let refused = scene.act(&step).await.unwrap_err();
    assert!(refused.contains("on another file system than its tier"), "{refused}");
    assert_eq!(std::fs::read_dir(&inner.path).unwrap().count(), 0);
    assert_eq!(scene.the_concern().await, "dir-wrong-device");
}

#[tokio::test]
async fn a_read_only_bind_mount_is_a_concern() {
    if !may_mount("a_read_only_bind_mount_is_a_concern") {
        return;
    }
    let (directory, path) = scratch();
    let disk = Tmpfs::mount(&directory.path().canonicalize().unwrap().join("disk"), "size=1m");
    std::fs::create_dir(&path).unwrap();
    mount(Some(&disk.path), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    let bind = Tmpfs { path: path.clone() };
    let mut scene = Scene::new(&path, "pg", None);
    let step = scene.the_step().await;
    bind.remount(MsFlags::MS_BIND | MsFlags::MS_RDONLY);
    assert!(scene.act(&step).await.unwrap_err().contains("mounted read-only"));
    assert_eq!(scene.the_concern().await, "tier-read-only");
    assert_eq!(std::fs::read_dir(&disk.path).unwrap().count(), 0);
}

#[tokio::test]
async fn a_wrong_device_is_a_concern() {
    if !may_mount("a_wrong_device_is_a_concern") {
        return;
    }
    let (_directory, path) = scratch();
    let _disk = Tmpfs::mount(&path, "size=1m");
    let mut scene = Scene::new(&path, "pg", None);
    let step = scene.the_step().await;
    scene.config.tiers.get_mut("ssd").unwrap().device = Some("bcache0".into());
    assert!(scene.act(&step).await.unwrap_err().contains("is on no block device (tmpfs), not on bcache0"));
    assert_eq!(scene.the_concern().await, "tier-wrong-device");
}

#[tokio::test]
async fn a_disk_without_inodes_is_a_failed_step_and_no_half_directory() {
    if !may_mount("a_disk_without_inodes_is_a_failed_step_and_no_half_directory") {
        return;
    }
    let (_directory, path) = scratch();
    let _disk = Tmpfs::mount(&path, "size=1m,nr_inodes=4");
    let mut scene = Scene::new(&path, "a/pg", Some("4242:4243"));
    let step = scene.the_step().await;
    for name in ["x", "y"] {
        std::fs::write(path.join(name), "").unwrap();
    }
    let refused = scene.act(&step).await.unwrap_err();
    assert!(refused.contains("No space left"), "{refused}");
    assert!(!path.join("a/pg").exists());
    std::fs::remove_file(path.join("x")).unwrap();
    let step = scene.the_step().await;
    assert_eq!(scene.act(&step).await, Ok(Change::Made));
}

#[tokio::test]
async fn an_immutable_parent_is_a_failed_step() {
    if !may_mount("an_immutable_parent_is_a_failed_step") {
        return;
    }
    let (_directory, path) = scratch();
    let _disk = Tmpfs::mount(&path, "size=1m");
    std::fs::create_dir(path.join("a")).unwrap();
    let chattr = |flag: &str| std::process::Command::new("chattr").arg(flag).arg(path.join("a")).status();
    if !chattr("+i").is_ok_and(|status| status.success()) {
        eprintln!("skipped: an_immutable_parent_is_a_failed_step needs a tmpfs that knows chattr +i");
        return;
    }
    let mut scene = Scene::new(&path, "a/pg", None);
    let step = scene.the_step().await;
    let refused = scene.act(&step).await.unwrap_err();
    assert!(refused.contains("make the directory") && refused.contains("not permitted"), "{refused}");
    chattr("-i").unwrap();
    assert_eq!(scene.act(&step).await, Ok(Change::Made));
}

#[tokio::test]
async fn who_is_not_root_is_told_what_is_not_permitted() {
    if !may_mount("who_is_not_root_is_told_what_is_not_permitted") {
        return;
    }
    let (_directory, path) = scratch();
    let _disk = Tmpfs::mount(&path, "size=1m,mode=0777");
    let config = Scene::new(&path, "pg", Some("0:0")).config;
    let answer = as_nobody(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut scene = Scene { keeper: Storage::default(), config, host: Host::new(Roots::default()) };
        runtime.block_on(async move {
            let step = scene.the_step().await;
            let foreign = scene.act(&step).await.unwrap_err();
            let mut own = scene.config.dirs.values().next().unwrap().clone();
            (own.path, own.owner) = ("mine".into(), Some("65534:65534".into()));
            scene.config.dirs.insert(("athena".parse().unwrap(), "pg".into()), own);
            let step = scene.the_step().await;
            (foreign, scene.act(&step).await)
        })
    });
    assert!(answer.0.contains("set the owner of") && answer.0.contains("not permitted"), "{}", answer.0);
    assert_eq!(answer.1, Ok(Change::Made));
    assert_eq!(std::fs::metadata(path.join("mine")).unwrap().mode() & 0o7777, 0o750);
}

/// Runs `work` on a thread whose own credentials, and those of the threads it starts, are nobody's.
fn as_nobody<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        // The raw calls change one thread; libc's would change all.
        for call in [libc::SYS_setresgid, libc::SYS_setresuid] {
            assert_eq!(set_ids(call), 0);
        }
        work()
    });
    thread.join().unwrap()
}

#[allow(unsafe_code)]
fn set_ids(call: libc::c_long) -> libc::c_long {
    // SAFETY: the calls take three integers and touch no memory.
    unsafe { libc::syscall(call, 65534, 65534, 65534) }
}

/// Somebody swaps a part of the path between a directory and a link to another place, as fast as it goes, while root
/// makes, owns and opens a directory there.
#[tokio::test]
async fn a_link_swapped_in_ten_thousand_times_leads_nowhere() {
    if !may_mount("a_link_swapped_in_ten_thousand_times_leads_nowhere") {
        return;
    }
    let (_directory, path) = scratch();
    let _disk = Tmpfs::mount(&path, "size=8m");
    // Within the tier: only the refusal of links keeps root from it, not the refusal to leave the tier.
    let victim = path.join("victim");
    std::fs::create_dir_all(victim.join("pg")).unwrap();
    std::fs::set_permissions(victim.join("pg"), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::create_dir(path.join("a")).unwrap();
    symlink("victim", path.join("b")).unwrap();
    let before = listing(&victim);
    let (stop, swaps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let swapper = start_swapper(&path, &stop, &swaps);
    let mut scene = Scene::new(&path, "a/pg", Some("4242:4243"));
    let (mut made, mut refused) = (0, 0);
    while swaps.load(Ordering::Relaxed) < 10_000 || made == 0 || refused == 0 {
        let (_, plan) = scene.look().await;
        for planned in &plan.steps {
            for step in [Some(&planned.step), planned.undo.as_ref()].into_iter().flatten() {
                match scene.act(step).await {
                    Ok(_) => made += 1,
                    Err(_) => refused += 1,
                }
            }
        }
        assert_eq!(listing(&victim), before, "after {made} steps");
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
}

/// As above, with the victim outside of the tier, and with the walks and orders that give what is in a directory to a
/// project: nothing outside is counted, opened or changed.
#[tokio::test]
async fn a_link_swapped_in_leads_no_walk_and_no_mark_outside() {
    if !may_mount("a_link_swapped_in_leads_no_walk_and_no_mark_outside") {
        return;
    }
    let (directory, path) = scratch();
    let _disk = Tmpfs::mount(&path, "size=8m");
    let victim = directory.path().canonicalize().unwrap().join("victim");
    std::fs::create_dir_all(victim.join("pg/below")).unwrap();
    for file in ["pg/large", "pg/below/larger"] {
        std::fs::write(victim.join(file), "x".repeat(4 << 20)).unwrap();
    }
    std::fs::create_dir_all(path.join("a/pg/below")).unwrap();
    std::fs::write(path.join("a/pg/below/small"), "x").unwrap();
    symlink(&victim, path.join("b")).unwrap();
    let marks = |listing: &[(PathBuf, u32, u32, u32)]| -> Vec<String> {
        let lsattr = |path: &PathBuf| {
            let said = std::process::Command::new("lsattr").arg("-pd").arg(path).output().unwrap();
            String::from_utf8(said.stdout).unwrap()
        };
        listing.iter().map(|(path, ..)| lsattr(path)).collect()
    };
    let before = listing(&victim);
    let marked = marks(&before);
    let (stop, swaps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let swapper = start_swapper(&path, &stop, &swaps);
    let mut scene = Scene::new(&path, "a/pg", Some("0:0"));
    let place = Place { tier: "ssd".into(), root: path.to_str().unwrap().into(), below: "a/pg".into() };
    let to = Mark { id: 1_073_741_824, inherit: true };
    let orders = [
        QuotaStep::Project { place: place.clone(), from: Mark::default(), to },
        QuotaStep::Content { place: place.clone(), to: to.id, only: None },
        QuotaStep::Limit { place, id: to.id, from: None, to: Some(Bytes(1 << 20)) },
    ];
    let (mut acted, mut walked) = (0, 0);
    while swaps.load(Ordering::Relaxed) < 10_000 || acted < 300 || walked == 0 {
        let (_, plan) = scene.look().await;
        for step in plan.steps.iter().map(|planned| planned.step.clone()) {
            let _ = scene.act(&step).await;
        }
        for order in &orders {
            // The tier's tmpfs may or may not know projects; where orders lead is what matters.
            let _ = scene.act(&Step::Quota { order: order.clone() }).await;
            acted += 1;
        }
        let Found::There(root) = open_root(Path::new("/"), &path).unwrap() else { panic!("the tier is there") };
        for duty in [Duty::Count, Duty::Check(to.id), Duty::Mark { to: to.id, only: None }] {
            let mut walk = Walk::new(duty);
            let far = Instant::now() + Duration::from_secs(600);
            walked += u32::from(walk.advance(&root, Path::new("a/pg"), far).is_ok_and(|whole| whole));
            assert!(walk.tally().bytes < 1 << 20, "the victim was counted: {:?}", walk.tally());
        }
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert_eq!((listing(&victim), marks(&before)), (before.clone(), marked), "after {acted} orders");
}

fn start_swapper(path: &Path, stop: &Arc<AtomicBool>, swaps: &Arc<AtomicU64>) -> std::thread::JoinHandle<()> {
    let name = |name: &str| CString::new(path.join(name).to_str().unwrap()).unwrap();
    let (one, other) = (name("a"), name("b"));
    let (stop, swaps) = (Arc::clone(stop), Arc::clone(swaps));
    std::thread::spawn(move || {
        let here = nix::fcntl::AT_FDCWD;
        while !stop.load(Ordering::Relaxed) {
            let exchange = nix::fcntl::RenameFlags::RENAME_EXCHANGE;
            nix::fcntl::renameat2(here, one.as_c_str(), here, other.as_c_str(), exchange).unwrap();
            swaps.fetch_add(1, Ordering::Relaxed);
        }
    })
}

/// Everything below a directory with owner and mode.
fn listing(directory: &Path) -> Vec<(PathBuf, u32, u32, u32)> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        let facts = std::fs::symlink_metadata(&path).unwrap();
        found.push((path.clone(), facts.uid(), facts.gid(), facts.mode()));
        if facts.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found.sort();
    found
}
