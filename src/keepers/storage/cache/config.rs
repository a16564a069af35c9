//! `[storage.tier.NAME.cache]`: what is declared of the bcache that a tier stands on, and what can be wrong with it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::values::{Bytes, ParseError, Problem, one_line};

/// The most that the kernel takes; it cuts off what is more, and that would look like drift for ever.
const MOST_WRITEBACK_PERCENT: i64 = 40;
const MOST_CUTOFF: u64 = u32::MAX as u64;

/// The cache of a tier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    pub mode: Option<CacheMode>,
    /// Sequential reads and writes longer than this go past the cache; nothing: none do.
    pub sequential_cutoff: Option<Bytes>,
    /// The share of the cache that may be dirty before the kernel writes back faster.
    pub writeback_percent: Option<i64>,
    /// More dirty data than this is a concern.
    pub max_dirty: Option<Share>,
}

/// How bcache caches, in the kernel's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheMode {
    Writethrough,
    Writeback,
    Writearound,
    None,
}

impl CacheMode {
    const ALL: [CacheMode; 4] =
        [CacheMode::Writethrough, CacheMode::Writeback, CacheMode::Writearound, CacheMode::None];

    /// The kernel's word.
    pub fn as_str(self) -> &'static str {
        match self {
            CacheMode::Writethrough => "writethrough",
            CacheMode::Writeback => "writeback",
            CacheMode::Writearound => "writearound",
            CacheMode::None => "none",
        }
    }

    /// Of the kernel's word.
    pub fn parse(word: &str) -> Option<CacheMode> {
        CacheMode::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

impl std::fmt::Display for CacheMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A part of the cache: `"10%"`, or a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    Percent(u8),
    Size(Bytes),
}

impl Share {
    /// In bytes, of a cache of this size; `None`: the size is not known.
    pub fn of(self, size: Option<u64>) -> Option<u64> {
        match self {
            Share::Size(bytes) => Some(bytes.0),
            Share::Percent(percent) => Some(size? / 100 * u64::from(percent)),
        }
    }
}

impl std::str::FromStr for Share {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Share, ParseError> {
        let Some(number) = text.trim().strip_suffix('%') else { return text.parse().map(Share::Size) };
        let percent = number.trim_end().parse::<u8>().ok().filter(|percent| *percent <= 100);
        percent.map(Share::Percent).ok_or_else(|| {
            let what = format!("\"{}\" is no share", one_line(text, 40));
            ParseError::new(what, "use a whole number from 0 to 100, such as \"10%\", or a size, such as \"20GB\"")
        })
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Share::Percent(percent) => write!(f, "{percent}%"),
            Share::Size(bytes) => bytes.fmt(f),
        }
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Share::Percent(_) => serializer.collect_str(self),
            Share::Size(bytes) => bytes.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Share, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Everything that is wrong with the cache of the tier under `key`.
pub fn check(key: &str, cache: &Cache, is_other_media: bool, problems: &mut Vec<Problem>) {
    let key = format!("{key}.cache");
    if is_other_media {
        let what = "a cache is declared, and media says that the tier is not on bcache";
        problems.push(Problem::new(&key, what, "use media = \"bcache\", or remove the table"));
    }
    if cache.sequential_cutoff.is_some_and(|cutoff| cutoff.0 > MOST_CUTOFF) {
        let what = "is more than the kernel takes";
        problems.push(Problem::new(format!("{key}.sequential_cutoff"), what, "use less than \"4GiB\""));
    }
    if cache.writeback_percent.is_some_and(|percent| !(0..=MOST_WRITEBACK_PERCENT).contains(&percent)) {
        let key = format!("{key}.writeback_percent");
        problems.push(Problem::new(key, "is not what the kernel takes", "use 0 to 40, such as 10"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read() {
        for (text, share) in [
            ("10%", Some(Share::Percent(10))),
            ("100 %", Some(Share::Percent(100))),
            ("20GB", Some(Share::Size(Bytes(20_000_000_000)))),
            ("101%", None),
            ("-1%", None),
            ("1.5%", None),
            ("%", None),
            ("10", None),
        ] {
            assert_eq!(text.parse().ok(), share, "{text}");
        }
        assert_eq!(Share::Percent(10).of(Some(1 << 30)), Some((1 << 30) / 100 * 10));
        assert_eq!((Share::Percent(10).of(None), Share::Size(Bytes(7)).of(None)), (None, Some(7)));
    }
}
