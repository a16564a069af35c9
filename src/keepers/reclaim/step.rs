//! What a person may order. Each removal names the thing as it was shown, so that another one is never taken for it.

use serde::{Deserialize, Serialize};

use super::leftovers::{Class, Leftover};
use crate::round;
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
                Class::Dangling | Class::Images => "remove_image",
                Class::Cache => "prune_build_cache",
                Class::Containers => "remove_container",
                Class::Volumes => "remove_volume",
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
            Class::Dangling => write!(f, "remove image {short} without a name")?,
            Class::Images => write!(f, "remove image {name} ({short})")?,
            Class::Cache => f.write_str("remove the build cache")?,
            Class::Containers => write!(f, "remove one-off container {name} ({short})")?,
            Class::Volumes => write!(f, "remove anonymous volume {id}")?,
        }
        write!(f, ", {}", Bytes(*bytes))
    }
}
