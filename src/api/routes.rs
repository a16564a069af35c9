//! Which path means what, and with which parameters. Pure. `openapi.json` is compared with `ROUTES` by a test.

use super::Refusal;
use super::request::{Method, Request, parse_query, parse_segment};

/// The description of this API that is served at `/v1/openapi.json`.
pub const OPENAPI: &str = include_str!("openapi.json");

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Status,
    ProjectStatus,
    Projects,
    Containers,
    Plan,
    Concerns,
    History,
    Events,
    Doctor,
    Explain,
    Metrics,
    MetricNames,
    MetricCost,
    ConfigKey,
    Healthz,
    Readyz,
    OpenApi,
    Reload,
    Apply,
    Confirm,
    Rollback,
    Wake,
    Storage,
    Drain,
    Undrain,
    Balance,
    MakeExamples,
    RemoveExamples,
    KeepSpeed,
    Fix,
    LookAtDocker,
    Audit,
    LookBetweenProjects,
    Reclaim,
    Limits,
    ReleaseLimits,
    Park,
    Unpark,
}

/// One path with its verb and the query parameters it knows. `{…}` stands for one segment.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub parameters: &'static [&'static str],
    pub place: Place,
}

const fn get(path: &'static str, parameters: &'static [&'static str], place: Place) -> Route {
    Route { method: Method::Get, path, parameters, place }
}

const fn post(path: &'static str, place: Place) -> Route {
    Route { method: Method::Post, path, parameters: &[], place }
}

/// All routes.
pub const ROUTES: &[Route] = &[
    get("/v1/status", &[], Place::Status),
    get("/v1/status/{project}", &[], Place::ProjectStatus),
    get("/v1/projects", &[], Place::Projects),
    get("/v1/containers", &["project"], Place::Containers),
    get("/v1/plan", &["project"], Place::Plan),
    get("/v1/concerns", &["project"], Place::Concerns),
    get("/v1/history", &["since", "project", "keeper", "kind", "after", "limit"], Place::History),
    get("/v1/events", &["project", "keeper", "kind", "after"], Place::Events),
    get("/v1/doctor", &[], Place::Doctor),
    get("/v1/explain", &["what"], Place::Explain),
    get("/v1/metrics", &["collect[]", "exclude[]"], Place::Metrics),
    get("/v1/metrics/names", &["collect[]", "exclude[]"], Place::MetricNames),
    get("/v1/metrics/cost", &["collect[]", "exclude[]"], Place::MetricCost),
    get("/v1/config/{key}", &[], Place::ConfigKey),
    get("/v1/storage", &[], Place::Storage),
    get("/v1/limits", &["project"], Place::Limits),
    get("/v1/audit", &["project"], Place::Audit),
    get("/v1/openapi.json", &[], Place::OpenApi),
    get("/metrics", &["collect[]", "exclude[]"], Place::Metrics),
    get("/healthz", &[], Place::Healthz),
    get("/readyz", &[], Place::Readyz),
    post("/v1/reload", Place::Reload),
    post("/v1/apply", Place::Apply),
    post("/v1/confirm", Place::Confirm),
    post("/v1/rollback", Place::Rollback),
    post("/v1/wake", Place::Wake),
    post("/v1/storage/drain", Place::Drain),
    post("/v1/storage/undrain", Place::Undrain),
    post("/v1/storage/balance", Place::Balance),
    post("/v1/storage/examples", Place::MakeExamples),
    post("/v1/storage/examples/remove", Place::RemoveExamples),
    post("/v1/storage/speed", Place::KeepSpeed),
    post("/v1/storage/fix", Place::Fix),
    post("/v1/storage/reclaim", Place::Reclaim),
    post("/v1/storage/reclaim/look", Place::LookAtDocker),
    post("/v1/limits/release", Place::ReleaseLimits),
    post("/v1/limits/park", Place::Park),
    post("/v1/limits/unpark", Place::Unpark),
    post("/v1/audit/look", Place::LookBetweenProjects),
];

/// A request that fits a route: the filled segment, if any, and the decoded query.
#[derive(Debug)]
pub struct Matched {
    pub route: &'static Route,
    pub segment: String,
    pub query: Vec<(String, String)>,
}

impl Matched {
    /// The last value of a parameter.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub fn values(&self, name: &str) -> Vec<String> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }
}

/// The route of a request, or why there is none.
pub fn match_route(request: &Request) -> Result<Matched, Refusal> {
    let mut other_method = None;
    for route in ROUTES {
        let Some(segment) = fit(route.path, &request.path) else { continue };
        if route.method != request.method {
            other_method = Some(route.method);
            continue;
        }
        let segment = parse_segment(segment).filter(|text| text.len() <= 256).ok_or_else(|| not_found(request))?;
        let query = parse_query(&request.query)?;
        if let Some((name, _)) = query.iter().find(|(name, _)| !route.parameters.contains(&name.as_str())) {
            return Err(unknown_parameter(name, route));
        }
        return Ok(Matched { route, segment, query });
    }
    Err(match other_method {
        None => not_found(request),
        Some(method) => Refusal {
            code: "method".into(),
            text: format!("{} does not answer {}", request.path, request.method.as_str()),
            cure: format!("use {}", method.as_str()),
        },
    })
}

/// The part of `path` that fills the pattern's `{…}`, or `""` when both are equal.
fn fit<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    match pattern.split_once('{') {
        None => (pattern == path).then_some(""),
        Some((before, _)) => path.strip_prefix(before).filter(|rest| !rest.is_empty() && !rest.contains('/')),
    }
}

fn not_found(request: &Request) -> Refusal {
    let path = crate::values::one_line(&request.path, 100);
    Refusal {
        code: "not_found".into(),
        text: format!("there is no {path}"),
        cure: "GET /v1/openapi.json lists every path".into(),
    }
}

fn unknown_parameter(name: &str, route: &Route) -> Refusal {
    let known = match route.parameters {
        [] => "it takes none".to_owned(),
        some => format!("it knows {}", some.join(", ")),
    };
    let name = crate::values::one_line(name, 40);
    let text = format!("{} has no parameter \"{name}\"", route.path);
    Refusal { code: "bad_request".into(), text, cure: known }
}

/// The label under which a request's duration is counted: a route's path, or `other`.
pub fn label(request: &Request) -> &'static str {
    let fits = |route: &&Route| route.method == request.method && fit(route.path, &request.path).is_some();
    ROUTES.iter().find(fits).map_or("other", |route| route.path)
}
