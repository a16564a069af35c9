//! What looks like a secret: names of keys, and runs of characters that nobody chose as a word. Pure.

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
fn split_words(key: &str) -> Vec<String> {
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

/// Whether a run of letters, digits and `+/=_-` is no word: long hexadecimal, or letters and digits that change kind
/// as often as chance does.
pub fn is_token(run: &str) -> bool {
    let letters: Vec<char> = run.chars().filter(char::is_ascii_alphanumeric).collect();
    let hexadecimal = letters.iter().all(char::is_ascii_hexdigit);
    let digits = letters.iter().filter(|c| c.is_ascii_digit()).count();
    if hexadecimal && letters.len() >= 32 && digits > 0 {
        return true;
    }
    if letters.len() < 20 || run.starts_with('/') {
        return false;
    }
    let changes = letters.windows(2).filter(|pair| pair.first().map(kind) != pair.last().map(kind)).count();
    let mixed = digits > 0 || letters.iter().any(char::is_ascii_uppercase);
    let by_chance = changes * 3 >= letters.len();
    mixed && by_chance || has_long_piece(run)
}

/// A piece between separators that is long and mixed: `ghp_16C7e42F292c6912E7710c838347Ae178B4a`.
fn has_long_piece(run: &str) -> bool {
    run.split(['_', '-', '/', '+', '=']).any(|piece| {
        let kinds: std::collections::BTreeSet<u8> = piece.chars().map(|c| kind(&c)).collect();
        piece.len() >= 20 && kinds.len() == 3 || piece.len() >= 40 && kinds.len() == 2
    })
}

fn kind(c: &char) -> u8 {
    match c {
        c if c.is_ascii_digit() => 0,
        c if c.is_ascii_uppercase() => 1,
        _ => 2,
    }
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

    #[test]
    fn tokens_are_not_words() {
        for token in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "0123456789abcdef0123456789abcdef",
            "9f86d081-884c-7d65-9a2f-eaa0c55ad015",
            "AKIAIOSFODNN7EXAMPLE8K2p",
            "dGhpcyBpcyBhIHNlY3JldCB0b2tlbg==",
            "q8Zt3Lk0Vw9sXr2Bn7Jm",
        ] {
            assert!(is_token(token), "{token}");
        }
        for word in [
            "node_netstat_Icmp6_OutMsgs",
            "node_memory_Active_anon_bytes",
            "/data/athena/seaweed/of-today-2026",
            "hostkeeper_collector_last_success_timestamp_seconds",
            "2026-11-21T03:50:05",
            "storage",
            "3f2a9c41d0e7",
            "registry/athena-api-worker-queue",
            "container_label_com_docker_compose_project",
        ] {
            assert!(!is_token(word), "{word}");
        }
    }
}
