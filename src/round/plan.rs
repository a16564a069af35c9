//! What a keeper wants to do and why; and what stands in its way.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Concern, Subject};
use crate::values::fingerprint;

/// One order to the machine, such as "create directory /data/athena/seaweed". `Display` reads as an order.
/// Serialised with the intent, so that an undo can be carried out by a later process.
pub trait Step: Clone + std::fmt::Display + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind of order in snake_case, such as `create_directory`: a label value and part of the back-off key.
    fn kind(&self) -> &'static str;

    /// What the order is for: decides who wins when orders disagree.
    fn purpose(&self) -> Purpose {
        Purpose::Configure
    }

    /// Subjects that must be well before this order makes sense: a dependent waits for its root causes.
    fn waits_for(&self) -> Vec<Subject> {
        Vec::new()
    }
}

/// What an order is for, from the strongest claim to the weakest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Takes load off a host in distress. What is being evicted is not healed.
    Evict,
    /// Brings a sick service back. Not held by maintenance windows, stopped by a storm.
    Heal,
    /// Makes the machine what the configuration says.
    #[default]
    Configure,
}

/// One fact behind a reason or a concern, and where it was read: a configuration key (`config:project.a.dir.b.mode`),
/// a kernel file or an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub what: String,
    pub value: String,
    pub source: String,
}

impl Evidence {
    pub fn new(what: impl Into<String>, value: impl std::fmt::Display, source: impl Into<String>) -> Evidence {
        Evidence { what: what.into(), value: value.to_string(), source: source.into() }
    }
}

/// Why a step is planned: a cause in words ("config says 0700, disk has 0755") and the facts behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub text: String,
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

impl Reason {
    pub fn new(text: impl Into<String>, evidence: Vec<Evidence>) -> Reason {
        Reason { text: text.into(), evidence }
    }
}

/// How much a step may hurt. Only `Disruptive` steps are held by grace, quiet periods, windows and the storm guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Nobody notices: create what is missing, loosen a limit.
    Safe,
    /// Takes something away that may be missed: tighten a limit, change a mode.
    Tightening,
    /// Interrupts a service: restart, stop, evict.
    Disruptive,
}

impl Class {
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Safe => "safe",
            Class::Tightening => "tightening",
            Class::Disruptive => "disruptive",
        }
    }
}

/// What blocks a step. `rule` is a stable word (`mode`, `kill_switch`, `boot_grace`, …), `text` says it to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub rule: String,
    pub text: String,
}

/// Whether a step may be done now. A blocked step stays in the plan: `plan` shows why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    #[default]
    Open,
    Blocked(Block),
}

/// A step with its reason. The gate is the guard's: keepers leave it open.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned<S> {
    pub step: S,
    pub subject: Subject,
    pub because: Reason,
    /// The step that takes it back, with the values of before.
    pub undo: Option<S>,
    pub class: Class,
    pub gate: Gate,
}

impl<S: Step> Planned<S> {
    /// The name of this very order: same keeper, same subject, same content, same id.
    pub fn id(&self, keeper: &str) -> String {
        let content = serde_json::to_string(&self.step).unwrap_or_default();
        fingerprint(format!("{keeper}\n{}\n{content}", self.subject).as_bytes())
    }

    /// What back-off and breaker count by: the same kind of order on the same subject.
    pub fn key(&self, keeper: &str) -> String {
        format!("{keeper}:{}:{}", self.step.kind(), self.subject)
    }
}

/// What a keeper wants done, in order, and what it worries about.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<S> {
    pub steps: Vec<Planned<S>>,
    pub concerns: Vec<Concern>,
}

impl<S> Default for Plan<S> {
    fn default() -> Self {
        Plan { steps: Vec::new(), concerns: Vec::new() }
    }
}
