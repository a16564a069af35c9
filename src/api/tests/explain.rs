//! What names stand for, and that the chain ends where it was written.

use crate::api::Refusal;
use crate::api::explain::{Sources, explain};
use crate::api::shapes::Explained;
use crate::api::types::KeyOrigin;
use crate::metrics::Filter;
use crate::scripted::{self, ScriptedAgent};

fn told(what: &str) -> Result<Explained, Refusal> {
    let agent = ScriptedAgent::new();
    let origins = |key: &str| -> Option<KeyOrigin> { crate::api::Agent::config_key(&agent, key) };
    let page = scripted::scrape(Filter::default(), 300).text;
    let sources =
        Sources { snapshot: &scripted::snapshot(), history: &scripted::entries(), origins: &origins, page: &page };
    explain(what, sources)
}

fn kinds(what: &str) -> Vec<String> {
    told(what).map(|told| told.found.into_iter().map(|found| found.kind).collect()).unwrap_or_default()
}

#[test]
fn every_kind_of_name_is_found() {
    for (what, kind) in [
        ("host", "host"),
        ("db1", "host"),
        ("athena", "project"),
        ("athena/postgres", "thing"),
        ("athena-postgres-1", "container"),
        ("ssd", "tier"),
        ("tier:bcache", "tier"),
        ("storage", "keeper"),
        ("tier-missing-mount", "concern"),
        ("tier-low-space@tier:ssd", "concern"),
        ("aaaaaa111111", "step"),
        ("bbbbbb", "step"),
        ("node_scripted_3_bytes_total", "metric"),
        ("host.mode", "key"),
    ] {
        assert_eq!(kinds(what), [kind], "{what}");
    }
    assert!(kinds("tier-low-space@host").is_empty());
    assert!(kinds("bbb").is_empty(), "too short for a step");
}

#[test]
fn a_directory_is_explained_from_state_to_file_and_line() {
    let told = told("athena/postgres").unwrap();
    let found = &told.found[0];
    assert!(found.text.contains("directory /ssd/postgres is wrong-mode"), "{}", found.text);
    assert!(found.text.contains("container athena-postgres-1 is running, healthy"), "{}", found.text);
    let origin = found.chain.iter().find_map(|fact| fact.origin.as_deref());
    assert_eq!(origin, Some("conf.d/athena.toml:7"));
    assert_eq!(found.steps.len(), 1);
    assert_eq!(found.history.len(), 1, "why it was done");
    assert_eq!(found.history[0].because.as_deref(), Some("config declares it, disk has none"));
}

#[test]
fn a_blocked_step_names_the_rule_and_the_key_that_set_it() {
    let told = told("bbbbbb222222").unwrap();
    let found = &told.found[0];
    assert!(found.text.ends_with("held back: project athena is in mode observe"), "{}", found.text);
    let shown: Vec<_> = found.chain.iter().map(|fact| (fact.what.as_str(), fact.origin.as_deref())).collect();
    assert!(shown.contains(&("held back by mode", None)));
    assert!(shown.contains(&("project.athena.mode", Some("conf.d/athena.toml:2"))), "{shown:?}");
    assert_eq!(found.history[0].why.as_deref(), Some("no space left on device"));
}

#[test]
fn a_metric_shows_its_lines() {
    let told = told("node_scripted_3_bytes_total").unwrap();
    let samples = told.found[0].chain.iter().filter(|fact| fact.what == "sample").count();
    assert_eq!(samples, 10);
}

#[test]
fn unknown_names_get_the_nearest() {
    let refusal = told("athens").unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.cure.starts_with("did you mean athena")), ("not_found", true));
    assert_eq!(told("zzzz").unwrap_err().code, "not_found");
    assert_eq!(told("  ").unwrap_err().code, "bad_request");
}
