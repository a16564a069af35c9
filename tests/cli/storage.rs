//! `storage` and its listings: what they print, for people and for programs, and what they say when nothing is meant.

use serde_json::{Value, json};

use crate::canned::{Bench, Rooms};
use crate::golden::both;

fn rooms() -> Rooms {
    Rooms::usual().with("/v1/storage", "storage")
}

#[test]
fn listings() {
    both("storage", &rooms(), &["storage"], 0);
    both("storage-tier", &rooms(), &["storage", "tier"], 0);
    both("storage-dir", &rooms(), &["storage", "dir"], 0);
    both("storage-pool", &rooms(), &["storage", "pool"], 0);
    both("storage-clean", &rooms(), &["storage", "clean"], 0);
    both("storage-clean-one", &rooms(), &["storage", "clean", "old-logs"], 0);
    both("storage-diagnostics", &rooms(), &["storage", "diagnostics"], 0);
    both("storage-empty", &rooms().with("/v1/storage", "storage_empty"), &["storage"], 0);
}

#[test]
fn narrow_screens_never_wrap() {
    for width in [40, 60, 79] {
        for what in [&["storage"][..], &["storage", "clean"], &["storage", "diagnostics"]] {
            let mut bench = Bench::of(rooms());
            bench.screen.width = width;
            let ran = bench.run(what);
            let wide = ran.out.lines().find(|line| unicode_width::UnicodeWidthStr::width(*line) > width.max(60));
            assert_eq!(wide, None, "{width} {what:?}");
        }
    }
}

#[test]
fn json_holds_one_list_and_of_it_what_is_meant() {
    for (words, list, expected) in [
        (&["storage", "tier", "ssd"][..], "tiers", 1),
        (&["storage", "dir", "athena/valkey"], "dirs", 1),
        (&["storage", "dir"], "dirs", 8),
        (&["storage", "pool", "uploads"], "pools", 1),
        (&["storage", "diagnostics"], "pools", 1),
        (&["storage", "clean", "wxlibrary/tmp"], "cleans", 1),
        (&["storage", "clean"], "cleans", 4),
    ] {
        let ran = Bench::of(rooms()).run(&[words, &["--json"]].concat());
        let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
        assert_eq!(
            (&value["schema"], value[list].as_array().unwrap().len()),
            (&json!("hostkeeper.storage/1"), expected)
        );
        for other in ["tiers", "dirs", "pools", "cleans"] {
            assert_eq!(value.get(other).is_some(), other == list, "{words:?} {other}");
        }
    }
    let whole = Bench::of(rooms()).run(&["storage", "--json"]);
    let value: Value = serde_json::from_str(&whole.out).unwrap();
    assert_eq!(value["cleans"][2]["blocked"], "mode is observe");
}

#[test]
fn an_unknown_name_is_refused_with_those_that_there_are() {
    for (words, cure) in [
        (["storage", "tier", "nvme"], "bcache, cold, ssd"),
        (["storage", "dir", "nova/x"], "athena/postgres"),
        (["storage", "pool", "up"], "zkdemo/uploads"),
        (
            ["storage", "clean", "nova/old-logs"],
            "athena/cold-dumps, wxlibrary/dumps, wxlibrary/old-logs, wxlibrary/tmp",
        ),
        (["storage", "diagnostics", "up"], "zkdemo/uploads"),
    ] {
        let ran = Bench::of(rooms()).run(&words);
        assert_eq!(ran.exit, 2, "{ran:?}");
        assert!(ran.err.contains(words[2]) && ran.err.replace("\n", " ").contains(cure), "{ran:?}");
    }
    let empty = rooms().with("/v1/storage", "storage_empty");
    let ran = Bench::of(empty.clone()).run(&["storage", "clean"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "no clean rule is declared\n"));
    assert!(Bench::of(empty).run(&["storage", "clean", "x"]).err.contains("none is declared"));
}

/// An agent of before this list was there.
#[test]
fn an_answer_without_clean_rules_is_read() {
    let mut value: Value = serde_json::from_str(&crate::canned::file("storage.json")).unwrap();
    value.as_object_mut().unwrap().remove("cleans");
    let ran = Bench::of(Rooms::usual().with_body("/v1/storage", 200, value.to_string())).run(&["storage"]);
    assert!(ran.exit == 0 && ran.out.contains("zkdemo/uploads"), "{ran:?}");
}
