//! `[host.pressure]`: when the host is short of memory, and what may go then. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::values::{Bytes, Every, Problem};

/// One level of shortage: memory below a bound, or stalls above one while memory is below twice the bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The kernel's own estimate of what can still be had.
    pub mem_available: Bytes,
    /// Percent of the time in which some task waited for memory, mean over a minute.
    pub psi_some_avg60: Option<f64>,
    /// Percent of the time in which all tasks waited for memory, mean over ten seconds.
    pub psi_full_avg10: Option<f64>,
    /// How long it has to last.
    pub hold: Every,
}

/// One rung of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Say it.
    Alert,
    /// Stop containers of tier optional, one at a time.
    StopOptional,
    /// Then those of tier standard.
    StopStandard,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// From here on it is said, and nothing that was stopped comes back.
    pub soft: Level,
    /// From here on the ladder is climbed.
    pub hard: Level,
    #[serde(default = "all_rungs")]
    pub ladder: Vec<Rung>,
    /// How long the host must be well before anything comes back, and between two that come back.
    #[serde(default = "pause")]
    pub pause: Every,
    /// Whether what was stopped is started again by itself.
    #[serde(default = "yes")]
    pub resume: bool,
}

fn all_rungs() -> Vec<Rung> {
    vec![Rung::Alert, Rung::StopOptional, Rung::StopStandard]
}

fn pause() -> Every {
    Every(Duration::from_secs(600))
}

fn yes() -> bool {
    true
}

impl Table {
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |key: &str, what: String, cure: &str| {
            problems.push(Problem::new(format!("host.pressure.{key}"), what, cure));
        };
        if self.hard.mem_available > self.soft.mem_available {
            let what = format!("{} is above soft of {}", self.hard.mem_available, self.soft.mem_available);
            wrong("hard.mem_available", what, "use less than soft: hard comes after it");
        }
        for (name, level) in [("soft", &self.soft), ("hard", &self.hard)] {
            if level.mem_available < Bytes(16 << 20) {
                wrong(
                    &format!("{name}.mem_available"),
                    format!("{} is too late for anything", level.mem_available),
                    "use \"1500MiB\"",
                );
            }
            if level.hold.0 > Duration::from_secs(3600) {
                wrong(&format!("{name}.hold"), "must be 0s to 1h".into(), "use \"10s\"");
            }
            for (key, percent) in [("psi_some_avg60", level.psi_some_avg60), ("psi_full_avg10", level.psi_full_avg10)] {
                if percent.is_some_and(|percent| !(0.1..=100.0).contains(&percent)) {
                    wrong(&format!("{name}.{key}"), "must be 0.1 to 100 percent".into(), "use 20");
                }
            }
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(24 * 3600)).contains(&self.pause.0) {
            wrong("pause", "must be 1s to 1d".into(), "use \"10m\"");
        }
        let mut sorted = self.ladder.clone();
        sorted.sort();
        sorted.dedup();
        if sorted != self.ladder {
            wrong(
                "ladder",
                "the rungs are not in their order, or one is there twice".into(),
                "use [\"alert\", \"stop_optional\", \"stop_standard\"]",
            );
        }
        problems
    }
}
