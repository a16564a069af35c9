//! `[guard]`: the bounds within which the agent acts, with the defaults that are safe on an unknown host.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::values::{Every, Mode, Problem, ProjectName, Window};

/// The `[guard]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Nothing disruptive for so long after the host or the agent started.
    pub boot_grace: Every,
    /// Nothing disruptive for so long after a person acted on the project.
    pub quiet_period: Every,
    /// First wait after a failed step; doubles with each further failure.
    pub backoff_first: Every,
    pub backoff_max: Every,
    /// Failures or disruptive tries within `breaker_window` that quarantine a step.
    pub breaker_tries: u32,
    pub breaker_window: Every,
    /// How long a quarantined step waits for its one half-open try; doubles up to `breaker_retry_max`.
    pub breaker_retry: Every,
    pub breaker_retry_max: Every,
    /// Disruptive steps within ten minutes, per service, project and host.
    pub budget_service: u32,
    pub budget_project: u32,
    pub budget_host: u32,
    /// Disruptive steps under way at once.
    pub in_flight_project: u32,
    pub in_flight_host: u32,
    /// The storm guard: so many containers, or so many percent of them, bad within `storm_window` stop all healing.
    pub storm_count: u32,
    pub storm_percent: u32,
    pub storm_window: Every,
    /// How long a trial waits to be confirmed before it is undone.
    pub trial: Every,
}

impl Default for Limits {
    fn default() -> Self {
        let every = |seconds: u64| Every(Duration::from_secs(seconds));
        Limits {
            boot_grace: every(300),
            quiet_period: every(120),
            backoff_first: every(10),
            backoff_max: every(300),
            breaker_tries: 3,
            breaker_window: every(600),
            breaker_retry: every(1800),
            breaker_retry_max: every(6 * 3600),
            budget_service: 3,
            budget_project: 6,
            budget_host: 10,
            in_flight_project: 1,
            in_flight_host: 2,
            storm_count: 5,
            storm_percent: 30,
            storm_window: every(60),
            trial: every(600),
        }
    }
}

impl Limits {
    /// Everything that is wrong with the table.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut need = |fits: bool, key: &str, what: &str, cure: &str| {
            if !fits {
                problems.push(Problem::new(format!("guard.{key}"), what, cure));
            }
        };
        let positive = |every: Every| every.0 > Duration::ZERO;
        need(positive(self.backoff_first), "backoff_first", "must be longer than zero", "use \"10s\"");
        let least = |every: Every| format!("use \"{}\" or more", every.exact());
        let (backoff, retry) = (least(self.backoff_first), least(self.breaker_retry));
        need(self.backoff_max >= self.backoff_first, "backoff_max", "is shorter than backoff_first", &backoff);
        need(self.breaker_tries > 0, "breaker_tries", "must be at least 1", "use 3");
        need(positive(self.breaker_window), "breaker_window", "must be longer than zero", "use \"10m\"");
        need(positive(self.breaker_retry), "breaker_retry", "must be longer than zero", "use \"30m\"");
        need(
            self.breaker_retry_max >= self.breaker_retry,
            "breaker_retry_max",
            "is shorter than breaker_retry",
            &retry,
        );
        need(self.storm_count > 0, "storm_count", "must be at least 1", "use 5");
        need((1..=100).contains(&self.storm_percent), "storm_percent", "must be 1 to 100", "use 30");
        need(positive(self.trial), "trial", "must be longer than zero", "use \"10m\"");
        problems
    }
}

/// The bounds and modes that the guard applies to every plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    pub limits: Limits,
    /// The host's mode.
    pub host: Mode,
    /// Modes set for keepers; a keeper without one is not held back.
    pub keepers: BTreeMap<String, Mode>,
    /// Modes set for projects; a project without one is not held back.
    pub projects: BTreeMap<ProjectName, Mode>,
    /// Projects with maintenance windows: disruptive configuration steps wait for one.
    pub windows: BTreeMap<ProjectName, Vec<Window>>,
}

impl Rules {
    /// The mode in force: the lowest of host, keeper and project.
    pub fn mode(&self, keeper: &str, project: Option<&ProjectName>) -> Mode {
        let keeper = self.keepers.get(keeper).copied().unwrap_or(Mode::Enforce);
        let project = project.and_then(|name| self.projects.get(name)).copied().unwrap_or(Mode::Enforce);
        self.host.min(keeper).min(project)
    }
}
