//! The page of metrics: the checker on any bytes (`a`), and the writer with any help, labels and numbers (`b`), whose
//! page the checker, the reader of text files and the list of families must all understand alike.
#![no_main]

use hostkeeper::api::families::{parse_families, parse_samples};
use hostkeeper::keepers::vitals::observe::host::parse_textfile;
use hostkeeper::metrics::{Family, Filter, Kind, Number, Page, check_page};
use hostkeeper_fuzz::{choose, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match choose(data, 2) {
        Some((0, rest)) => check(rest),
        Some((_, rest)) => write(rest),
        None => {}
    }
});

fn check(page: &[u8]) {
    let lines = page.split(|byte| *byte == b'\n').count();
    let checked = check_page(page);
    assert!(checked.faults.len() <= 200 && checked.series <= lines && checked.families <= lines);
    for fault in &checked.faults {
        assert!((1..=lines).contains(&fault.line), "{fault:?}");
        assert!(!fault.text.contains('\n') && fault.text.chars().count() <= 300);
    }
    let families = parse_families(page);
    assert!(families.iter().map(|family| family.series).sum::<usize>() <= lines);
    if checked.faults.is_empty() {
        assert_eq!(families.iter().map(|family| family.series).sum::<usize>(), checked.series);
        assert_eq!(families.len(), checked.families);
    }
}

/// Rows apart by byte 0xff: help and labels in front, the last eight bytes a number.
fn write(data: &[u8]) {
    let rows: Vec<&[u8]> = data.split(|byte| *byte == 0xff).take(20).collect();
    let help = format!("x{}", text(rows.first().copied().unwrap_or_default()).trim_end());
    let family = Family { name: "fuzz_value".into(), help: help.clone().into(), kind: Kind::Gauge };
    let mut page = Page::new(Filter::default(), 10);
    page.family(&family);
    let mut labels = Vec::new();
    for row in rows {
        let (name, number) = row.split_last_chunk::<8>().unwrap_or((row, &[0; 8]));
        let (before, name) = (page.series(), text(name));
        let pairs = [("a", name.as_str()), ("b", "c")];
        match number[0] % 3 {
            0 => page.sample(&pairs, Number::Float(f64::from_ne_bytes(*number))),
            1 => page.sample(&pairs, Number::Signed(i64::from_ne_bytes(*number))),
            _ => page.sample_after(&Page::render_labels(&pairs[..1]), &pairs[1..], u64::from_ne_bytes(*number)),
        }
        if page.series() > before {
            labels.push(name);
        }
    }
    let series = page.series();
    assert!((1..=10).contains(&series));
    page.single(&Family::counter("fuzz_dropped_total", "Left out."), page.dropped_over_cap() + page.dropped_twice());
    agree(&page.finish(), &help, &labels);
}

fn agree(page: &[u8], help: &str, labels: &[String]) {
    let full = usize::from(labels.len() < 10);
    let checked = check_page(page);
    assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    assert_eq!((checked.families, checked.series), (1 + full, labels.len() + full));
    let families = parse_families(page);
    assert_eq!((families[0].help.as_str(), families[0].series), (help, labels.len()));
    let (samples, all) = parse_samples(page, "fuzz_value", 3);
    assert_eq!((samples.len(), all), (labels.len().min(3), labels.len()));
    let read = parse_textfile(std::str::from_utf8(page).expect("text")).expect("a page is a text file");
    assert_eq!(read[0].help, help);
    for (sample, label) in read[0].samples.iter().zip(labels) {
        assert_eq!(sample.labels[0].1, *label);
    }
}
