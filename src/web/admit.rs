//! Which requests are let in and how they want their answer. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};

/// A scrape that does not say how long it waits gets so long.
const USUAL_SCRAPE: Duration = Duration::from_secs(10);
const LONGEST_SCRAPE: Duration = Duration::from_secs(25);
/// Time on the wire that is kept back from what the scraper allows.
const WIRE: f64 = 0.5;

/// The names under which the page may be asked for. A browser that was led here by somebody else's name (DNS
/// rebinding) says that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts(BTreeSet<String>);

impl Hosts {
    /// `localhost`, the loopback addresses, the address listened on, and `more`.
    pub fn new(listen: SocketAddr, more: &[String]) -> Hosts {
        let own = ["localhost", "127.0.0.1", "[::1]", &shown(listen.ip())].map(str::to_owned);
        Hosts(own.into_iter().chain(more.iter().map(|name| name.trim().to_ascii_lowercase())).collect())
    }

    /// With the address that a client reached as a further name: nobody can be led here by it who is not here already.
    pub fn with(&self, here: Option<IpAddr>) -> Hosts {
        Hosts(self.0.iter().cloned().chain(here.map(shown)).collect())
    }

    /// Whether `authority` (`localhost:9733`) names us, on any port: a forwarded port is another one.
    pub fn allow(&self, authority: &str) -> bool {
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, Some(port)),
            _ => (authority, None),
        };
        let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok() && port.bytes().all(|b| b.is_ascii_digit()));
        port_fits && self.0.contains(&name.to_ascii_lowercase())
    }

    /// The names, for the refusal's text.
    pub fn list(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// An address as a `Host` header has it.
fn shown(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    Method,
    /// No `Host`, or more than one.
    NoHost,
    OtherHost,
    Body,
}

/// Whether the request may be answered at all.
pub fn check(method: &hyper::Method, uri: &hyper::Uri, headers: &HeaderMap, hosts: &Hosts) -> Result<(), Unfit> {
    let mut named = headers.get_all(HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else { return Err(Unfit::NoHost) };
    let host = host.to_str().map_err(|_| Unfit::OtherHost)?;
    let absolute = uri.authority().is_none_or(|authority| hosts.allow(authority.as_str()));
    if !hosts.allow(host) || !absolute {
        return Err(Unfit::OtherHost);
    }
    if method != hyper::Method::GET && method != hyper::Method::HEAD {
        return Err(Unfit::Method);
    }
    let length = headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
    if length || headers.contains_key(TRANSFER_ENCODING) {
        return Err(Unfit::Body);
    }
    Ok(())
}

/// Whether the answer shall be compressed with gzip: it is named with a quality above zero (or `*` is, and it is not
/// named), and not less than that of `identity` where that is named.
pub fn parse_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for value in headers.get_all(ACCEPT_ENCODING) {
        for item in value.to_str().unwrap_or_default().split(',') {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parse_quality(parts);
            match name.as_str() {
                "gzip" | "x-gzip" => gzip = Some(quality),
                "*" => any = Some(quality),
                "identity" => identity = Some(quality),
                _ => {}
            }
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// The `q=` of one coding; one when there is none, zero when it is nonsense.
fn parse_quality<'a>(parameters: impl Iterator<Item = &'a str>) -> f64 {
    for parameter in parameters {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        if name.trim().eq_ignore_ascii_case("q") {
            let quality = value.trim().parse::<f64>().unwrap_or(0.0);
            return if (0.0..=1.0).contains(&quality) { quality } else { 0.0 };
        }
    }
    1.0
}

/// How long a scrape may take: what Prometheus says it waits (`X-Prometheus-Scrape-Timeout-Seconds`), less half a second.
pub fn parse_scrape_limit(headers: &HeaderMap) -> Duration {
    let given = headers.get("x-prometheus-scrape-timeout-seconds").and_then(|value| value.to_str().ok());
    let seconds = given.and_then(|text| text.trim().parse::<f64>().ok()).filter(|seconds| seconds.is_finite());
    match seconds {
        Some(seconds) if seconds > 0.0 => {
            let kept = (seconds - WIRE).max(seconds / 2.0);
            Duration::from_secs_f64(kept.clamp(0.05, LONGEST_SCRAPE.as_secs_f64()))
        }
        _ => USUAL_SCRAPE,
    }
}
