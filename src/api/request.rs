//! A request and its answer as plain data, so that the socket and a process without a daemon ask the same handler.
//! Pure: parsing of queries is bounded and refuses nonsense by name.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Refusal;
use super::shapes::ErrorShown;
use super::types::Caller;

/// The content type of every answer that is not metrics or an event stream.
pub const JSON: &str = "application/json";
/// Pairs in one query.
const MOST_PAIRS: usize = 64;

/// The two verbs of this API. `HEAD` is answered as `Get` without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// What is asked. `path` without query, both as they came (percent-encoded).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub body: Vec<u8>,
}

impl Request {
    /// A question: `"/v1/plan"` or `"/v1/history?limit=5"`.
    pub fn get(target: &str) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request { method: Method::Get, path: path.to_owned(), query: query.to_owned(), body: Vec::new() }
    }

    /// An order with its body.
    pub fn post(path: &str, body: &impl Serialize) -> Request {
        let body = serde_json::to_vec(body).unwrap_or_default();
        Request { method: Method::Post, path: path.to_owned(), query: String::new(), body }
    }

    /// Path and query as they go over the wire.
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

impl Response {
    /// An answer as JSON.
    pub fn of(status: u16, shown: &impl Serialize) -> Response {
        match serde_json::to_vec(shown) {
            Ok(body) => Response { status, content_type: JSON, body },
            Err(error) => Response::refuse(&Refusal {
                code: "failed".into(),
                text: format!("the answer could not be written as JSON: {error}"),
                cure: "this is a defect of hostkeeper: report it with the request that was made".into(),
            }),
        }
    }

    /// A refusal, with the HTTP status that belongs to its code.
    pub fn refuse(refusal: &Refusal) -> Response {
        let shown = ErrorShown {
            schema: "hostkeeper.error/1".into(),
            code: refusal.code.clone(),
            text: refusal.text.clone(),
            cure: refusal.cure.clone(),
        };
        let body = serde_json::to_vec(&shown).unwrap_or_default();
        Response { status: status_of(&refusal.code), content_type: JSON, body }
    }

    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as `T`; an error answer becomes the refusal it carries.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        if !self.is_ok() {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body).map_err(|error| Refusal {
            code: "failed".into(),
            text: format!("the agent's answer is not of the expected shape: {error}"),
            cure: "agent and command are of different versions: restart hostkeeper.service after an upgrade".into(),
        })
    }

    /// The body as text; an error answer becomes the refusal it carries.
    pub fn text(&self) -> Result<String, Refusal> {
        if !self.is_ok() {
            return Err(self.refusal());
        }
        Ok(String::from_utf8_lossy(&self.body).into_owned())
    }

    fn refusal(&self) -> Refusal {
        match serde_json::from_slice::<ErrorShown>(&self.body) {
            Ok(shown) => Refusal { code: shown.code, text: shown.text, cure: shown.cure },
            Err(_) => Refusal {
                code: "failed".into(),
                text: format!("the agent answered with HTTP status {}", self.status),
                cure: "see `journalctl -u hostkeeper`".into(),
            },
        }
    }
}

/// The HTTP status that belongs to a refusal's code; what nobody knows is the agent's own failure.
pub fn status_of(code: &str) -> u16 {
    match code {
        "bad_request" => 400,
        "forbidden" => 403,
        "not_found" => 404,
        "method" => 405,
        "blocked" | "stale_plan" | "conflict" => 409,
        "too_large" => 413,
        "no_daemon" | "not_ready" | "busy" => 503,
        "timeout" => 504,
        _ => 500,
    }
}

/// What a peer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    Nothing,
    Read,
    Order,
}

/// Who is at the other end, and what that allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub caller: Caller,
    pub rights: Rights,
}

impl Peer {
    /// This very process: a command that looks by itself because no daemon runs.
    pub fn in_process() -> Peer {
        let pid = i32::try_from(std::process::id()).unwrap_or_default();
        Peer { caller: Caller { uid: nix::unistd::geteuid().as_raw(), pid }, rights: Rights::Order }
    }
}

/// The pairs of a query, decoded. Refuses broken escapes, control characters, text that is not UTF-8, and too many.
pub fn parse_query(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == MOST_PAIRS {
            return Err(bad_query(format!("the query has more than {MOST_PAIRS} parameters"), "send fewer"));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decode(name, true), decode(value, true)) {
            (Some(name), Some(value)) => pairs.push((name, value)),
            _ => {
                let shown = crate::values::one_line(pair, 60);
                return Err(bad_query(
                    format!("\"{shown}\" in the query is not properly percent-encoded text"),
                    ENCODE,
                ));
            }
        }
    }
    Ok(pairs)
}

const ENCODE: &str = "encode each value as UTF-8, every special byte as %XX";

fn bad_query(text: String, cure: &str) -> Refusal {
    Refusal { code: "bad_request".into(), text, cure: cure.into() }
}

/// One path segment, decoded; `None` for broken escapes, control characters and what is not UTF-8.
pub fn parse_segment(segment: &str) -> Option<String> {
    decode(segment, false)
}

fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? * 16 + hex(rest.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A query of these pairs, encoded.
pub fn encode_query(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        push_encoded(&mut query, name);
        query.push('=');
        push_encoded(&mut query, value);
    }
    query
}

/// Text as one path segment.
pub fn encode_segment(text: &str) -> String {
    let mut segment = String::new();
    push_encoded(&mut segment, text);
    segment
}

fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
