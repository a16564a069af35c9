//! `limits`: what it shows, the Compose override it writes, when it asks before it takes back.

use hostkeeper::api::limits::LimitsShown;
use serde_json::json;

use crate::canned::{Bench, Rooms};
use crate::golden::{both, compare};
use crate::scripted;

fn shown() -> LimitsShown {
    let snapshot = scripted::snapshot();
    LimitsShown {
        schema: "hostkeeper.limits/1".into(),
        at: "2026-01-31T09:12:00Z".parse().unwrap(),
        round: 7,
        mode: snapshot.mode,
        projects: snapshot.limits,
    }
}

fn rooms_of(shown: &LimitsShown) -> Rooms {
    let done = json!({
        "schema": "hostkeeper.done/1", "text": "done",
        "steps": [{"id": "7", "text": "set envelope of athena: memory_max none", "result": "made", "why": null}],
    });
    Rooms::usual().with_body("/v1/limits", 200, serde_json::to_string(shown).unwrap()).with_body(
        "/v1/limits/release",
        200,
        done.to_string(),
    )
}

#[test]
fn listings_and_the_override() {
    let rooms = rooms_of(&shown());
    both("limits", &rooms, &["limits"], 0);
    both("limits-project", &rooms, &["limits", "athena"], 0);
    both("limits-export", &rooms, &["limits", "export", "athena"], 0);
    both("limits-suggest", &rooms, &["limits", "suggest"], 0);
    let nothing = LimitsShown { projects: Vec::new(), ..shown() };
    both("limits-empty", &rooms_of(&nothing), &["limits"], 0);
    both("limits-suggest-nothing", &rooms_of(&nothing), &["limits", "suggest"], 2);
}

#[test]
fn the_override_is_yaml_that_keeps_a_backslash() {
    let mut shown = shown();
    let parent = "tenants-my\\x2dproj.slice";
    shown.projects[0].cgroup_parent = Some(parent.into());
    let ran = Bench::of(rooms_of(&shown)).run(&["limits", "export", "athena"]);
    assert!(ran.out.contains(&format!("    cgroup_parent: '{parent}'\n")), "{}", ran.out);
    let ran = Bench::of(rooms_of(&shown)).run(&["limits", "export", "athena", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(value["yaml"].as_str().unwrap().contains(parent));
    shown.projects[0].cgroup_parent = None;
    shown.projects[0].services.clear();
    let ran = Bench::of(rooms_of(&shown)).run(&["limits", "export", "athena"]);
    assert!(ran.out.ends_with("services: {}\n"), "{}", ran.out);
}

#[test]
fn taking_back_asks_first() {
    let run = |typed: Option<&'static str>, words: &[&str]| {
        let mut bench = Bench::of(rooms_of(&shown()));
        bench.typed = typed;
        let ran = bench.run(&[&["limits", "release"][..], words].concat());
        let asked = bench.rooms.asked.lock().unwrap().iter().filter(|asked| asked.contains("release")).count();
        (ran, asked)
    };
    let (ran, asked) = run(Some("n\n"), &["athena"]);
    assert_eq!((ran.exit, asked), (2, 0), "{ran:?}");
    let (ran, asked) = run(None, &[]);
    assert_eq!((ran.exit, asked), (2, 0), "nobody can answer: {ran:?}");
    let (ran, asked) = run(Some("y\n"), &["athena"]);
    assert_eq!((ran.exit, asked), (0, 1), "{ran:?}");
    compare("limits-release", &ran.out);
    let (ran, asked) = run(None, &["--yes"]);
    assert_eq!((ran.exit, asked), (0, 1), "{ran:?}");
}
