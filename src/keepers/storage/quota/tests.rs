//! Quotas tried: what is decided for every state, once done nothing is left to do, and walks over several looks.

use std::time::Duration;

use proptest::prelude::*;

use super::config::{check, is_same, project_id, whole_blocks};
use super::decide::{Case, own_mark, used_of};
use super::metrics::{FAMILIES, measure};
use super::observe::{Counted, Mark, QuotaSeen};
use super::step::QuotaStep;
use super::usage::{Figures, Question, Usage, UsageSeen, WalkedTier};
use crate::host::Roots;
use crate::host::files::{Found, Identity, open_root};
use crate::host::patience::Patience;
use crate::host::walk::Duty;
use crate::keepers::storage::config::{Config, Dir, Tier};
use crate::keepers::storage::observe::{DirSeen, Ground, Key, Seen, TierSeen};
use crate::keepers::storage::step::{Bits, Owner, Place, Step};
use crate::metrics::{Filter, Page};
use crate::round::{Class, Plan, Severity};
use crate::values::{Bytes, Known, Now};

const GB: u64 = 1_000_000_000;

fn key() -> Key {
    ("athena".parse().unwrap(), "pg".into())
}

fn dir(quota: Option<u64>) -> Dir {
    Dir { tier: "ssd".into(), path: "pg".into(), owner: None, mode: None, quota: quota.map(Bytes) }
}

fn ground() -> Ground {
    Ground {
        identity: Identity { device: (8, 1), mount: 40, inode: 2, made: None },
        mount_root: true,
        owner: Owner { user: 0, group: 0 },
        read_only: false,
        size: 446 * GB,
        available: 200 * GB,
        device: Known::Known(None),
        fstype: Some("ext4".into()),
        full_in: None,
    }
}

fn walked(bytes: u64, strangers: Option<u64>) -> UsageSeen {
    let at = "2026-11-01T00:00:00Z".parse().unwrap();
    UsageSeen { figures: Some(Figures { at, bytes, files: 9, strangers, refused: 0 }), growth: None }
}

fn there(mark: Mark, bytes: u64, limit: Option<u64>) -> QuotaSeen {
    let counted = Counted { bytes, files: 9, limit };
    QuotaSeen::There { enforced: true, mark, counted, claimed: None }
}

fn decide(quota: Option<u64>, seen: &QuotaSeen, usage: UsageSeen) -> Plan<Step> {
    let place = Place { tier: "ssd".into(), root: "/srv".into(), below: "pg".into() };
    let (mut plan, key, ground) = (Plan::default(), key(), ground());
    let dir = dir(quota);
    Case { key: &key, dir: &dir, place: &place, ground: &ground, quota: Some(seen), usage }.decide(&mut plan);
    plan
}

fn words(plan: &Plan<Step>) -> (Vec<&str>, Vec<&str>) {
    use crate::round::Step as _;
    let steps = plan.steps.iter().map(|planned| planned.step.kind()).collect();
    (steps, plan.concerns.iter().map(|concern| concern.id.as_str()).collect())
}

/// Seen, walked, and the steps and concerns of it, with a quota of 200 GB.
type Row = (&'static str, QuotaSeen, UsageSeen, &'static [&'static str], &'static [&'static str]);

/// A file system that keeps quotas.
fn kept() -> Vec<Row> {
    let (own, none, full) = (own_mark(&key()), Mark::default(), Some(200 * GB));
    let (unknown, foreign) = (UsageSeen::default(), Mark { id: 42, inherit: true });
    vec![
        ("as declared", there(own, GB, full), walked(GB, Some(0)), &[], &[]),
        ("not walked yet, in force before", there(own, GB, full), unknown, &[], &[]),
        ("not walked yet: counted first", there(none, 0, None), unknown, &[], &[]),
        ("new and empty", there(none, 0, None), walked(4096, Some(0)), &["set_project", "set_quota"], &[]),
        (
            "new with content",
            there(none, 0, None),
            walked(GB, Some(7)),
            &["set_project", "set_quota", "mark_content"],
            &[],
        ),
        ("taken off in a container", there(none, GB, full), walked(GB, Some(0)), &["set_project"], &[]),
        ("taken off, agent just started", there(none, GB, full), unknown, &["set_project"], &[]),
        ("given another", there(foreign, GB, full), walked(GB, Some(0)), &["set_project"], &[]),
        ("not passed on", there(Mark { inherit: false, ..own }, GB, full), unknown, &["set_project"], &[]),
        ("somebody's own project", there(foreign, 0, None), walked(GB, Some(9)), &[], &["dir-project-taken"]),
        ("another limit", there(own, GB, Some(100 * GB)), walked(GB, Some(0)), &["set_quota"], &[]),
        ("a part is not counted", there(own, GB, full), walked(GB, Some(3)), &["mark_content"], &[]),
        ("80 %", there(own, 160 * GB, full), walked(1, Some(0)), &[], &["dir-near-quota"]),
    ]
}

/// File systems that keep none, or whose quotas are not ours.
fn watched() -> Vec<Row> {
    let (own, none, full) = (own_mark(&key()), Mark::default(), Some(200 * GB));
    let plain = |seen: QuotaSeen, change: fn(&mut QuotaSeen)| {
        let mut seen = seen;
        change(&mut seen);
        seen
    };
    let unknown = UsageSeen::default();
    vec![
        ("no project quotas", QuotaSeen::Unsupported("x".into()), walked(GB, None), &[], &["dir-no-quota-support"]),
        (
            "no project quotas, and 80 %",
            QuotaSeen::Unsupported("x".into()),
            walked(161 * GB, None),
            &[],
            &["dir-no-quota-support", "dir-near-quota"],
        ),
        ("mute", QuotaSeen::Unseen("x".into()), walked(GB, None), &[], &["dir-quota-blind"]),
        (
            "counts only",
            plain(there(own, GB, full), |seen| {
                if let QuotaSeen::There { enforced, .. } = seen {
                    *enforced = false;
                }
            }),
            unknown,
            &[],
            &["dir-no-quota-support"],
        ),
        (
            "in /etc/projects",
            plain(there(none, 0, None), |seen| {
                if let QuotaSeen::There { claimed, .. } = seen {
                    *claimed = Some("/elsewhere".into());
                }
            }),
            walked(GB, Some(7)),
            &[],
            &["dir-project-taken"],
        ),
    ]
}

#[test]
fn every_state_has_its_steps_and_concerns() {
    let full = Some(200 * GB);
    for (case, seen, usage, steps, concerns) in kept().into_iter().chain(watched()) {
        let plan = decide(full, &seen, usage);
        assert_eq!(words(&plan), (steps.to_vec(), concerns.to_vec()), "{case}");
        assert!(plan.steps.iter().all(|planned| planned.undo.is_some()), "{case}");
    }
}

#[test]
fn a_quota_that_is_not_declared_any_more_is_lifted_and_nobody_else_s() {
    let (own, foreign) = (own_mark(&key()), Mark { id: 42, inherit: true });
    let lifted = decide(None, &there(own, GB, Some(2 * GB)), UsageSeen::default());
    assert_eq!(lifted.steps[0].step.to_string(), "set quota of /srv/pg from 1.9GiB to none");
    assert_eq!(lifted.steps[0].class, Class::Safe);
    for seen in [there(own, GB, None), there(foreign, GB, Some(2 * GB)), QuotaSeen::Unsupported("x".into())] {
        assert_eq!(words(&decide(None, &seen, walked(GB, None))), (Vec::new(), Vec::new()));
    }
}

#[test]
fn a_quota_is_tightening_when_it_takes_something_away() {
    let own = own_mark(&key());
    for (from, to, used, class) in [
        (None, 200, 1, Class::Tightening),
        (Some(100), 200, 1, Class::Safe),
        (Some(300), 200, 1, Class::Tightening),
        (Some(100), 200, 250, Class::Tightening),
    ] {
        let plan = decide(Some(to * GB), &there(own, used * GB, from.map(|from| from * GB)), walked(1, Some(0)));
        assert_eq!(plan.steps[0].class, class, "{from:?} {to} {used}");
    }
}

#[test]
fn near_the_quota_is_a_concern_that_does_not_change_with_every_byte() {
    let own = own_mark(&key());
    let near = |used: u64| decide(Some(200 * GB), &there(own, used, Some(200 * GB)), walked(1, Some(0))).concerns;
    assert!(near(160 * GB - 1).is_empty());
    let (warning, critical) = (near(160 * GB), near(190 * GB));
    assert_eq!((warning[0].severity, critical[0].severity), (Severity::Warning, Severity::Critical));
    assert_eq!(warning[0].text, near(160 * GB + 12345)[0].text);
    assert_eq!(near(u64::MAX)[0].severity, Severity::Critical);
    let above = decide(Some(500 * GB), &there(own, GB, Some(500 * GB)), walked(1, Some(0)));
    assert_eq!(words(&above), (Vec::new(), vec!["dir-quota-above-filesystem"]));
}

#[test]
fn what_is_used_is_what_the_kernel_counts_only_when_it_counts_all() {
    let (key, own) = (key(), own_mark(&key()));
    let seen = there(own, 7, None);
    assert_eq!(used_of(&key, Some(&seen), walked(9, Some(0))), Some(7));
    assert_eq!(used_of(&key, Some(&seen), walked(9, Some(1))), Some(9));
    assert_eq!(used_of(&key, Some(&seen), UsageSeen::default()), Some(7));
    assert_eq!(used_of(&key, Some(&there(Mark::default(), 7, None)), walked(9, None)), Some(9));
    assert_eq!(used_of(&key, None, walked(9, None)), Some(9));
    assert_eq!(used_of(&key, None, UsageSeen::default()), None);
}

#[test]
fn wrong_quotas_are_told_with_their_cures() {
    let mut dirs = std::collections::BTreeMap::new();
    for (name, quota) in [("a", 0), ("b", 4096), ("c", u64::MAX), ("d", 1 << 20), ("e", 200 * GB)] {
        dirs.insert(("athena".parse().unwrap(), name.to_owned()), dir(Some(quota)));
    }
    let mut problems = Vec::new();
    check(&dirs, &mut problems);
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["project.athena.dir.a.quota", "project.athena.dir.b.quota", "project.athena.dir.c.quota"]);
}

/// The model of a file system: what an order does to it.
fn apply(seen: &mut QuotaSeen, usage: &mut UsageSeen, step: &Step) {
    let (QuotaSeen::There { mark, counted, .. }, Step::Quota { order }) = (seen, step) else { panic!("{step}") };
    match order {
        QuotaStep::Project { from, to, .. } => assert_eq!(std::mem::replace(mark, *to), *from),
        QuotaStep::Limit { id, from, to, .. } => {
            assert!(*id == project_id(&key()) && is_same(counted.limit, *from));
            counted.limit = to.map(|to| whole_blocks(to.0));
        }
        QuotaStep::Content { .. } => {
            let figures = usage.figures.as_mut().unwrap();
            (counted.bytes, figures.strangers) = (figures.bytes, Some(0));
        }
    }
}

proptest! {
    #[test]
    fn once_done_nothing_is_left_to_do(
        (id, inherit) in (prop_oneof![Just(0_u32), Just(42), Just(project_id(&key()))], any::<bool>()),
        limit in proptest::option::of(1_u64 << 20..1 << 45),
        quota in proptest::option::of(1_u64 << 20..1 << 45),
        (bytes, strangers) in (0_u64..1 << 45, 0_u64..5),
    ) {
        let mut seen = there(Mark { id, inherit }, bytes, limit);
        let mut usage = walked(bytes, Some(strangers));
        let before = seen.clone();
        let plan = decide(quota, &seen, usage);
        for planned in &plan.steps {
            apply(&mut seen, &mut usage, &planned.step);
        }
        let after = decide(quota, &seen, usage);
        prop_assert!(after.steps.is_empty(), "{:?}", after.steps);
        for undo in plan.steps.iter().rev().filter_map(|planned| planned.undo.as_ref()) {
            apply(&mut seen, &mut usage, undo);
        }
        let (QuotaSeen::There { mark: now, counted, .. }, QuotaSeen::There { mark: then, counted: old, .. }) = (&seen, &before) else {
            panic!("both are there")
        };
        prop_assert!(now == then && is_same(counted.limit, old.limit.map(Bytes)));
    }
}

fn now(seconds: u64) -> Now {
    Now { wall: "2026-11-01T00:00:00Z".parse().unwrap(), up: Duration::from_secs(seconds), boot: "a".into() }
}

/// One directory below a tier, walked at these moments.
struct Scene {
    directory: tempfile::TempDir,
    usage: Usage,
    patience: Patience,
}

impl Scene {
    fn new() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("pg")).unwrap();
        Scene { directory, usage: Usage::default(), patience: Patience::default() }
    }

    async fn look(&mut self, seconds: u64, guards: bool) -> UsageSeen {
        let path = self.directory.path().canonicalize().unwrap();
        let Found::There(root) = open_root(std::path::Path::new("/"), &path).unwrap() else { panic!("is there") };
        let identity = root.read_facts().unwrap().identity;
        let path = path.to_str().unwrap().to_owned();
        let tier = Tier { path, ..Tier::default() };
        let tier = WalkedTier { roots: Roots::default(), tier, identity };
        let question = Question {
            key: key(),
            tier: "ssd".into(),
            below: "pg".into(),
            duty: Duty::Count,
            marked: false,
            guards,
            counted: None,
        };
        let tiers = [("ssd".to_owned(), tier)].into();
        // A slice may take longer than a look waits for it.
        for _ in 0..2000 {
            let seen = self.usage.refresh(vec![question.clone()], &tiers, &mut self.patience, &now(seconds)).await;
            if seen[&key()].figures.is_some() {
                return seen[&key()];
            }
        }
        panic!("the walk does not end")
    }

    fn write(&self, name: &str, length: usize) {
        std::fs::write(self.directory.path().join("pg").join(name), "x".repeat(length)).unwrap();
    }
}

#[tokio::test]
async fn a_directory_is_walked_again_after_an_hour_and_earlier_where_it_stands_in_for_a_quota() {
    for (guards, early) in [(false, 1), (true, 2)] {
        let mut scene = Scene::new();
        scene.write("a", 8000);
        assert_eq!(scene.look(1, guards).await.figures.unwrap().files, 1);
        scene.write("b", 8000);
        assert_eq!(scene.look(30, guards).await.figures.unwrap().files, 1);
        // The look that starts a walk may show the one before.
        scene.look(70, guards).await;
        let settled = async |scene: &mut Scene, seconds| {
            let mut files = 0;
            for _ in 0..200 {
                files = scene.look(seconds, guards).await.figures.unwrap().files;
                if files == 2 {
                    break;
                }
            }
            files
        };
        assert_eq!(scene.look(71, guards).await.figures.unwrap().files, early, "{guards}");
        assert_eq!(settled(&mut scene, 3700).await, 2);
    }
}

#[tokio::test]
async fn growth_is_told_over_the_time_that_was_watched() {
    let mut scene = Scene::new();
    scene.write("a", 8000);
    scene.look(1, true).await;
    assert_eq!(scene.look(2, true).await.growth, None);
    scene.write("b", 1 << 20);
    let mut growth = None;
    for round in 0..200 {
        growth = scene.look(1000 + round, true).await.growth;
        if growth.is_some() {
            break;
        }
    }
    let (bytes, over) = growth.unwrap();
    assert!(bytes >= 1 << 20 && over >= Duration::from_secs(900), "{bytes} {over:?}");
}

#[test]
fn usage_and_quota_are_measured_shown_and_named_when_space_is_short() {
    let mut config = Config::default();
    let path = "/srv".to_owned();
    let tier = Tier { path, min_free: Some(Bytes(300 * GB)), ..Tier::default() };
    config.tiers.insert("ssd".into(), tier);
    config.dirs.insert(key(), dir(Some(200 * GB)));
    let mut seen = Seen::at("2026-11-01T00:00:00Z".parse().unwrap());
    seen.tiers.insert("ssd".into(), Known::Known(TierSeen::There(ground())));
    let (owner, mode) = (Owner { user: 0, group: 0 }, Bits(0o700));
    seen.dirs.insert(key(), DirSeen::There { owner, mode, empty: None });
    seen.quotas.insert(key(), there(own_mark(&key()), 7 * GB, Some(200 * GB)));
    let growth = Some((5 << 30, Duration::from_secs(3600)));
    seen.usage.insert(key(), UsageSeen { growth, ..walked(1, Some(0)) });
    let mut page = Page::new(Filter::default(), 1000);
    measure(&config, &seen, &mut page);
    let page = String::from_utf8(page.finish()).unwrap();
    for family in FAMILIES {
        assert!(page.contains(&format!("# TYPE {} gauge\n", family.name)), "{}", family.name);
    }
    for line in [
        "hostkeeper_datadir_size_bytes{project=\"athena\",dir=\"pg\"} 7000000000",
        "hostkeeper_datadir_quota_bytes{project=\"athena\",dir=\"pg\"} 200000000000",
        "hostkeeper_datadir_quota_enforced{project=\"athena\",dir=\"pg\"} 1",
        "hostkeeper_datadir_uncounted{project=\"athena\",dir=\"pg\"} 0",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
    let plan = crate::keepers::storage::decide::decide(&config, &seen);
    assert_eq!(words(&plan), (Vec::new(), vec!["tier-low-space"]));
    assert!(plan.concerns[0].text.ends_with("of the declared directories athena/pg grew most"));
    assert_eq!(plan.concerns[0].evidence.last().unwrap().value, "athena/pg: 5GiB in 1h");
    // Of a disk that is not the tier's nothing is told.
    seen.tiers.insert("ssd".into(), Known::Unknown("hangs".into()));
    let mut page = Page::new(Filter::default(), 1000);
    measure(&config, &seen, &mut page);
    let page = String::from_utf8(page.finish()).unwrap();
    assert!(!page.contains("datadir_size_bytes"), "{page}");
}
