//! Which declared directory of a tier grew most while it was watched. Pure.

use std::time::Duration;

use super::config::Config;
use super::observe::{Key, Seen};
use crate::round::Evidence;
use crate::values::{Bytes, Every};

/// Less than this is no growth worth a word.
const LEAST: u64 = 64 << 20;

/// A directory that grew, by how many bytes, and over which time.
pub struct Growth<'s> {
    pub key: &'s Key,
    pub bytes: u64,
    pub over: Duration,
}

/// The directory of a tier that grew by the most bytes; `None`: none did.
pub fn most_grown<'s>(config: &'s Config, seen: &Seen, tier: &str) -> Option<Growth<'s>> {
    let mine = config.dirs.iter().filter(|(_, dir)| dir.tier == tier);
    let grown = mine.filter_map(|(key, _)| {
        let (bytes, over) = seen.usage.get(key)?.growth?;
        Some(Growth { key, bytes, over })
    });
    grown.filter(|growth| growth.bytes >= LEAST).max_by_key(|growth| growth.bytes)
}

impl Growth<'_> {
    /// `athena/postgres`.
    pub fn subject(&self) -> String {
        format!("{}/{}", self.key.0, self.key.1)
    }

    pub fn fact(&self) -> Evidence {
        let over = Every(Duration::from_secs(self.over.as_secs()));
        let value = format!("{}: {} in {over}", self.subject(), Bytes(self.bytes));
        Evidence::new("grew most", value, "declared directories")
    }
}
