//! Every question: the words and numbers that the answer holds.

use super::{ask, ask_json};
use crate::api::shapes::{History, PlanShown, ProjectStatus, Status};
use crate::api::types::Order;
use crate::api::{Peer, Request, Rights, answer};
use crate::round::{LedgerState, Severity};
use crate::scripted::ScriptedAgent;

#[tokio::test]
async fn status_says_the_verdict_first() {
    let agent = ScriptedAgent::new();
    let status: Status = ask(&agent, "/v1/status").await.json().unwrap();
    assert_eq!(status.schema, "hostkeeper.status/1");
    assert_eq!(status.verdict.text, "db1: 2 problems, 2 projects, 10 containers, up 12d");
    assert_eq!(status.verdict.state, "critical");
    assert_eq!((status.counts.concerns, status.counts.info, status.counts.steps_blocked), (3, 1, 1));
    assert_eq!(status.concerns[0].severity, Severity::Critical, "worst first");
    assert_eq!(status.concerns[0].evidence[0].origin.as_deref(), Some("hostkeeper.toml:12"));
    assert_eq!(status.projects[0].view.project.as_str(), "athena");
    assert_eq!((status.projects[0].steps, status.projects[0].state.as_str()), (2, "ok"));
}

#[tokio::test]
async fn a_quiet_host_has_no_problems_and_a_lost_ledger_is_one() {
    let agent = ScriptedAgent::with(|snapshot| {
        snapshot.concerns.clear();
        snapshot.projects.truncate(1);
        snapshot.containers.truncate(1);
        snapshot.host.hostname.clear();
        snapshot.host.uptime_seconds = 59.0;
    });
    let status: Status = ask(&agent, "/v1/status").await.json().unwrap();
    assert_eq!(status.verdict.text, "this host: no problems, 1 project, 1 container, up 59s");
    assert_eq!(status.verdict.state, "ok");
    agent.snapshot.lock().unwrap().ledger = LedgerState::Unwritable("disk full".into());
    let status: Status = ask(&agent, "/v1/status").await.json().unwrap();
    assert_eq!(status.verdict.state, "critical");
    assert!(status.verdict.text.contains("ledger not writable"));
    assert_eq!(status.ledger.why.as_deref(), Some("disk full"));
}

#[tokio::test]
async fn a_project_is_told_with_its_own_things_only() {
    let agent = ScriptedAgent::new();
    let status: ProjectStatus = ask(&agent, "/v1/status/athena").await.json().unwrap();
    assert_eq!((status.containers.len(), status.dirs.len(), status.steps.len()), (8, 2, 2));
    assert!(status.concerns.is_empty());
    assert_eq!(status.history.len(), 2);
    assert_eq!(status.history[0].outcome.as_deref(), Some("failed"));
    assert_eq!(status.history[0].why.as_deref(), Some("no space left on device"));
    let refusal = ask(&agent, "/v1/status/nova").await.json::<ProjectStatus>().unwrap_err();
    assert_eq!(refusal.code, "not_found");
    assert_eq!(refusal.cure, "known projects: athena, wxlibrary");
    assert_eq!(ask(&agent, "/v1/status/%00").await.status, 404);
    assert_eq!(ask(&agent, "/v1/status/..%2f..").await.status, 404);
}

#[tokio::test]
async fn project_states_follow_concerns_and_containers() {
    let state = |change: fn(&mut crate::round::Snapshot)| async move {
        let status: Status = ask(&ScriptedAgent::with(change), "/v1/status").await.json().unwrap();
        status.projects[1].state.clone()
    };
    assert_eq!(state(|_| ()).await, "ok");
    assert_eq!(state(|snapshot| snapshot.projects[1].containers_total = 0).await, "idle");
    assert_eq!(state(|snapshot| snapshot.projects[1].containers_running = 0).await, "stopped");
    assert_eq!(state(|snapshot| snapshot.containers[9].health = Some("unhealthy".into())).await, "warning");
    assert_eq!(state(|snapshot| snapshot.containers[9].state = "restarting".into()).await, "warning");
    assert_eq!(state(|snapshot| snapshot.concerns[2].severity = Severity::Warning).await, "warning");
    assert_eq!(state(|snapshot| snapshot.concerns[2].severity = Severity::Critical).await, "critical");
}

#[tokio::test]
async fn the_plan_shows_why_and_why_not() {
    let agent = ScriptedAgent::new();
    let plan: PlanShown = ask(&agent, "/v1/plan").await.json().unwrap();
    assert_eq!((plan.plan_id.as_str(), plan.counts.open, plan.counts.blocked), ("5f0c2a91b7de", 1, 1));
    assert!(plan.steps[0].gate.open);
    assert_eq!(plan.steps[1].gate.rule.as_deref(), Some("mode"));
    assert_eq!(plan.steps[0].because.evidence[0].origin.as_deref(), Some("conf.d/athena.toml:7"));
    assert_eq!(plan.steps[0].because.evidence[1].origin, None);
    let other: PlanShown = ask(&agent, "/v1/plan?project=wxlibrary").await.json().unwrap();
    assert_eq!(other.counts.steps, 0);
    assert_eq!(ask(&agent, "/v1/plan?project=A%20B").await.status, 400);
}

#[tokio::test]
async fn lists_are_filtered_by_project() {
    let agent = ScriptedAgent::new();
    let count = |value: &serde_json::Value, key: &str| value[key].as_array().unwrap().len();
    assert_eq!(count(&ask_json(&agent, "/v1/projects").await, "projects"), 2);
    assert_eq!(count(&ask_json(&agent, "/v1/containers").await, "containers"), 10);
    assert_eq!(count(&ask_json(&agent, "/v1/containers?project=wxlibrary").await, "containers"), 2);
    assert_eq!(count(&ask_json(&agent, "/v1/concerns").await, "concerns"), 3);
    assert_eq!(count(&ask_json(&agent, "/v1/concerns?project=wxlibrary").await, "concerns"), 1);
}

#[tokio::test]
async fn history_is_filtered_and_says_whether_it_was_cut() {
    let agent = ScriptedAgent::new();
    let ids = |target: &'static str| {
        let agent = &agent;
        async move {
            let history: History = ask(agent, target).await.json().unwrap();
            (history.entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), history.more)
        }
    };
    assert_eq!(ids("/v1/history").await, (vec![3, 2, 1], false));
    assert_eq!(ids("/v1/history?limit=2").await, (vec![3, 2], true));
    assert_eq!(ids("/v1/history?after=2").await, (vec![3], false));
    assert_eq!(ids("/v1/history?kind=started").await, (vec![1], false));
    assert_eq!(ids("/v1/history?keeper=storage&project=athena").await, (vec![3, 2], false));
    assert_eq!(ids("/v1/history?since=2026-01-31T09:12:03Z").await, (vec![3], false));
    for bad in ["limit=0", "limit=1001", "limit=x", "after=1.5", "since=yesterday", "since=99999999999999999d", "x=1"] {
        assert_eq!(ask(&agent, &format!("/v1/history?{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn metrics_are_text_and_filtered() {
    let agent = ScriptedAgent::new();
    let page = ask(&agent, "/metrics").await;
    assert_eq!(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(page.body, ask(&agent, "/v1/metrics").await.body);
    assert!(page.text().unwrap().contains("node_scripted_0_bytes_total{cpu=\"0\",mode=\"idle\"} 123456789"));
    let few = ask(&agent, "/metrics?collect%5B%5D=hostkeeper").await.text().unwrap();
    assert!(few.contains("hostkeeper_up 1") && !few.contains("node_"), "{few}");
    let names = ask_json(&agent, "/v1/metrics/names").await;
    assert_eq!(names["families"][0]["name"], "hostkeeper_up");
    assert_eq!(names["families"][0]["type"], "gauge");
    assert_eq!(names["families"][1]["series"], 10);
    let cost = ask_json(&agent, "/v1/metrics/cost").await;
    assert_eq!(cost["series"], 1501);
    assert_eq!(cost["collectors"][1]["error"], "no library");
}

#[tokio::test]
async fn keys_health_and_unknown_paths() {
    let agent = ScriptedAgent::new();
    let key = ask_json(&agent, "/v1/config/project.athena.dir.postgres.mode").await;
    assert_eq!((key["value"].as_str(), key["origin"].as_str()), (Some("0700"), Some("conf.d/athena.toml:7")));
    assert_eq!(ask(&agent, "/v1/config/nope").await.status, 404);
    assert_eq!(ask(&agent, "/readyz").await.status, 200);
    agent.ready.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(ask(&agent, "/readyz").await.status, 503);
    assert_eq!(ask(&agent, "/healthz").await.status, 200);
    for path in ["/", "", "/v1", "/v1/", "/v1/status/", "/v1/status/a/b", "/v1/../etc", "//v1/status", "/V1/STATUS"] {
        assert_eq!(ask(&agent, path).await.status, 404, "{path}");
    }
    let refusal = ask(&agent, "/v1/events").await.json::<serde_json::Value>().unwrap_err();
    assert_eq!(refusal.code, "no_daemon");
}

#[tokio::test]
async fn orders_reach_the_agent_in_the_callers_name() {
    let agent = ScriptedAgent::new();
    let root = Peer { rights: Rights::Order, ..Peer::in_process() };
    let give = |path: &'static str, body: &'static str| {
        let request = Request { body: body.into(), ..Request::post(path, &()) };
        let (agent, root) = (&agent, &root);
        async move { answer(agent, &request, root).await }
    };
    let done = give("/v1/apply", r#"{"plan":"5f0c2a91b7de","steps":["aaaaaa111111"]}"#).await;
    assert_eq!(done.json::<serde_json::Value>().unwrap()["steps"][0]["result"], "made");
    assert_eq!(give("/v1/apply", r#"{"plan":"old"}"#).await.status, 409);
    for (path, body) in
        [("/v1/reload", ""), ("/v1/wake", "{}"), ("/v1/confirm", "{}"), ("/v1/rollback", "{\"intent\":4}")]
    {
        assert_eq!(give(path, body).await.status, 200, "{path}");
    }
    for body in
        ["", "[", "[]", "\"x\"", r#"{"plan":"p","step":["a"]}"#, r#"{"plan":7}"#, "\u{0}", "{\"plan\":\"p\"} {}"]
    {
        let refusal = give("/v1/apply", body).await.json::<serde_json::Value>().unwrap_err();
        assert_eq!(refusal.code, "bad_request", "{body}");
    }
    let orders = agent.orders.lock().unwrap().clone();
    assert_eq!(orders.len(), 6);
    assert!(orders.iter().all(|(_, by)| *by == root.caller));
    assert_eq!(orders[4].0, Order::Confirm { intent: None });
    assert_eq!(orders[5].0, Order::Rollback { intent: 4 });
}

#[tokio::test]
async fn rights_are_checked_before_anything_else() {
    let agent = ScriptedAgent::new();
    for (rights, get, post) in [(Rights::Nothing, 403, 403), (Rights::Read, 200, 403), (Rights::Order, 200, 200)] {
        let peer = Peer { rights, ..Peer::in_process() };
        assert_eq!(answer(&agent, &Request::get("/v1/status"), &peer).await.status, get);
        assert_eq!(answer(&agent, &Request::post("/v1/wake", &serde_json::json!({})), &peer).await.status, post);
        let unknown = answer(&agent, &Request::get("/v1/nothing"), &peer).await.status;
        assert_eq!(unknown, if rights == Rights::Nothing { 403 } else { 404 });
    }
    assert_eq!(agent.orders.lock().unwrap().len(), 1);
    assert_eq!(answer(&agent, &Request::get("/v1/apply"), &Peer::in_process()).await.status, 405);
}
