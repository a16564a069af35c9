//! Lengths of time, written with a unit: `"15s"`, `"5m"`, `"1h30m"`, `"7d"`, `"250ms"`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ParseError;

/// A length of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Every(pub Duration);

const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const CURE: &str = "use a number with a unit: ms, s, m, h or d, such as \"15s\" or \"1h30m\"";

impl std::str::FromStr for Every {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::new(format!("\"{text}\" is not a length of time"), CURE);
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(bad());
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let (number, after) = rest.split_at(digits);
            let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            let number: u64 = number.parse().map_err(|_| bad())?;
            let factor = UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, factor)| *factor);
            let factor = factor.ok_or_else(|| ParseError::new(format!("unknown unit \"{}\"", unit.trim()), CURE))?;
            total = number.checked_mul(factor).and_then(|part| total.checked_add(part)).ok_or_else(bad)?;
            rest = after;
        }
        Ok(Every(Duration::from_millis(total)))
    }
}

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Every {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The two largest units that are not zero: `1h30m`, `12d`, `250ms`.
impl std::fmt::Display for Every {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let mut text = String::new();
        let mut shown = 0;
        for (unit, factor) in UNITS.iter().rev() {
            let count = rest / factor;
            rest %= factor;
            if count > 0 && shown < 2 {
                text.push_str(&format!("{count}{unit}"));
            }
            if count > 0 || shown > 0 {
                shown += 1;
            }
        }
        f.pad(if text.is_empty() { "0s" } else { &text })
    }
}
