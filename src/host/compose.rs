//! A Compose file before it is deployed, as `docker compose config` reads it. Of environments only marks are kept, and what
//! Compose complains of is never told: it quotes the file.

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{Composed, parse_compose};

use std::path::Path;
use std::time::Duration;

use super::Error;
use super::program::{Order, run};
use crate::values::MarkKey;

/// Compose fetches what the file includes.
const LIMIT: Duration = Duration::from_secs(60);
/// Bytes of a file with everything filled in.
const MOST: u64 = 16 * 1024 * 1024;
const WHO: &str = "docker compose";

/// Why there is no answer.
#[derive(Debug)]
pub enum Trouble {
    /// Docker has no Compose, or there is no docker program.
    Missing,
    /// The file cannot be read by Compose; in words that hold nothing of it.
    Refused(String),
    Host(Error),
}

/// Reads a file as Compose would deploy it. Where Docker's plugins are is taken from the environment of this process, and
/// so are the values that the file asks for. Blocks.
pub fn read_compose(key: &MarkKey, file: &Path) -> Result<Composed, Trouble> {
    if !has_compose().map_err(Trouble::Host)? {
        return Err(Trouble::Missing);
    }
    let words = ["compose", "-f"].map(Into::into).into_iter();
    let arguments = words.chain([file.as_os_str().to_owned()]).chain(["config", "--format", "json"].map(Into::into));
    let ended = run(&order(arguments.collect(), MOST)).map_err(Trouble::Host)?.ok_or(Trouble::Missing)?;
    if ended.code != Some(0) {
        let status = ended.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit status {code}"));
        let place = find_line(&ended.complaint).map(|line| format!(", at line {line}")).unwrap_or_default();
        return Err(Trouble::Refused(format!("docker compose config ended with {status}{place}")));
    }
    parse_compose(key, &ended.output)
        .ok_or_else(|| Trouble::Host(Error::reply(WHO, "config: the answer is not Compose's JSON")))
}

fn has_compose() -> Result<bool, Error> {
    let ended = run(&order(["compose", "version", "--short"].map(Into::into).to_vec(), 4096))?;
    Ok(ended.is_some_and(|ended| ended.code == Some(0)))
}

fn order(arguments: Vec<std::ffi::OsString>, most: u64) -> Order {
    let environment = std::env::vars_os().collect();
    Order { program: "docker".into(), arguments, input: Vec::new(), limit: LIMIT, most, environment }
}

/// The number behind `line ` in what a parser of YAML says.
fn find_line(complaint: &str) -> Option<u32> {
    let (_, rest) = complaint.split_once("line ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
