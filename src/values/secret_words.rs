//! Names of keys whose values are secrets. Pure.

/// Words of a key's name that make its value a secret, wherever they stand in it.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "pw",
    "secret",
    "secrets",
    "token",
    "tokens",
    "credential",
    "credentials",
    "creds",
    "authorization",
    "auth",
    "bearer",
    "cookie",
    "apikey",
    "privatekey",
    "accesskey",
    "dsn",
];
/// Written together with others these too: `dbpassword`, `mysecret`.
const SECRET_PARTS: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "credential", "apikey"];
/// A key is a secret when something says which: `api_key`. Alone it is a word of our own documents.
const KEY_WORDS: &[&str] = &["key", "keys"];
/// Last words that make it a place or a fact about the secret, not the secret.
const HARMLESS_LAST: &[&str] = &["file", "path", "dir", "age", "seconds", "days", "bytes", "count", "total"];

/// Whether the value of `key` is a secret by the key's name. `alone`: whether the bare word `key` counts.
pub fn is_secret_key(key: &str, alone: bool) -> bool {
    let words = split_words(key);
    if words.last().is_some_and(|last| HARMLESS_LAST.contains(&last.as_str())) {
        return false;
    }
    let named =
        |word: &String| SECRET_WORDS.contains(&word.as_str()) || SECRET_PARTS.iter().any(|part| word.contains(part));
    let keyed = words.last().is_some_and(|word| KEY_WORDS.contains(&word.as_str()));
    words.iter().any(named) || keyed && (alone || words.len() > 1)
}

/// The words of `apiKey`, `API_KEY`, `api-key`, `project.x.api_key`: in small letters.
pub fn split_words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small_before = false;
    for c in key.chars() {
        let hump = c.is_uppercase() && small_before;
        small_before = c.is_lowercase() || c.is_ascii_digit();
        if !c.is_alphanumeric() || hump {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_their_words() {
        for key in [
            "password",
            "DB_PASSWORD",
            "dbpassword",
            "apiKey",
            "api_key",
            "access-key",
            "auth",
            "Authorization",
            "project.x.env.SECRET",
            "FRP_TOKEN",
            "client_secret",
            "pgpass.passwd",
            "key_secret",
        ] {
            assert!(is_secret_key(key, false), "{key}");
        }
        for key in [
            "key",
            "monkey",
            "project",
            "password_file",
            "author",
            "authority",
            "keeper",
            "key_prefix",
            "secret_age_seconds",
            "bypass",
            "compass",
        ] {
            assert!(!is_secret_key(key, false), "{key}");
        }
        assert!(is_secret_key("key", true));
    }
}
