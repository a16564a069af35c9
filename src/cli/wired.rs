//! The rooms below as the command line needs them.

use std::path::Path;

use super::answers::OverSocket;
use super::ask::Ask;
use super::failure::{BAD_CONFIG, FAILED, Failure};
use super::house::{ConfigAnswer, ConfigQuestion, House, WebOrder};
use crate::config::{self, Answer, Loaded, Problems};
use crate::daemon::Places;

/// The real rooms.
pub struct Wired;

impl House for Wired {
    fn agent(&self, places: &Places) -> Box<dyn Ask> {
        Box::new(OverSocket::new(&places.socket))
    }

    fn look(&self, _: &Places) -> Result<Box<dyn Ask>, Failure> {
        Err(not_wired("look"))
    }

    fn daemon(&self, _: &Places) -> Result<(), Failure> {
        Err(not_wired("daemon"))
    }

    fn web(&self, _: &Places, _: &WebOrder) -> Result<(), Failure> {
        Err(not_wired("web"))
    }

    fn config(&self, places: &Places, question: &ConfigQuestion) -> Result<ConfigAnswer, Failure> {
        let answer = match question {
            ConfigQuestion::Check => config::check(&config::load(&places.config)),
            ConfigQuestion::Show { effective: _ } => config::show(&loaded(&places.config)?),
            ConfigQuestion::Explain { key } => config::explain(&loaded(&places.config)?, key),
            ConfigQuestion::Diff { other: Some(other) } => config::diff(&loaded(&places.config)?, &loaded(other)?),
            ConfigQuestion::Diff { other: None } => return Err(not_wired("config diff")),
            ConfigQuestion::Init => return Err(not_wired("config init")),
        };
        Ok(shown(answer))
    }
}

fn not_wired(what: &str) -> Failure {
    Failure::new(FAILED, "not_wired", format!("{what} is not wired"), "merge")
}

fn shown(answer: Answer) -> ConfigAnswer {
    ConfigAnswer { text: answer.text, json: answer.json, good: answer.good }
}

/// The configuration at `path`, or all that is wrong with it.
fn loaded(path: &Path) -> Result<Loaded, Failure> {
    config::load(path).map_err(|problems| bad_config(&problems))
}

/// A configuration that does not hold, as the failure of a verb.
pub fn bad_config(problems: &Problems) -> Failure {
    let text = format!("the configuration does not hold\n{problems}");
    Failure::new(BAD_CONFIG, "bad_config", text, "put it right, then hostkeeper config check").so("nothing was done")
}
