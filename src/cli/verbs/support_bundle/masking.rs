//! Masks what looks like a secret in text and JSON: it would rather mask too much. Pure; any text, bounded work.

use serde_json::Value;

use super::secrets::is_token;
use crate::values::is_secret_key;

const MASK: &str = "***";

/// `value` with secrets masked: by the names of keys, by facts whose name is secret, and in every string.
pub fn redact_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact(&text)),
        Value::Array(list) => Value::Array(list.into_iter().map(redact_json).collect()),
        Value::Object(fields) => {
            // A fact names its subject in `what`, a configuration key in `key`; the value beside it is what is secret.
            let names =
                |field: &str| fields.get(field).and_then(Value::as_str).is_some_and(|name| is_secret_key(name, true));
            let secret_value = names("what") || names("key") || names("name");
            let masked = fields.into_iter().map(|(key, value)| {
                let secret = is_secret_key(&key, false) || secret_value && key == "value";
                let value = if secret && !is_plain(&value) { Value::String(MASK.into()) } else { redact_json(value) };
                (redact(&key), value)
            });
            Value::Object(masked.collect())
        }
        other => other,
    }
}

/// Nothing and yes or no hide no secret.
fn is_plain(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(_))
}

/// `text` with secrets masked.
pub fn redact(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut in_block = false;
    for line in text.split_inclusive('\n') {
        match line.find("-----BEGIN ") {
            _ if in_block => {}
            None => masked.push_str(&redact_line(line)),
            Some(at) => {
                masked.push_str(&redact_line(line.get(..at).unwrap_or_default()));
                masked.push_str(MASK);
                masked.push('\n');
            }
        }
        // One line may end a block and begin the next: files put together without a newline between them.
        in_block = match (line.rfind("-----BEGIN "), line.rfind("-----END ")) {
            (None, None) => in_block,
            (begin, end) => begin > end,
        };
    }
    masked
}

/// One line: user and password of URLs, values of secret keys, then tokens.
fn redact_line(line: &str) -> String {
    mask_tokens(&mask_assigned(&mask_userinfo(line)))
}

/// `scheme://user:password@host` without what stands before the `@`.
fn mask_userinfo(line: &str) -> String {
    let mut masked = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        masked.push_str(head);
        let authority = tail.find(|c: char| c.is_whitespace() || "/?#\"'<>`".contains(c)).unwrap_or(tail.len());
        rest = match tail.get(..authority).and_then(|part| part.rfind('@')) {
            Some(sign) => {
                masked.push_str(MASK);
                tail.get(sign..).unwrap_or_default()
            }
            None => tail,
        };
    }
    masked.push_str(rest);
    masked
}

/// `key = value`, `key: value`, `"key":"value"`, `--key value`: the value up to where it ends, if the key says secret.
fn mask_assigned(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((word, after)) = next_word(rest) {
        let before = rest.len() - after.len() - word.len();
        masked.push_str(rest.get(..before).unwrap_or_default());
        masked.push_str(word);
        rest = after;
        if !is_secret_key(word, true) {
            continue;
        }
        let flag = word.starts_with("--");
        let Some((sign, value)) = assignment(after, flag) else { continue };
        masked.push_str(sign);
        masked.push_str(MASK);
        rest = values_end(value);
    }
    masked.push_str(rest);
    masked
}

/// The next run of a key's characters, and what follows it.
fn next_word(text: &str) -> Option<(&str, &str)> {
    let fits = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let start = text.find(fits)?;
    let tail = text.get(start..)?;
    let end = tail.find(|c: char| !fits(c)).unwrap_or(tail.len());
    Some(tail.split_at(end))
}

/// The sign between key and value, and the value; `None` when nothing is assigned.
fn assignment(after: &str, flag: bool) -> Option<(&str, &str)> {
    let quote = after.trim_start_matches(['"', '\'', ' ', '\\']);
    let sign = quote.trim_start_matches(['=', ':']);
    let assigned = sign.len() < quote.len() || flag && after.starts_with(' ');
    if !assigned {
        return None;
    }
    let value = sign.trim_start_matches([' ', '\t']);
    let value = scheme_word(value);
    if value.trim().is_empty() {
        return None;
    }
    Some((after.get(..after.len() - value.len())?, value))
}

/// `Bearer xyz` and `Basic xyz`: the value is what follows.
fn scheme_word(value: &str) -> &str {
    let bare = value.trim_start_matches(['"', '\'']);
    ["Bearer ", "Basic ", "bearer ", "basic ", "Token "]
        .iter()
        .find_map(|word| bare.strip_prefix(word))
        .unwrap_or(value)
}

/// What follows a value, and what follows the value of that where it is a key or a flag itself: `auth: password: x`.
fn values_end(value: &str) -> &str {
    let mut value = value;
    loop {
        let rest = value_end(value);
        let taken = value.get(..value.len() - rest.len()).unwrap_or_default();
        let assigns = taken.trim_end_matches(['"', '\'', ' ', '\t', '\\']).ends_with(['=', ':']);
        value = match assignment(rest, taken.starts_with("--")) {
            Some((_, next)) => next,
            None if assigns && !rest.trim().is_empty() => scheme_word(rest.trim_start_matches([' ', '\t'])),
            None => return rest,
        };
    }
}

/// What follows a value: a quoted one ends at its quote, a bare one at a blank or separator. In JSON within JSON the
/// quotes themselves are escaped.
fn value_end(value: &str) -> &str {
    let line_end = if value.ends_with('\n') { "\n" } else { "" };
    if let Some(inner) = value.strip_prefix("\\\"") {
        return inner.split_once("\\\"").map_or(line_end, |(_, after)| after);
    }
    let mut escaped = false;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    for (at, c) in value.char_indices() {
        let ends = match quote {
            Some(quote) => at > 0 && c == quote && !escaped,
            None => c.is_whitespace() || ",;\"'})]".contains(c),
        };
        if ends {
            return value.get(at + usize::from(quote.is_some())..).unwrap_or_default();
        }
        escaped = c == '\\' && !escaped;
    }
    line_end
}

/// Runs of characters that are no words.
fn mask_tokens(line: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(fits) {
        let (head, tail) = rest.split_at(start);
        masked.push_str(head);
        let end = tail.find(|c: char| !fits(c)).unwrap_or(tail.len());
        let (run, after) = tail.split_at(end);
        masked.push_str(&mask_run(run));
        rest = after;
    }
    masked.push_str(rest);
    masked
}

/// Both sides of `id=TOKEN` are judged, so that names stay.
fn mask_run(run: &str) -> String {
    let mut masked = String::with_capacity(run.len());
    let mut rest = run;
    while let Some((name, value)) = rest.split_once('=').filter(|(_, value)| !value.trim_matches('=').is_empty()) {
        masked.push_str(&mask_word(name));
        masked.push('=');
        rest = value;
    }
    masked.push_str(&mask_word(rest));
    masked
}

/// The whole is judged, then what stands between `/`, so that paths keep their words.
fn mask_word(word: &str) -> String {
    if is_token(word) {
        return MASK.into();
    }
    let masked: Vec<&str> = word.split('/').map(|part| if is_token(part) { MASK } else { part }).collect();
    masked.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_masked_in_text() {
        for (text, expected) in [
            ("password = \"hun ter2\", user = \"a\"\n", "password = ***, user = \"a\"\n"),
            ("DB_PASSWORD=hunter2 HOST=db", "DB_PASSWORD=*** HOST=db"),
            ("Authorization: Bearer abc.def-1 x", "Authorization: Bearer *** x"),
            ("{\\\"api_key\\\":\\\"hunter2\\\"}", "{\\\"api_key\\\":***}"),
            ("{\\\"api_key\\\":\\\"hunter2\nnext\n", "{\\\"api_key\\\":***\nnext\n"),
            ("postgres://bob:pa@ss@db:5432/x?y", "postgres://***@db:5432/x?y"),
            ("frpc --token hunter2 -v", "frpc --token *** -v"),
            ("a -----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\nb\n", "a ***\nb\n"),
            ("-----BEGIN KEY-----\ncut", "***\n"),
            ("-----BEGIN A-----\nx\n-----END A----------BEGIN B-----\nhunter2\n-----END B-----\nb\n", "***\nb\n"),
            ("auth: password: hunter2 x", "auth: *** x"),
            ("secret = \"password\": \"hunter2\" x", "secret = *** x"),
            ("token: \" clientSecret = \"hunter2", "token: ***"),
            ("--auth --token hunter2 -v", "--auth *** -v"),
            ("id=ghp_16C7e42F292c6912E7710c838347Ae178B4a,", "id=***,"),
            ("/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "/docker/***"),
        ] {
            let masked = redact(text);
            assert!(!masked.contains("hunter2"), "{masked}");
            assert_eq!(masked, expected, "{text}");
        }
    }

    #[test]
    fn what_helps_stays() {
        for text in [
            "node_netstat_Icmp6_OutMsgs 12\n",
            "password_file = \"/run/credentials/pg\"\n",
            "storage.tier.ssd.min_free = \"50GB\"  # conf.d/athena.toml:7\n",
            "2026-11-21T03:50:05Z create directory /data/athena/seaweed\n",
            "http://127.0.0.1:9733/metrics\n",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn secrets_are_masked_in_json() {
        let value = serde_json::json!({"password": "x1", "list": [{"what": "POSTGRES_PASSWORD", "value": "x1"}],
            "token": null, "key": "storage:create_directory:athena/pg", "nested": {"api_key": {"deep": "x1"}}, "n": 3});
        let masked = redact_json(value);
        assert!(!masked.to_string().contains("x1"), "{masked}");
        assert_eq!(masked.pointer("/key").unwrap(), "storage:create_directory:athena/pg");
        assert_eq!(masked.pointer("/n").unwrap(), 3);
    }

    proptest! {
        #[test]
        fn planted_secrets_never_survive(
            before in "[ -~]{0,30}", key in "(API_KEY|db-password|clientSecret|FRP_TOKEN)", secret in "[A-Za-z0-9]{8,40}",
            sign in "(=|: |=\"| = '|\": \")",
        ) {
            let text = format!("{before} {key}{sign}{secret}");
            let masked = redact(&text);
            let planted = before.contains(&secret) || key.contains(&secret);
            prop_assert!(planted || !masked.contains(&secret), "{text} -> {masked}");
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,300}") {
            let masked = redact(&text);
            prop_assert!(masked.len() <= text.len() * 4 + 8);
        }
    }
}
