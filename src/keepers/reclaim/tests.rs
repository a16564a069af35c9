use jiff::Timestamp;

use super::config::Table;
use super::observe::{Found, Seen};
use super::*;
use crate::host::docker::{CacheUse, ContainerUse, ImageUse, Space, VolumeUse};
use crate::round::{Leftover, LeftoverClass, UnboundLog};
use crate::values::Every;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn image(id: &str, names: &[&str], size: u64, shared: Option<u64>) -> ImageUse {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    ImageUse { id: format!("sha256:{}", id.repeat(64)), names, size, shared, created: 5, ..ImageUse::default() }
}

fn container(id: &str, image: &str, state: &str, oneoff: bool) -> ContainerUse {
    let image_id = format!("sha256:{}", image.repeat(64));
    let (id, project) = (id.repeat(64), Some("shop".to_owned()));
    ContainerUse {
        id,
        image_id,
        oneoff,
        state: state.into(),
        project,
        size: 7,
        created: 1000,
        ..ContainerUse::default()
    }
}

fn volume(name: &str, anonymous: bool, users: Option<u64>) -> VolumeUse {
    VolumeUse { name: name.repeat(64), anonymous, users, size: Some(9), ..VolumeUse::default() }
}

fn found(space: &Space, now: i64) -> Vec<(LeftoverClass, char, u64)> {
    let short = |leftover: &Leftover| leftover.short_id().chars().next().unwrap();
    find_leftovers(space, at(now)).iter().map(|found| (found.class, short(found), found.bytes)).collect()
}

#[test]
fn an_image_is_left_over_when_no_container_was_made_of_it() {
    let space = Space {
        images: vec![
            image("a", &["app:1"], 100, Some(30)),
            image("b", &[], 50, None),
            image("c", &["used:1"], 100, Some(0)),
            image("d", &["old:1", "old:2"], 200, Some(300)),
            // Docker counts a container that it does not list; and a container was made of what had this name before.
            ImageUse { users: Some(1), ..image("e", &["counted:1"], 1, None) },
            image("f", &["pulled:latest", "pulled:7"], 1, None),
        ],
        containers: vec![
            container("1", "c", "exited", false),
            ContainerUse { image: "pulled".into(), ..container("2", "9", "running", false) },
        ],
        ..Space::default()
    };
    assert_eq!(
        found(&space, 9),
        [(LeftoverClass::Dangling, 'b', 50), (LeftoverClass::Images, 'a', 70), (LeftoverClass::Images, 'd', 0)]
    );
}

#[test]
fn only_stopped_containers_of_compose_run_are_left_over() {
    let states = ["running", "paused", "restarting", "removing", "exited", "dead", "created", "", "something new"];
    for (index, state) in states.iter().enumerate() {
        for oneoff in [false, true] {
            let space = Space { containers: vec![container("1", "c", state, oneoff)], ..Space::default() };
            let expected = oneoff && matches!(index, 4 | 5);
            assert_eq!(!found(&space, 1001).is_empty(), expected, "{state} {oneoff}");
            // One that never started is left over after an hour; `compose run` may be about to start a younger one.
            assert_eq!(!found(&space, 4600).is_empty(), expected || oneoff && index == 6, "{state} {oneoff}");
        }
    }
}

#[test]
fn a_volume_is_left_over_when_nobody_named_it_and_it_is_known_that_none_uses_it() {
    let volumes = vec![
        volume("a", true, Some(0)),
        volume("b", true, Some(1)),
        volume("c", true, None),
        volume("d", false, Some(0)),
    ];
    assert_eq!(found(&Space { volumes, ..Space::default() }, 9), [(LeftoverClass::Volumes, 'a', 9)]);
}

#[test]
fn the_build_cache_is_one_thing_and_frees_what_no_image_shares() {
    let entry = |in_use, shared, size| CacheUse { id: "x".into(), in_use, shared, size };
    let cache =
        vec![entry(true, false, 1), entry(false, true, 10), entry(false, false, 100), entry(false, false, 1000)];
    let found = find_leftovers(&Space { cache, ..Space::default() }, at(9));
    let [cache] = &found[..] else { panic!("{found:?}") };
    assert_eq!((cache.class, cache.name.as_str(), cache.bytes), (LeftoverClass::Cache, "3 entries", 1100));
    let busy = Space { cache: vec![entry(true, false, 1)], ..Space::default() };
    assert_eq!(find_leftovers(&busy, at(9)), []);
}

#[test]
fn orders_name_the_very_thing_in_words() {
    let space = Space {
        images: vec![image("a", &["app:1"], 2048, None), image("b", &[], 2048, None)],
        containers: vec![ContainerUse { name: "shop-job".into(), ..container("1", "c", "exited", true) }],
        volumes: vec![volume("d", true, Some(0))],
        cache: vec![CacheUse { size: 4096, ..CacheUse::default() }],
    };
    let words: Vec<String> =
        find_leftovers(&space, at(9)).into_iter().map(|leftover| Step::Remove { leftover }.to_string()).collect();
    let volume = "d".repeat(64);
    assert_eq!(
        words,
        [
            "remove image bbbbbbbbbbbb without a name, 2KiB".to_owned(),
            "remove image app:1 (aaaaaaaaaaaa), 2KiB".to_owned(),
            "remove the build cache, 4KiB".to_owned(),
            "remove one-off container shop-job (111111111111), 7B".to_owned(),
            format!("remove anonymous volume {volume}, 9B"),
        ]
    );
}

#[test]
fn metrics_are_sums_by_class_and_project_and_absent_before_the_first_look() {
    let mut page = Page::new(crate::metrics::Filter::default(), 10_000);
    metrics::measure(&Seen::default(), &mut page);
    assert_eq!(page.finish(), b"");
    let space = Space {
        images: vec![image("a", &["app:1"], 100, None), image("b", &["app:2"], 50, None)],
        containers: vec![container("1", "c", "exited", true)],
        ..Space::default()
    };
    let logs = vec![UnboundLog { container: "db".into(), project: None, path: "/x".into(), bytes: 5 }];
    let found =
        Found { at: at(7), took: std::time::Duration::ZERO, leftovers: find_leftovers(&space, at(9)), beyond: 0, logs };
    let mut page = Page::new(crate::metrics::Filter::default(), 10_000);
    metrics::measure(&Seen { found: Some(found.into()), ..Seen::default() }, &mut page);
    let text = String::from_utf8(page.finish()).unwrap();
    for sample in [
        r#"hostkeeper_docker_reclaimable_bytes{class="images",project=""} 150"#,
        r#"hostkeeper_docker_reclaimable_items{class="images",project=""} 2"#,
        r#"hostkeeper_docker_reclaimable_bytes{class="containers",project="shop"} 7"#,
        r#"hostkeeper_docker_reclaimable_items{class="containers",project=""} 0"#,
        r#"hostkeeper_docker_reclaimable_items{class="volumes",project=""} 0"#,
        r#"hostkeeper_docker_unbounded_log_bytes{container="db",project=""} 5"#,
        "hostkeeper_docker_space_looked_timestamp_seconds 7",
    ] {
        assert!(text.contains(sample), "{sample} is not in\n{text}");
    }
}

#[test]
fn docker_is_not_asked_more_often_than_hourly() {
    for (seconds, fits) in [(0, false), (3599, false), (3600, true), (2_592_000, true), (2_592_001, false)] {
        let table = Table { every: Every(std::time::Duration::from_secs(seconds)) };
        assert_eq!(table.check().is_empty(), fits, "{seconds}");
    }
}
