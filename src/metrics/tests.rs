//! The strict reader: what it refuses, that it agrees with promtool's rules, and that our own writer satisfies it.

use proptest::prelude::*;

use super::{Family, Filter, Page, check_page};

fn faults(page: &str) -> Vec<String> {
    check_page(page.as_bytes()).faults.into_iter().map(|fault| format!("{}: {}", fault.line, fault.text)).collect()
}

const GOOD: &str = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\",d=\"\\\\\\\"\\n,}\"} 1\na_total 2.5e-3\n";

#[test]
fn a_good_page_has_no_fault() {
    assert_eq!(faults(GOOD), Vec::<String>::new());
    let checked = check_page(GOOD.as_bytes());
    assert_eq!((checked.families, checked.series), (1, 2));
    let histogram = "# HELP h x\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
    assert_eq!(faults(histogram), Vec::<String>::new());
    assert_eq!(faults("# HELP g x\n# TYPE g gauge\ng NaN\ng{a=\"\"} -Inf\n"), Vec::<String>::new());
}

#[test]
fn every_kind_of_fault_is_found() {
    let head = "# HELP a x\n# TYPE a gauge\n";
    for (page, expected) in [
        (format!("{head}a 1"), "the last line does not end"),
        ("# HELP  x\n".into(), "\"\" is not a metric name"),
        ("{b=\"c\"} 1\n".into(), "\"\" is not a metric name"),
        (format!("{head}a 1\na 2\n"), "second sample of a"),
        (format!("{head}a{{b=\"1\",c=\"2\"}} 1\na{{c=\"2\",b=\"1\"}} 1\n"), "second sample of a"),
        (format!("{head}# HELP a y\na 1\n"), "second HELP"),
        (format!("{head}# TYPE a gauge\na 1\n"), "second TYPE"),
        ("# HELP a x\na 1\n# TYPE a gauge\n".into(), "after its samples"),
        (format!("{head}a 1\n# HELP b x\n# TYPE b gauge\nb 1\na{{c=\"1\"}} 1\n"), "do not stand together"),
        ("# TYPE a gauge\na 1\n".into(), "a has no HELP"),
        ("# HELP a x\na 1\n".into(), "a has no TYPE"),
        ("a 1\n".into(), "a has no TYPE"),
        (head.into(), "a has no sample"),
        ("# HELP a x\n# TYPE a count\na 1\n".into(), "TYPE of a is \"count\""),
        ("# HELP 1a x\n# TYPE 1a gauge\n1a 1\n".into(), "not a metric name"),
        ("# HELP a \\x\n# TYPE a gauge\na 1\n".into(), "an escape other than"),
        (format!("{head}a{{1b=\"\"}} 1\n"), "not a label name"),
        (format!("{head}a{{__b=\"\"}} 1\n"), "not a label name"),
        (format!("{head}a{{b=\"\",b=\"\"}} 1\n"), "label b twice"),
        (format!("{head}a{{b=\"\\t\"}} 1\n"), "an escape other than"),
        (format!("{head}a{{b=\"x}} 1\n"), "does not end"),
        (format!("{head}a{{b=\"x\"\n"), "no comma"),
        (format!("{head}a{{b=\"x\" }} 1\n"), "no comma"),
        (format!("{head}a\n"), "no value"),
        (format!("{head}a 1 1700000000\n"), "a timestamp"),
        (format!("{head}a one\n"), "not a value"),
        (format!("{head}a inf\n"), "not a value"),
        (format!("{head}a  1\n"), "not one value"),
        (format!("{head}\na 1\n"), "an empty line"),
        (format!("# note\n{head}a 1\n"), "neither HELP nor TYPE"),
    ] {
        let found = faults(&page);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{page:?}: {found:?}");
    }
    assert_eq!(check_page(b"a\xff 1\n").faults.len(), 1);
}

#[test]
fn our_own_names_are_held_to_the_rules() {
    for (name, kind, good) in [
        ("hostkeeper_rounds_total", "counter", true),
        ("hostkeeper_round_seconds", "gauge", true),
        ("hostkeeper_rounds", "counter", false),
        ("hostkeeper_rounds_total", "gauge", false),
        ("hostkeeper_round_milliseconds", "gauge", false),
        ("hostkeeper_round_ms", "gauge", false),
        ("hostkeeper_usage_percent", "gauge", false),
        ("hostkeeper_steps_count", "gauge", false),
        ("hostkeeper_stepGauge", "gauge", false),
        ("hostkeeper_step_gauge", "gauge", false),
        ("hostkeeper:steps", "gauge", true),
        ("node_cpu_usage_percent", "gauge", true),
    ] {
        let page = format!("# HELP {name} x\n# TYPE {name} {kind}\n{name} 1\n");
        assert_eq!(faults(&page).is_empty(), good, "{name} {kind}: {:?}", faults(&page));
    }
}

proptest! {
    #[test]
    fn what_we_write_is_good(labels in proptest::collection::vec(("\\PC{0,12}", "[\\PC\n\\\\\"]{0,12}"), 0..6)) {
        let mut page = Page::new(Filter::default(), 100);
        page.family(&Family::gauge("hostkeeper_thing_info", "Help with \\ and\nlines."));
        for (one, other) in &labels {
            page.sample(&[("one", one), ("other", other)], 1.0);
        }
        let text = page.finish();
        let checked = check_page(&text);
        prop_assert!(checked.faults.is_empty(), "{:?} {}", checked.faults, String::from_utf8_lossy(&text));
    }

    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let checked = check_page(&bytes);
        prop_assert!(checked.faults.len() <= 200);
    }

    #[test]
    fn any_near_page_is_taken(text in "(# (HELP|TYPE) a?[a-z ]{0,9}\n|a\\{?[a-z=\",}\\\\ ]{0,20} ?[0-9]?\n){0,20}") {
        check_page(text.as_bytes());
    }
}
