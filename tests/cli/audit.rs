//! `audit`: what it shows, by pair of projects, and how it ends.

use hostkeeper::api::audit::render_audit;
use hostkeeper::cli::Unreached;

use crate::canned::{Bench, Ran, Rooms};
use crate::golden::both;
use crate::scripted;

fn rooms_with(change: impl FnOnce(&mut hostkeeper::round::AuditView)) -> Rooms {
    let mut snapshot = scripted::snapshot();
    snapshot.at = "2026-01-31T09:12:00Z".parse().unwrap();
    change(snapshot.audit.as_mut().unwrap());
    let shown = serde_json::to_string(&render_audit(&snapshot, None)).unwrap();
    Rooms::usual().with_body("/v1/audit", 200, shown).with("/v1/audit/look", "done_text")
}

fn rooms() -> Rooms {
    rooms_with(|_| ())
}

fn run(rooms: &Rooms, words: &[&str]) -> Ran {
    Bench::of(rooms.clone()).run(&[&["audit"][..], words].concat())
}

#[test]
fn findings_are_shown_by_pair_with_evidence_and_cure() {
    both("audit", &rooms(), &["audit"], 0);
    both("audit-clean", &rooms_with(|view| view.findings.clear()), &["audit"], 0);
    both("audit-compose", &rooms(), &["audit", "--compose", "compose.yml"], 0);
}

#[test]
fn it_asks_for_a_look_and_goes_on_without_one() {
    let bench = rooms();
    run(&bench, &["athena"]);
    assert_eq!(*bench.asked.lock().unwrap(), ["POST /v1/audit/look {}", "GET /v1/audit?project=athena"]);
    let refused = rooms().with_body("/v1/audit/look", 403, r#"{"schema":"hostkeeper.error/1","code":"forbidden"}"#);
    assert_eq!(run(&refused, &[]).exit, 0, "the last look is shown");
}

#[test]
fn it_ends_by_the_worst_that_nobody_allowed() {
    for (words, exit) in [
        (&[][..], 0),
        (&["--fail-on", "info"], 1),
        (&["--fail-on", "warn"], 1),
        (&["--fail-on", "warning", "--json"], 1),
        (&["--fail-on", "critical"], 1),
        (&["--fail-on", "nonsense"], 2),
        (&["--compose", "x.yml", "--fail-on", "critical"], 1),
        (&["athena", "--compose", "x.yml"], 2),
    ] {
        let ran = run(&rooms(), words);
        assert_eq!(ran.exit, exit, "{words:?} {ran:?}");
    }
    let allowed = rooms_with(|view| view.findings.retain(|finding| finding.allowed.is_some()));
    assert_eq!(run(&allowed, &["--fail-on", "info"]).exit, 0);
    let light = rooms_with(|view| view.findings.retain(|finding| finding.id == "port-ephemeral"));
    assert_eq!((run(&light, &["--fail-on", "info"]).exit, run(&light, &["--fail-on", "warning"]).exit), (1, 0));
}

#[test]
fn what_could_not_be_looked_at_is_no_good_news() {
    let unseen = rooms_with(|view| {
        view.findings.clear();
        view.unseen = vec!["container x: docker: no answer".into()];
    });
    assert_eq!((run(&unseen, &[]).exit, run(&unseen, &["--fail-on", "critical"]).exit), (0, 2));
    assert!(run(&unseen, &[]).out.contains("not seen: container x"));
    let never = rooms_with(|view| {
        view.looked_at = None;
        view.trouble = Some("there is no Docker".into());
    });
    let ran = run(&never, &[]);
    assert!(ran.exit == 2 && ran.err.contains("there is no Docker") && ran.out.is_empty(), "{ran:?}");
    let silent = Rooms { daemon: Some(Unreached::Silent), ..rooms() };
    assert_eq!(run(&silent, &["--fail-on", "info"]).exit, 2);
}
