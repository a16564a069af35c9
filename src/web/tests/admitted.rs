//! Who is let in, and how an answer is wanted: tables.

use std::time::Duration;

use hyper::{HeaderMap, Method, Uri};
use proptest::prelude::*;

use crate::web::admit::{Hosts, Unfit, check, parse_gzip, parse_scrape_limit};

fn hosts() -> Hosts {
    Hosts::new("127.0.0.2:9733".parse().unwrap(), &[" Page.Example ".into()])
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse::<hyper::header::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect()
}

#[test]
fn only_our_own_names_are_answered() {
    let hosts = hosts();
    for good in [
        "localhost",
        "LOCALHOST:9733",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:9733",
        "127.0.0.2:9733",
        "page.example",
        "PAGE.example:443",
    ] {
        assert!(hosts.allow(good), "{good}");
    }
    for bad in [
        "",
        "evil.example",
        "localhost.evil.example",
        "localhost:99999",
        "localhost:",
        "localhost:+80",
        "::1",
        "[::2]",
        "127.0.0.3",
        "localhost@evil",
        "evil@localhost",
        "127.1",
        "2130706433",
        "localhost:80:80",
        "localhost.",
    ] {
        assert!(!hosts.allow(bad), "{bad}");
    }
    assert!(hosts.list().contains("page.example"));
    assert!(Hosts::new("[::1]:80".parse().unwrap(), &[]).allow("[::1]:80"));
}

#[test]
fn requests_are_checked_in_order() {
    let ask = |method: &str, uri: &str, pairs: &[(&'static str, &str)]| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        check(&method, &uri.parse::<Uri>().unwrap(), &headers(pairs), &hosts())
    };
    let ours = ("host", "localhost:9733");
    assert_eq!(ask("GET", "/", &[ours]), Ok(()));
    assert_eq!(ask("HEAD", "/", &[ours, ("content-length", "0")]), Ok(()));
    assert_eq!(ask("GET", "http://localhost/", &[ours]), Ok(()));
    assert_eq!(ask("GET", "/", &[]), Err(Unfit::NoHost));
    assert_eq!(ask("GET", "/", &[("host", "evil")]), Err(Unfit::OtherHost));
    assert_eq!(ask("POST", "/", &[("host", "evil")]), Err(Unfit::OtherHost));
    assert_eq!(ask("GET", "http://evil/", &[ours]), Err(Unfit::OtherHost));
    assert_eq!(ask("GET", "http://user@localhost/", &[ours]), Err(Unfit::OtherHost));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        assert_eq!(ask(method, "/", &[ours]), Err(Unfit::Method), "{method}");
    }
    assert_eq!(ask("GET", "/", &[ours, ("content-length", "1")]), Err(Unfit::Body));
    assert_eq!(ask("GET", "/", &[ours, ("transfer-encoding", "chunked")]), Err(Unfit::Body));
    let twice = {
        let mut map = headers(&[ours]);
        map.append("host", "localhost".parse().unwrap());
        map
    };
    assert_eq!(check(&Method::GET, &Uri::from_static("/"), &twice, &hosts()), Err(Unfit::NoHost));
}

#[test]
fn gzip_is_given_when_it_is_wanted() {
    for (accept, wanted) in [
        ("gzip", true),
        ("GZIP", true),
        ("deflate, gzip;q=1.0, *;q=0.5", true),
        ("gzip;q=0", false),
        ("gzip; q=0.000", false),
        ("gzip;q=0.1", true),
        ("*", true),
        ("*;q=0", false),
        ("gzip;q=0, *", false),
        ("identity", false),
        ("identity;q=1, gzip;q=0.5", false),
        ("identity;q=0.5, gzip;q=0.5", true),
        ("gzip;q=x", false),
        ("gzip;q=2", false),
        ("br", false),
        ("", false),
        (";;;,,,=;q", false),
    ] {
        assert_eq!(parse_gzip(&headers(&[("accept-encoding", accept)])), wanted, "{accept}");
    }
    assert!(!parse_gzip(&HeaderMap::new()));
    assert!(parse_gzip(&headers(&[("accept-encoding", "br"), ("accept-encoding", "gzip")])));
}

#[test]
fn a_scrape_ends_before_the_scraper_gives_up() {
    let limit = |text: &str| parse_scrape_limit(&headers(&[("x-prometheus-scrape-timeout-seconds", text)]));
    assert_eq!(limit("10.000000"), Duration::from_secs_f64(9.5));
    assert_eq!(limit("0.4"), Duration::from_secs_f64(0.2), "half of what is too little to keep half a second back");
    assert_eq!(limit("100000"), Duration::from_secs(25));
    for nonsense in ["", "x", "-1", "NaN", "inf", "0", "1e999"] {
        assert_eq!(limit(nonsense), Duration::from_secs(10), "{nonsense}");
    }
}

proptest! {
    #[test]
    fn any_header_is_read(text in "[ -~]{0,60}") {
        let map = headers(&[("accept-encoding", &text), ("x-prometheus-scrape-timeout-seconds", &text)]);
        parse_gzip(&map);
        let limit = parse_scrape_limit(&map);
        prop_assert!(limit > Duration::ZERO && limit <= Duration::from_secs(25));
        hosts().allow(&text);
    }
}
