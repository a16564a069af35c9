//! `storage fix`: what it shows, when it asks, what it orders, and how it ends.

use hostkeeper::daemon::Unfit;
use serde_json::json;

use crate::canned::{Bench, Rooms};
use crate::golden::compare;

fn rooms(ended: bool, refused: u64) -> Rooms {
    let mut rooms = Rooms::usual().with("/v1/storage/fix", "done_text");
    rooms.unfit = Unfit {
        dir: "athena/postgres".into(),
        path: "/home/vitiana/Athena/data_ssd/postgres".into(),
        owner: Some("999:999".into()),
        mode: Some("0700".into()),
        directories: 31,
        files: 4210,
        others: 2,
        entries: 12,
        owners: 12,
        modes: 1,
        several_names: 1,
        refused: 0,
        examples: vec![". has 0:0 0755".into(), "base/1/2619 has 0:0 0600".into()],
        left: vec!["base/hard: has 2 names".into()],
    };
    let fix = json!({
        "recursive": true, "ended": ended, "entries": 4241, "changed": 12, "several_names": 1, "refused": refused,
        "left": ["base/hard: has 2 names"],
    });
    let dir = json!({
        "project": "athena", "dir": "postgres", "tier": "ssd", "path": "/home/vitiana/Athena/data_ssd/postgres",
        "state": "ok", "size_bytes": null, "quota_bytes": null, "quota_enforced": null, "fix": fix,
    });
    let storage = json!({
        "schema": "hostkeeper.storage/1", "at": "2026-11-21T03:50:00Z", "round": 7, "mode": "observe",
        "tiers": [], "dirs": [dir], "pools": [],
    });
    rooms.with_body("/v1/storage", 200, storage.to_string())
}

fn asked(bench: &Bench) -> Vec<String> {
    bench.rooms.asked.lock().unwrap().clone()
}

const FIX: [&str; 4] = ["storage", "fix", "postgres", "-r"];

#[test]
fn it_counts_and_shows_and_changes_nothing_unless_confirmed() {
    for width in [80, 200] {
        let mut bench = Bench::of(rooms(true, 0));
        bench.screen.width = width;
        let ran = bench.run(&[&FIX[..], &["--dry-run"]].concat());
        assert_eq!(ran.exit, 0, "{ran:?}");
        compare(&format!("storage-fix-{width}"), &ran.out);
        assert_eq!(asked(&bench), [r#"COUNT CountOrder { dir: "postgres", recursive: true, file_mode: None }"#]);
    }
    for typed in ["\n", "n\n", "", "Y e s\n"] {
        let mut bench = Bench::of(rooms(true, 0));
        bench.typed = Some(typed);
        let ran = bench.run(&FIX);
        assert_eq!((ran.exit, asked(&bench).len()), (2, 1), "{ran:?}");
        assert!(ran.err.contains("nothing was changed"), "{ran:?}");
    }
    let bench = Bench::of(rooms(true, 0));
    let ran = bench.run(&FIX);
    assert_eq!((ran.exit, asked(&bench).len()), (2, 0), "{ran:?}");
    let json = bench.run(&[&FIX[..], &["--dry-run", "--json"]].concat());
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&value["schema"], &value["unfit"], &value["recursive"]),
        (&json!("hostkeeper.fix/1"), &json!(12), &json!(true))
    );
}

#[test]
fn it_orders_what_it_showed_until_the_end() {
    let mut bench = Bench::of(rooms(true, 0));
    bench.typed = Some("y\n");
    let ran = bench.run(&[&FIX[..], &["--file-mode", "640"]].concat());
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(ran.out.contains("Change 12 entries now?") && ran.out.contains("12 of 4241 changed"), "{ran:?}");
    let sent = r#"POST /v1/storage/fix {"dir":"athena/postgres","owner":"999:999","mode":"0700","file_mode":"0640","recursive":true,"begin":true}"#;
    assert_eq!(asked(&bench)[1..], [sent, "GET /v1/storage"]);
    let refused = Bench::of(rooms(true, 3)).run(&[&FIX[..], &["--yes"]].concat());
    assert_eq!(refused.exit, 1, "{refused:?}");
}

#[test]
fn wrong_modes_are_refused_at_once() {
    for mode in ["4755", "0777", "0646", "8", "rw", "01640", ""] {
        let bench = Bench::of(rooms(true, 0));
        let ran = bench.run(&[&FIX[..], &["--dry-run", "--file-mode", mode]].concat());
        assert_eq!((ran.exit, asked(&bench).len()), (2, 0), "{mode}: {ran:?}");
    }
    let alone = Bench::of(rooms(true, 0)).run(&["storage", "fix", "postgres", "--file-mode", "0640", "--dry-run"]);
    assert_eq!(alone.exit, 2, "{alone:?}");
}
