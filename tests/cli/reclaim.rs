//! `storage reclaim`: what it shows, when it asks, what it orders, and how it ends.

use hostkeeper::api::storage::render_storage;
use serde_json::json;

use crate::canned::{Bench, Ran, Rooms};
use crate::golden::compare;
use crate::scripted;

fn rooms() -> Rooms {
    let mut snapshot = scripted::snapshot();
    snapshot.at = "2026-01-31T09:12:00Z".parse().unwrap();
    let step =
        |text: &str, result: &str, why: Option<&str>| json!({"id": "7", "text": text, "result": result, "why": why});
    let done = json!({
        "schema": "hostkeeper.done/1", "text": "1 of 2 removed",
        "steps": [step("remove image athena/web:41 (77aa01bc77aa), 96MB", "made", None),
                  step("remove anonymous volume e09b", "failed", Some("container x uses it; it is left"))],
    });
    Rooms::usual()
        .with_body("/v1/storage", 200, serde_json::to_string(&render_storage(&snapshot)).unwrap())
        .with("/v1/storage/reclaim/look", "done_text")
        .with_body("/v1/storage/reclaim", 200, done.to_string())
}

fn run(typed: Option<&'static str>, words: &[&str]) -> (Ran, Vec<String>) {
    let mut bench = Bench::of(rooms());
    bench.typed = typed;
    let ran = bench.run(&[&["storage", "reclaim"][..], words].concat());
    let asked = bench.rooms.asked.lock().unwrap().clone();
    (ran, asked)
}

#[test]
fn it_shows_what_was_found_and_asks_nobody() {
    for width in [80, 200] {
        let mut bench = Bench::of(rooms());
        bench.screen.width = width;
        let ran = bench.run(&["storage", "reclaim"]);
        assert_eq!(ran.exit, 0, "{ran:?}");
        compare(&format!("storage-reclaim-{width}"), &ran.out);
        assert_eq!(*bench.rooms.asked.lock().unwrap(), ["GET /v1/storage"]);
    }
    let (ran, asked) = run(None, &["--project", "athena", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&value["schema"], value["leftovers"].as_array().unwrap().len()), (&json!("hostkeeper.reclaim/1"), 1));
    assert_eq!(asked, ["GET /v1/storage"]);
    let whole = Bench::of(rooms()).run(&["storage"]);
    assert!(
        whole.out.contains("Docker holds 5 things that nothing uses, 5.9GiB: hostkeeper storage reclaim"),
        "{whole:?}"
    );
    let (ran, asked) = run(None, &["volumes", "--dry-run"]);
    assert!(ran.exit == 0 && ran.out.contains("e09be09be09b") && !ran.out.contains("athena/web"), "{ran:?}");
    assert_eq!(asked, ["GET /v1/storage"]);
}

const REMOVE: &str = "POST /v1/storage/reclaim ";

#[test]
fn nothing_is_removed_unless_confirmed() {
    for typed in ["\n", "n\n", "", "Y e s\n"] {
        let (ran, asked) = run(Some(typed), &["images"]);
        assert_eq!(ran.exit, 2, "{ran:?}");
        assert!(ran.err.contains("nothing was removed") && ran.out.contains("Remove 1 thing"), "{ran:?}");
        assert!(!asked.iter().any(|line| line.starts_with(REMOVE)), "{asked:?}");
    }
    let (ran, asked) = run(None, &["images"]);
    assert!(ran.exit == 2 && asked.is_empty(), "{ran:?} {asked:?}");
}

#[test]
fn it_orders_what_it_showed_and_tells_what_was_left() {
    let (ran, asked) = run(Some("y\n"), &["77aa01bc", "volumes"]);
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.out.contains("1 volume with all data in them") && ran.out.contains("container x uses it"), "{ran:?}");
    assert!(ran.out.contains("1 of 2 removed"), "{ran:?}");
    assert_eq!(asked[..2], ["POST /v1/storage/reclaim/look {}", "GET /v1/storage"]);
    let (image, volume) = ("77aa01bc".repeat(8), "e09b".repeat(16));
    let things =
        format!(r#"{{"things":[{{"class":"images","id":"sha256:{image}"}},{{"class":"volumes","id":"{volume}"}}]}}"#);
    assert_eq!(asked[2..], [format!("{REMOVE}{things}")]);
}

#[test]
fn what_is_not_in_the_list_is_not_taken_for_something_else() {
    for word in ["77a", "athena/web", "postgres", "bui", "nothing", "VOLUMES", "sha256:", ""] {
        let (ran, asked) = run(None, &[word, "--yes"]);
        assert!(ran.exit == 2 && !asked.iter().any(|line| line.starts_with(REMOVE)), "{word}: {ran:?}");
    }
}
