//! Lengths of time, written with a unit: `"15s"`, `"5m"`, `"1h30m"`, `"7d"`, `"250ms"`.

use std::time::Duration;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::ParseError;

/// A length of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Every(pub Duration);

const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const CURE: &str = "use a number with a unit: ms, s, m, h or d, such as \"15s\" or \"1h30m\"";

impl std::str::FromStr for Every {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::new(format!("\"{}\" is not a length of time", super::one_line(text, 40)), CURE);
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(bad());
        }
        if rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(no_unit(rest));
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let (number, after) = rest.split_at(digits);
            let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            if number.is_empty() || unit.starts_with('.') {
                return Err(bad());
            }
            let factor = UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, factor)| *factor);
            let factor = factor.ok_or_else(|| unknown_unit(number, unit.trim()))?;
            let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
            total = part.and_then(|part| total.checked_add(part)).ok_or_else(too_long)?;
            rest = after;
        }
        Ok(Every(Duration::from_millis(total)))
    }
}

fn too_long() -> ParseError {
    ParseError::new("length of time too large", "use at most \"100000d\"")
}

fn no_unit(digits: &str) -> ParseError {
    let cure = format!(
        "use \"{digits}s\" for seconds, or a unit: \"{digits}ms\", \"{digits}m\", \"{digits}h\", \"{digits}d\""
    );
    ParseError::new("a length of time needs a unit", cure)
}

/// Names what was meant, when the first letter says it: `15sec`, `5M`, `2weeks`.
fn unknown_unit(number: &str, unit: &str) -> ParseError {
    let what = format!("unknown unit \"{}\"", super::one_line(unit, 20));
    let first = unit.chars().next().map(|c| c.to_ascii_lowercase()).unwrap_or(' ');
    let days = number.parse::<u64>().ok().and_then(|weeks| weeks.checked_mul(7));
    match (first, days) {
        ('s' | 'm' | 'h' | 'd', _) => ParseError::new(what, format!("use \"{number}{first}\"")),
        ('w', Some(days)) => ParseError::new(what, format!("use \"{days}d\"")),
        _ => ParseError::new(what, CURE),
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Every;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a length of time in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Every, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Every, E> {
        Err(E::custom(no_unit(&number.to_string())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Every, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::custom(ParseError::new("a length of time is never negative", CURE))),
        }
    }
}

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

impl Every {
    /// With every unit that is not zero, to the millisecond: what is read again is the same.
    pub fn exact(self) -> String {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let mut text = String::new();
        for (unit, factor) in UNITS.iter().rev() {
            if rest >= *factor {
                text.push_str(&format!("{}{unit}", rest / factor));
                rest %= factor;
            }
        }
        if text.is_empty() { "0s".into() } else { text }
    }
}

impl Serialize for Every {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.exact())
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrong(text: &str) -> ParseError {
        text.parse::<Every>().unwrap_err()
    }

    #[test]
    fn spans_are_read() {
        for (text, millis) in [("250ms", 250), ("15s", 15_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("0s", 0)] {
            assert_eq!(text.parse::<Every>().unwrap().0.as_millis(), millis, "{text}");
        }
    }

    #[test]
    fn wrong_spans_say_what_to_write() {
        assert_eq!(wrong("15sec").cure, "use \"15s\"");
        assert_eq!(wrong("2weeks").cure, "use \"14d\"");
        assert_eq!(wrong("10").what, "a length of time needs a unit");
        assert_eq!(wrong("99999999999999999999s").what, "length of time too large");
        assert_eq!(wrong("213503982335d").what, "length of time too large");
        for text in ["", "s", "-5s", "1.5h", "soon", "h5"] {
            assert!(wrong(text).what.ends_with("is not a length of time"), "{text}: {}", wrong(text));
        }
        let number = serde_json::from_str::<Every>("10").unwrap_err().to_string();
        assert!(number.starts_with("a length of time needs a unit\nuse \"10s\""), "{number}");
    }

    proptest! {
        #[test]
        fn any_text_is_a_span_or_a_cure(text in "\\PC{0,12}") {
            if let Err(error) = text.parse::<Every>() {
                prop_assert!(!error.what.is_empty() && !error.cure.is_empty());
            }
        }

        #[test]
        fn the_exact_text_comes_back(millis in 0_u64..) {
            let every = Every(Duration::from_millis(millis));
            prop_assert_eq!(every.exact().parse::<Every>().unwrap(), every);
            let json = serde_json::to_string(&every).unwrap();
            prop_assert_eq!(serde_json::from_str::<Every>(&json).unwrap(), every);
        }

        #[test]
        fn the_shown_text_is_never_longer_than_the_truth(millis in 0_u64..) {
            let every = Every(Duration::from_millis(millis));
            prop_assert!(every.to_string().parse::<Every>().unwrap() <= every);
        }
    }
}
