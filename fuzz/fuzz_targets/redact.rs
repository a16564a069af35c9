//! Masking for the support bundle: in any text, a planted secret never comes through, and the work is bounded.
#![no_main]

use hostkeeper::cli::redact;
use hostkeeper_fuzz::{choose, text};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "hunter2Hunter3";
/// How a secret may be written; the secret follows.
const FORMS: [&str; 8] = [
    "API_KEY=",
    "db-password: ",
    "clientSecret = \"",
    "\"FRP_TOKEN\":\"",
    "--token ",
    "Authorization: Bearer ",
    "postgres://bob:",
    "\\\"api_key\\\":\\\"",
];

fuzz_target!(|data: &[u8]| {
    let Some((form, rest)) = choose(data, FORMS.len()) else { return };
    let before = text(rest);
    if before.contains("hunter2") {
        return;
    }
    let host = if FORMS[form].contains("://") { "@db:5432/x" } else { "" };
    let planted = format!("{before} {}{SECRET}{host}\nplain words\n", FORMS[form]);
    let masked = redact(&planted);
    assert!(!masked.contains(SECRET), "{planted:?} -> {masked:?}");
    assert!(masked.len() <= planted.len() * 4 + 8);
    assert!(masked.lines().count() <= planted.lines().count() + 1);
    if !planted.contains("-----BEGIN ") {
        assert!(masked.ends_with("\nplain words\n"), "{planted:?} -> {masked:?}");
    }
});
