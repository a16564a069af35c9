//! What is wrong with a web configuration, with its place and what to write instead. Pure. Never quotes a line that may
//! hold a password or a key.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::values::one_line;

/// Faults beyond this number are not listed.
const MOST: usize = 50;
/// The longest line that is quoted, and the longest cause, characters.
const LONGEST: usize = 120;
const LONGEST_WHAT: usize = 400;

/// A place in the file: line and column from 1, and how many characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub spot: Spot,
    pub what: String,
    pub cure: String,
    /// Whether the line may be shown: not where a secret may stand.
    pub shown: bool,
}

impl Fault {
    pub fn new(spot: Spot, what: impl Into<String>, cure: impl Into<String>) -> Fault {
        Fault { spot, what: what.into(), cure: cure.into(), shown: true }
    }

    /// At a line that is not quoted.
    pub fn hidden(spot: Spot, what: impl Into<String>, cure: impl Into<String>) -> Fault {
        Fault { shown: false, ..Fault::new(spot, what, cure) }
    }
}

/// Everything that is wrong with one file; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    file: PathBuf,
    faults: Vec<Fault>,
    /// The quoted line of each, empty when there is none.
    lines: Vec<String>,
}

impl Faults {
    /// `text` is what the file holds, empty when it could not be read.
    pub fn of(file: &Path, text: &str, mut faults: Vec<Fault>) -> Faults {
        for fault in &mut faults {
            fault.what = one_line(&fault.what, LONGEST_WHAT);
        }
        faults.sort_by_key(|fault| fault.spot);
        faults.dedup();
        faults.truncate(MOST);
        let line = |fault: &Fault| {
            let line = fault.spot.line.checked_sub(1).and_then(|at| text.lines().nth(at));
            let line = line.filter(|line| fault.shown && line.chars().count() <= LONGEST);
            line.map(|line| line.replace(|c: char| c.is_control(), " ")).unwrap_or_default()
        };
        let lines = faults.iter().map(line).collect();
        Faults { file: file.to_owned(), faults, lines }
    }

    /// On one line, for a journal: the first and how many more.
    pub fn brief(&self) -> String {
        let more = match self.faults.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        self.faults
            .first()
            .map_or_else(String::new, |fault| format!("{}: {}; {}{more}", self.position(fault), fault.what, fault.cure))
    }

    /// One object for each, as `config check --json` lists problems.
    pub fn to_json(&self) -> Vec<serde_json::Value> {
        let file = self.file.display().to_string();
        let one = |fault: &Fault| {
            let place = |number: usize| (fault.spot.line > 0).then_some(number);
            serde_json::json!({
                "file": file, "line": place(fault.spot.line), "column": place(fault.spot.column), "key": "",
                "text": fault.what, "cure": fault.cure,
            })
        };
        self.faults.iter().map(one).collect()
    }

    fn position(&self, fault: &Fault) -> String {
        match fault.spot {
            Spot { line: 0, .. } => self.file.display().to_string(),
            Spot { line, column, .. } => format!("{}:{line}:{column}", self.file.display()),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (fault, line)) in self.faults.iter().zip(&self.lines).enumerate() {
            let lead = if at == 0 { "" } else { "\n\n" };
            write!(f, "{lead}error: {}: {}", self.position(fault), fault.what)?;
            if line.is_empty() {
                write!(f, "\n  {}", fault.cure)?;
                continue;
            }
            let number = fault.spot.line.to_string();
            let margin = " ".repeat(number.len());
            let (before, carets) = (fault.spot.column.saturating_sub(1), fault.spot.length.clamp(1, 60));
            write!(f, "\n  {number} | {line}\n  {margin} | ")?;
            write!(f, "{}{}\n  {margin} | {}", " ".repeat(before), "^".repeat(carets), fault.cure)?;
        }
        Ok(())
    }
}
