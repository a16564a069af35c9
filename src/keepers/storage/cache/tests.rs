//! Caches tried: what is decided for every state of a bcache, and orders carried out on a scratch `/sys`.

use std::os::unix::fs::symlink;

use super::act::{carry_out, examine};
use super::config::{Cache, CacheMode, Share};
use super::decide::{Case, is_draining};
use super::metrics::{FAMILIES, measure};
use super::observe::{CacheSeen, CachedDevice, read_cache};
use super::show::cache_view;
use super::step::CacheStep;
use crate::host::Roots;
use crate::host::bcache::{CacheDevice, HitWindow};
use crate::host::devices::Device;
use crate::host::files::Identity;
use crate::host::sysfs::parse_printed;
use crate::keepers::storage::config::Tier;
use crate::keepers::storage::observe::Ground;
use crate::keepers::storage::step::{Owner, Step};
use crate::metrics::{Filter, Page};
use crate::round::{Change, Class, Plan};
use crate::values::{Bytes, Known};

fn declared(mode: CacheMode) -> Cache {
    Cache {
        mode: Some(mode),
        sequential_cutoff: Some(Bytes(4 << 20)),
        writeback_percent: Some(10),
        max_dirty: Some(Share::Percent(10)),
    }
}

fn device(mode: &str, state: &str, dirty: &str) -> CachedDevice {
    CachedDevice {
        device: "bcache0".into(),
        backing: Some("b1".into()),
        set: Some("s1".into()),
        state: Some(state.into()),
        running: Some(true),
        mode: Some(mode.into()),
        dirty: parse_printed(dirty),
        sequential_cutoff: parse_printed("4.0M"),
        writeback_percent: Some(10),
        io_errors: Some(0),
        caches: vec![CacheDevice { name: "cache0".into(), io_errors: Some(0), size: Some(1 << 30) }],
        ..CachedDevice::default()
    }
}

fn tier(cache: Option<Cache>) -> Tier {
    let path = "/data/".to_owned();
    Tier { path, require_mount: true, cache, ..Tier::default() }
}

fn decide(cache: Option<Cache>, seen: &CacheSeen) -> Plan<Step> {
    let mut plan = Plan::default();
    Case { name: "data", tier: &tier(cache), seen, usable: true }.decide(&mut plan);
    plan
}

fn there(device: CachedDevice) -> CacheSeen {
    CacheSeen::There(Box::new(device))
}

fn words(plan: &Plan<Step>) -> (Vec<String>, Vec<&str>) {
    let steps = plan.steps.iter().map(|planned| planned.step.to_string()).collect();
    (steps, plan.concerns.iter().map(|concern| concern.id.as_str()).collect())
}

/// What is declared, what is seen, and the steps and concerns of it.
type Row = (&'static str, Option<Cache>, CacheSeen, &'static [&'static str], &'static [&'static str]);

/// Caches that are well.
fn modes() -> Vec<Row> {
    use CacheMode::{None as Off, Writearound, Writeback};
    let around = || Some(declared(Writearound));
    let clean = || there(device("writearound", "clean", "0.0k"));
    vec![
        ("as declared", around(), clean(), &[], &[]),
        ("nothing declared", None, there(device("writeback", "dirty", "900.0M")), &[], &[]),
        ("an empty table", Some(Cache::default()), there(device("writeback", "dirty", "900.0M")), &[], &[]),
        (
            "set by hand",
            around(),
            there(device("writeback", "clean", "0.0k")),
            &["set cache mode of bcache0 from writeback to writearound"],
            &[],
        ),
        (
            "set by hand, and dirty",
            Some(declared(Off)),
            there(device("writeback", "dirty", "64.0M")),
            &["set cache mode of bcache0 from writeback to none"],
            &[],
        ),
        ("being emptied", Some(declared(Off)), there(device("none", "dirty", "64.0M")), &[], &["bcache-draining"]),
        ("emptied", Some(declared(Off)), there(device("none", "clean", "0.0k")), &[], &[]),
        ("too dirty", Some(declared(Writeback)), there(device("writeback", "dirty", "103.0M")), &[], &["bcache-dirty"]),
        ("dirty enough", Some(declared(Writeback)), there(device("writeback", "dirty", "102.0M")), &[], &[]),
    ]
}

/// Caches that are not well, and numbers that drifted.
fn faults() -> Vec<Row> {
    let around = || Some(declared(CacheMode::Writearound));
    let change = |change: fn(&mut CachedDevice)| {
        let mut device = device("writearound", "clean", "0.0k");
        change(&mut device);
        there(device)
    };
    vec![
        ("detached", around(), there(device("writeback", "no cache", "0.0k")), &[], &["bcache-no-cache"]),
        ("inconsistent", around(), there(device("writeback", "inconsistent", "1.0M")), &[], &["bcache-inconsistent"]),
        ("no bcache", around(), CacheSeen::No { devices: Vec::new() }, &[], &["bcache-missing"]),
        (
            "several",
            around(),
            CacheSeen::No { devices: vec!["bcache0".into(), "bcache1".into()] },
            &[],
            &["bcache-missing"],
        ),
        ("no bcache, none declared", None, CacheSeen::No { devices: Vec::new() }, &[], &[]),
        ("errors of the disk", None, change(|device| device.io_errors = Some(2)), &[], &["bcache-errors"]),
        (
            "errors of the cache",
            around(),
            change(|device| device.caches[0].io_errors = Some(7)),
            &[],
            &["bcache-errors"],
        ),
        ("without a state", around(), change(|device| device.state = None), &[], &["bcache-blind"]),
        ("mute", around(), change(|device| device.mode = None), &[], &["bcache-blind"]),
        (
            "cutoff",
            around(),
            change(|device| device.sequential_cutoff = parse_printed("3.9M")),
            &["set sequential cutoff of bcache0 from 3.9MiB to 4MiB"],
            &[],
        ),
        (
            "percent",
            around(),
            change(|device| device.writeback_percent = Some(0)),
            &["set writeback percent of bcache0 from 0 to 10"],
            &[],
        ),
    ]
}

#[test]
fn every_state_has_its_steps_and_concerns() {
    for (case, cache, seen, steps, concerns) in modes().into_iter().chain(faults()) {
        let plan = decide(cache, &seen);
        assert_eq!(words(&plan), (steps.iter().map(ToString::to_string).collect(), concerns.to_vec()), "{case}");
        assert!(plan.steps.iter().all(|step| step.undo.is_some() && step.class == Class::Tightening), "{case}");
    }
}

#[test]
fn a_rounded_number_is_no_drift_while_it_may_be_the_wanted_one() {
    for (wanted, printed, drift) in
        [(4 << 20, "4.0M", false), ((4 << 20) + 1000, "4.0M", false), (4 << 20, "4.1M", true), (0, "0.0k", false)]
    {
        let mut cache = declared(CacheMode::Writearound);
        cache.sequential_cutoff = Some(Bytes(wanted));
        let mut device = device("writearound", "clean", "0.0k");
        device.sequential_cutoff = parse_printed(printed);
        assert_eq!(decide(Some(cache), &there(device)).steps.is_empty(), !drift, "{wanted} {printed}");
    }
}

/// `echo 0 > writeback_percent` makes the kernel hurry; it is not taken back while that is wanted.
#[test]
fn a_cache_that_is_emptied_may_be_hurried() {
    let mut device = device("none", "dirty", "64.0M");
    device.writeback_percent = Some(0);
    let cache = declared(CacheMode::None);
    assert!(is_draining(&cache, &device));
    assert!(decide(Some(cache.clone()), &there(device.clone())).steps.is_empty());
    device.dirty = parse_printed("0.0k");
    assert_eq!(decide(Some(cache), &there(device)).steps.len(), 1);
}

#[test]
fn on_a_tier_that_cannot_be_used_there_are_concerns_and_no_steps() {
    let seen = there(device("writeback", "dirty", "900.0M"));
    let mut plan = Plan::default();
    let tier = tier(Some(declared(CacheMode::Writearound)));
    Case { name: "data", tier: &tier, seen: &seen, usable: false }.decide(&mut plan);
    assert_eq!(words(&plan), (Vec::new(), vec!["bcache-dirty"]));
}

/// A scratch `/sys` with a bcache, and the ground that stands on it.
struct Scene {
    directory: tempfile::TempDir,
    roots: Roots,
    ground: Ground,
}

impl Scene {
    fn new() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::create_dir_all(root.join("block/bcache0/bcache")).unwrap();
        std::fs::create_dir_all(root.join("fs/bcache/s1/cache0")).unwrap();
        symlink("../../../fs/bcache/s1", root.join("block/bcache0/bcache/cache")).unwrap();
        let roots = Roots { sysfs: root.to_owned(), ..Roots::default() };
        let chain = vec!["bcache0".into(), "vdc".into()];
        let device = Device { name: "bcache0".into(), chain, bcache: true, ..Device::default() };
        let ground = Ground {
            identity: Identity { device: (252, 0), mount: 40, inode: 2, made: None },
            mount_root: true,
            owner: Owner { user: 0, group: 0 },
            read_only: false,
            size: 1 << 30,
            available: 1 << 29,
            device: Known::Known(Some(device)),
            fstype: Some("ext4".into()),
            full_in: None,
        };
        let scene = Scene { directory, roots, ground };
        for (file, text) in [
            ("state", "clean"),
            ("backing_dev_uuid", "b1"),
            ("cache_mode", "writethrough [writeback] writearound none"),
            ("dirty_data", "0.0k"),
            ("sequential_cutoff", "1.0M"),
            ("writeback_percent", "10"),
        ] {
            scene.write(file, text);
        }
        scene
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join("block/bcache0/bcache").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), format!("{text}\n")).unwrap();
    }

    fn plan(&self, cache: Cache) -> Plan<Step> {
        decide(Some(cache), &read_cache(&self.roots, &self.ground))
    }

    fn act(&self, order: &CacheStep) -> Result<Change, String> {
        carry_out(&self.roots, &self.ground, order).map_err(|error| error.chain())
    }
}

fn order(plan: &Plan<Step>, index: usize) -> CacheStep {
    match &plan.steps[index].step {
        Step::Cache { order } => order.clone(),
        other => panic!("{other}"),
    }
}

/// Ordinary files do not answer as the kernel does: the order is written, and the answer is not taken on trust.
#[test]
fn an_order_is_written_to_the_device_and_its_answer_is_looked_at() {
    let scene = Scene::new();
    let plan = scene.plan(declared(CacheMode::Writearound));
    assert_eq!(plan.steps.len(), 2);
    let refused = scene.act(&order(&plan, 0)).unwrap_err();
    assert!(std::fs::read_to_string(scene.file("cache_mode")).unwrap().starts_with("writearound"));
    assert!(refused.contains("does not say so"), "{refused}");
    scene.write("cache_mode", "writethrough writeback [writearound] none");
    assert_eq!(scene.act(&order(&plan, 0)), Ok(Change::AlreadySo));
    std::fs::remove_file(scene.file("sequential_cutoff")).unwrap();
    assert!(scene.act(&order(&plan, 1)).unwrap_err().contains("unknown number"));
    assert!(!scene.file("sequential_cutoff").exists(), "a file was made");
}

#[test]
fn a_number_that_is_taken_is_made() {
    let scene = Scene::new();
    let mut cache = declared(CacheMode::Writeback);
    (cache.sequential_cutoff, cache.writeback_percent) = (None, Some(20));
    let plan = scene.plan(cache);
    assert_eq!(examine(&scene.roots, &scene.ground, &order(&plan, 0)), Some(false));
    assert_eq!(scene.act(&order(&plan, 0)), Ok(Change::Made));
    assert_eq!(examine(&scene.roots, &scene.ground, &order(&plan, 0)), Some(true));
    assert_eq!(std::fs::read_to_string(scene.file("writeback_percent")).unwrap(), "20\n");
    let Some(Step::Cache { order: undo }) = &plan.steps[0].undo else { panic!("there is an undo") };
    assert_eq!(scene.act(undo), Ok(Change::Made));
    scene.write("writeback_percent", "33");
    assert!(scene.act(undo).unwrap_err().contains("is at 33 by now: it is left alone"));
}

#[test]
fn another_device_than_at_the_look_is_left_alone() {
    type Spoil = fn(&mut Scene);
    let cases: [(Spoil, &str); 6] = [
        (|scene| scene.write("backing_dev_uuid", "b2"), "another bcache"),
        (|scene| std::fs::remove_file(scene.file("backing_dev_uuid")).unwrap(), "another bcache"),
        (|scene| scene.write("state", "no cache"), "is in state \"no cache\" by now"),
        (|scene| scene.write("state", "inconsistent"), "is in state \"inconsistent\" by now"),
        (|scene| scene.ground.device = Known::Known(None), "does not stand on a bcache any more"),
        (
            |scene| {
                std::fs::rename(scene.roots.sysfs.join("block/bcache0"), scene.roots.sysfs.join("block/x")).unwrap()
            },
            "does not stand on a bcache",
        ),
    ];
    for (spoil, why) in cases {
        let mut scene = Scene::new();
        let plan = scene.plan(declared(CacheMode::Writearound));
        spoil(&mut scene);
        let refused = scene.act(&order(&plan, 0)).unwrap_err();
        assert!(refused.contains(why), "{refused}");
        let mode = std::fs::read_to_string(scene.file("cache_mode"));
        assert!(mode.is_err() || mode.unwrap().contains("[writeback]"), "{why}: written");
    }
}

/// Done is only what is not in the cache alone any more.
#[test]
fn a_change_of_mode_is_not_done_while_something_is_dirty() {
    let scene = Scene::new();
    let plan = scene.plan(declared(CacheMode::None));
    let order = order(&plan, 0);
    assert_eq!(examine(&scene.roots, &scene.ground, &order), Some(false));
    scene.write("cache_mode", "writethrough writeback writearound [none]");
    scene.write("dirty_data", "4.0M");
    assert_eq!(examine(&scene.roots, &scene.ground, &order), None);
    scene.write("dirty_data", "0.0k");
    assert_eq!(examine(&scene.roots, &scene.ground, &order), Some(true));
}

#[test]
fn every_metric_of_a_cache_is_written() {
    let mut device = device("none", "dirty", "1.1M");
    device.dirty_bytes = Some(1_150_976);
    device.sequential_cutoff_bytes = Some(4 << 20);
    device.writeback_rate = Some(4096);
    device.cache_available_percent = Some(99);
    device.hits = vec![HitWindow { window: "total", hit_percent: Some(87), ..HitWindow::default() }];
    let cache = declared(CacheMode::None);
    let mut page = Page::new(Filter::default(), 1000);
    measure(&[("data", Some(&cache), &device)], &mut page);
    let page = String::from_utf8(page.finish()).unwrap();
    for family in FAMILIES {
        assert!(page.contains(&format!("# TYPE {} gauge\n", family.name)), "{}", family.name);
    }
    for line in [
        "hostkeeper_bcache_dirty_bytes{tier=\"data\",device=\"bcache0\"} 1150976",
        "hostkeeper_bcache_max_dirty_bytes{tier=\"data\",device=\"bcache0\"} 107374180",
        "hostkeeper_bcache_hit_ratio{tier=\"data\",device=\"bcache0\",window=\"total\"} 0.87",
        "hostkeeper_bcache_cache_available_ratio{tier=\"data\",device=\"bcache0\"} 0.99",
        "hostkeeper_bcache_cache_io_errors{tier=\"data\",device=\"bcache0\",cache_device=\"cache0\"} 0",
        "hostkeeper_bcache_draining{tier=\"data\",device=\"bcache0\"} 1",
        "hostkeeper_bcache_mode_as_declared{tier=\"data\",device=\"bcache0\"} 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
    let view = cache_view(Some(&cache), &device);
    assert!(view.draining && view.hit_percent["total"] == 87 && view.cache_io_errors == Some(0), "{view:?}");
}
