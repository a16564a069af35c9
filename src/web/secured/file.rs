//! A web configuration as it is written, in the format of Prometheus' exporters: `tls_server_config`, `basic_auth_users`,
//! `http_server_config`. Every fault at once. Pure.

use std::collections::BTreeMap;

use hyper::header::{HeaderName, HeaderValue};

use super::fault::{Fault, Spot};
use super::tls_section::{TlsSection, read_tls};
use super::words::{HEADERS, suggest};
use super::yaml::{Entry, FILE_LIMIT, Node, Value, parse_yaml};

/// Costs of bcrypt: what it allows, up to what a small machine checks within its time for an answer.
const LEAST_COST: u32 = 4;
const MOST_COST: u32 = 15;
const MOST_USERS: usize = 200;

/// What a file says.
#[derive(Debug, Default)]
pub struct WebFile {
    pub tls: Option<TlsSection>,
    /// Name and bcrypt hash.
    pub users: BTreeMap<String, String>,
    /// Set on every answer, over what is there.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is written and has no effect here.
    pub notes: Vec<String>,
}

/// Reads a whole file.
pub fn parse_web_file(text: &str) -> Result<WebFile, Vec<Fault>> {
    if text.len() > FILE_LIMIT {
        let cure = "a web configuration is small: is this another file?";
        return Err(vec![Fault::hidden(Spot::default(), "larger than 64 KiB", cure)]);
    }
    let root = parse_yaml(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|fault| vec![fault])?;
    let mut reading = Reading::default();
    let mut file = WebFile::default();
    for entry in reading.map(&root, "the file") {
        match entry.name.as_str() {
            "tls_server_config" => file.tls = read_tls(&mut reading, &entry.node),
            "basic_auth_users" => file.users = read_users(&mut reading, &entry.node),
            "http_server_config" => file.headers = read_http(&mut reading, &entry.node),
            _ => reading.unknown(entry, &["tls_server_config", "basic_auth_users", "http_server_config"]),
        }
    }
    file.notes = reading.notes;
    if reading.faults.is_empty() { Ok(file) } else { Err(reading.faults) }
}

/// The state of one reading.
#[derive(Default)]
pub struct Reading {
    pub faults: Vec<Fault>,
    pub notes: Vec<String>,
}

impl Reading {
    pub fn fault(&mut self, spot: Spot, what: impl Into<String>, cure: impl Into<String>) {
        self.faults.push(Fault::new(spot, what, cure));
    }

    /// The entries of a mapping; nothing counts as an empty one.
    pub fn map<'a>(&mut self, node: &'a Node, name: &str) -> &'a [Entry] {
        match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            other => {
                let what = format!("{name} must be a mapping, here is {}", other.kind());
                self.faults.push(Fault::hidden(node.spot, what, "write key: value, each on a line of its own"));
                &[]
            }
        }
    }

    pub fn unknown(&mut self, entry: &Entry, known: &[&str]) {
        let cure = suggest(&entry.name, known.iter().copied());
        let what = format!("unknown key \"{}\"", short(&entry.name));
        // What stands behind a key that is not known may be a secret.
        self.faults.push(Fault::hidden(entry.spot, what, cure));
    }

    /// Text that is not empty; nothing when the key is there without a value.
    pub fn text<'a>(&mut self, entry: &'a Entry) -> Option<&'a str> {
        match &entry.node.value {
            Value::Text(text, _) if !text.is_empty() => Some(text),
            Value::Null | Value::Text(..) => None,
            other => {
                let what = format!("{} must be text, here is {}", entry.name, other.kind());
                self.fault(entry.node.spot, what, format!("write {}: value", entry.name));
                None
            }
        }
    }

    pub fn bool(&mut self, entry: &Entry) -> Option<bool> {
        let word = match &entry.node.value {
            Value::Text(word, true) => word.to_ascii_lowercase(),
            Value::Null => return None,
            _ => String::new(),
        };
        match word.as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => {
                self.fault(entry.node.spot, format!("{} is yes or no", entry.name), "write true or false");
                None
            }
        }
    }

    /// A list of texts.
    pub fn list<'a>(&mut self, entry: &'a Entry) -> Vec<(&'a str, Spot)> {
        let nodes = match &entry.node.value {
            Value::List(nodes) => nodes.as_slice(),
            Value::Null => &[],
            other => {
                let what = format!("{} must be a list, here is {}", entry.name, other.kind());
                self.fault(entry.node.spot, what, "write one \"- value\" on each line below it");
                &[]
            }
        };
        let mut texts = Vec::new();
        for node in nodes {
            match &node.value {
                Value::Text(text, _) => texts.push((text.as_str(), node.spot)),
                other => self.fault(node.spot, format!("here is {}, not text", other.kind()), "write \"- value\""),
            }
        }
        texts
    }
}

/// A name as it may stand in a message.
pub fn short(name: &str) -> String {
    crate::values::one_line(name, 40)
}

fn read_users(reading: &mut Reading, node: &Node) -> BTreeMap<String, String> {
    let mut users = BTreeMap::new();
    for entry in reading.map(node, "basic_auth_users") {
        match check_user(entry) {
            Ok(hash) => drop(users.insert(entry.name.clone(), hash)),
            Err((what, cure)) => {
                let what = format!("user \"{}\": {what}", short(&entry.name));
                reading.faults.push(Fault::hidden(entry.node.spot, what, cure));
            }
        }
    }
    if users.len() > MOST_USERS {
        let what = format!("more than {MOST_USERS} users");
        reading.faults.push(Fault::hidden(node.spot, what, "one user for each program that asks is enough"));
    }
    users
}

/// The hash of a user, or what is wrong with it. Never quotes it: a password may stand in its place.
fn check_user(entry: &Entry) -> Result<String, (&'static str, &'static str)> {
    const MAKE: &str = "make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'";
    if entry.name.is_empty() || entry.name.contains(':') || entry.name.chars().any(char::is_control) {
        return Err(("a name has letters, and no \":\"", "choose another name"));
    }
    let Value::Text(hash, _) = &entry.node.value else { return Err(("there is no hash of a password", MAKE)) };
    let parts = hash.parse::<bcrypt::HashParts>().map_err(|_| ("this is no bcrypt hash of a password", MAKE))?;
    match parts.get_cost() {
        ..LEAST_COST => Err(("the cost of the hash is below 4", MAKE)),
        LEAST_COST..=MOST_COST => Ok(hash.clone()),
        _ => Err(("the cost of the hash is above 15: each check would take seconds", MAKE)),
    }
}

fn read_http(reading: &mut Reading, node: &Node) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for entry in reading.map(node, "http_server_config") {
        match entry.name.as_str() {
            "http2" => {
                if reading.bool(entry) == Some(true) {
                    reading.notes.push("http2 has no effect: answers are HTTP/1.1".into());
                }
            }
            "headers" => {
                for header in reading.map(&entry.node, "headers") {
                    headers.extend(read_header(reading, header));
                }
            }
            _ => reading.unknown(entry, &["http2", "headers"]),
        }
    }
    headers
}

fn read_header(reading: &mut Reading, entry: &Entry) -> Option<(HeaderName, HeaderValue)> {
    let Some((name, allowed)) = HEADERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&entry.name)) else {
        let cure =
            format!("{}; no other header can be set", suggest(&entry.name, HEADERS.iter().map(|(name, _)| *name)));
        reading.fault(entry.spot, format!("header \"{}\" cannot be set", short(&entry.name)), cure);
        return None;
    };
    let value = reading.text(entry)?;
    if !allowed.is_empty() && !allowed.contains(&value) {
        reading.fault(entry.node.spot, format!("{name} cannot be that"), format!("write {}", allowed.join(" or ")));
        return None;
    }
    let name = name.parse::<HeaderName>().ok()?;
    let value = HeaderValue::from_str(value).ok();
    if value.is_none() {
        reading.fault(entry.node.spot, "a header has one line of plain characters", "write it on one line");
    }
    Some((name, value?))
}
