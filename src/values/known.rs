//! What was seen, or why it could not be seen. A decision that depends on `Unknown` must fail closed.

use serde::{Deserialize, Serialize};

/// A value read from the machine, or the reason why it could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Known<T> {
    Known(T),
    Unknown(String),
}

impl<T> Known<T> {
    /// The value, when there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Known::Known(value) => Some(value),
            Known::Unknown(_) => None,
        }
    }

    /// Why there is no value.
    pub fn why_unknown(&self) -> Option<&str> {
        match self {
            Known::Known(_) => None,
            Known::Unknown(why) => Some(why),
        }
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Known<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Known::Known(value),
            Err(error) => Known::Unknown(error.to_string()),
        }
    }
}
