//! What a person may order. Each removal names the thing as it was shown, so that another one is never taken for it.

use serde::{Deserialize, Serialize};

use crate::round::{self, Leftover, LeftoverClass};
use crate::values::Bytes;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Step {
    /// Look now instead of when it is time.
    Look,
    Remove {
        leftover: Leftover,
    },
}

impl round::Step for Step {
    fn kind(&self) -> &'static str {
        match self {
            Step::Look => "look_at_docker",
            Step::Remove { leftover } => match leftover.class {
                LeftoverClass::Dangling | LeftoverClass::Images => "remove_image",
                LeftoverClass::Cache => "prune_build_cache",
                LeftoverClass::Containers => "remove_container",
                LeftoverClass::Volumes => "remove_volume",
            },
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Step::Remove { leftover } = self else { return f.write_str("look at what Docker holds") };
        let Leftover { class, id, name, bytes, .. } = leftover;
        let short = leftover.short_id();
        match class {
            LeftoverClass::Dangling => write!(f, "remove image {short} without a name")?,
            LeftoverClass::Images => write!(f, "remove image {name} ({short})")?,
            LeftoverClass::Cache => f.write_str("remove the build cache")?,
            LeftoverClass::Containers => write!(f, "remove one-off container {name} ({short})")?,
            LeftoverClass::Volumes => write!(f, "remove anonymous volume {id}")?,
        }
        write!(f, ", {}", Bytes(*bytes))
    }
}
