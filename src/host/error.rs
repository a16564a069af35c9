//! What can go wrong with the machine, with its nouns. `Display` never repeats its source.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The machine did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{verb} {}", path.display())]
    File {
        verb: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{program} ended with {status}: {stderr}")]
    Program { program: String, status: String, stderr: String },
    #[error("{what}: no answer within {limit:?}")]
    Timeout { what: String, limit: Duration },
    #[error("{who}: {what}")]
    Reply { who: String, what: String },
}

impl Error {
    pub fn file(verb: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Error {
        Error::File { verb, path: path.into(), source }
    }

    pub fn reply(who: impl Into<String>, what: impl std::fmt::Display) -> Error {
        Error::Reply { who: who.into(), what: what.to_string() }
    }

    /// The whole chain on one line, as it is printed at the edge.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}
