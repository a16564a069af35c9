//! How a verb fails: what failed and why, what that means, what to do next, and the exit code.

use std::io;

use serde_json::{Value, json};

use super::out::{Out, Tint, plain, tinted};

/// Done.
pub const DONE: u8 = 0;
/// Failed, or the worst that was found.
pub const FAILED: u8 = 1;
/// Wrong usage, or blocked by a rule.
pub const BLOCKED: u8 = 2;
/// Could not be checked: nobody answered.
pub const UNCHECKED: u8 = 3;
/// Bad configuration (`EX_CONFIG` of sysexits).
pub const BAD_CONFIG: u8 = 78;

/// Why a verb ended without doing its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    pub exit: u8,
    /// A stable word for programs.
    pub code: String,
    /// What failed, the object and the cause. May have several lines when it quotes a file.
    pub text: String,
    /// What follows from it; may be empty.
    pub consequence: String,
    /// What to do next.
    pub cure: String,
}

/// The code of an output whose reader went away: ended silently, with exit code 0.
const READER_GONE: &str = "broken_pipe";

impl Failure {
    pub fn new(exit: u8, code: &str, text: impl Into<String>, cure: impl Into<String>) -> Failure {
        Failure { exit, code: code.to_owned(), text: text.into(), consequence: String::new(), cure: cure.into() }
    }

    /// With what follows from it.
    pub fn so(mut self, consequence: impl Into<String>) -> Failure {
        self.consequence = consequence.into();
        self
    }

    /// An answer that this version cannot read.
    pub fn strange_answer(what: &str, why: impl std::fmt::Display) -> Failure {
        let text = format!("cannot read the agent's answer to {what}: {why}");
        let cure = "compare `hostkeeper --version` with the version in `hostkeeper status --json`; restart the agent";
        Failure::new(UNCHECKED, "strange_answer", text, cure).so("nothing is shown")
    }

    /// Whether nothing should be said about it.
    pub fn is_silent(&self) -> bool {
        self.code == READER_GONE
    }

    /// Says it: one line of what and why, one of what to do.
    pub fn print(&self, err: &mut Out, json: bool) -> io::Result<()> {
        if json {
            return err.json(&self.to_json());
        }
        let mut lines = self.text.lines();
        let first = lines.next().unwrap_or_default();
        let so = if self.consequence.is_empty() { String::new() } else { format!("; {}", self.consequence) };
        err.prose(&[tinted(Tint::Bad, "hostkeeper"), plain(": ")], &plain(format!("{first}{so}")))?;
        for line in lines {
            err.line(&[plain(line)])?;
        }
        if self.cure.is_empty() {
            return Ok(());
        }
        err.prose(&[plain("      next: ")], &plain(self.cure.as_str()))
    }

    /// As printed with `--json`.
    pub fn to_json(&self) -> Value {
        let mut error = json!({
            "schema": "hostkeeper.error/1", "code": self.code, "text": self.text, "cure": self.cure,
        });
        if let Some(fields) = error.as_object_mut().filter(|_| !self.consequence.is_empty()) {
            fields.insert("consequence".into(), self.consequence.clone().into());
        }
        error
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure { exit: DONE, code: READER_GONE.into(), ..Failure::default() };
        }
        Failure::new(FAILED, "output", format!("cannot write the output: {error}"), "check where the output goes")
            .so("what was printed is not whole")
    }
}
