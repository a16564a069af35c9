//! Prometheus' naming rules for our own families, as `promtool check metrics` words them. Pure.
//! The rules: <https://prometheus.io/docs/practices/naming/>. Names of other exporters are theirs and not judged.

const NON_BASE_UNITS: &[&str] = &[
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "minutes",
    "hours",
    "days",
    "weeks",
    "kilobytes",
    "megabytes",
    "gigabytes",
    "kibibytes",
    "mebibytes",
    "gibibytes",
    "bits",
    "kilobits",
    "fahrenheit",
    "percent",
];
const SHORT_UNITS: &[&str] =
    &["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "m", "h", "d"];

/// What is wrong with the name, help or type of one of our own families.
pub fn lint_family(name: &str, help: &str, kind: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !name.starts_with("hostkeeper_") {
        return faults;
    }
    let mut fault = |wrong: bool, why: &str| {
        if wrong {
            faults.push(format!("{name}: {why}"));
        }
    };
    let words: Vec<&str> = name.split('_').collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    fault(help.trim().is_empty(), "HELP says nothing");
    fault(kind == "counter" && !name.ends_with("_total"), "a counter's name ends in _total");
    fault(kind != "counter" && name.ends_with("_total"), "only a counter's name ends in _total");
    let histogram = kind == "histogram";
    let summary = kind == "summary";
    fault(!histogram && name.ends_with("_bucket"), "only a histogram has _bucket");
    fault(
        !histogram && !summary && (name.ends_with("_sum") || name.ends_with("_count")),
        "_sum and _count are reserved",
    );
    fault(has(&["counter", "gauge", "histogram", "summary"]), "the type does not belong into the name");
    fault(name.contains(':'), "colons are for recording rules");
    fault(name.chars().any(|c| c.is_ascii_uppercase()), "names are in snake_case");
    fault(has(NON_BASE_UNITS), "units are base units: seconds, bytes, ratio");
    fault(has(SHORT_UNITS), "units are written out");
    faults
}
