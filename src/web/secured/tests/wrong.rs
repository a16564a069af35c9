//! Wrong web configurations, and everything that must be said of them.

use std::path::Path;

use crate::web::secured::fault::Faults;
use crate::web::secured::file::parse_web_file;

const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

/// What is said of `text`.
fn said(text: &str) -> String {
    let faults = parse_web_file(text).err().unwrap_or_else(|| panic!("this holds:\n{text}"));
    Faults::of(Path::new("web.yml"), text, faults).to_string()
}

/// Text, and what must be said: place and words.
const WRONG: &[(&str, &[&str])] = &[
    (
        "tls_server_confg:\n  cert_file: a\n",
        &["web.yml:1:1: unknown key \"tls_server_confg\"", "did you mean tls_server_config?"],
    ),
    (
        "tls_server_config:\n  cert_fil: a\n  key_file: b\n",
        &["web.yml:2:3: unknown key \"cert_fil\"", "did you mean cert_file?", "web.yml:2:3: cert_file is missing"],
    ),
    ("tls_server_config:\n  cert_file: a\n", &["web.yml:2:3: key_file is missing", "key_file: server.key"]),
    ("tls_server_config:\n  key_file: a\n", &["web.yml:2:3: cert_file is missing"]),
    ("tls_server_config: yes\n", &["web.yml:1:20: tls_server_config must be a mapping, here is text"]),
    ("tls_server_config:\n  - cert_file: a\n", &["tls_server_config must be a mapping, here is a list"]),
    ("- a\n- b\n", &["web.yml:1:1: the file must be a mapping, here is a list"]),
    ("just text\n", &["web.yml:1:1: the file must be a mapping, here is text"]),
    (
        "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerify}\n",
        &["client_auth_type knows no \"RequireAndVerify\"", "there are: NoClientCert, RequestClientCert"],
    ),
    (
        "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCerts}\n",
        &["did you mean RequireAndVerifyClientCert?", "^^^"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequireAndVerifyClientCert\n",
        &["web.yml:4:21: client_ca_file is missing"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_ca_file: c\n",
        &["web.yml:4:19: client_ca_file has no effect", "RequireAndVerifyClientCert"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequireAnyClientCert\n  client_ca_file: c\n",
        &["web.yml:5:19: client_ca_file has no effect"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_allowed_sans: [x]\n",
        &["client_allowed_sans has no effect"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: c\n  client_allowed_sans: [\"a@b.example\"]\n",
        &["web.yml:6:25: \"a@b.example\" is no host name"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: c\n  client_allowed_sans: []\n",
        &["client_allowed_sans names nobody"],
    ),
    (
        "tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}\n",
        &["TLS before 1.2 is broken", "write TLS12 or TLS13"],
    ),
    (
        "tls_server_config: {cert_file: a, key_file: b, min_version: \"1.2\"}\n",
        &["min_version knows no \"1.2\"", "there are: TLS10, TLS11, TLS12, TLS13"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS13\n  max_version: TLS12\n",
        &["web.yml:4:16: min_version is above max_version"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265]\n",
        &["web.yml:4:19: cipher_suites knows no", "did you mean TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256?"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  max_version: TLS12\n  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n",
        &["web.yml:5:3: none of these suites is offered"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  curve_preferences: [CurveP521]\n",
        &["web.yml:4:3: none of these curves is offered", "CurveP256, CurveP384, X25519"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  curve_preferences: X25519\n",
        &["web.yml:4:22: curve_preferences must be a list, here is text"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  prefer_server_cipher_suites: perhaps\n",
        &["prefer_server_cipher_suites is yes or no"],
    ),
    (
        "tls_server_config:\n  cert_file: [a]\n  key_file: b\n",
        &["web.yml:2:14: cert_file must be text, here is a list"],
    ),
    (
        "tls_server_config:\n  cert_file: a\n  cert: b\n  key_file: c\n",
        &["web.yml:3:3: cert and cert_file are both there"],
    ),
    (
        "basic_auth_users:\n  ann: secret-in-clear\n",
        &["web.yml:2:8: user \"ann\": this is no bcrypt hash", "htpasswd -nBC 10"],
    ),
    ("basic_auth_users:\n  ann:\n", &["user \"ann\": there is no hash"]),
    ("basic_auth_users:\n  a:b: x\n", &["a name has letters, and no \":\""]),
    (
        "basic_auth_users:\n  ann: $2y$31$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n",
        &["the cost of the hash is above 15"],
    ),
    (
        "basic_auth_users:\n  ann: $2y$03$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n",
        &["the cost of the hash is below 4"],
    ),
    ("basic_auth_users:\n  ann: $apr1$abcdefgh$0123456789012345678901\n", &["this is no bcrypt hash"]),
    ("basic_auth_users:\n  - ann\n", &["web.yml:2:3: basic_auth_users must be a mapping, here is a list"]),
    ("basic_auth_users:\n  ann: x\n  ann: y\n", &["web.yml:3:3: this key is there twice"]),
    (
        "http_server_config:\n  headers:\n    X-Powered-By: us\n",
        &["web.yml:3:5: header \"X-Powered-By\" cannot be set", "Content-Security-Policy"],
    ),
    (
        "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
        &["web.yml:3:22: X-Frame-Options cannot be that", "write deny or sameorigin"],
    ),
    ("http_server_config:\n  http2: maybe\n", &["web.yml:2:10: http2 is yes or no"]),
    ("http_server_config:\n  timeout: 5\n", &["web.yml:2:3: unknown key \"timeout\""]),
    ("a: &x {b: c}\nd: *x\n", &["aliases (*name) are not read here"]),
    ("---\na: b\n---\nc: d\n", &["web.yml:3:1: a second document begins"]),
    ("? [a]\n: b\n", &["a key must be plain text"]),
    ("tls_server_config:\n\tcert_file: a\n", &["web.yml:2:", "this is no YAML"]),
    ("tls_server_config:\n  cert_file: \"a\n", &["this is no YAML"]),
    ("a: [b\n", &["this is no YAML"]),
    ("a: b: c\n", &["this is no YAML"]),
    ("{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{", &["web.yml:1:"]),
    ("[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]", &["nested too deeply"]),
];

#[test]
fn every_fault_has_its_place_and_its_cure() {
    for (text, expected) in WRONG {
        let said = said(text);
        for part in *expected {
            assert!(said.contains(part), "\"{part}\" is not said of\n{text}\nbut\n{said}");
        }
        assert!(said.starts_with("error: web.yml"), "{said}");
        assert!(!said.contains("secret-in-clear"), "a password is never quoted: {said}");
    }
}

#[test]
fn every_fault_of_a_file_is_said_at_once() {
    let text = format!(
        "tls_server_config:\n  key_file: k\n  min_version: TLS11\n  cipher_suites: [x]\nbasic_auth_users:\n  a: b\n  c: {HASH}\nhttp: {{}}\n"
    );
    let said = said(&text);
    assert_eq!(said.matches("error: ").count(), 5, "{said}");
    let quoted = "error: web.yml:3:16: TLS before 1.2 is broken and not offered\n  3 |   min_version: TLS11\n    \
                  |                ^^^^^\n    | write TLS12 or TLS13";
    assert!(said.contains(quoted), "{said}");
    assert!(!said.contains("QOauh"), "{said}");
}

#[test]
fn a_large_file_is_refused_whole() {
    assert!(said(&format!("#{}\n", "x".repeat(70_000))).contains("larger than 64 KiB"));
}
