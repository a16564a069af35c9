//! Time as data. Deciding rooms receive `Now`; ages are taken from the boot clock, so that a jump of the wall clock
//! releases no back-off and heals nothing by mistake.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The present moment: wall clock, and time since boot of the boot named by `boot`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    pub wall: Timestamp,
    pub up: Duration,
    pub boot: String,
}

/// A moment that was recorded. Comparable with `Now` also after a reboot or a clock jump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub wall: Timestamp,
    pub up: Duration,
    pub boot: String,
}

impl Now {
    /// This moment, to be kept.
    pub fn stamp(&self) -> Stamp {
        Stamp { wall: self.wall, up: self.up, boot: self.boot.clone() }
    }

    /// Time since `then`: by the boot clock within one boot, by the wall clock across boots, never negative.
    pub fn since(&self, then: &Stamp) -> Duration {
        if self.boot == then.boot {
            return self.up.saturating_sub(then.up);
        }
        let wall = self.wall.duration_since(then.wall);
        Duration::try_from(wall).unwrap_or(Duration::ZERO)
    }
}
