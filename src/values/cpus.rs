//! A number of cores: `2`, `0.5`. Kept in thousandths.

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

/// Thousandths of a core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Cpus(pub u64);

/// No host has more.
const MOST: f64 = 8192.0;
/// The kernel's least quota is 1 ms of 100 ms.
const LEAST: f64 = 0.01;

struct Written;

impl Visitor<'_> for Written {
    type Value = Cpus;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number of cores")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Cpus, E> {
        if (LEAST..=MOST).contains(&number) {
            return Ok(Cpus((number * 1000.0).round() as u64));
        }
        Err(E::custom(format!("{number} is no number of cores\nuse {LEAST} to {MOST}, such as 2 or 0.5")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cpus, E> {
        let cure = if text.parse::<f64>().is_ok() { text } else { "2" };
        Err(E::custom(format!(
            "text where a number of cores is expected\nwrite a number without quotes, such as {cure}"
        )))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Cpus, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Cpus, E> {
        self.visit_f64(number as f64)
    }
}

impl<'de> Deserialize<'de> for Cpus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// `2`, `0.5`, `1.25`.
impl std::fmt::Display for Cpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&(self.0 as f64 / 1000.0).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_numbers_with_a_least_and_a_most() {
        let read = |text: &str| serde_json::from_str::<Cpus>(text);
        assert_eq!(read("2").unwrap(), Cpus(2000));
        assert_eq!(read("0.5").unwrap().to_string(), "0.5");
        assert_eq!(read("1.25").unwrap().to_string(), "1.25");
        for wrong in ["0", "-1", "0.001", "100000", "1e300"] {
            assert!(read(wrong).unwrap_err().to_string().contains("is no number of cores"), "{wrong}");
        }
    }
}
