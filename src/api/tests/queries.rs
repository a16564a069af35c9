//! Parsers of what comes over the wire: they take anything, and what was encoded is read back.

use proptest::prelude::*;

use crate::api::Request;
use crate::api::families::{parse_families, parse_samples};
use crate::api::request::{encode_query, encode_segment, parse_query, parse_segment};
use crate::api::routes::label;
use crate::api::stream::{Event, parse_events};

proptest! {
    #[test]
    fn what_is_encoded_is_read_back(name in "[^\\pC]{0,20}", value in "[^\\pC]{0,40}") {
        let pairs = parse_query(&encode_query(&[(&name, &value)])).unwrap();
        prop_assert_eq!(pairs, vec![(name.clone(), value)]);
        prop_assert_eq!(parse_segment(&encode_segment(&name)), Some(name));
    }

    #[test]
    fn any_query_is_read_or_refused(query in ".{0,300}") {
        let _ = parse_query(&query);
        let _ = parse_segment(&query);
    }

    #[test]
    fn any_page_and_any_stream_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let _ = parse_families(&bytes);
        let _ = parse_samples(&bytes, "a", 3);
        let _ = parse_events(&bytes);
    }
}

#[test]
fn nonsense_is_refused_by_name() {
    for query in ["a=%", "a=%1", "a=%zz", "a=%ff", "a=%00", "%0a=1", "a=%C3%28"] {
        let refusal = parse_query(query).unwrap_err();
        assert_eq!(refusal.code, "bad_request", "{query}");
        assert!(refusal.text.contains(query), "{}", refusal.text);
    }
    assert!(parse_query(&"a=1&".repeat(65)).is_err());
    assert_eq!(parse_query("&&a=b+c%2B&d").unwrap(), [("a".into(), "b c+".into()), ("d".into(), String::new())]);
}

#[test]
fn events_are_read_in_pieces_with_comments_and_unknown_fields() {
    let text =
        b": hello\n\nid: 7\nevent: entry\ndata: {\"a\":1}\nretry: 5\n\n: alive\n\ndata: x\r\ndata: y\r\n\r\nid: 9\n\n";
    let events = parse_events(text).unwrap();
    let first = Event { id: Some(7), name: "entry".into(), data: "{\"a\":1}".into() };
    assert_eq!(events, [first, Event { data: "x\ny".into(), ..Event::default() }]);
    assert!(parse_events(&vec![b'a'; 2 << 20]).is_err(), "bounded");
    assert!(parse_events(&b"data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(60_000)).is_err(), "bounded");
}

#[test]
fn durations_are_counted_under_few_labels() {
    for (target, expected) in [
        ("/v1/status/athena", "/v1/status/{project}"),
        ("/v1/status/anything-at-all", "/v1/status/{project}"),
        ("/metrics?collect[]=x", "/metrics"),
        ("/v1/config/a.b", "/v1/config/{key}"),
        ("/made/up", "other"),
        ("/v1/apply", "other"),
    ] {
        assert_eq!(label(&Request::get(target)), expected);
    }
}

#[test]
fn families_without_help_or_samples_are_still_families() {
    let page = b"# HELP a_total A \\\\ b\\nc\n# TYPE a_total counter\na_total{x=\"1\"} 1\na_total 2\n# TYPE b gauge\nnonsense\n";
    let families = parse_families(page);
    assert_eq!((families[0].help.as_str(), families[0].kind.as_str(), families[0].series), ("A \\ b\nc", "counter", 2));
    assert_eq!((families[1].name.as_str(), families[1].kind.as_str()), ("b", "gauge"));
    assert_eq!(parse_samples(page, "a_total", 1), (vec!["a_total{x=\"1\"} 1".to_owned()], 2));
}
