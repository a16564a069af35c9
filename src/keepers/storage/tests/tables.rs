//! What is decided, case by case.

use super::super::config::{Config, Media};
use super::super::decide::decide;
use super::super::observe::{DirSeen, Ground, Seen, TierSeen};
use super::super::{metrics, show};
use super::*;
use crate::metrics::{Filter, Page};
use crate::round::{Class, Severity};

/// Steps and concerns in words.
fn words(config: &Config, seen: &Seen) -> (Vec<String>, Vec<String>) {
    let plan = decide(config, seen);
    let steps = plan.steps.iter().map(|planned| planned.step.to_string()).collect();
    (steps, plan.concerns.iter().map(|concern| concern.id.clone()).collect())
}

fn steps_of(declared: Dir, found: DirSeen) -> Vec<String> {
    let (steps, concerns) = words(&one(declared), &seen(ground(), found));
    assert!(concerns.is_empty(), "{concerns:?}");
    steps
}

fn concern_of(declared: Dir, found: DirSeen) -> String {
    let (steps, concerns) = words(&one(declared), &seen(ground(), found));
    assert!(steps.is_empty(), "{steps:?}");
    concerns.join(" ")
}

#[test]
fn a_missing_directory_is_made() {
    let missing = || DirSeen::Missing { parents: vec![] };
    let full = dir("pg", Some("999:998"), Some("0700"));
    assert_eq!(steps_of(full, missing()), ["create directory /srv/ssd/pg for 999:998 with mode 0700"]);
    assert_eq!(steps_of(dir("a/pg", None, None), missing()), ["create directory /srv/ssd/a/pg with mode 0755"]);
    assert_eq!(
        steps_of(dir("/srv/ssd/pg", None, Some("2770")), missing()),
        ["create directory /srv/ssd/pg with mode 2770"]
    );
}

#[test]
fn what_is_as_declared_or_not_declared_is_left_alone() {
    for (owner, mode) in [(Some("1:2"), Some("0750")), (Some("1:2"), None), (None, Some("750")), (None, None)] {
        assert_eq!(steps_of(dir("pg", owner, mode), there((1, 2), 0o750, None)), [""; 0]);
    }
}

#[test]
fn an_owner_is_set_only_on_an_empty_directory() {
    let declared = || dir("pg", Some("999:999"), Some("0700"));
    assert_eq!(
        steps_of(declared(), there((0, 0), 0o755, Some(true))),
        ["set owner of /srv/ssd/pg from 0:0 to 999:999", "set mode of /srv/ssd/pg from 0755 to 0700"]
    );
    assert_eq!(concern_of(declared(), there((0, 0), 0o755, Some(false))), "dir-foreign-owner");
    assert_eq!(concern_of(declared(), there((0, 0), 0o755, None)), "dir-blind");
    let unread = DirSeen::There {
        owner: Owner { user: 1, group: 1 },
        mode: Bits(0o700),
        empty: Some(Known::Unknown("I/O error".into())),
    };
    assert_eq!(concern_of(declared(), unread), "dir-blind");
}

#[test]
fn what_is_in_the_way_is_left_alone() {
    let declared = || dir("a/pg", Some("1:1"), Some("0700"));
    let at = || "a".to_owned();
    assert_eq!(concern_of(declared(), DirSeen::Link { at: at() }), "dir-path-blocked");
    assert_eq!(concern_of(declared(), DirSeen::NotDirectory { at: at() }), "dir-path-blocked");
    assert_eq!(concern_of(declared(), DirSeen::Elsewhere { at: at() }), "dir-wrong-device");
    assert_eq!(concern_of(declared(), DirSeen::Unseen("I/O error".into())), "dir-blind");
}

#[test]
fn a_mode_that_takes_rights_away_is_tightening() {
    let class = |from: u32, to: &str| {
        let plan = decide(&one(dir("pg", None, Some(to))), &seen(ground(), there((0, 0), from, None)));
        plan.steps[0].class
    };
    assert_eq!(class(0o755, "0700"), Class::Tightening);
    assert_eq!(class(0o700, "0755"), Class::Safe);
    assert_eq!(class(0o777, "1777"), Class::Tightening);
    assert_eq!(class(0o1777, "0777"), Class::Safe);
    assert_eq!(class(0o2750, "0750"), Class::Tightening);
}

#[test]
fn a_tier_that_is_not_proved_gets_a_concern_and_no_step() {
    let missing = || DirSeen::Missing { parents: vec![] };
    let mut config = one(dir("pg", Some("1:1"), Some("0700")));
    let declared = config.tiers.get_mut("ssd").unwrap();
    declared.require_mount = true;
    declared.device = Some("sda1".into());
    declared.media = Some(Media::Ssd);
    let good = ground();
    let spinning = Device { name: "sda1".into(), rotational: Some(true), ..Device::default() };
    let cached = Device { bcache: true, ..spinning.clone() };
    let cases: [(Ground, &str); 8] = [
        (good.clone(), ""),
        (Ground { mount_root: false, ..good.clone() }, "tier-missing-mount"),
        (Ground { read_only: true, ..good.clone() }, "tier-read-only"),
        (Ground { device: Known::Known(None), ..good.clone() }, "tier-wrong-device"),
        (Ground { device: Known::Unknown("x".into()), ..good.clone() }, "tier-wrong-device"),
        (Ground { device: Known::Known(Some(spinning)), ..good.clone() }, "tier-wrong-media"),
        (Ground { device: Known::Known(Some(cached.clone())), ..good.clone() }, "tier-wrong-media"),
        (Ground { device: Known::Known(Some(Device { name: "sdb".into(), ..cached })), ..good }, "tier-wrong-device"),
    ];
    for (ground, id) in cases {
        let (steps, concerns) = words(&config, &seen(ground, missing()));
        assert_eq!((concerns.join(" ").as_str(), steps.len()), (id, usize::from(id.is_empty())));
    }
    let elsewhere = [
        (Known::Known(TierSeen::Missing("/srv".into())), "tier-missing"),
        (Known::Known(TierSeen::Link("/srv".into())), "tier-path-blocked"),
        (Known::Known(TierSeen::NotDirectory("/srv".into())), "tier-path-blocked"),
        (Known::Unknown("no answer".into()), "tier-blind"),
    ];
    for (tier, id) in elsewhere {
        let found = Seen { tiers: [("ssd".to_owned(), tier)].into(), ..seen(ground(), missing()) };
        let (steps, concerns) = words(&config, &found);
        assert_eq!((concerns.join(" ").as_str(), steps.len()), (id, 0));
        assert_eq!(show::show(&config, &found).dirs[0].state, "unknown");
    }
}

#[test]
fn the_mapped_name_of_a_device_counts_too() {
    let mut config = one(dir("pg", None, None));
    config.tiers.get_mut("ssd").unwrap().device = Some("vg-data".into());
    let mapped = Device { name: "dm-3".into(), mapped: Some("vg-data".into()), ..Device::default() };
    let found = seen(Ground { device: Known::Known(Some(mapped)), ..ground() }, there((0, 0), 0o755, None));
    assert!(words(&config, &found).1.is_empty());
}

#[test]
fn free_space_is_watched() {
    let check = |available: u64, min_free: Option<Bytes>, full_in: Option<f64>| -> Vec<(String, Severity)> {
        let mut config = one(dir("pg", None, None));
        config.tiers.get_mut("ssd").unwrap().min_free = min_free;
        let ground = Ground { available, full_in, ..ground() };
        let plan = decide(&config, &seen(ground, there((0, 0), 0o755, None)));
        plan.concerns.into_iter().map(|concern| (concern.id, concern.severity)).collect()
    };
    let low = |severity| vec![("tier-low-space".to_owned(), severity)];
    let filling = |severity| vec![("tier-filling".to_owned(), severity)];
    assert_eq!(check(50 * GIB, bytes(50 * GIB), None), []);
    assert_eq!(check(50 * GIB - 1, bytes(50 * GIB), None), low(Severity::Warning));
    assert_eq!(check(25 * GIB - 1, bytes(50 * GIB), None), low(Severity::Critical));
    assert_eq!(check(0, None, None), []);
    assert_eq!(check(200 * GIB, None, Some(86_399.0)), filling(Severity::Warning));
    assert_eq!(check(200 * GIB, None, Some(7_199.0)), filling(Severity::Critical));
    assert_eq!(check(200 * GIB, None, Some(86_400.0)), []);
}

#[test]
fn reasons_name_where_the_facts_are_from() {
    let plan = decide(&one(dir("pg", None, Some("0700"))), &seen(ground(), there((0, 0), 0o755, None)));
    let planned = &plan.steps[0];
    assert_eq!(planned.because.text, "the configuration says 0700, the directory has 0755");
    let sources: Vec<&str> = planned.because.evidence.iter().map(|fact| fact.source.as_str()).collect();
    assert_eq!(sources, ["config:project.athena.dir.pg.mode", "/srv/ssd/pg"]);
    assert_eq!(planned.undo.as_ref().unwrap().to_string(), "set mode of /srv/ssd/pg from 0700 to 0755");
    assert_eq!(planned.key("storage"), "storage:set_mode:athena/pg");
}

#[test]
fn every_concern_has_a_heading_in_the_runbook() {
    let runbook = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/runbook.md")).unwrap();
    let sources = [include_str!("../decide.rs"), include_str!("../proof.rs"), include_str!("../room.rs")];
    let mut found = 0;
    for word in sources.iter().flat_map(|source| source.split('"')) {
        let id = word.starts_with("tier-") || word.starts_with("dir-");
        if id {
            found += 1;
            assert!(runbook.contains(&format!("\n## {word}\n")), "{word} is not in the runbook");
        }
    }
    assert!(found >= 13, "only {found} ids found");
}

#[test]
fn metrics_are_complete_and_switched_off_by_name() {
    let mut config = one(dir("pg", None, Some("0700")));
    config.tiers.get_mut("ssd").unwrap().min_free = bytes(50_000_000_000);
    let found = seen(Ground { full_in: Some(60.0), ..ground() }, there((0, 0), 0o755, None));
    let text = |filter: Filter| {
        let mut page = Page::new(filter, 1000);
        metrics::measure(&config, &found, &mut page);
        String::from_utf8(page.finish()).unwrap()
    };
    let page = text(Filter::default());
    for line in [
        "hostkeeper_tier_available_bytes{tier=\"ssd\"} 214748364800",
        "hostkeeper_tier_min_free_bytes{tier=\"ssd\"} 50000000000",
        "hostkeeper_tier_full_timestamp_seconds{tier=\"ssd\"} 1793491260",
        "hostkeeper_tier_usable{tier=\"ssd\"} 1",
        "hostkeeper_datadir_state{project=\"athena\",dir=\"pg\",state=\"wrong-mode\"} 1",
        "hostkeeper_datadir_state{project=\"athena\",dir=\"pg\",state=\"ok\"} 0",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
    assert_eq!(page.lines().filter(|line| line.starts_with("hostkeeper_datadir_state")).count(), 7);
    for family in metrics::FAMILIES {
        assert!(page.contains(&format!("# TYPE {} gauge\n", family.name)));
    }
    assert_eq!(text(Filter { exclude: vec!["storage".into()], ..Filter::default() }), "");
}

#[test]
fn the_numbers_of_a_wrong_disk_are_not_shown_as_the_tier_s() {
    let mut config = one(dir("pg", None, None));
    config.tiers.get_mut("ssd").unwrap().require_mount = true;
    let text = |ground: Ground| {
        let found = seen(ground, there((0, 0), 0o755, None));
        let mut page = Page::new(Filter::default(), 1000);
        metrics::measure(&config, &found, &mut page);
        (String::from_utf8(page.finish()).unwrap(), show::show(&config, &found).tiers.remove(0))
    };
    let (page, view) = text(Ground { mount_root: false, full_in: Some(1.0), ..ground() });
    assert!(page.contains("hostkeeper_tier_usable{tier=\"ssd\"} 0"), "{page}");
    assert!(!page.contains("_size_") && !page.contains("_available_") && !page.contains("_full_"), "{page}");
    assert_eq!((view.size_bytes, view.device.as_deref()), (None, Some("sda1")));
    assert!(view.state.starts_with("nothing is mounted"), "{}", view.state);
    let (page, view) = text(Ground { read_only: true, ..ground() });
    assert!(page.contains("hostkeeper_tier_size_bytes{tier=\"ssd\"} 478888853504"), "{page}");
    assert_eq!((view.size_bytes, view.state.as_str()), (Some(446 * GIB), "/srv/ssd is mounted read-only"));
}
