//! Sizes in bytes, written with a unit: `"16GiB"` (powers of 1024), `"16GB"` (powers of 1000), `"512"` is refused.

use serde::{Deserialize, Deserializer, Serialize};

use super::ParseError;

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
];

impl std::str::FromStr for Bytes {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let unit = unit.trim_start();
        let number: f64 = digits.parse().map_err(|_| not_a_size(text))?;
        if unit.is_empty() {
            let cure = format!("use \"{digits}B\" for bytes, or a unit such as KiB, MiB, GiB, TiB");
            return Err(ParseError::new("a size needs a unit", cure));
        }
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        let Some(factor) = factor else { return Err(unknown_unit(digits, unit)) };
        exact(digits, number, factor)
            .map(Bytes)
            .ok_or_else(|| ParseError::new("size too large", "use at most 16384PiB"))
    }
}

/// Whole numbers are multiplied exactly; fractions are rounded to the byte.
fn exact(digits: &str, number: f64, factor: u64) -> Option<u64> {
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let bytes = number * factor as f64;
    (bytes < u64::MAX as f64).then_some(bytes.round() as u64)
}

fn not_a_size(text: &str) -> ParseError {
    ParseError::new(format!("\"{text}\" is not a size"), "use a number with a unit, such as \"16GiB\" or \"500MB\"")
}

fn unknown_unit(digits: &str, unit: &str) -> ParseError {
    let what = format!("unknown unit \"{unit}\"");
    let first = unit.chars().next().map(|c| c.to_ascii_uppercase()).unwrap_or('G');
    if !"KMGTP".contains(first) {
        return ParseError::new(what, "use B, KiB, MiB, GiB, TiB (powers of 1024) or kB, MB, GB, TB (powers of 1000)");
    }
    let show = |unit: String| {
        let value = format!("{digits}{unit}");
        value.parse::<Bytes>().map(|bytes| format!("\"{value}\" ({})", bytes.0)).unwrap_or(format!("\"{value}\""))
    };
    ParseError::new(what, format!("use {} or {}", show(format!("{first}iB")), show(format!("{first}B"))))
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// For people: powers of 1024, one decimal below ten (`1.5GiB`, `12GiB`).
impl std::fmt::Display for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut value = self.0 as f64;
        let mut unit = "B";
        for next in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
            if value < 1024.0 {
                break;
            }
            value /= 1024.0;
            unit = next;
        }
        let whole = value >= 9.95 || unit == "B" || value.fract() == 0.0;
        let text = if whole { format!("{value:.0}{unit}") } else { format!("{value:.1}{unit}") };
        f.pad(&text)
    }
}
