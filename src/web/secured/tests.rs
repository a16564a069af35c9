mod wrong;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::users::{Checks, Verdict};
use super::words::{ClientAuth, Version};
use super::*;

/// `htpasswd -nbBC 4 "" right`, made by bcrypt itself.
fn hash_of(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

fn basic(name: &str, password: &str) -> HeaderValue {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))).parse().unwrap()
}

#[test]
fn a_whole_file_is_read() {
    let hash = hash_of("right");
    let text = format!(
        "# as other exporters have it
tls_server_config:
  cert_file: server.crt
  key_file: /etc/keys/server.key
  client_auth_type: \"RequireAndVerifyClientCert\"
  client_ca_file: clients.crt
  client_allowed_sans: [prometheus.example, 10.0.0.7]
  min_version: TLS12
  max_version: TLS13
  prefer_server_cipher_suites: true
  cipher_suites:
    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    - TLS_RSA_WITH_AES_128_CBC_SHA
  curve_preferences: [CurveP256, X25519]
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=31536000
    x-frame-options: sameorigin
basic_auth_users:
  prometheus: {hash}
  \"7\": '{hash}'
"
    );
    let file = parse_web_file(&text).unwrap();
    let tls = file.tls.unwrap();
    assert_eq!((tls.cert.text.as_str(), tls.key.text.as_str()), ("server.crt", "/etc/keys/server.key"));
    assert_eq!((tls.client_auth, tls.client_names.len()), (ClientAuth::RequireAndVerify, 2));
    assert_eq!((tls.oldest, tls.newest, tls.server_order), (Version::Tls12, Version::Tls13, true));
    assert_eq!((tls.suites, tls.curves), (Some(vec![0xc02f]), Some(vec![0x17, 0x1d])));
    assert_eq!(file.users.keys().collect::<Vec<_>>(), ["7", "prometheus"]);
    assert_eq!(file.headers.len(), 2);
    assert_eq!(file.notes.len(), 2, "{:?}", file.notes);
}

#[test]
fn nothing_asks_for_nothing() {
    for text in ["", "---\n", "# nothing\n", "{}", "tls_server_config:\nbasic_auth_users:\n", "tls_server_config: {}\n"]
    {
        let file = parse_web_file(text).unwrap();
        assert!(file.tls.is_none() && file.users.is_empty() && file.headers.is_empty(), "{text}");
    }
}

#[test]
fn credentials_are_read_as_they_are_sent() {
    let read = |text: &str| parse_basic(&text.parse().unwrap()).map(|sent| (sent.name, sent.password));
    let encoded = |text: &str| format!("bAsIc {}", STANDARD.encode(text));
    assert_eq!(read(&encoded("a:b:c")), Some(("a".into(), b"b:c".to_vec())));
    assert_eq!(read(&encoded("ä:ö")), Some(("ä".into(), "ö".as_bytes().to_vec())));
    assert_eq!(read(&encoded(":")), Some((String::new(), Vec::new())));
    for bad in
        ["", "Basic", "Basic !!!", "Bearer YTpi", &encoded("no colon"), &encoded("a:b\0c"), &encoded(&"x:".repeat(600))]
    {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[tokio::test]
async fn only_the_right_password_of_a_known_name_is_good() {
    let users = BTreeMap::from([("ann".to_owned(), hash_of("right")), ("bob".to_owned(), hash_of("other"))]);
    let checks = Checks::new();
    for (name, password, expected) in [
        ("ann", "right", Verdict::Good),
        ("ann", "wrong", Verdict::Bad),
        ("ann", "right", Verdict::Good),
        ("ann", "", Verdict::Bad),
        ("bob", "right", Verdict::Bad),
        ("bob", "other", Verdict::Good),
        ("eve", "right", Verdict::Bad),
        ("", "", Verdict::Bad),
        ("Ann", "right", Verdict::Bad),
    ] {
        assert_eq!(checks.check(&users, Some(&basic(name, password))).await, expected, "{name} {password}");
    }
    assert_eq!(checks.check(&users, None).await, Verdict::Bad);
    // What was right for an earlier hash is not for the next one.
    let changed = BTreeMap::from([("ann".to_owned(), hash_of("new"))]);
    assert_eq!(checks.check(&changed, Some(&basic("ann", "right"))).await, Verdict::Bad);
    assert_eq!(checks.check(&changed, Some(&basic("ann", "new"))).await, Verdict::Good);
    assert_eq!(checks.check(&changed, Some(&basic("bob", "other"))).await, Verdict::Bad);
}

#[tokio::test]
async fn a_name_that_there_is_not_costs_a_whole_check() {
    let users =
        BTreeMap::from([("ann".to_owned(), hash_of("right")), ("bob".to_owned(), bcrypt::hash("x", 6).unwrap())]);
    let stand_in = super::users::stand_in(&users).parse::<bcrypt::HashParts>().unwrap();
    assert_eq!(stand_in.get_cost(), 6, "as dear as the dearest");
    let checks = Checks::new();
    assert_eq!(checks.check(&users, Some(&basic("ann", "right"))).await, Verdict::Good);
    // With no place for a check, whoever would need one is told so: the unknown name as the known one.
    checks.close();
    assert_eq!(checks.check(&users, Some(&basic("ann", "wrong"))).await, Verdict::Busy);
    assert_eq!(checks.check(&users, Some(&basic("eve", "wrong"))).await, Verdict::Busy);
    assert_eq!(checks.check(&users, Some(&basic("ann", "right"))).await, Verdict::Good, "known without a check");
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new(text: &str) -> Files {
        let files = Files { folder: tempfile::tempdir().unwrap() };
        files.write(text);
        files
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("web.yml")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }
}

#[test]
fn users_are_read_again_and_what_is_broken_changes_nothing() {
    let one = format!("basic_auth_users:\n  ann: {}\n", hash_of("one"));
    let files = Files::new(&one);
    let secured = Secured::load(&files.path()).unwrap();
    let names = || secured.current().users.keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!((names().as_str(), secured.trouble()), ("ann", None));
    files.write(&format!("{one}  bob: {}\n", hash_of("two")));
    assert_eq!((names().as_str(), secured.trouble()), ("ann bob", None));
    files.write(&format!("{one}  bob: plain\n"));
    assert_eq!(names(), "ann bob");
    let trouble = secured.trouble().unwrap();
    assert!(
        trouble.contains("web.yml:3:8: user \"bob\": this is no bcrypt hash") && !trouble.contains("plain"),
        "{trouble}"
    );
    files.write(&one);
    assert_eq!((names().as_str(), secured.trouble()), ("ann", None));
    std::fs::remove_file(files.path()).unwrap();
    assert_eq!(names(), "ann");
    assert!(secured.trouble().unwrap().contains("there is no such file"));
}

#[test]
fn a_change_never_takes_authentication_or_tls_away() {
    let files = Files::new(&format!("basic_auth_users:\n  ann: {}\n", hash_of("one")));
    let secured = Secured::load(&files.path()).unwrap();
    // A file that is just being written is empty for a moment.
    for text in ["", "basic_auth_users:\n", "http_server_config:\n  http2: false\n"] {
        files.write(text);
        assert!(secured.current().authenticates(), "{text}");
        assert!(secured.trouble().unwrap().contains("only by a restart"), "{text}");
    }
    let open = Files::new("");
    let secured = Secured::load(&open.path()).unwrap();
    assert!(!secured.current().authenticates());
    open.write(&format!("basic_auth_users:\n  ann: {}\n", hash_of("one")));
    assert!(secured.current().authenticates(), "it may be added");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\\n]{0,200}") {
        let _ = parse_web_file(&text).map_err(|faults| Faults::of(Path::new("web.yml"), &text, faults).to_string());
    }

    #[test]
    fn every_prefix_and_damage_is_read_or_refused(cut in 0_usize..420, at in 0_usize..420, with in "[ -~\\n]") {
        let whole = "tls_server_config:\n  cert_file: a.crt\n  key_file: a.key\n  client_auth_type: VerifyClientCertIfGiven\n  \
            client_ca_file: b\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\nbasic_auth_users:\n  \
            ann: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\nhttp_server_config:\n  headers:\n    \
            X-Frame-Options: deny\n";
        let _ = parse_web_file(whole.get(..cut).unwrap_or(whole));
        let mut damaged = whole.to_owned();
        damaged.replace_range(at.min(whole.len() - 1)..(at + 1).min(whole.len()).max(1), &with);
        let faults = parse_web_file(&damaged).err().unwrap_or_default();
        let said = Faults::of(Path::new("web.yml"), &damaged, faults).to_string();
        prop_assert!(!said.contains("QOauhQNbBCuQDKes6e"), "a hash is never quoted: {said}");
    }
}
