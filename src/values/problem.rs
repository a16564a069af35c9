//! What is wrong with a configuration, by key. The configuration room adds file, line and column.

use serde::Serialize;

/// One problem of a configuration. `key` is a dotted path (`project.athena.dir.postgres.mode`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub key: String,
    pub what: String,
    /// What to write instead.
    pub cure: String,
}

impl Problem {
    pub fn new(key: impl Into<String>, what: impl Into<String>, cure: impl Into<String>) -> Problem {
        Problem { key: key.into(), what: what.into(), cure: cure.into() }
    }
}
