//! The orders about pools. Each names the files it means, so that a killed one can be brought to its end from what was
//! recorded, whatever the configuration says by then.

use serde::{Deserialize, Serialize};

use super::super::observe::Key;
use super::super::step::Place;
use crate::values::{Bytes, ProjectName, fingerprint};

/// Most files of the orders of one round, and most bytes of the names of one: the ledger keeps each order whole, twice.
pub const MOST_FILES: usize = 4000;
pub const MOST_NAMES: usize = 120 * 1024;

/// Which pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    pub project: ProjectName,
    pub pool: String,
}

impl Name {
    pub fn of(key: &Key) -> Name {
        Name { project: key.0.clone(), pool: key.1.clone() }
    }

    pub fn key(&self) -> Key {
        (self.project.clone(), self.pool.clone())
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.project, self.pool)
    }
}

/// A member: the directory's name, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub dir: String,
    pub place: Place,
}

/// A file as it was seen: its path below the member, its size, when it was last written (seconds, nanoseconds).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(String, u64, i64, i64)", into = "(String, u64, i64, i64)")]
pub struct Item {
    pub name: String,
    pub size: u64,
    pub modified: (i64, i64),
}

impl From<(String, u64, i64, i64)> for Item {
    fn from((name, size, seconds, nanoseconds): (String, u64, i64, i64)) -> Item {
        Item { name, size, modified: (seconds, nanoseconds) }
    }
}

impl From<Item> for (String, u64, i64, i64) {
    fn from(item: Item) -> Self {
        (item.name, item.size, item.modified.0, item.modified.1)
    }
}

/// Names that only we give: never counted, never moved.
const MARK: &str = ".hostkeeper-";
const COPY: &str = ".hostkeeper-move-";
const GONE: &str = ".hostkeeper-gone-";

impl Item {
    fn token(&self) -> String {
        let (seconds, nanoseconds) = self.modified;
        let text = format!("{}\n{}\n{seconds}.{nanoseconds}", self.name, self.size);
        fingerprint(text.as_bytes())
    }

    /// The name of its copy while it is not whole.
    pub fn copy_name(&self) -> String {
        format!("{COPY}{}", self.token())
    }

    /// The name of the original while it is taken away.
    pub fn gone_name(&self) -> String {
        format!("{GONE}{}", self.token())
    }

    /// The directory it is in, below the member, and its own name.
    pub fn parts(&self) -> (&str, &str) {
        self.name.rsplit_once('/').unwrap_or(("", &self.name))
    }
}

/// Whether a name is one of ours.
pub fn is_ours(name: &str) -> bool {
    name.starts_with(MARK)
}

/// Whether a file of this name is an unfinished copy, which may be removed when no move is under way.
pub fn is_copy(name: &str) -> bool {
    let token = name.strip_prefix(COPY).unwrap_or_default();
    token.len() == 12 && token.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// One order about a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    /// Move these files.
    MoveFiles { pool: Name, from: Member, to: Member, files: Vec<Item> },
    /// Bring each of these files to one visible copy, after the order `intent` was broken off.
    SettleMoves { pool: Name, intent: i64, from: Member, to: Member, files: Vec<Item> },
    /// Remove copies that were never finished.
    SweepCopies { pool: Name, at: Member, names: Vec<String> },
    /// Make example files.
    MakeExamples { pool: Name, at: Member, label: String, first: u32, files: u32, size: u64 },
    /// Remove example files, and nothing else.
    RemoveExamples { pool: Name, at: Member },
}

impl Order {
    pub fn pool(&self) -> &Name {
        match self {
            Order::MoveFiles { pool, .. }
            | Order::SettleMoves { pool, .. }
            | Order::SweepCopies { pool, .. }
            | Order::MakeExamples { pool, .. }
            | Order::RemoveExamples { pool, .. } => pool,
        }
    }

    /// The directory that is written to.
    pub fn place(&self) -> &Place {
        match self {
            Order::MoveFiles { to, .. } | Order::SettleMoves { to, .. } => &to.place,
            Order::SweepCopies { at, .. } | Order::MakeExamples { at, .. } | Order::RemoveExamples { at, .. } => {
                &at.place
            }
        }
    }

    /// The directories it is about.
    pub fn places(&self) -> Vec<&Place> {
        match self {
            Order::MoveFiles { from, to, .. } | Order::SettleMoves { from, to, .. } => vec![&from.place, &to.place],
            _ => vec![self.place()],
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Order::MoveFiles { .. } => "move_files",
            Order::SettleMoves { .. } => "settle_moves",
            Order::SweepCopies { .. } => "sweep_copies",
            Order::MakeExamples { .. } => "make_examples",
            Order::RemoveExamples { .. } => "remove_examples",
        }
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = |number: usize| if number == 1 { "1 file".to_owned() } else { format!("{number} files") };
        match self {
            Order::MoveFiles { pool, from, to, files } => {
                let bytes = Bytes(files.iter().map(|item| item.size).sum());
                let (from, to) = (&from.dir, &to.dir);
                write!(f, "move {} ({bytes}) of pool {pool} from {from} to {to}", count(files.len()))
            }
            Order::SettleMoves { pool, intent, from, to, files } => {
                let (count, from, to) = (count(files.len()), &from.dir, &to.dir);
                write!(f, "finish the move of {count} of pool {pool} from {from} to {to}, begun as entry {intent}")
            }
            Order::SweepCopies { pool, at, names } => {
                write!(f, "remove {} unfinished copies of pool {pool} from {}", names.len(), at.dir)
            }
            Order::MakeExamples { pool, at, files, size, .. } => {
                write!(f, "make {files} example files of {} in {} of pool {pool}", Bytes(*size), at.dir)
            }
            Order::RemoveExamples { pool, at } => write!(f, "remove the example files in {} of pool {pool}", at.dir),
        }
    }
}
