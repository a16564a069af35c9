//! The verbs that change something: what is asked before, what is sent, what is said after.

use crate::canned::{Bench, Rooms};
use crate::golden::compare;

fn asked(bench: &Bench) -> Vec<String> {
    bench.rooms.asked.lock().unwrap().clone()
}

#[test]
fn apply_shows_asks_and_sends_the_plan_it_showed() {
    let mut bench = Bench::of(Rooms::usual());
    bench.typed = Some("y\n");
    let ran = bench.run(&["apply"]);
    assert_eq!(ran.exit, 1, "a step failed: {ran:?}");
    assert_eq!(asked(&bench), ["GET /v1/plan", r#"POST /v1/apply {"plan":"7be1d2c3a4f5","steps":[]}"#]);
    compare("apply", &ran.out);
}

#[test]
fn apply_does_nothing_unless_confirmed() {
    for typed in ["", "n\n", "\n", "yeah\n"] {
        let mut bench = Bench::of(Rooms::usual());
        bench.typed = Some(typed);
        let ran = bench.run(&["apply"]);
        assert_eq!(ran.exit, 2, "{typed:?}");
        assert_eq!(asked(&bench), ["GET /v1/plan"]);
        assert!(ran.err.contains("nothing was changed"), "{}", ran.err);
    }
}

#[test]
fn apply_refuses_another_plan_and_unknown_steps() {
    for words in [&["apply", "--plan", "000000000000", "--yes"][..], &["apply", "000000000000", "--yes"]] {
        let bench = Bench::of(Rooms::usual());
        let ran = bench.run(words);
        assert_eq!(ran.exit, 2, "{words:?}");
        assert_eq!(asked(&bench), ["GET /v1/plan"]);
    }
}

#[test]
fn apply_sends_only_the_named_steps() {
    let bench = Bench::of(Rooms::usual());
    let ran = bench.run(&["apply", "--plan", "7be1d2c3a4f5", "3f2a9c41d0e7", "--yes"]);
    let sent = r#"POST /v1/apply {"plan":"7be1d2c3a4f5","steps":["3f2a9c41d0e7"]}"#;
    assert_eq!(asked(&bench).last().unwrap(), sent);
    assert!(!ran.out.contains(" 2. "), "{}", ran.out);
}

#[test]
fn apply_of_an_empty_plan_is_done() {
    let bench = Bench::of(Rooms::usual().with("/v1/plan", "plan_empty"));
    let ran = bench.run(&["apply", "--yes"]);
    assert_eq!(ran.exit, 0);
    assert!(ran.out.contains("nothing to do"), "{}", ran.out);
    assert_eq!(asked(&bench), ["GET /v1/plan"]);
}

#[test]
fn blocked_steps_end_with_2() {
    let body = r#"{"schema":"hostkeeper.done/1","text":"1 step blocked","steps":[{"id":"a","text":"t","result":"blocked","why":"kill switch"}]}"#;
    let bench = Bench::of(Rooms::usual().with_body("/v1/apply", 200, body));
    assert_eq!(bench.run(&["apply", "--yes"]).exit, 2);
}

#[test]
fn what_a_reload_changed_is_a_list_of_lines() {
    let body = r#"{"schema":"hostkeeper.done/1","text":"configuration read again\n~ a: 1 -> 2\n+ b = 3","steps":[]}"#;
    let ran = Bench::of(Rooms::usual().with_body("/v1/reload", 200, body)).run(&["reload"]);
    assert_eq!(ran.out, "configuration read again\n~ a: 1 -> 2\n+ b = 3\n");
}

#[test]
fn confirm_rollback_and_reload_send_what_was_said() {
    for (words, sent) in [
        (&["confirm"][..], "POST /v1/confirm {}"),
        (&["confirm", "17"], r#"POST /v1/confirm {"intent":17}"#),
        (&["rollback", "17"], r#"POST /v1/rollback {"intent":17}"#),
        (&["reload"], "POST /v1/reload {}"),
    ] {
        let bench = Bench::of(Rooms::usual());
        let ran = bench.run(words);
        assert_eq!(ran.exit, 0, "{words:?} {ran:?}");
        assert_eq!(asked(&bench), [sent]);
        assert_eq!(ran.out, "the configuration was read again: 2 files\n");
    }
}

#[test]
fn filters_and_names_are_encoded() {
    let bench = Bench::of(Rooms::usual());
    bench.run(&["history", "--since", "1h", "--project", "a&b=c", "--kind", "step", "--limit", "5"]);
    bench.run(&["explain", "a/b c"]);
    bench.run(&["status", "../x"]);
    bench.run(&["metrics", "--collect", "node", "--exclude", "bcache"]);
    assert_eq!(
        asked(&bench),
        [
            "GET /v1/history?since=2026-11-21T02%3A50%3A08Z&project=a%26b%3Dc&kind=step&limit=5",
            "GET /v1/explain?what=a%2Fb%20c",
            "GET /v1/status/..%2Fx",
            "GET /v1/metrics?collect%5B%5D=node&exclude%5B%5D=bcache",
        ]
    );
}

#[test]
fn following_goes_on_after_the_newest() {
    let mut rooms = Rooms::usual();
    let entry = r#"{"schema":"hostkeeper.event/1","id":22,"at":"2026-11-21T03:50:09Z","kind":"reloaded","keeper":null,
        "subject":"host","text":"read again","because":null,"outcome":null,"why":null,"took_seconds":null,"severity":null}"#;
    let gap = r#"{"schema":"hostkeeper.gap/1","after":22,"resumed_at":2000}"#;
    rooms.events = vec![serde_json::from_str(entry).unwrap(), serde_json::from_str(gap).unwrap()];
    let bench = Bench::of(rooms);
    let ran = bench.run(&["events", "-f", "--limit", "1", "--project", "athena"]);
    assert!(asked(&bench).contains(&"FOLLOW after=21&project=athena".to_owned()), "{:?}", asked(&bench));
    let end =
        "2026-11-21 03:50:09  #22 host  reloaded\n    read again\nentries 23 to 1999 were missed: hostkeeper history\n";
    assert!(ran.out.ends_with(end), "{}", ran.out);
    assert_eq!(ran.exit, 3, "the canned stream broke");
}

#[test]
fn config_asks_its_room_and_tells_bad_from_good() {
    let mut bench = Bench::of(Rooms::usual());
    let ran = bench.run(&["config", "show", "--effective"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "[host]\nmode = \"observe\"\n"));
    bench.rooms.config.good = false;
    for (words, exit) in
        [(&["config", "check"][..], 78), (&["config", "explain", "nonsense"], 2), (&["config", "diff"], 78)]
    {
        assert_eq!(bench.run(words).exit, exit, "{words:?}");
    }
    assert_eq!(asked(&bench).first().unwrap(), "CONFIG Show { effective: true }");
}

#[test]
fn daemon_and_web_are_handed_over() {
    let bench = Bench::of(Rooms::usual());
    assert_eq!(bench.run(&["daemon"]).exit, 0);
    assert_eq!(bench.run(&["web", "--listen", "127.0.0.1:9800"]).exit, 0);
    assert_eq!(asked(&bench), ["WEB 127.0.0.1:9800"]);
}
