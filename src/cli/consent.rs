//! The question before something is done: asked where a person sits, and nowhere taken for answered.

use std::io::{BufRead, Read};

use super::desk::Desk;
use super::failure::{BLOCKED, Failure};
use super::out::plain;

/// Bytes of an answer that are read.
const LONGEST: u64 = 100;

/// What a verb says while it asks.
pub struct Question {
    /// The verb and what it asks before: `apply asks before it acts`.
    pub asks: &'static str,
    /// What to do where nobody can answer.
    pub otherwise: &'static str,
    /// What did not happen without a yes.
    pub undone: &'static str,
}

impl Question {
    /// Refuses at once where nobody could answer.
    pub fn check(&self, desk: &Desk<'_>) -> Result<(), Failure> {
        if !desk.json && desk.seat.input_terminal {
            return Ok(());
        }
        let text = format!("{}, and nobody can answer here", self.asks);
        Err(Failure::new(BLOCKED, "unconfirmed", text, self.otherwise).so(self.undone))
    }

    /// Asks. Everything but a yes is a no.
    pub fn ask(&self, desk: &mut Desk<'_>, question: &str) -> Result<(), Failure> {
        let out = desk.out();
        out.gap()?;
        out.hang(&[], &plain(format!("{question} [y/N]")))?;
        out.flush()?;
        let mut answer = String::new();
        Read::take(&mut *desk.seat.input, LONGEST).read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        Err(Failure::new(BLOCKED, "unconfirmed", "not confirmed", "answer y, or add --yes").so(self.undone))
    }
}
