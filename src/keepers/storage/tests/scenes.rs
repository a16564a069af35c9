//! Whole rounds on a scratch tree: observe, decide, act, examine, observe again.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::super::{Seen, Step, Storage};
use super::*;
use crate::host::{Host, Roots};
use crate::ledger::Past;
use crate::round::{Change, Keeper, Plan};

struct Scene {
    directory: tempfile::TempDir,
    keeper: Storage,
    config: Config,
    host: Host,
}

impl Scene {
    /// A tier `/srv/ssd` below a scratch root, with one declared directory.
    fn new(declared: Dir) -> Scene {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("srv/ssd")).unwrap();
        let roots = Roots { rootfs: directory.path().to_owned(), ..Roots::default() };
        Scene { directory, keeper: Storage::default(), config: one(declared), host: Host::new(roots) }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join("srv/ssd").join(below)
    }

    async fn look(&mut self) -> (Seen, Plan<Step>) {
        let seen = self.keeper.observe(&self.config, &self.host, &now(0)).await.unwrap();
        let plan = Storage::decide(&self.config, &seen, &Past::default(), &now(0));
        (seen, plan)
    }

    async fn act(&mut self, step: &Step) -> Result<Change, String> {
        self.keeper.act(&self.config, step, &self.host).await.map_err(|error| error.chain())
    }

    async fn examine(&mut self, step: &Step) -> Option<bool> {
        self.keeper.examine(&self.config, step, &self.host).await
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_directory_is_made_found_and_taken_back() {
    let mut scene = Scene::new(dir("a/b/pg", None, Some("0710")));
    let (_, plan) = scene.look().await;
    let planned = plan.steps.into_iter().next().unwrap();
    assert_eq!(scene.examine(&planned.step).await, Some(false));
    assert_eq!(scene.act(&planned.step).await, Ok(Change::Made));
    assert_eq!(scene.act(&planned.step).await, Ok(Change::AlreadySo));
    assert_eq!(scene.examine(&planned.step).await, Some(true));
    assert_eq!((mode(&scene.path("a/b/pg")), mode(&scene.path("a/b"))), (0o710, 0o755));
    let (seen, plan) = scene.look().await;
    assert!(plan.steps.is_empty() && plan.concerns.is_empty(), "{plan:?}");
    assert_eq!(Storage::show(&scene.config, &seen).dirs[0].state, "ok");
    let undo = planned.undo.unwrap();
    assert_eq!(scene.examine(&undo).await, Some(false));
    std::fs::write(scene.path("a/other"), "").unwrap();
    assert_eq!(scene.act(&undo).await, Ok(Change::Made));
    assert!(!scene.path("a/b").exists() && scene.path("a/other").exists());
    assert_eq!((scene.act(&undo).await, scene.examine(&undo).await), (Ok(Change::AlreadySo), Some(true)));
}

#[tokio::test]
async fn a_directory_with_content_is_not_taken_back() {
    let mut scene = Scene::new(dir("pg", None, None));
    let (_, plan) = scene.look().await;
    scene.act(&plan.steps[0].step).await.unwrap();
    std::fs::write(scene.path("pg/precious"), "x").unwrap();
    let refused = scene.act(plan.steps[0].undo.as_ref().unwrap()).await.unwrap_err();
    assert!(refused.contains("not empty"), "{refused}");
    assert!(scene.path("pg/precious").exists());
}

#[tokio::test]
async fn a_mode_is_set_back_and_forth_and_not_over_a_change() {
    let mut scene = Scene::new(dir("pg", None, Some("2770")));
    std::fs::create_dir(scene.path("pg")).unwrap();
    set_mode(&scene.path("pg"), 0o755);
    let (_, plan) = scene.look().await;
    let planned = &plan.steps[0];
    assert_eq!(scene.act(&planned.step).await, Ok(Change::Made));
    assert_eq!(mode(&scene.path("pg")), 0o2770);
    assert_eq!(scene.act(&planned.step).await, Ok(Change::AlreadySo));
    assert_eq!(scene.examine(&planned.step).await, Some(true));
    set_mode(&scene.path("pg"), 0o711);
    assert_eq!(scene.examine(&planned.step).await, None);
    let refused = scene.act(planned.undo.as_ref().unwrap()).await.unwrap_err();
    assert!(refused.contains("has mode 0711 by now, not 2770"), "{refused}");
    assert_eq!(mode(&scene.path("pg")), 0o711);
}

#[tokio::test]
async fn what_is_in_the_way_is_named() {
    for (declared, at) in [("file/pg", "file"), ("file", "file"), ("link/pg", "link"), ("link", "link")] {
        let mut scene = Scene::new(dir(declared, None, None));
        std::fs::write(scene.path("file"), "").unwrap();
        symlink("/tmp", scene.path("link")).unwrap();
        let (_, plan) = scene.look().await;
        assert_eq!((plan.steps.len(), plan.concerns[0].id.as_str()), (0, "dir-path-blocked"));
        assert!(plan.concerns[0].text.starts_with(&format!("/srv/ssd/{at} is")), "{}", plan.concerns[0].text);
    }
}

#[tokio::test]
async fn what_comes_into_the_way_after_the_look_is_not_followed() {
    let mut scene = Scene::new(dir("a/pg", None, Some("0700")));
    let (_, plan) = scene.look().await;
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), scene.path("a")).unwrap();
    let refused = scene.act(&plan.steps[0].step).await.unwrap_err();
    assert!(refused.contains("is a symlink"), "{refused}");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_parent_that_nobody_planned_is_not_made() {
    let mut scene = Scene::new(dir("a/pg", None, None));
    std::fs::create_dir(scene.path("a")).unwrap();
    let (_, plan) = scene.look().await;
    std::fs::remove_dir(scene.path("a")).unwrap();
    let refused = scene.act(&plan.steps[0].step).await.unwrap_err();
    assert!(refused.contains("does not exist any more"), "{refused}");
    assert!(!scene.path("a").exists());
}

#[tokio::test]
async fn a_creation_that_was_killed_half_way_is_finished() {
    let mut scene = Scene::new(dir("pg", None, Some("0755")));
    let (_, plan) = scene.look().await;
    std::fs::create_dir(scene.path("pg")).unwrap();
    set_mode(&scene.path("pg"), 0o700);
    assert_eq!(scene.examine(&plan.steps[0].step).await, Some(false));
    assert_eq!(scene.act(&plan.steps[0].step).await, Ok(Change::Made));
    assert_eq!(mode(&scene.path("pg")), 0o755);
    // Somebody else's directory is not taken for half made.
    set_mode(&scene.path("pg"), 0o700);
    std::fs::write(scene.path("pg/x"), "").unwrap();
    assert_eq!(scene.act(&plan.steps[0].step).await, Ok(Change::AlreadySo));
    assert_eq!(mode(&scene.path("pg")), 0o700);
}

#[tokio::test]
async fn a_tier_is_looked_for_where_it_is_declared() {
    let mut scene = Scene::new(dir("pg", None, None));
    let cases =
        [("/srv/none", "tier-missing"), ("/srv/file", "tier-path-blocked"), ("/srv/link/ssd", "tier-path-blocked")];
    std::fs::write(scene.directory.path().join("srv/file"), "").unwrap();
    symlink(".", scene.directory.path().join("srv/link")).unwrap();
    for (path, id) in cases {
        scene.config.tiers.insert("ssd".into(), tier(path));
        let (seen, plan) = scene.look().await;
        assert_eq!((plan.steps.len(), plan.concerns[0].id.as_str()), (0, id));
        assert!(plan.concerns[0].text.starts_with("/srv/"), "{}", plan.concerns[0].text);
        assert_ne!(Storage::show(&scene.config, &seen).tiers[0].state, "ok");
    }
    let mut strict = tier("/srv/ssd");
    strict.require_mount = true;
    scene.config.tiers.insert("ssd".into(), strict);
    assert_eq!(scene.look().await.1.concerns[0].id, "tier-missing-mount");
}

#[tokio::test]
async fn steps_of_another_configuration_are_refused() {
    let mut scene = Scene::new(dir("pg", None, None));
    let (_, plan) = scene.look().await;
    let step = plan.steps[0].step.clone();
    scene.config.tiers.insert("ssd".into(), tier("/srv"));
    assert!(scene.act(&step).await.unwrap_err().contains("is at /srv now, not at /srv/ssd"));
    scene.config.tiers.clear();
    assert!(scene.act(&step).await.unwrap_err().contains("not declared any more"));
    assert_eq!(scene.examine(&step).await, None);
}

#[tokio::test]
async fn a_foreign_owner_is_told_from_an_empty_directory() {
    let mut scene = Scene::new(dir("pg", Some("4242:4243"), None));
    std::fs::create_dir(scene.path("pg")).unwrap();
    let (_, plan) = scene.look().await;
    let step = plan.steps[0].step.clone();
    if nix::unistd::geteuid().is_root() {
        assert_eq!(scene.act(&step).await, Ok(Change::Made));
        let owner = std::fs::metadata(scene.path("pg")).unwrap();
        assert_eq!((owner.uid(), owner.gid()), (4242, 4243));
        assert_eq!(scene.act(plan.steps[0].undo.as_ref().unwrap()).await, Ok(Change::Made));
    } else {
        assert!(scene.act(&step).await.unwrap_err().contains("not permitted"));
    }
    std::fs::write(scene.path("pg/x"), "").unwrap();
    assert!(scene.act(&step).await.unwrap_err().contains("not empty any more"));
    let (_, plan) = scene.look().await;
    assert_eq!((plan.steps.len(), plan.concerns[0].id.as_str()), (0, "dir-foreign-owner"));
}
