//! Words about words: how a value that could not be read says so, fingerprints, and text made fit for one line.

/// Why a text is not a value. `cure` says what to write instead. `Display` gives `what`, a newline, `cure`:
/// the configuration reader splits there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub what: String,
    pub cure: String,
}

impl ParseError {
    pub fn new(what: impl Into<String>, cure: impl Into<String>) -> Self {
        ParseError { what: what.into(), cure: cure.into() }
    }
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}", self.what, self.cure)
    }
}

impl std::error::Error for ParseError {}

/// A short name for bytes: the first 12 hexadecimal digits of their SHA-256. Also how secrets are compared and shown.
pub fn fingerprint(bytes: &[u8]) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// `text` on one line of at most `limit` characters: control characters become spaces, the rest is cut with an ellipsis.
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line: String = text.chars().take(limit).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(limit).is_some() {
        line.pop();
        line.push('…');
    }
    line
}
