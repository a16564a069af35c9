//! When nothing is deleted although files look old: clocks, files of the future, tiers that cannot be trusted any more.

use std::path::Path;
use std::time::Instant;

use super::*;
use crate::host::files::{Found, Identity, open_root};
use crate::host::walk::oldest::Oldest;
use crate::keepers::storage::quota::usage::WalkedTier;

#[tokio::test]
async fn a_clock_set_forward_makes_nothing_old() {
    let mut scene = Scene::new(rule(Some(30), None, None));
    scene.make(&[("a", 3)]);
    scene.look().await;
    let wall = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 40);
    scene.up += 4000;
    let (_, plan) = scene.look_at(Now { wall, up: Duration::from_secs(scene.up), boot: "a".into() }).await;
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    assert!(plan.concerns.iter().any(|one| one.text.contains("clock was set forward")), "{:?}", plan.concerns);
}

#[tokio::test]
async fn a_tier_that_cannot_be_used_any_more_ends_what_was_found() {
    let mut scene = Scene::new(rule(Some(30), None, None));
    scene.make(&[("a", 90)]);
    scene.order().await;
    scene.config.tiers.get_mut("hdd").unwrap().require_mount = true;
    let (seen, plan) = scene.look().await;
    assert!(plan.steps.is_empty(), "{plan:?}");
    assert!(show(&scene.config, &seen)[0].why.starts_with("tier hdd cannot be used: nothing is mounted"), "{seen:?}");
}

#[test]
fn another_file_system_than_the_proved_one_is_not_walked() {
    let scene = Scene::new(rule(Some(30), None, None));
    scene.make(&[("a", 90)]);
    let target = parse_target(&scene.config, &"wx".parse().unwrap(), "logs").unwrap();
    let Ok(Found::There(root)) = open_root(&scene.host.roots.rootfs, Path::new("/srv/hdd")) else { panic!() };
    let proved = root.read_facts().unwrap().identity;
    let walked = |identity: Identity| {
        let tier = WalkedTier { roots: scene.host.roots.clone(), tier: scene.config.tiers["hdd"].clone(), identity };
        let mut oldest = Oldest::new(None, 10);
        let far = Instant::now() + Duration::from_secs(60);
        observe::advance(&mut oldest, &target, &tier, far).map(|whole| (whole, oldest.finish().files))
    };
    assert_eq!(walked(proved).ok(), Some((true, 1)));
    let other = Identity { inode: proved.inode + 1, ..proved };
    assert!(walked(other).unwrap_err().chain().contains("another file system"));
}

/// By a clock that was behind, new files are dated as the oldest: where the order counts nothing goes.
#[tokio::test]
async fn a_file_of_the_future_stops_rules_that_go_by_order() {
    for (rule, stopped) in [
        (rule(None, Some(1), None), true),
        (rule(Some(30), Some(1), None), true),
        (rule(None, None, Some(1)), true),
        (rule(Some(30), None, None), false),
    ] {
        let mut scene = Scene::new(rule.clone());
        scene.make(&[("a", 90), ("b", 60)]);
        let order = scene.order().await;
        let later = fs::File::create(scene.path("later")).unwrap();
        later.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
        drop(later);
        let acted = scene.act(&order).await;
        assert_eq!(acted.is_err(), stopped, "{rule:?} {acted:?}");
        if stopped {
            assert!(acted.unwrap_err().contains("later is dated"), "{rule:?}");
            assert_eq!(scene.names(), ["a", "b", "later"]);
        }
        scene.look().await;
        scene.up += 700;
        let (seen, plan) = scene.look().await;
        assert_eq!((plan.steps.len(), plan.concerns.len()), (0, usize::from(stopped)), "{plan:?}");
        let view = &show(&scene.config, &seen)[0];
        assert_eq!(view.state == "blind", stopped, "{view:?}");
        // A few minutes are no matter: clocks of clients differ.
        scene.make(&[("c", 90)]);
        let file = fs::File::options().write(true).open(scene.path("later")).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(300)).unwrap();
        scene.up += 4000;
        let (_, plan) = scene.look().await;
        assert_eq!((plan.steps.len(), plan.concerns.len()), (1, 0), "{plan:?}");
    }
}

/// The agent was last alive long ago, and the host is up since a minute.
#[tokio::test]
async fn a_clock_that_was_wrong_before_the_start_is_doubted() {
    let mut scene = Scene::new(rule(Some(30), None, None));
    scene.make(&[("a", 90)]);
    let wall = Timestamp::from_second(now().as_second()).unwrap();
    let last = Now { wall, up: Duration::from_secs(9), boot: "before".into() };
    scene.keeper.awake(Some(&last.stamp()));
    let (seen, plan) = scene.look().await;
    if crate::host::timex::read_timex().is_ok_and(|timex| timex.synchronized) {
        assert_eq!(plan.steps.len(), 1, "{plan:?}");
        return;
    }
    assert!(plan.steps.is_empty(), "{plan:?}");
    let concern = &plan.concerns[0];
    assert!(concern.id == "dir-clean-blind" && concern.text.contains("not synchronised"), "{concern:?}");
    assert!(concern.cure.contains("set-ntp"), "{concern:?}");
    assert_eq!(show(&scene.config, &seen)[0].state, "blind");
}
