//! Sizes in bytes, written with a unit: `"16GiB"` (powers of 1024), `"16GB"` (powers of 1000), `"512"` is refused, `"0"` is not.

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

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
        if unit.is_empty() && number == 0.0 {
            return Ok(Bytes(0));
        }
        if unit.is_empty() {
            return Err(no_unit(digits));
        }
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        let Some(factor) = factor else { return Err(unknown_unit(digits, unit)) };
        exact(digits, number, factor)
            .map(Bytes)
            .ok_or_else(|| ParseError::new("size too large", "use less than \"16384PiB\" (2 to the power of 64)"))
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
    let text = super::one_line(text, 40);
    ParseError::new(format!("\"{text}\" is not a size"), "use a number with a unit, such as \"16GiB\" or \"500MB\"")
}

fn no_unit(digits: &str) -> ParseError {
    let cure = format!("use \"{digits}B\" for bytes, or a unit: \"{digits}MiB\", \"{digits}GiB\", \"{digits}TiB\"");
    ParseError::new("a size needs a unit", cure)
}

/// Names what was meant, when the first letter says it: `Gb`, `g`, `gib` all mean one of `GiB` and `GB`.
fn unknown_unit(digits: &str, unit: &str) -> ParseError {
    let what = format!("unknown unit \"{}\"", super::one_line(unit, 20));
    let first = unit.chars().next().map(|c| c.to_ascii_uppercase()).unwrap_or(' ');
    if !"KMGTP".contains(first) {
        return ParseError::new(what, "use B, KiB, MiB, GiB, TiB (powers of 1024) or kB, MB, GB, TB (powers of 1000)");
    }
    let show = |unit: String| {
        let value = format!("{digits}{unit}");
        value.parse::<Bytes>().map(|bytes| format!("\"{value}\" ({})", bytes.0)).unwrap_or(format!("\"{value}\""))
    };
    ParseError::new(what, format!("use {} or {}", show(format!("{first}iB")), show(format!("{first}B"))))
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Bytes;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a size in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Bytes, E> {
        Err(E::custom(no_unit(&number.to_string())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Bytes, E> {
        let number = number.to_string();
        Err(E::custom(if number.starts_with('-') { not_a_size(&number) } else { no_unit(&number) }))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrong(text: &str) -> ParseError {
        text.parse::<Bytes>().unwrap_err()
    }

    #[test]
    fn sizes_are_read_exactly() {
        for (text, bytes) in [
            ("0B", 0),
            ("0", 0),
            ("512B", 512),
            ("16GiB", 17_179_869_184),
            ("16GB", 16_000_000_000),
            (" 1.5 KiB ", 1536),
            ("16383PiB", 16383 << 50),
            ("18446744073709551615B", u64::MAX),
        ] {
            assert_eq!(text.parse::<Bytes>().unwrap().0, bytes, "{text}");
        }
    }

    #[test]
    fn wrong_sizes_say_what_to_write() {
        assert_eq!(wrong("16Gb").what, "unknown unit \"Gb\"");
        assert_eq!(wrong("16Gb").cure, "use \"16GiB\" (17179869184) or \"16GB\" (16000000000)");
        assert_eq!(wrong("512").what, "a size needs a unit");
        assert_eq!(wrong("16384PiB").what, "size too large");
        assert_eq!(wrong("99999999999999999999999999PB").what, "size too large");
        assert_eq!(wrong("5 bananas").what, "unknown unit \"bananas\"");
        for text in ["", "GB", "-5GB", "1.2.3GB", "∞GB", ".", "five"] {
            assert!(wrong(text).what.ends_with("is not a size"), "{text}: {}", wrong(text));
        }
    }

    #[test]
    fn a_number_without_quotes_is_told_its_unit() {
        let error = serde_json::from_str::<Bytes>("50").unwrap_err().to_string();
        assert!(error.starts_with("a size needs a unit\nuse \"50B\""), "{error}");
        assert!(serde_json::from_str::<Bytes>("-50").unwrap_err().to_string().contains("is not a size"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_size_or_a_cure(text in "\\PC{0,12}") {
            if let Err(error) = text.parse::<Bytes>() {
                prop_assert!(!error.what.is_empty() && !error.cure.is_empty() && !error.to_string().contains('\0'));
            }
        }

        #[test]
        fn whole_numbers_come_back(number in 0_u64.., unit in 0..UNITS.len()) {
            let (name, factor) = UNITS[unit];
            let parsed = format!("{number}{name}").parse::<Bytes>().ok().map(|bytes| bytes.0);
            prop_assert_eq!(parsed, number.checked_mul(factor));
        }

        #[test]
        fn the_shown_text_is_a_size_close_by(number in 0_u64..(1 << 60)) {
            let shown: Bytes = Bytes(number).to_string().parse().unwrap();
            prop_assert!(shown.0.abs_diff(number) as f64 <= number as f64 * 0.051, "{number} {}", shown.0);
        }
    }
}
