//! Names that end up in labels, paths of the state directory and systemd units: checked once, here.

use serde::{Deserialize, Serialize};

/// A Compose project's name: `[a-z0-9][a-z0-9_-]*`, at most 63 characters (the Compose specification's own rule).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectName(String);

/// Why a word is not a name. The second line of the text is the cure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a project name\nuse a-z, 0-9, _ and -, first a letter or digit, at most 63 characters")]
pub struct NameError(String);

impl ProjectName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProjectName {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        let fits = name.len() <= 63
            && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        if fits { Ok(ProjectName(name)) } else { Err(NameError(name.chars().take(80).collect())) }
    }
}

impl std::str::FromStr for ProjectName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        ProjectName::try_from(name.to_owned())
    }
}

impl From<ProjectName> for String {
    fn from(name: ProjectName) -> String {
        name.0
    }
}

impl std::fmt::Display for ProjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl std::borrow::Borrow<str> for ProjectName {
    fn borrow(&self) -> &str {
        &self.0
    }
}
