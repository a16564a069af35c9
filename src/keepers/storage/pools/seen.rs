//! What was seen of pools. Plain data.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::super::observe::Key;
use super::step::{Member, Order};
use super::walk::Count;
use crate::values::Known;

/// Every pool, and the moves that were broken off.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolsSeen {
    pub pools: BTreeMap<Key, PoolSeen>,
    pub open: Vec<OpenSeen>,
    /// Counted since the agent started.
    pub totals: BTreeMap<Key, Totals>,
}

/// A move that was broken off. `order`: as it was recorded, when it can be read.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenSeen {
    pub intent: i64,
    pub order: Option<Order>,
}

/// A pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolSeen {
    /// By name of the directory: what is in it, or why that is not known.
    pub members: BTreeMap<String, Known<MemberSeen>>,
    /// Since when a person wants it balanced at once.
    pub hurry: Option<Timestamp>,
    /// Whether members are being counted for the first time.
    pub counting: bool,
    /// Whether an earlier order hangs.
    pub busy: bool,
    pub hook_trouble: Option<String>,
    pub last_balanced: Option<Timestamp>,
    /// One name that is taken in the target.
    pub clash: Option<Clash>,
    pub refused: BTreeMap<String, Refused>,
}

/// File, from, to.
pub type Clash = (String, String, String);

/// Files of a member that were refused lately, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    pub open: u64,
    pub clash: u64,
    pub other: u64,
}

/// A member as it was last counted.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberSeen {
    pub member: Member,
    pub count: Count,
    pub at: Timestamp,
    /// Time since boot.
    pub up: Duration,
    /// Bytes that may still be written there.
    pub room: u64,
    pub drained: Option<Drained>,
}

/// Since when a member is drained, and since when it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    pub since: Timestamp,
    pub empty: Option<Timestamp>,
}

/// What was moved since the agent started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Files by what became of them.
    pub files: BTreeMap<&'static str, u64>,
    pub bytes: u64,
}

/// The word of each end of a file, in metrics, history and diagnostics.
pub const ENDS: [&str; 6] = ["moved", "clash", "open", "changed", "vanished", "refused"];
