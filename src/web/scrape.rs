//! `/metrics`: the agent's page passed through, within the time that the scraper allows.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::{HeaderMap, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::admit::{parse_gzip, parse_scrape_limit};
use super::reply::{self, Flow, Reply};
use crate::api::link::Deadline;
use crate::api::request::{encode_query, parse_query};
use crate::api::wire::Open;
use crate::api::{Client, Refusal, Request, shapes};

/// A refusal of the agent, bytes.
const MOST_REFUSAL: usize = 16 * 1024;
/// Left over for writing what has been read when the time is up.
const GRACE: Duration = Duration::from_millis(400);

/// Asks the agent and passes its page on. `deadline` then is the end of the scrape.
pub async fn pass(
    client: &Client,
    places: &Arc<Semaphore>,
    query: &str,
    headers: &HeaderMap,
    deadline: &Deadline,
) -> Reply {
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        return reply::refuse(StatusCode::SERVICE_UNAVAILABLE, "too many scrapes at once: try again in a second");
    };
    let request = match parse_filters(query) {
        Ok(query) => Request { query, ..Request::get("/metrics") },
        Err(refusal) => return reply::refuse(StatusCode::BAD_REQUEST, &words(&refusal)),
    };
    let limit = parse_scrape_limit(headers);
    let end = Instant::now() + limit;
    deadline.extend(limit + GRACE);
    match tokio::time::timeout_at(end, client.open(&request)).await {
        Err(_) => {
            let text = format!("the agent gave no metrics within {:.1} s", limit.as_secs_f64());
            reply::refuse(StatusCode::SERVICE_UNAVAILABLE, &text)
        }
        Ok(Err(error)) => reply::refuse(StatusCode::SERVICE_UNAVAILABLE, &words(&error.refusal())),
        Ok(Ok(open)) if open.status() == 200 => reply::scrape(Flow::new(open, place), parse_gzip(headers)),
        Ok(Ok(open)) => pass_refusal(open, end).await,
    }
}

/// `collect[]` and `exclude[]`, encoded anew; every other parameter is left out.
fn parse_filters(query: &str) -> Result<String, Refusal> {
    let pairs = parse_query(query)?;
    let known = pairs.iter().filter(|(name, _)| name == "collect[]" || name == "exclude[]");
    Ok(encode_query(&known.map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>()))
}

async fn pass_refusal(open: Open, end: Instant) -> Reply {
    let status = if open.status() == 400 { StatusCode::BAD_REQUEST } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = Limited::new(open.answer.into_body(), MOST_REFUSAL).collect();
    let body = tokio::time::timeout_at(end, body).await.ok().and_then(Result::ok);
    let shown = body.and_then(|body| serde_json::from_slice::<shapes::ErrorShown>(&body.to_bytes()).ok());
    match shown {
        Some(shown) => reply::refuse(status, &format!("{}\n{}", shown.text, shown.cure)),
        None => reply::refuse(status, "the agent refused to give metrics"),
    }
}

pub fn words(refusal: &Refusal) -> String {
    format!("{}\n{}", refusal.text, refusal.cure)
}
