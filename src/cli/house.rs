//! What the command line needs of the rooms below it, as one trait: tests put canned answers here.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::ask::Ask;
use super::failure::Failure;
use crate::api::audit::AuditShown;
use crate::daemon::{BenchOrder, CountOrder, Measured, Places, Unfit};

/// What the configuration room answers: for people, for programs, and whether it was good.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigAnswer {
    pub text: String,
    pub json: Value,
    /// `false`: a bad configuration, or no such key.
    pub good: bool,
}

/// A question to the configuration room. It reads files only; no daemon is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigQuestion {
    /// Everything that is wrong with the files.
    Check,
    /// What is in force: only what was written, or with the defaults and where each value comes from.
    Show { effective: bool },
    /// One key: value, origin, meaning.
    Explain { key: String },
    /// What the files say differently from the defaults, or what another file would change.
    Diff { other: Option<PathBuf> },
    /// A commented first file from what is found on this host.
    Init,
}

/// How the page's process listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrder {
    /// `None`: as configured.
    pub listen: Option<String>,
    /// TLS, users and headers; `None`: as configured.
    pub web_config: Option<PathBuf>,
    /// Further names under which the page may be asked for.
    pub hosts: Vec<String>,
    /// The user to become when started as root.
    pub user: Option<String>,
}

/// The rooms below.
pub trait House: Sync {
    /// The daemon behind the socket. Connecting happens when it is asked.
    fn agent(&self, places: &Places) -> Box<dyn Ask>;

    /// One look without a daemon, that answers the same routes.
    fn look(&self, places: &Places) -> Result<Box<dyn Ask>, Failure>;

    /// Runs the agent until it is told to stop.
    fn daemon(&self, places: &Places) -> Result<(), Failure>;

    /// Runs the page until it is told to stop.
    fn web(&self, places: &Places, order: &WebOrder) -> Result<(), Failure>;

    /// Measures a tier in this process. `progress` is told what is done and how many bytes of it; `false` stops.
    fn bench(
        &self,
        places: &Places,
        order: &BenchOrder,
        progress: &mut dyn FnMut(&'static str, u64) -> bool,
    ) -> Result<Measured, Failure>;

    /// Counts in this process what `storage fix` would change. `progress` is told how much was looked at; `false` stops.
    fn count_unfit(
        &self,
        places: &Places,
        order: &CountOrder,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Unfit, Failure>;

    /// Audits what a Compose file would deploy, in this process.
    fn audit_compose(&self, places: &Places, file: &Path, now: Timestamp) -> Result<AuditShown, Failure>;

    /// Asks the configuration room.
    fn config(&self, places: &Places, question: &ConfigQuestion) -> Result<ConfigAnswer, Failure>;
}
