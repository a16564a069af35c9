//! What is said when something fails, to people and to programs, and the exit code.

use hostkeeper::cli::Unreached;
use serde_json::Value;

use crate::canned::{Bench, Rooms, run};
use crate::golden::compare;

const READ_VERBS: &[&[&str]] = &[
    &["status"],
    &["status", "athena"],
    &["doctor"],
    &["plan"],
    &["explain", "x"],
    &["history"],
    &["events"],
    &["top", "--once"],
    &["metrics"],
    &["metrics", "--names"],
    &["metrics", "--cost"],
    &["metrics", "--check"],
];
const ORDERS: &[&[&str]] = &[&["apply", "--yes"], &["confirm"], &["rollback", "17"], &["reload"]];

fn unreached(why: Unreached) -> Bench {
    Bench::of(Rooms { daemon: Some(why), ..Rooms::usual() })
}

#[test]
fn read_verbs_look_directly_and_say_so() {
    for words in READ_VERBS {
        let ran = unreached(Unreached::NoDaemon).run(words);
        let expected = "hostkeeper: no daemon at /run/hostkeeper/hostkeeper.sock; looked directly\n";
        assert_eq!(ran.err, expected, "{words:?}");
        assert!(!ran.out.is_empty());
    }
}

#[test]
fn a_bad_configuration_without_a_daemon_is_78() {
    let mut bench = unreached(Unreached::NoDaemon);
    bench.rooms.look = false;
    for words in READ_VERBS {
        let ran = bench.run(words);
        assert_eq!((ran.exit, ran.out.as_str()), (78, ""), "{words:?} {ran:?}");
    }
}

#[test]
fn a_daemon_that_cannot_be_asked_is_3() {
    for why in [Unreached::Denied, Unreached::Silent, Unreached::Broken("reset".into())] {
        for words in READ_VERBS.iter().chain(ORDERS) {
            let ran = unreached(why.clone()).run(words);
            assert_eq!((ran.exit, ran.out.as_str()), (3, ""), "{words:?} {ran:?}");
            assert!(ran.err.contains("next: "), "{}", ran.err);
        }
    }
    let denied = unreached(Unreached::Denied).run(&["status"]);
    assert!(denied.err.contains("run as root or join group hostkeeper"), "{}", denied.err);
    compare("error-denied", &denied.err);
}

#[test]
fn orders_need_a_daemon_and_say_that_nothing_changed() {
    for words in ORDERS {
        let ran = unreached(Unreached::NoDaemon).run(words);
        assert_eq!(ran.exit, 3, "{words:?} {ran:?}");
        assert!(ran.err.contains("nothing was changed"), "{}", ran.err);
    }
    let followed = unreached(Unreached::NoDaemon).run(&["events", "-f"]);
    assert_eq!((followed.exit, followed.out.as_str()), (3, ""));
}

#[test]
fn refusals_come_through_with_their_cure() {
    let ran = run(&["status", "athna"]);
    assert_eq!(ran.exit, 2);
    assert_eq!(ran.err, "hostkeeper: nothing is called that\n      next: did you mean athena?\n");
    for (code, status, exit) in [
        ("blocked", 409, 2),
        ("stale_plan", 409, 2),
        ("failed", 500, 1),
        ("not_ready", 503, 3),
        ("forbidden", 403, 2),
        ("bad_config", 500, 78),
        ("something_new", 500, 1),
    ] {
        let body = format!(r#"{{"schema":"hostkeeper.error/1","code":"{code}","text":"t","cure":"c"}}"#);
        let ran = Bench::of(Rooms::usual().with_body("/v1/reload", status, body)).run(&["reload"]);
        assert_eq!(ran.exit, exit, "{code}");
    }
    let body = r#"{"schema":"hostkeeper.error/1","code":"forbidden","text":"t","cure":"c"}"#;
    assert_eq!(Bench::of(Rooms::usual().with_body("/v1/status", 403, body)).run(&["status"]).exit, 3);
}

#[test]
fn strange_answers_are_named_never_a_panic() {
    for body in
        ["", "<html>", "{", "[]", "null", "{\"schema\":1}", "{\"schema\":\"hostkeeper.status/1\"}", "\u{feff}{}"]
    {
        for status in [200, 204, 301, 500] {
            let rooms = Rooms::usual().with_body("/v1/status", status, body).with_body("/v1/plan", status, body);
            for words in [&["status"][..], &["plan"], &["top", "--once"]] {
                let ran = Bench::of(rooms.clone()).run(words);
                assert!([1, 3].contains(&ran.exit), "{body} {ran:?}");
                assert!(ran.err.starts_with("hostkeeper: ") && ran.err.contains("next: "), "{ran:?}");
            }
        }
    }
}

#[test]
fn errors_are_json_on_request() {
    for words in [
        &["status", "athna", "--json"][..],
        &["apply", "--json"],
        &["nonsense", "--json"],
        &["history", "--limit", "0", "--json"],
    ] {
        let ran = run(words);
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{words:?} {ran:?}");
        let value: Value = serde_json::from_str(&ran.err).unwrap_or_else(|_| panic!("{words:?} {ran:?}"));
        assert_eq!(value["schema"], "hostkeeper.error/1");
        for key in ["code", "text", "cure"] {
            assert!(value[key].as_str().is_some_and(|text| !text.is_empty()), "{words:?} {key} {value}");
        }
    }
}

#[test]
fn wrong_usage_is_2() {
    for words in [
        &[][..],
        &["nonsense"],
        &["rollback"],
        &["rollback", "x"],
        &["history", "--since", "soon"],
        &["man", "nonsense"],
        &["metrics", "--names", "--cost"],
        &["completion", "csh"],
        &["top"],
        &["apply"],
    ] {
        let ran = run(words);
        assert_eq!(ran.exit, 2, "{words:?} {ran:?}");
        assert!(!ran.err.is_empty(), "{words:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for words in READ_VERBS {
        for room in [0, 10] {
            let mut bench = Bench::of(Rooms::usual());
            bench.room = Some(room);
            let ran = bench.run(words);
            assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{words:?}");
        }
    }
}
