//! A limit: a number, or none.

use serde::{Deserialize, Serialize};

/// What may be had at most. The unit is the holder's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    At(u64),
    /// As much as there is. Larger than any number.
    Max,
}

impl Limit {
    /// The number; `None`: no limit.
    pub fn at(self) -> Option<u64> {
        match self {
            Limit::At(number) => Some(number),
            Limit::Max => None,
        }
    }
}
