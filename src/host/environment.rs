//! Environments of containers. Of a value that is a secret only a mark leaves this file, and of any other value only what
//! the audit asks for by name. Pure but for the chance behind the marks.

use std::fs::File;
use std::io::Read;

use super::Error;
use crate::values::{MarkKey, SecretMark, is_secret_key, one_line, split_words};

/// Variables that are looked at.
const MOST: usize = 1000;
/// Longer values are cut before they are compared.
const VALUE_LIMIT: usize = 16 * 1024;
/// Last words that make a variable a fact about a secret, and not the secret.
const HARMLESS_LAST: &[&str] = &[
    "method",
    "type",
    "mode",
    "name",
    "id",
    "length",
    "len",
    "min",
    "max",
    "limit",
    "limits",
    "expiry",
    "expires",
    "expiration",
    "lifetime",
    "ttl",
    "timeout",
    "interval",
    "enabled",
    "enable",
    "disabled",
    "required",
    "policy",
    "url",
    "uri",
    "endpoint",
    "host",
    "port",
    "header",
    "prefix",
    "suffix",
    "algorithm",
    "rounds",
    "provider",
    "version",
    "user",
    "username",
    "store",
    "class",
    "format",
    "encoding",
    "source",
    "location",
    "env",
    "hash",
    "issuer",
    "audience",
    "domain",
    "secure",
    "samesite",
    "scope",
    "size",
    "claim",
    "field",
    "param",
    "expire",
    "minutes",
    "hours",
    "duration",
];
/// First words of settings that speak of passwords and have none.
const HARMLESS_FIRST: &[&str] =
    &["allow", "enable", "disable", "require", "skip", "no", "use", "max", "min", "has", "is"];
/// Words that hide a value elsewhere, and alone are no reason to speak: an address says what of it is a secret.
const WEAK: &[&str] = &["auth", "authorization", "cookie", "bearer", "dsn"];
/// Words that make a trailing `KEY` a secret; others name a row, a sort order, a public key.
const KEYED: &[&str] = &[
    "api",
    "private",
    "secret",
    "access",
    "master",
    "encryption",
    "encrypt",
    "signing",
    "sign",
    "app",
    "license",
    "service",
    "account",
    "session",
    "jwt",
    "hmac",
    "shared",
    "auth",
    "admin",
    "root",
];
/// Values that are an answer to a question, and no secret.
const ANSWERS: &[&str] = &["true", "false", "yes", "no", "on", "off", "none", "null", "0", "1", "always", "never"];
/// Passwords that programs ask of who comes in.
const ASKED: &[&str] = &["REDIS_PASSWORD", "VALKEY_PASSWORD", "REDIS_PASS", "ELASTIC_PASSWORD", "KEYDB_PASSWORD"];

/// A variable that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretVariable {
    pub name: String,
    pub mark: SecretMark,
}

/// What is kept of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// By name.
    pub secrets: Vec<SecretVariable>,
    /// `NVIDIA_VISIBLE_DEVICES`, when it names any.
    pub visible_gpus: Option<String>,
    /// Whether it names a password that the program asks of others.
    pub asks_password: bool,
}

/// Chance of this life of the process.
pub fn new_mark_key() -> Result<MarkKey, Error> {
    const FROM: &str = "/dev/urandom";
    let mut chance = [0; 32];
    let read = File::open(FROM).and_then(|mut file| file.read_exact(&mut chance));
    read.map_err(|error| Error::file("read", FROM, error))?;
    Ok(MarkKey::new(chance))
}

/// Reads `NAME=value` variables.
pub fn parse_environment<'v>(key: &MarkKey, variables: impl IntoIterator<Item = &'v str>) -> Environment {
    let mut environment = Environment::default();
    for variable in variables.into_iter().take(MOST) {
        let Some((name, value)) = variable.split_once('=') else { continue };
        if let Some(secret) = find_secret(name, value) {
            let mark = SecretMark::of(key, secret.get(..VALUE_LIMIT).unwrap_or(secret));
            environment.secrets.push(SecretVariable { name: one_line(name, 100), mark });
        }
        if name == "NVIDIA_VISIBLE_DEVICES" && !["", "void", "none"].contains(&value) {
            environment.visible_gpus = Some(one_line(value, 100));
        }
        environment.asks_password |= ASKED.contains(&name) && !value.is_empty();
    }
    environment.secrets.sort();
    environment.secrets.dedup();
    environment
}

/// The part of a value that is a secret: all of it when the name says so, the password of an address otherwise.
pub fn find_secret<'v>(name: &str, value: &'v str) -> Option<&'v str> {
    let value = value.trim();
    let literal = !value.is_empty()
        && !value.starts_with("${")
        && !value.starts_with("/run/secrets/")
        && !ANSWERS.contains(&value.to_ascii_lowercase().as_str());
    if !literal {
        return None;
    }
    if is_secret_name(name) && !value.contains("://") {
        return Some(find_password(value).unwrap_or(value));
    }
    find_password(value)
}

/// Whether a variable of this name holds a secret. Finer than `is_secret_key`: that one hides what it doubts, this one
/// tells a person that something is wrong.
fn is_secret_name(name: &str) -> bool {
    let words = split_words(name);
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    if HARMLESS_LAST.contains(&last.as_str()) || HARMLESS_FIRST.contains(&first.as_str()) || last == "tokens" {
        return false;
    }
    if words.len() <= 2 && last == "pwd" && (words.len() == 1 || first == "old") || last == "oldpwd" {
        return false;
    }
    if last == "key" || last == "keys" {
        let before = words.len().checked_sub(2).and_then(|at| words.get(at));
        return before.is_some_and(|word| KEYED.contains(&word.as_str()));
    }
    let strong: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| !WEAK.contains(word) && !word.starts_with("tokeniz")).collect();
    is_secret_key(&strong.join("_"), false)
}

/// The password in `scheme://user:password@host`, `user:password@tcp(host)` and `password=…` of a connection's words.
fn find_password(value: &str) -> Option<&str> {
    let of_pair = |login: &'_ str| login.find(':').map(|at| at + 1);
    if let Some((_, rest)) = value.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (login, _) = authority.rsplit_once('@')?;
        let password = login.get(of_pair(login)?..)?;
        return Some(password).filter(|password| !password.is_empty() && !password.starts_with("${"));
    }
    if let Some((login, _)) = value.rsplit_once("@tcp(").or_else(|| value.rsplit_once("@unix(")) {
        return login.get(of_pair(login)?..).filter(|password| !password.is_empty());
    }
    let word = value.split([' ', ';', '&']).find_map(|word| {
        let (name, password) = word.split_once('=')?;
        ["password", "pwd"].contains(&name.trim().to_ascii_lowercase().as_str()).then_some(password.trim_matches('\''))
    });
    word.filter(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_name_and_in_addresses() {
        for (name, value, secret) in [
            ("POSTGRES_PASSWORD", "hunter2", "hunter2"),
            ("PGPASSWORD", "hunter2", "hunter2"),
            ("DB_PASS", "/x+y=", "/x+y="),
            ("JWT_SECRET", "s", "s"),
            ("GITHUB_TOKEN", "12345", "12345"),
            ("OPENAI_API_KEY", "sk-1", "sk-1"),
            ("apiKey", "a", "a"),
            ("AWS_SECRET_ACCESS_KEY", "a", "a"),
            ("TLS_PRIVATE_KEY", "-----BEGIN", "-----BEGIN"),
            ("MEILI_MASTER_KEY", "a", "a"),
            ("SECRET_KEY_BASE", "a", "a"),
            ("DATABASE_URL", "postgres://shop:hunter2@db:5432/shop", "hunter2"),
            ("BROKER", "redis://:p%40ss@valkey:6379/0", "p%40ss"),
            ("DSN", "shop:hunter2@tcp(db:3306)/shop", "hunter2"),
            ("SENTRY_DSN", "https://public:secret@sentry.example/1", "secret"),
            ("CONNECTION", "host=db user=shop password=hunter2", "hunter2"),
        ] {
            assert_eq!(find_secret(name, value), Some(secret), "{name}={value}");
        }
    }

    #[test]
    fn what_only_speaks_of_secrets_is_none() {
        for (name, value) in [
            ("POSTGRES_PASSWORD", ""),
            ("POSTGRES_PASSWORD", "${POSTGRES_PASSWORD}"),
            ("POSTGRES_PASSWORD_FILE", "/run/secrets/db"),
            ("DB_PASSWORD", "/run/secrets/db"),
            ("ALLOW_EMPTY_PASSWORD", "yes-please"),
            ("POSTGRES_HOST_AUTH_METHOD", "scram-sha-256"),
            ("TOKEN_TTL", "3600"),
            ("MAX_TOKENS", "4096"),
            ("PASSWORD_MIN_LENGTH", "8"),
            ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D"),
            ("SORT_KEY", "created"),
            ("PWD", "/app"),
            ("OLDPWD", "/"),
            ("BASIC_AUTH", "off"),
            ("AUTH", "ldap"),
            ("PATH", "/usr/bin:/bin"),
            ("URL", "https://example.org/a:b@c"),
            ("URL", "postgres://shop@db/shop"),
            ("AUTH_URL", "https://login.example/x"),
            ("TOKENIZER", "gpt2"),
            ("COOKIE_DOMAIN", "shop.example"),
            ("JWT_TOKEN_ISSUER", "shop"),
            ("KAFKA_LISTENERS", "PLAINTEXT://0.0.0.0:9092"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
        ] {
            assert_eq!(find_secret(name, value), None, "{name}={value}");
        }
    }

    #[test]
    fn of_an_environment_only_marks_are_kept() {
        let key = new_mark_key().unwrap();
        let read =
            parse_environment(&key, ["A_PASSWORD=PLANTED", "B_TOKEN=PLANTED", "NVIDIA_VISIBLE_DEVICES=all", "x"]);
        assert_eq!(read.secrets.len(), 2);
        assert_eq!(read.secrets[0].mark, read.secrets[1].mark);
        assert_eq!(read.visible_gpus.as_deref(), Some("all"));
        assert!(!format!("{read:?}").contains("PLANTED"));
        assert_eq!(parse_environment(&key, ["NVIDIA_VISIBLE_DEVICES=void"]), Environment::default());
    }
}
