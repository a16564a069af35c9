//! Where free space is heading.

use std::time::Duration;

use super::super::trend::Trend;

/// Samples once a minute; `free` gives the bytes available at a minute.
fn after(minutes: u64, free: impl Fn(u64) -> u64) -> Option<f64> {
    let mut trend = Trend::default();
    for minute in 0..=minutes {
        trend.push(Duration::from_secs(minute * 60), free(minute));
    }
    trend.full_in()
}

#[test]
fn a_steady_fall_says_when() {
    // 6 MB a minute, 3 GB left after half an hour.
    let full = after(30, |minute| 3_000_000_000 + (30 - minute) * 6_000_000);
    assert_eq!(full, None, "500 minutes are more than half an hour can foresee");
    let full = after(30, |minute| 600_000_000 + (30 - minute) * 6_000_000).unwrap();
    assert!((full - 6000.0).abs() < 1.0, "{full}");
    let slow = after(1440, |minute| 1_440_000_000 + (1440 - minute) * 1_000_000).unwrap();
    assert!((slow - 86_400.0).abs() < 1.0, "{slow}");
}

#[test]
fn one_large_copy_is_no_trend() {
    assert_eq!(after(60, |minute| if minute < 50 { 100 << 30 } else { 10 << 30 }), None);
}

#[test]
fn nothing_is_said_without_enough_samples_or_without_a_fall() {
    assert_eq!(after(0, |_| 1), None);
    assert_eq!(after(20, |minute| 1_000_000 - minute), None);
    assert_eq!(after(100, |_| 5), None);
    assert_eq!(after(100, |minute| minute * 1_000_000), None);
}

#[test]
fn samples_are_bounded_and_a_clock_that_goes_back_begins_anew() {
    let mut trend = Trend::default();
    for second in 0..200_000 {
        trend.push(Duration::from_secs(second), 200_000 - second);
    }
    assert!(trend.full_in().is_some());
    trend.push(Duration::from_secs(5), 7);
    assert_eq!(trend.full_in(), None);
}

#[test]
fn an_empty_disk_is_full_now() {
    assert_eq!(after(40, |minute| (40 - minute) * 1000), Some(0.0));
}
