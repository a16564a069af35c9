//! `[project.*.pool.*]`: members, what is balanced, how fast; and everything that can be wrong with them. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::super::config::{check_name, check_path};
use crate::values::{Bytes, Every, Problem, ProjectName, one_line};

/// A pool: `[project.NAME.pool.NAME]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Names of declared directories of the same project.
    pub members: Vec<String>,
    /// What is compared.
    #[serde(default)]
    pub balance: Measure,
    /// From this difference between the fullest and the emptiest member on, files are moved.
    #[serde(default)]
    pub threshold: Option<Threshold>,
    /// How often members are counted and, at most, files are moved.
    #[serde(default = "default_every")]
    pub every: Every,
    /// Most files moved within `every` in the ordinary course.
    #[serde(default = "default_moves")]
    pub max_moves: u32,
    /// Files that changed within this time are left alone.
    #[serde(default = "default_settle")]
    pub settle: Every,
    /// A program and its arguments, started after files were moved.
    #[serde(default)]
    pub path_changed: Option<Vec<String>>,
}

/// What is balanced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    #[default]
    Files,
    Bytes,
}

impl Measure {
    pub fn as_str(self) -> &'static str {
        match self {
            Measure::Files => "files",
            Measure::Bytes => "bytes",
        }
    }
}

/// A number of files, or a size in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    Files(u64),
    Bytes(Bytes),
}

/// The threshold where none is written, and files are balanced.
pub const DEFAULT_THRESHOLD: u64 = 5;
/// Most files that one interval may be told to move.
pub const MOST_MOVES: u32 = 1000;
const MOST_MEMBERS: usize = 64;
const MOST_WORDS: usize = 64;

fn default_every() -> Every {
    Every(Duration::from_secs(15))
}

fn default_moves() -> u32 {
    8
}

fn default_settle() -> Every {
    Every(Duration::from_secs(10))
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Threshold;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number of files, or a size in quotes")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Threshold, E> {
        Ok(Threshold::Files(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Threshold, E> {
        let negative = |_| E::custom("a threshold is not negative\nuse 5, or a size such as \"1GiB\"");
        u64::try_from(number).map(Threshold::Files).map_err(negative)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Threshold, E> {
        text.parse().map(Threshold::Bytes).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Threshold::Files(files) => serializer.serialize_u64(*files),
            Threshold::Bytes(bytes) => serializer.serialize_str(&format!("{}B", bytes.0)),
        }
    }
}

impl Pool {
    /// The threshold in files or bytes. A wrong one, which the check tells, is never reached.
    pub fn least(&self) -> u64 {
        match (self.balance, self.threshold) {
            (Measure::Files, None) => DEFAULT_THRESHOLD,
            (Measure::Files, Some(Threshold::Files(files))) => files.max(2),
            (Measure::Bytes, Some(Threshold::Bytes(bytes))) => bytes.0.max(2),
            _ => u64::MAX,
        }
    }
}

/// Everything that is wrong with the pools, alone and together.
pub fn check_pools<D>(
    pools: &BTreeMap<(ProjectName, String), Pool>,
    dirs: &BTreeMap<(ProjectName, String), D>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut taken: BTreeMap<(ProjectName, String), String> = BTreeMap::new();
    for ((project, name), pool) in pools {
        let key = format!("project.{project}.pool.{name}");
        check_name(&key, name, &mut problems);
        let known: Vec<&String> = dirs.keys().filter(|(owner, _)| owner == project).map(|(_, dir)| dir).collect();
        check_members(&key, pool, &known, &mut problems);
        for (index, member) in pool.members.iter().enumerate() {
            let place = (project.clone(), member.clone());
            match taken.get(&place).filter(|other| **other != key) {
                Some(other) => {
                    let what = format!("\"{}\" is a member of {other} too", one_line(member, 40));
                    let cure = "let each directory be a member of one pool";
                    problems.push(Problem::new(format!("{key}.members[{index}]"), what, cure));
                }
                None => {
                    taken.insert(place, key.clone());
                }
            }
        }
        check_threshold(&key, pool, &mut problems);
        check_pace(&key, pool, &mut problems);
        check_hook(&key, pool, &mut problems);
    }
    problems
}

fn check_members(key: &str, pool: &Pool, known: &[&String], problems: &mut Vec<Problem>) {
    let mut before = BTreeSet::new();
    for (index, member) in pool.members.iter().enumerate() {
        let at = format!("{key}.members[{index}]");
        let shown = one_line(member, 40);
        if !before.insert(member) {
            problems.push(Problem::new(at, format!("\"{shown}\" is named twice"), "name each member once"));
        } else if !known.contains(&member) {
            let near = |dir: &&&String| member.len() < 100 && strsim::damerau_levenshtein(member, dir) <= 2;
            let cure = match known.iter().find(near) {
                Some(dir) => format!("did you mean \"{dir}\"?"),
                None => format!("declare it: [{}.dir.{shown}]", key.split(".pool.").next().unwrap_or_default()),
            };
            problems.push(Problem::new(at, format!("unknown directory \"{shown}\" of this project"), cure));
        }
    }
    if !(2..=MOST_MEMBERS).contains(&pool.members.len()) {
        let what = format!("must be 2 to {MOST_MEMBERS} directories");
        problems.push(Problem::new(format!("{key}.members"), what, "name two or more: [\"a\", \"b\"]"));
    }
}

fn check_threshold(key: &str, pool: &Pool, problems: &mut Vec<Problem>) {
    let (what, cure) = match (pool.balance, pool.threshold) {
        (Measure::Files, Some(Threshold::Bytes(_))) => ("is a size, and files are balanced", "use a number such as 5"),
        (Measure::Bytes, Some(Threshold::Files(_))) => {
            ("is a number, and bytes are balanced", "use a size in quotes such as \"1GiB\"")
        }
        (Measure::Bytes, None) => ("is missing, and bytes are balanced", "use a size such as \"1GiB\""),
        // One file more could only be moved to and fro.
        (Measure::Files, Some(Threshold::Files(0 | 1))) => ("must be at least 2", "use 5"),
        (Measure::Bytes, Some(Threshold::Bytes(Bytes(0..4096)))) => ("must be at least 4KiB", "use \"1MiB\""),
        _ => return,
    };
    let at = if pool.threshold.is_none() { format!("{key}.balance") } else { format!("{key}.threshold") };
    let what = if pool.threshold.is_none() { "needs a threshold" } else { what };
    problems.push(Problem::new(at, what, cure));
}

fn check_pace(key: &str, pool: &Pool, problems: &mut Vec<Problem>) {
    let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
    if !(second..=day).contains(&pool.every.0) {
        problems.push(Problem::new(format!("{key}.every"), "must be 1s to 1d", "use \"15s\""));
    }
    if pool.settle.0 > day {
        problems.push(Problem::new(format!("{key}.settle"), "must be at most 1d", "use \"10s\""));
    }
    if !(1..=MOST_MOVES).contains(&pool.max_moves) {
        problems.push(Problem::new(format!("{key}.max_moves"), format!("must be 1 to {MOST_MOVES}"), "use 8"));
    }
}

fn check_hook(key: &str, pool: &Pool, problems: &mut Vec<Problem>) {
    let Some(argv) = &pool.path_changed else { return };
    let cure = "write the program with its whole path, then its arguments: [\"/usr/bin/reindex\", \"--quick\"]";
    let what = match argv.first() {
        None => "names no program",
        Some(program) if check_path(program).is_err() || program.ends_with('/') => "is no whole path of a program",
        Some(_) if argv.len() > MOST_WORDS => "has more than 64 words",
        Some(_) if argv.iter().any(|word| word.contains('\0') || word.len() > 4096) => "holds a word no program takes",
        Some(_) => return,
    };
    problems.push(Problem::new(format!("{key}.path_changed"), what, cure));
}
