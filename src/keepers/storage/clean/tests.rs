//! Clean rules tried: what may go as tables and properties, and whole looks and deletions on a scratch tree.

mod doubt;
mod shown;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use proptest::prelude::*;

use super::config::{Rule, parse_target};
use super::decide::count_doomed;
use super::step::CleanOrder;
use super::*;
use crate::host::walk::oldest::{GONE, Gathered, OldFile, matches};
use crate::host::{Host, Roots};
use crate::keepers::storage::config::{Config, Dir, Tier};
use crate::keepers::storage::{Seen, Step, Storage};
use crate::ledger::Past;
use crate::round::{Change, Class, Keeper, Plan};
use crate::values::{Bytes, Every, Now};

const DAY: u64 = 86_400;

fn rule(older_than: Option<u64>, keep_last: Option<u64>, max_bytes: Option<u64>) -> Rule {
    let older_than = older_than.map(|days| Every(Duration::from_secs(days * DAY)));
    Rule { path: "logs".into(), older_than, keep_last, max_bytes: max_bytes.map(Bytes) }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_000 * DAY as i64).unwrap()
}

/// Files of 10 bytes, so many days old, oldest first.
fn met(days: &[i64]) -> Gathered {
    let file = |(index, days): (usize, &i64)| OldFile {
        modified: ((1_000 - days) * DAY as i64, 0),
        name: format!("{index:03}"),
        size: 10,
        inode: index as u64,
    };
    let mut oldest: Vec<OldFile> = days.iter().enumerate().map(file).collect();
    oldest.sort();
    let files = days.len() as u64;
    Gathered { files, bytes: files * 10, oldest, ..Gathered::default() }
}

#[test]
fn a_file_goes_when_everything_that_is_given_allows_it() {
    let days = [50, 40, 30, 20, 10];
    let cases = [
        (rule(Some(25), None, None), 3),
        (rule(Some(60), None, None), 0),
        (rule(None, Some(2), None), 3),
        (rule(None, Some(9), None), 0),
        (rule(None, None, Some(20)), 3),
        (rule(None, None, Some(50)), 0),
        (rule(Some(25), Some(4), None), 1),
        (rule(Some(35), Some(1), Some(0)), 2),
        (rule(Some(5), Some(1), Some(40)), 1),
        (rule(Some(30), None, None), 2),
    ];
    for (rule, expected) in cases {
        assert_eq!(count_doomed(&rule, &met(&days), now()), expected, "{rule:?}");
    }
    // What was just written stays, and so does what is of the future.
    let (mut young, second) = (met(&[2, 1]), now().as_second());
    for (age, file) in [59, 10].into_iter().zip(&mut young.oldest) {
        file.modified.0 = second - age;
    }
    assert_eq!(count_doomed(&rule(None, Some(1), None), &young, now()), 0);
    young.oldest[0].modified.0 = second - 61;
    assert_eq!(count_doomed(&rule(None, Some(1), None), &young, now()), 1);
    assert_eq!(count_doomed(&rule(None, None, Some(1)), &met(&[0, -5]), now()), 0);
}

proptest! {
    #[test]
    fn never_the_newest_never_the_young_never_more_than_needed(
        days in proptest::collection::vec(-3_i64..60, 0..40),
        age in proptest::option::of(1_u64..60), keep in proptest::option::of(1_u64..40), most in proptest::option::of(1_u64..400),
    ) {
        let (rule, met) = (rule(age, keep, most), met(&days));
        let count = count_doomed(&rule, &met, now());
        let left = met.oldest.len() - count;
        prop_assert!(keep.is_none_or(|keep| left as u64 >= keep.min(met.files)));
        for (index, file) in met.oldest.iter().enumerate().take(count) {
            let old = now().as_second() - file.modified.0;
            prop_assert!(old > 60 && age.is_none_or(|age| old > (age * DAY) as i64));
            // Before it went the files took more than they may.
            prop_assert!(most.is_none_or(|most| (met.oldest.len() - index) as u64 * 10 > most));
        }
    }

    #[test]
    fn names_are_matched_as_a_shell_does(name in "[ab.]{0,6}", pattern in "[ab.?*]{0,6}") {
        let regular = |text: &str| text.chars().map(|letter| match letter {
            '*' => ".*".to_owned(), '?' => ".".to_owned(), '.' => "[.]".to_owned(), other => other.to_string(),
        }).collect::<String>();
        let expected = like(regular(&pattern).as_bytes(), name.as_bytes()) && (!name.starts_with('.') || pattern.starts_with('.'));
        prop_assert_eq!(matches(&pattern, &name), expected, "{} {}", pattern, name);
    }
}

/// A slow matcher of `.*`, `.`, `[.]` and letters.
fn like(pattern: &[u8], name: &[u8]) -> bool {
    if let Some(rest) = pattern.strip_prefix(b".*") {
        return (0..=name.len()).any(|at| like(rest, &name[at..]));
    }
    let (one, rest) = match (pattern.strip_prefix(b"[.]"), pattern.strip_prefix(b".")) {
        (Some(rest), _) => (Some(b'.'), rest),
        (None, Some(rest)) => (None, rest),
        (None, None) if pattern.is_empty() => return name.is_empty(),
        (None, None) => (pattern.first().copied(), &pattern[1..]),
    };
    name.split_first().is_some_and(|(first, name)| one.is_none_or(|one| one == *first) && like(rest, name))
}

struct Scene {
    directory: tempfile::TempDir,
    keeper: Storage,
    config: Config,
    host: Host,
    up: u64,
}

impl Scene {
    /// A tier `/srv/hdd` below a scratch root, in it the directory `logs`, and a rule.
    fn new(rule: Rule) -> Scene {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("srv/hdd/wx/logs")).unwrap();
        let mut config = Config::default();
        config.tiers.insert("hdd".into(), Tier { path: "/srv/hdd".into(), ..Tier::default() });
        let dir = Dir { tier: "hdd".into(), path: "wx/logs".into(), owner: None, mode: None, quota: None };
        config.dirs.insert(("wx".parse().unwrap(), "logs".into()), dir);
        config.cleans.insert(("wx".parse().unwrap(), "old".into()), rule);
        let roots = Roots { rootfs: directory.path().to_owned(), ..Roots::default() };
        Scene { directory, keeper: Storage::default(), config, host: Host::new(roots), up: 100_000 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("srv/hdd/wx/logs").join(name)
    }

    /// Files so many days old.
    fn make(&self, files: &[(&str, u64)]) {
        for (name, days) in files {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs::File::create(&path).unwrap();
            file.set_len(1000).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(days * DAY)).unwrap();
        }
    }

    async fn look(&mut self) -> (Seen, Plan<Step>) {
        let now = Now { wall: Timestamp::now(), up: Duration::from_secs(self.up), boot: "a".into() };
        self.look_at(now).await
    }

    /// Looks until a walk that is due is over, however busy the host is.
    async fn look_at(&mut self, now: Now) -> (Seen, Plan<Step>) {
        let mut seen = self.keeper.observe(&self.config, &self.host, &now).await.unwrap();
        for _ in 0..5 {
            if seen.cleans.values().all(|one| *one != CleanSeen::Walking) {
                break;
            }
            while self.keeper.patience.is_under_way("clean wx/old") {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            seen = self.keeper.observe(&self.config, &self.host, &now).await.unwrap();
        }
        let plan = Storage::decide(&self.config, &seen, &Past::default(), &now);
        (seen, plan)
    }

    async fn order(&mut self) -> CleanOrder {
        let (_, plan) = self.look().await;
        assert!(plan.concerns.is_empty(), "{:?}", plan.concerns);
        match plan.steps.into_iter().next() {
            Some(planned) => match planned.step {
                Step::Clean { order } => order,
                other => panic!("{other}"),
            },
            None => panic!("nothing is planned"),
        }
    }

    async fn act(&mut self, order: &CleanOrder) -> Result<Change, String> {
        let step = Step::Clean { order: order.clone() };
        self.keeper.act(&self.config, &step, &self.host).await.map_err(|error| error.chain())
    }

    /// Each file of the last step with what became of it.
    fn ends(&mut self) -> Vec<(String, String)> {
        let notes = self.keeper.take_notes();
        notes.operations.into_iter().map(|operation| (operation.file, operation.outcome)).collect()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.path("")).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn pair(name: &str, end: &str) -> (String, String) {
    (name.to_owned(), end.to_owned())
}

#[tokio::test]
async fn the_plan_says_what_goes_and_only_that_goes() {
    let mut scene = Scene::new(rule(Some(30), Some(1), None));
    scene.make(&[("a", 90), ("below/b", 60), ("young", 3), ("c", 40)]);
    symlink("young", scene.path("link")).unwrap();
    scene.make(&[("linked", 99)]);
    fs::hard_link(scene.path("linked"), scene.directory.path().join("other name")).unwrap();
    let (seen, plan) = scene.look().await;
    let planned = &plan.steps[0];
    assert_eq!(
        (planned.class, &planned.undo, planned.subject.to_string().as_str()),
        (Class::Disruptive, &None, "wx/old")
    );
    assert!(planned.step.to_string().starts_with("delete 3 files (2"), "{}", planned.step);
    assert!(planned.because.text.contains("cannot be taken back"), "{}", planned.because.text);
    let told: Vec<&str> =
        planned.because.evidence.iter().filter(|one| one.what == "file").map(|one| one.value.as_str()).collect();
    assert!(told[0].starts_with("a (") && told[1].starts_with("below/b (") && told.len() == 3, "{told:?}");
    let key: RuleKey = ("wx".parse().unwrap(), "old".into());
    assert!(matches!(&seen.cleans[&key], CleanSeen::Found(found) if (found.met.files, found.met.left_out) == (4, 1)));
    let order = scene.order().await;
    assert_eq!(
        scene.keeper.examine(&scene.config, &Step::Clean { order: order.clone() }, &scene.host).await,
        Some(false)
    );
    assert_eq!(scene.act(&order).await, Ok(Change::Made));
    assert_eq!(scene.ends(), [pair("a", "removed"), pair("below/b", "removed"), pair("c", "removed")]);
    assert_eq!(scene.names(), ["below", "link", "linked", "young"]);
    assert_eq!(
        scene.keeper.examine(&scene.config, &Step::Clean { order: order.clone() }, &scene.host).await,
        Some(true)
    );
    // Nothing is planned from what was seen before, and the next walk comes later.
    assert!(scene.look().await.1.steps.is_empty());
    scene.make(&[("again", 70)]);
    assert!(scene.look().await.1.steps.is_empty());
    scene.up += 700;
    assert_eq!(scene.order().await.files.len(), 1);
    assert_eq!(scene.act(&order).await, Ok(Change::AlreadySo));
}

#[tokio::test]
async fn what_is_open_changed_or_no_longer_let_go_stays() {
    let mut scene = Scene::new(rule(Some(30), None, None));
    scene.make(&[("changed", 90), ("gone", 80), ("open", 70), ("replaced", 60), ("z", 50)]);
    let order = scene.order().await;
    fs::write(scene.path("changed"), "new").unwrap();
    fs::remove_file(scene.path("gone")).unwrap();
    let _open = fs::File::open(scene.path("open")).unwrap();
    fs::remove_file(scene.path("replaced")).unwrap();
    symlink("z", scene.path("replaced")).unwrap();
    assert_eq!(scene.act(&order).await, Ok(Change::Made));
    assert_eq!(scene.ends(), [pair("gone", "vanished"), pair("open", "open"), pair("z", "removed")]);
    assert_eq!(scene.names(), ["changed", "open", "replaced"]);
    assert!(scene.act(&order).await.unwrap_err().contains("somebody has it open"));
}

#[tokio::test]
async fn the_newest_are_counted_again_right_before() {
    let mut scene = Scene::new(rule(None, Some(2), None));
    scene.make(&[("1", 90), ("2", 80), ("3", 70), ("4", 60), ("5", 50)]);
    let order = scene.order().await;
    assert_eq!(order.files.len(), 3);
    // Somebody deletes the newest meanwhile: of those that are left the newest two stay.
    fs::remove_file(scene.path("5")).unwrap();
    fs::remove_file(scene.path("4")).unwrap();
    assert_eq!(scene.act(&order).await, Ok(Change::Made));
    assert_eq!(scene.names(), ["2", "3"]);
    assert!(scene.act(&order).await.unwrap_err().contains("does not let them go any more"));
    assert_eq!(scene.names(), ["2", "3"]);
}

#[tokio::test]
async fn a_changed_rule_or_tier_deletes_nothing() {
    let mut scene = Scene::new(rule(Some(30), None, None));
    scene.make(&[("a", 90)]);
    let order = scene.order().await;
    let key: RuleKey = ("wx".parse().unwrap(), "old".into());
    let kept = scene.config.cleans.insert(key.clone(), Rule { path: "logs/*.gz".into(), ..rule(Some(30), None, None) });
    assert!(scene.act(&order).await.unwrap_err().contains("not declared any more"));
    scene.config.cleans.insert(key.clone(), rule(Some(100), None, None));
    assert!(scene.act(&order).await.unwrap_err().contains("does not let them go"));
    scene.config.cleans.insert(key, kept.unwrap());
    scene.config.tiers.get_mut("hdd").unwrap().require_mount = true;
    assert!(scene.act(&order).await.unwrap_err().contains("nothing is mounted"));
    assert!(scene.look().await.1.steps.is_empty());
    assert!(scene.path("a").exists());
}

#[tokio::test]
async fn links_on_the_way_lead_nowhere() {
    let mut scene = Scene::new(rule(Some(30), None, None));
    scene.make(&[("sub/a", 90)]);
    let order = scene.order().await;
    let outside = tempfile::tempdir().unwrap();
    fs::rename(scene.path("sub/a"), outside.path().join("a")).unwrap();
    fs::remove_dir(scene.path("sub")).unwrap();
    symlink(outside.path(), scene.path("sub")).unwrap();
    assert_eq!(scene.act(&order).await, Ok(Change::AlreadySo));
    assert!(outside.path().join("a").exists());
    assert!(scene.look().await.1.steps.is_empty());
    fs::rename(scene.path(""), scene.path("").with_file_name("real")).unwrap();
    symlink("real", scene.path("").with_file_name("logs")).unwrap();
    scene.up += 4000;
    let (_, plan) = scene.look().await;
    assert!(plan.steps.is_empty() && plan.concerns.iter().any(|one| one.id == "dir-clean-blind"), "{plan:?}");
}

#[tokio::test]
async fn patterns_mean_names_directly_there() {
    let mut scene = Scene::new(Rule { path: "logs/*.gz".into(), ..rule(Some(30), None, None) });
    let left_behind = format!("{GONE}1f");
    scene.make(&[("a.gz", 90), ("b.log", 90), ("sub/c.gz", 90), (".hidden.gz", 90), (&left_behind, 90)]);
    let order = scene.order().await;
    let names: Vec<&str> = order.files.iter().map(|file| file.name.as_str()).collect();
    // What a kill left under our name goes, too.
    assert!(names.contains(&"a.gz") && names.contains(&left_behind.as_str()) && names.len() == 2, "{names:?}");
    assert_eq!(scene.act(&order).await, Ok(Change::Made));
    assert_eq!(scene.names(), [".hidden.gz", "b.log", "sub"]);
}

#[tokio::test]
async fn of_many_files_the_oldest_thousand_go_first() {
    let mut scene = Scene::new(rule(Some(30), None, None));
    for index in 0..5000_u64 {
        let file = fs::File::create(scene.path(&format!("{index:04}"))).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(100 * DAY - index)).unwrap();
    }
    let order = scene.order().await;
    assert_eq!(
        (order.files.len(), order.files[0].name.as_str(), order.files[999].name.as_str()),
        (1000, "0000", "0999")
    );
    assert_eq!(scene.act(&order).await, Ok(Change::Made));
    assert_eq!((scene.names().len(), scene.ends().len()), (4000, 1000));
}

/// One swaps a doomed file for a new one, for a link, and opens it, while another deletes: what is young stays.
#[tokio::test(flavor = "multi_thread")]
async fn who_replaces_files_meanwhile_loses_none() {
    for round in 0..200 {
        let mut scene = Scene::new(rule(Some(30), None, None));
        scene.make(&[("file", 90), ("last", 80)]);
        let order = scene.order().await;
        let (path, new) = (scene.path("file"), scene.path("").with_file_name("new"));
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(round * 7));
            fs::write(&new, "precious").unwrap();
            fs::rename(&new, &path).unwrap();
        });
        let _ = scene.act(&order).await;
        writer.join().unwrap();
        let kept = fs::read_dir(scene.path(""))
            .unwrap()
            .any(|one| fs::read_to_string(one.unwrap().path()).is_ok_and(|text| text == "precious"));
        assert!(kept, "{:?}", scene.names());
    }
}

#[test]
fn paths_are_resolved_and_what_leaves_is_refused() {
    let mut scene = Scene::new(rule(Some(30), None, None));
    let dir = Dir { tier: "hdd".into(), path: "nova/logs".into(), owner: None, mode: None, quota: None };
    scene.config.dirs.insert(("nova".parse().unwrap(), "logs".into()), dir);
    let target = |path: &str| parse_target(&scene.config, &"wx".parse().unwrap(), path);
    for (path, below, pattern) in [
        ("logs", "wx/logs", None),
        ("logs/a/b", "wx/logs/a/b", None),
        ("logs/", "wx/logs", None),
        ("logs/*", "wx/logs", Some("*")),
        ("logs/a/x-?.gz", "wx/logs/a", Some("x-?.gz")),
        ("/srv/hdd/wx/logs", "wx/logs", None),
        ("/srv/hdd/wx/logs/a/*.gz", "wx/logs/a", Some("*.gz")),
    ] {
        let found = target(path).unwrap();
        assert_eq!((found.below.as_str(), found.pattern.as_deref()), (below, pattern), "{path}");
    }
    for path in [
        "",
        "/",
        "logs/..",
        "../logs",
        "log",
        "lo*",
        "*",
        "logs/*/a",
        "/srv/hdd/wx",
        "/srv/hdd/wx/logs2",
        "/srv/hdd/wx/logs*",
        "/srv/hdd/nova/logs",
    ] {
        assert!(target(path).is_err(), "{path}");
    }
}

#[tokio::test]
async fn metrics_and_modes() {
    let mut scene = Scene::new(rule(Some(30), None, None));
    scene.make(&[("a", 90), ("b", 3)]);
    let (seen, _) = scene.look().await;
    let mut page = crate::metrics::Page::new(crate::metrics::Filter::default(), 1000);
    Storage::measure(&scene.config, &seen, &mut page);
    let text = String::from_utf8(page.finish()).unwrap();
    for line in [
        "hostkeeper_clean_files{project=\"wx\",rule=\"old\"} 2",
        "hostkeeper_clean_due_files{project=\"wx\",rule=\"old\"} 1",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert_eq!(fs::metadata(scene.path("a")).unwrap().nlink(), 1);
}
