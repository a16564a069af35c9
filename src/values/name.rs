//! Names that end up in labels, paths of the state directory and systemd units: checked once, here.

use serde::{Deserialize, Serialize};

/// A Compose project's name: `[a-z0-9][a-z0-9_-]*`, at most 63 characters (the Compose specification's own rule).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectName(String);

/// Why a word is not a name. The second line of the text is the cure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a project name\nuse a-z, 0-9, _ and -, first a letter or digit, at most 63 characters{1}")]
pub struct NameError(String, String);

impl NameError {
    /// Says which name was perhaps meant, when one is left after lower case and without foreign characters.
    fn of(name: &str) -> NameError {
        let kept: String = name
            .chars()
            .map(|c| c.to_ascii_lowercase())
            .map(|c| if c == '.' || c == ' ' { '-' } else { c })
            .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_' || *c == '-')
            .skip_while(|c| !c.is_ascii_alphanumeric())
            .take(63)
            .collect();
        let meant = if kept.is_empty() { String::new() } else { format!(", such as {kept}") };
        NameError(super::one_line(name, 80), meant)
    }
}

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
        if fits { Ok(ProjectName(name)) } else { Err(NameError::of(&name)) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_follow_the_compose_rule() {
        for good in ["athena", "0day", "wx_library-2", &"a".repeat(63)] {
            assert!(good.parse::<ProjectName>().is_ok(), "{good}");
        }
        for bad in ["", "Athena", "-a", "_a", "a.b", "a b", "ä", "a/b", "a\n", &"a".repeat(64)] {
            assert!(bad.parse::<ProjectName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wrong_name_is_told_a_right_one() {
        let text = "My.App".parse::<ProjectName>().unwrap_err().to_string();
        assert_eq!(
            text,
            "\"My.App\" is not a project name\n\
             use a-z, 0-9, _ and -, first a letter or digit, at most 63 characters, such as my-app"
        );
    }

    proptest! {
        #[test]
        fn what_is_proposed_is_a_name(name in "\\PC{0,90}") {
            if let Err(NameError(_, meant)) = name.parse::<ProjectName>() {
                let meant = meant.strip_prefix(", such as ").unwrap_or("a").parse::<ProjectName>();
                prop_assert!(meant.is_ok());
            }
        }
    }
}
