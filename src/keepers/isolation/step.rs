//! What a person may order: a look, and nothing else.

use serde::{Deserialize, Serialize};

use crate::round;

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Step {
    /// Look now instead of when it is time.
    Look,
}

impl round::Step for Step {
    fn kind(&self) -> &'static str {
        "look_between_projects"
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("look at where projects touch")
    }
}
