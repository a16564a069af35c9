//! How much the agent may do: `observe < warn < trial < enforce`. The lowest of host, project and keeper wins.

use serde::{Deserialize, Serialize};

/// The rights of the agent over a part of the host, from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Look and plan; change nothing.
    #[default]
    Observe,
    /// As observe, and every step that would be done is a concern.
    Warn,
    /// Do it, and undo it by itself unless it is confirmed in time.
    Trial,
    /// Do it.
    Enforce,
}

impl Mode {
    /// Whether steps are carried out in this mode.
    pub fn acts(self) -> bool {
        self >= Mode::Trial
    }

    /// The word used in TOML, JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Observe => "observe",
            Mode::Warn => "warn",
            Mode::Trial => "trial",
            Mode::Enforce => "enforce",
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
