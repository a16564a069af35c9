//! Numbers as people read them: cores, sizes, rates, lengths of time. Pure.

use std::time::Duration;

use crate::values::{Bytes, Every};

/// `1.7 of 8 cores`, `1.7 cores`, or nothing.
pub fn of_cores(used: Option<f64>, limit: Option<f64>) -> String {
    match (used, limit) {
        (Some(used), Some(limit)) => format!("{} of {} cores", cores(used), cores(limit)),
        (Some(used), None) => format!("{} cores", cores(used)),
        (None, Some(limit)) => format!("? of {} cores", cores(limit)),
        (None, None) => String::new(),
    }
}

/// Cores with the digits that matter: `0.03`, `1.7`, `8`.
pub fn cores(count: f64) -> String {
    let text = match count {
        count if !count.is_finite() => return "?".into(),
        count if count > 0.0 && count < 0.095 => format!("{count:.2}"),
        count => format!("{count:.1}"),
    };
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// `12GiB of 24GiB`, `12GiB`, or nothing.
pub fn of_bytes(used: Option<u64>, limit: Option<u64>) -> String {
    match (used, limit) {
        (Some(used), Some(limit)) => format!("{} of {}", Bytes(used), Bytes(limit)),
        (Some(used), None) => Bytes(used).to_string(),
        (None, Some(limit)) => format!("? of {}", Bytes(limit)),
        (None, None) => String::new(),
    }
}

/// A whole number of bytes out of a measured one.
pub fn bytes(value: f64) -> Bytes {
    Bytes(if value.is_finite() { value.max(0.0).round() as u64 } else { 0 })
}

/// `1.2MiB/s`, or nothing.
pub fn rate(per_second: Option<f64>) -> String {
    per_second.map(|value| format!("{}/s", bytes(value))).unwrap_or_default()
}

/// Two rates as one: what is read and written, received and sent.
pub fn sum_rate(one: Option<f64>, other: Option<f64>) -> String {
    match (one, other) {
        (None, None) => String::new(),
        (one, other) => rate(Some(one.unwrap_or(0.0) + other.unwrap_or(0.0))),
    }
}

/// `12d4h`, `3m10s`: the two largest units, no parts of a second above one.
pub fn length(seconds: f64) -> String {
    let bounded = if seconds.is_finite() { seconds.clamp(0.0, 1e11) } else { 0.0 };
    let exact = Duration::from_secs_f64(bounded);
    let shown = if bounded >= 1.0 { Duration::from_secs(exact.as_secs()) } else { exact };
    Every(shown).to_string()
}

/// `3%`, `0.4%`, or nothing.
pub fn percent(share: Option<f64>) -> String {
    match share {
        Some(share) if share.is_finite() && share >= 9.95 => format!("{share:.0}%"),
        Some(share) if share.is_finite() => {
            let text = format!("{share:.1}");
            format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
        }
        _ => String::new(),
    }
}

/// `1 step`, `2 steps`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The parts that say something, with commas.
pub fn listed(parts: &[String]) -> String {
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_and_bytes_read_well() {
        assert_eq!(of_cores(Some(1.74), Some(8.0)), "1.7 of 8 cores");
        assert_eq!(of_cores(Some(0.031), None), "0.03 cores");
        assert_eq!(of_cores(None, Some(2.5)), "? of 2.5 cores");
        assert_eq!(of_bytes(Some(12 << 30), Some(24 << 30)), "12GiB of 24GiB");
        assert_eq!(cores(f64::NAN), "?");
    }

    #[test]
    fn rates_lengths_and_shares_read_well() {
        assert_eq!(sum_rate(Some(1024.0), Some(1024.0)), "2KiB/s");
        assert_eq!(sum_rate(None, None), "");
        assert_eq!(length(12.0 * 86400.0 + 3.4), "12d");
        assert_eq!(length(190.7), "3m10s");
        assert_eq!(length(0.25), "250ms");
        assert_eq!(length(f64::NAN), "0s");
        assert_eq!(percent(Some(0.43)), "0.4%");
        assert_eq!(percent(Some(3.0)), "3%");
        assert_eq!(percent(None), "");
        assert_eq!(count(1, "step"), "1 step");
    }
}
