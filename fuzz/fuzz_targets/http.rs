//! What comes over HTTP: names under which the page may be asked for (`a`), header values (`b`), queries and path
//! segments (`c`), whole questions to the API (`d`), its orders (`e`), its stream (`f`), and HTML (`g`).
#![no_main]

#[path = "../../tests/scripted/agent.rs"]
mod scripted;

use std::time::Duration;

use hostkeeper::api::request::{encode_query, encode_segment, parse_query, parse_segment};
use hostkeeper::api::routes::{Place, ROUTES, label};
use hostkeeper::api::{Method, Peer, Refusal, Request, Response, Rights, answer, events, orders, stream, types};
use hostkeeper::web::{Hosts, escape, parse_gzip, parse_scrape_limit};
use hostkeeper_fuzz::{choose, text};
use hyper::HeaderMap;
use hyper::header::{ACCEPT_ENCODING, HeaderValue};
use libfuzzer_sys::fuzz_target;

const PARTS: [fn(&[u8]); 7] = [host, headers, query, question, order, streamed, html];

fuzz_target!(|data: &[u8]| {
    if let Some((part, rest)) = choose(data, PARTS.len()) {
        PARTS[part](rest);
    }
});

/// Only our names, with nothing but a port behind them.
fn host(data: &[u8]) {
    let authority = text(data);
    let hosts = Hosts::new(([127, 0, 0, 1], 9733).into(), &["Page.Example".into()]);
    let small = authority.to_ascii_lowercase();
    let port = ["localhost", "127.0.0.1", "[::1]", "page.example"].iter().find_map(|name| small.strip_prefix(name));
    let ours = port.is_some_and(|port| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| !port.is_empty() && port.parse::<u16>().is_ok())
    });
    // `parse` takes a sign, a port has none.
    assert_eq!(hosts.allow(&authority), ours && !small.contains('+'), "{authority}");
}

fn headers(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let mut headers = HeaderMap::new();
    headers.insert("x-prometheus-scrape-timeout-seconds", value.clone());
    let limit = parse_scrape_limit(&headers);
    assert!((Duration::from_millis(50)..=Duration::from_secs(25)).contains(&limit));
    assert!(!parse_gzip(&headers));
    headers.insert(ACCEPT_ENCODING, value.clone());
    let named = text(data).to_ascii_lowercase();
    assert!(!parse_gzip(&headers) || named.contains("gzip") || named.contains('*'), "{named}");
    // What is refused by name stays refused, whatever stands before it.
    headers.append(ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0, x-gzip;q=0"));
    assert!(!parse_gzip(&headers), "{named}");
}

fn query(data: &[u8]) {
    let text = text(data);
    if let Ok(pairs) = parse_query(&text) {
        assert!(pairs.len() <= 64);
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert!(!pairs.iter().any(|(name, value)| [name, value].iter().any(|text| text.contains(char::is_control))));
        let again = parse_query(&encode_query(&pairs)).expect("what we encode is decoded");
        assert!(again.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(pairs));
    }
    let printable = !text.contains(char::is_control);
    assert_eq!(parse_segment(&encode_segment(&text)), printable.then_some(text));
}

/// Path and query as they come; every answer is JSON of a known status, or the page of metrics.
fn question(data: &[u8]) {
    let request = Request::get(&text(data));
    assert!(request.target().len() <= text(data).len());
    label(&request);
    let _ = events::parse_stream(&request);
    let response = ask(&request, Rights::Read);
    assert!([200, 400, 404, 405, 503].contains(&response.status), "{}", response.status);
    assert!(response.body.len() < 1 << 20);
}

fn order(data: &[u8]) {
    let Some((number, body)) = choose(data, ROUTES.len()) else { return };
    let (route, body) = (&ROUTES[number], body.to_vec());
    let read = orders::parse_order(route.place, &body);
    assert!(
        matches!(route.place, Place::Rollback) || !body.trim_ascii().is_empty() || read.is_ok() == changes(route.place)
    );
    let request = Request { method: Method::Post, path: route.path.into(), query: String::new(), body };
    assert_eq!(ask(&request, Rights::Read).status, 403);
    let response = ask(&request, Rights::Order);
    assert!([200, 400, 404, 405, 409].contains(&response.status), "{}", response.status);
    assert!(read.is_ok() || !response.is_ok());
}

/// Orders that may come without a body.
fn changes(place: Place) -> bool {
    matches!(place, Place::Reload | Place::Wake | Place::Confirm | Place::LookAtDocker | Place::ReleaseLimits | Place::LookBetweenProjects)
}

fn ask(request: &Request, rights: Rights) -> Response {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    let mut agent = scripted::ScriptedAgent::new();
    agent.series = 5;
    let peer = Peer { caller: types::Caller { uid: 1000, pid: 1 }, rights };
    let response = RUNTIME.with(|runtime| runtime.block_on(answer(&agent, request, &peer)));
    if response.content_type == hostkeeper::api::request::JSON {
        serde_json::from_slice::<serde_json::Value>(&response.body).expect("JSON");
    }
    if !response.is_ok() {
        let Refusal { code, text, cure } = response.json::<serde_json::Value>().expect_err("a refusal");
        assert!(!code.is_empty() && !text.is_empty() && !cure.is_empty());
    }
    response
}

fn streamed(data: &[u8]) {
    let whole = stream::parse_events(data);
    let mut parser = stream::Parser::default();
    let bits = data.chunks(3).try_for_each(|bits| parser.push(bits));
    assert_eq!(whole.is_ok(), bits.is_ok());
    if let Ok(events) = whole {
        assert!(events.iter().all(|event| !event.data.is_empty()));
        assert!(events.into_iter().eq(std::iter::from_fn(|| parser.pop())));
    }
}

fn html(data: &[u8]) {
    let text = text(data);
    let safe = escape(&text);
    assert!(!safe.contains(['<', '>', '"', '\'', '\u{202e}']));
    let back = safe.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    assert_eq!(back.replace("&amp;", "&").chars().count(), text.chars().count());
}
