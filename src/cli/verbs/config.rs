//! `config`: hands questions to the configuration room and prints its answers.

use super::super::args::ConfigVerb;
use super::super::desk::Desk;
use super::super::failure::{BAD_CONFIG, BLOCKED, DONE, Failure};
use super::super::house::ConfigQuestion;
use super::super::out::plain;

/// Asks and prints.
pub fn run(desk: &mut Desk<'_>, verb: &ConfigVerb) -> Result<u8, Failure> {
    let question = match verb {
        ConfigVerb::Check => ConfigQuestion::Check,
        ConfigVerb::Show { effective } => ConfigQuestion::Show { effective: *effective },
        ConfigVerb::Explain { key } => ConfigQuestion::Explain { key: key.clone() },
        ConfigVerb::Diff { file } => ConfigQuestion::Diff { other: file.clone() },
        ConfigVerb::Init => ConfigQuestion::Init,
    };
    let answer = desk.house.config(&desk.places, &question)?;
    if desk.json {
        desk.out().json(&answer.json)?;
    } else {
        for line in answer.text.lines() {
            desk.out().line(&[plain(line)])?;
        }
    }
    Ok(match question {
        _ if answer.good => DONE,
        ConfigQuestion::Explain { .. } => BLOCKED,
        _ => BAD_CONFIG,
    })
}
