//! `config check`: what holds, or everything that does not. Pure.

use serde_json::json;

use super::Loaded;
use super::located::{Level, Located, Problems};

/// What a verb answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// For people, with a newline at the end.
    pub text: String,
    /// For programs, with a `schema`.
    pub json: serde_json::Value,
    /// `false`: a bad configuration or an unknown key.
    pub good: bool,
}

/// What `config check` says of the outcome of a load.
pub fn check(loaded: &Result<Loaded, Problems>) -> Answer {
    match loaded {
        Ok(loaded) => holds(loaded),
        Err(problems) => Answer { text: format!("{problems}\n"), json: problems.to_json(), good: false },
    }
}

fn holds(loaded: &Loaded) -> Answer {
    let settings = &loaded.settings;
    let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let mut text = String::new();
    for warning in &loaded.warnings {
        text.push_str(&format!("{warning}\n\n"));
    }
    text.push_str(&format!(
        "configuration holds: {}, {}, {}, {}, mode {}\n",
        plural(loaded.files.len(), "file", "files"),
        plural(settings.projects.len(), "project", "projects"),
        plural(settings.storage.tiers.len(), "tier", "tiers"),
        plural(settings.storage.dirs.len(), "directory", "directories"),
        settings.host.mode,
    ));
    let json = json!({
        "schema": "hostkeeper.config-problems/1",
        "problems": [],
        "warnings": loaded.warnings.iter().map(Located::to_json).collect::<Vec<_>>(),
        "more": false,
        "files": loaded.files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>(),
    });
    Answer { text, json, good: loaded.warnings.iter().all(|warning| warning.level == Level::Warning) }
}
