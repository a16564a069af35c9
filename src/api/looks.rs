//! The questions, one function each: what to ask of the agent, and which view of it to give back. No policy.

use jiff::Timestamp;

use super::request::Response;
use super::routes::Matched;
use super::shapes::{ConfigKey, Health, History, MetricCost, MetricNames};
use super::types::{HistoryQuery, KeyOrigin};
use super::{Agent, Refusal, doctor, explain, families, views};
use crate::metrics::{CONTENT_TYPE, Filter};
use crate::values::{Every, ProjectName, one_line};

/// Lines of history in one answer.
pub const MOST_ENTRIES: u32 = 1000;
const USUAL_ENTRIES: u32 = 100;
/// Lines of history of one project's status, and those an explanation is drawn from.
const PROJECT_ENTRIES: u32 = 10;
const EXPLAIN_ENTRIES: u32 = 500;
/// Values of one `collect[]` or `exclude[]`.
const MOST_WORDS: usize = 64;

type Answered = Result<Response, Refusal>;

fn bad(text: String, cure: &str) -> Refusal {
    Refusal { code: "bad_request".into(), text, cure: cure.into() }
}

fn origins(agent: &dyn Agent) -> impl Fn(&str) -> Option<KeyOrigin> + Sync {
    |key| agent.config_key(key)
}

pub(super) fn parse_project(matched: &Matched) -> Result<Option<ProjectName>, Refusal> {
    let Some(name) = matched.value("project") else { return Ok(None) };
    name.parse()
        .map(Some)
        .map_err(|_| bad(format!("\"{}\" is not a project's name", one_line(name, 80)), "a-z, 0-9, _ and -"))
}

pub fn status(agent: &dyn Agent) -> Response {
    Response::of(200, &views::render_status(&agent.snapshot(), &origins(agent)))
}

pub async fn project_status(agent: &dyn Agent, matched: &Matched) -> Answered {
    let snapshot = agent.snapshot();
    let unknown = || {
        let known: Vec<&str> = snapshot.projects.iter().map(|view| view.project.as_str()).collect();
        Refusal {
            code: "not_found".into(),
            text: format!("there is no project \"{}\"", one_line(&matched.segment, 80)),
            cure: match known.as_slice() {
                [] => "no project is declared or running".to_owned(),
                some => one_line(&format!("known projects: {}", some.join(", ")), 500),
            },
        }
    };
    let name: ProjectName = matched.segment.parse().map_err(|_| unknown())?;
    let query = HistoryQuery { project: Some(name.clone()), limit: PROJECT_ENTRIES, ..HistoryQuery::default() };
    let history = agent.history(query).await?;
    let shown = views::render_project_status(&name, &snapshot, &history, &origins(agent)).ok_or_else(unknown)?;
    Ok(Response::of(200, &shown))
}

pub fn projects(agent: &dyn Agent) -> Response {
    Response::of(200, &views::render_projects(&agent.snapshot()))
}

pub fn containers(agent: &dyn Agent, matched: &Matched) -> Answered {
    let project = parse_project(matched)?;
    Ok(Response::of(200, &views::render_containers(&agent.snapshot(), project.as_ref())))
}

pub fn plan(agent: &dyn Agent, matched: &Matched) -> Answered {
    let project = parse_project(matched)?;
    Ok(Response::of(200, &views::render_plan(&agent.snapshot(), project.as_ref(), &origins(agent))))
}

pub fn concerns(agent: &dyn Agent, matched: &Matched) -> Answered {
    let project = parse_project(matched)?;
    Ok(Response::of(200, &views::render_concerns(&agent.snapshot(), project.as_ref(), &origins(agent))))
}

/// The filters of `history` and `events`. `since` is a moment or a length of time before `now`.
pub fn parse_history(matched: &Matched, now: Timestamp) -> Result<HistoryQuery, Refusal> {
    let since = matched.value("since").map(|text| parse_since(text, now)).transpose()?;
    let number = |name: &str| match matched.value(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<i64>()
            .map(Some)
            .map_err(|_| bad(format!("{name}=\"{}\" is not a whole number", one_line(text, 40)), "write digits only")),
    };
    let limit = match number("limit")? {
        None => USUAL_ENTRIES,
        Some(limit) if (1..=i64::from(MOST_ENTRIES)).contains(&limit) => u32::try_from(limit).unwrap_or(MOST_ENTRIES),
        Some(limit) => return Err(bad(format!("limit={limit} is out of bounds"), "use 1 to 1000")),
    };
    let word = |name: &str| matched.value(name).map(str::to_owned);
    Ok(HistoryQuery {
        since,
        project: parse_project(matched)?,
        keeper: word("keeper"),
        kind: word("kind"),
        after: number("after")?,
        limit,
    })
}

fn parse_since(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let back = text.parse::<Every>().ok().and_then(|back| now.checked_sub(back.0).ok());
    back.ok_or_else(|| {
        let text = format!("since=\"{}\" is neither a moment nor a length of time", one_line(text, 40));
        bad(text, "write 2026-01-31T09:00:00Z, or 1h30m, or 7d")
    })
}

pub async fn history(agent: &dyn Agent, matched: &Matched) -> Answered {
    let mut query = parse_history(matched, Timestamp::now())?;
    let limit = query.limit as usize;
    query.limit += 1;
    let entries = agent.history(query).await?;
    let shown = History {
        schema: "hostkeeper.history/1".into(),
        more: entries.len() > limit,
        entries: entries.iter().take(limit).map(views::render_entry).collect(),
    };
    Ok(Response::of(200, &shown))
}

pub async fn doctor(agent: &dyn Agent) -> Answered {
    let scrape = agent.metrics(Filter::default()).await;
    let costs = scrape.as_ref().map(|scrape| scrape.collectors.as_slice());
    let shown = doctor::render_doctor(&agent.snapshot(), costs, Timestamp::now(), &origins(agent));
    Ok(Response::of(200, &shown))
}

pub async fn explain(agent: &dyn Agent, matched: &Matched) -> Answered {
    let what = matched.value("what").unwrap_or_default();
    if what.len() > 256 {
        return Err(bad("the name is longer than 256 bytes".into(), "use the name that hostkeeper status shows"));
    }
    let history = agent.history(HistoryQuery { limit: EXPLAIN_ENTRIES, ..HistoryQuery::default() }).await;
    let scrape = agent.metrics(Filter::default()).await;
    let sources = explain::Sources {
        snapshot: &agent.snapshot(),
        history: history.as_deref().unwrap_or_default(),
        origins: &origins(agent),
        page: scrape.as_ref().map(|scrape| scrape.text.as_slice()).unwrap_or_default(),
    };
    Ok(Response::of(200, &explain::explain(what, sources)?))
}

/// The filter that a query means. Bounded, so that a scrape's cost is.
pub fn parse_filter(matched: &Matched) -> Result<Filter, Refusal> {
    let words = |name: &str| {
        let words = matched.values(name);
        if words.len() > MOST_WORDS || words.iter().any(|word| word.len() > 64) {
            return Err(bad(format!("{name} is too long"), "name at most 64 groups or collectors"));
        }
        Ok(words)
    };
    Ok(Filter { collect: words("collect[]")?, exclude: words("exclude[]")?, off: Vec::new() })
}

pub async fn metrics(agent: &dyn Agent, matched: &Matched) -> Answered {
    let scrape = agent.metrics(parse_filter(matched)?).await?;
    Ok(Response { status: 200, content_type: CONTENT_TYPE, body: scrape.text })
}

pub async fn metric_names(agent: &dyn Agent, matched: &Matched) -> Answered {
    let scrape = agent.metrics(parse_filter(matched)?).await?;
    let families = families::parse_families(&scrape.text);
    Ok(Response::of(200, &MetricNames { schema: "hostkeeper.metric-names/1".into(), families }))
}

pub async fn metric_cost(agent: &dyn Agent, matched: &Matched) -> Answered {
    let scrape = agent.metrics(parse_filter(matched)?).await?;
    let shown = MetricCost {
        schema: "hostkeeper.metric-cost/1".into(),
        series: scrape.series,
        bytes: scrape.text.len(),
        seconds: scrape.collectors.iter().map(|cost| cost.duration_seconds).sum(),
        collectors: scrape.collectors,
    };
    Ok(Response::of(200, &shown))
}

pub fn config_key(agent: &dyn Agent, matched: &Matched) -> Answered {
    let key = &matched.segment;
    let origin = agent.config_key(key).ok_or_else(|| Refusal {
        code: "not_found".into(),
        text: format!("the configuration has no key \"{}\"", one_line(key, 100)),
        cure: "hostkeeper config show --effective lists every key".into(),
    })?;
    let schema = "hostkeeper.config-key/1".into();
    let KeyOrigin { key, value, origin, help } = origin;
    Ok(Response::of(200, &ConfigKey { schema, key, value, origin, help }))
}

pub fn health(ok: bool) -> Response {
    let text = if ok { "the agent answers" } else { "the agent has not finished its first round" };
    let shown = Health { schema: "hostkeeper.health/1".into(), ok, text: text.into() };
    Response::of(if ok { 200 } else { 503 }, &shown)
}
