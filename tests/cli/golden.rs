//! What each verb prints, compared with files of `golden/` at 80 and at 200 columns. `UPDATE=1` writes them anew.

use std::path::PathBuf;

use crate::canned::{Bench, Rooms, run};

/// Compares `text` with `golden/NAME.txt`.
pub fn compare(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{} differs; look, then UPDATE=1\n--- is\n{text}\n--- was\n{expected}", path.display());
}

fn widest(text: &str) -> usize {
    text.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap_or(0)
}

/// Runs `words` at both widths and compares both; no line is wider than the screen.
pub fn both(name: &str, rooms: &Rooms, words: &[&str], exit: u8) {
    for width in [80, 200] {
        let mut bench = Bench::of(rooms.clone());
        bench.screen.width = width;
        let ran = bench.run(words);
        assert_eq!(ran.exit, exit, "{ran:?}");
        assert!(widest(&ran.out) <= width, "{width}: {}", ran.out);
        compare(&format!("{name}-{width}"), &ran.out);
    }
}

#[test]
fn status() {
    both("status", &Rooms::usual(), &["status"], 0);
    both("status-bad", &Rooms::usual().with("/v1/status", "status_bad"), &["status"], 0);
    both("status-quiet", &Rooms::usual().with("/v1/status", "status_quiet"), &["status"], 0);
    both("status-project", &Rooms::usual(), &["status", "athena"], 0);
}

#[test]
fn doctor() {
    both("doctor", &Rooms::usual(), &["doctor"], 2);
}

#[test]
fn plan_and_explain() {
    both("plan", &Rooms::usual(), &["plan"], 0);
    let empty = Rooms::usual().with("/v1/plan", "plan_empty").with("/v1/concerns", "concerns_empty");
    both("plan-empty", &empty, &["plan"], 0);
    both("explain", &Rooms::usual(), &["explain", "athena/postgres"], 0);
}

#[test]
fn history_and_events() {
    both("history", &Rooms::usual(), &["history", "--since", "1h"], 0);
    both("events", &Rooms::usual(), &["events"], 0);
}

#[test]
fn top_and_metrics() {
    both("top", &Rooms::usual(), &["top", "--once"], 0);
    both("metrics-names", &Rooms::usual(), &["metrics", "--names"], 0);
    both("metrics-cost", &Rooms::usual(), &["metrics", "--cost"], 0);
    both("metrics-check", &Rooms::usual(), &["metrics", "--check"], 0);
}

#[test]
fn narrow_screens_never_wrap() {
    for width in [20, 40, 60, 79] {
        for words in [&["status"][..], &["status", "athena"], &["doctor"], &["plan"], &["history"], &["top", "--once"]]
        {
            let mut bench = Bench::of(Rooms::usual());
            bench.screen.width = width;
            let ran = bench.run(words);
            // Tables cannot be narrower than the least of the columns that always stay.
            let wide = ran.out.lines().find(|line| widest(line) > width.max(36));
            assert_eq!(wide, None, "{width} {words:?}");
        }
    }
}

#[test]
fn colours_only_for_terminals_that_want_them() {
    let mut bench = Bench::of(Rooms::usual());
    assert!(!bench.run(&["doctor"]).out.contains('\x1b'));
    bench.screen.colour = true;
    let coloured = bench.run(&["doctor"]).out;
    assert!(coloured.contains("\x1b[1;31mFAIL\x1b[0m"), "{coloured:?}");
    let stripped: String = ["\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[0m"]
        .iter()
        .fold(coloured, |text, code| text.replace(code, ""));
    assert_eq!(stripped, run(&["doctor"]).out);
}

#[test]
fn json_passes_the_answer_on_and_says_who_answered() {
    for (words, schema) in [
        (&["status"][..], "hostkeeper.status/1"),
        (&["status", "athena"], "hostkeeper.project/1"),
        (&["doctor"], "hostkeeper.doctor/1"),
        (&["plan"], "hostkeeper.plan/1"),
        (&["history"], "hostkeeper.history/1"),
        (&["explain", "x"], "hostkeeper.explain/1"),
        (&["top"], "hostkeeper.top/1"),
        (&["metrics", "--names"], "hostkeeper.metric-names/1"),
        (&["metrics", "--cost"], "hostkeeper.metric-cost/1"),
        (&["metrics"], "hostkeeper.metrics/1"),
        (&["metrics", "--check"], "hostkeeper.metrics-check/1"),
    ] {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        let mut bench = Bench::of(Rooms::usual());
        for daemon in [true, false] {
            bench.rooms.daemon = (!daemon).then_some(hostkeeper::cli::Unreached::NoDaemon);
            let ran = bench.run(&words);
            let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
            assert_eq!(value["schema"], schema, "{words:?}");
            assert_eq!(value["daemon"], daemon, "{words:?}");
            assert_eq!(ran.out.lines().count(), 1);
            assert_eq!(ran.err, "");
        }
    }
}

#[test]
fn events_are_one_object_per_line() {
    let ran = run(&["events", "--json"]);
    let ids: Vec<i64> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .inspect(|value| assert_eq!(value["schema"], "hostkeeper.event/1"))
        .map(|value| value["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [17, 18, 19, 20, 21]);
}
