//! Names that somebody else chose never reach the terminal as they are.

use crate::canned::{Bench, Rooms};

fn rooms() -> Rooms {
    Rooms::usual().with("/v1/containers", "hostile")
}

fn harmless(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !(c.is_control() || ('\u{2000}'..='\u{206f}').contains(&c) && c != '…'))
}

#[test]
fn control_characters_are_masked_in_every_form() {
    let mut bench = Bench::of(rooms());
    for terminal in [false, true] {
        bench.screen.terminal = terminal;
        for words in [&["top", "--once"][..], &["top", "--once", "--json"]] {
            let ran = bench.run(words);
            assert_eq!(ran.exit, 0, "{ran:?}");
            assert!(harmless(&ran.out), "{:?}", ran.out);
        }
    }
}

#[test]
fn json_keeps_the_name_as_it_is() {
    let ran = Bench::of(rooms()).run(&["top", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(value["containers"][0]["service"].as_str().unwrap().starts_with("\u{1b}[31mevil"));
}

#[test]
fn a_page_of_metrics_is_masked_only_on_a_terminal() {
    let page = "# HELP a b\n# TYPE a gauge\na{name=\"\u{1b}[31m\"} 1\n";
    let mut bench = Bench::of(Rooms::usual().with_body("/v1/metrics", 200, page));
    assert_eq!(bench.run(&["metrics"]).out, page);
    bench.screen.terminal = true;
    assert!(harmless(&bench.run(&["metrics"]).out));
}

#[test]
fn errors_that_quote_are_masked_too() {
    let body = "{\"schema\":\"hostkeeper.error/1\",\"code\":\"not_found\",\"text\":\"\\u001b[2J\\u009b\",\"cure\":\"\\u0007x\"}";
    let ran = Bench::of(Rooms::usual().with_body("/v1/explain", 404, body)).run(&["explain", "\x1b[31m"]);
    assert!(harmless(&ran.err) && ran.exit == 2, "{ran:?}");
    assert!(harmless(&Bench::of(rooms()).run(&["nonsense\x1b[31m"]).err.replace('\n', "")));
}
