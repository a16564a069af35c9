//! Part of the web configuration tests: certificates, versions, clients' certificates, as curl and openssl meet them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::certificates::{make_all, make_certificate};
use crate::have;
use crate::page::Page;

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";
const CA: [&str; 2] = ["--cacert", "ca.crt"];

fn page_with(more: &str) -> Page {
    let mut page = Page::prepare();
    make_all(page.folder());
    page.configure(&format!("{TLS}{more}"));
    page.start();
    page
}

/// What `openssl s_client` says of a handshake.
fn handshake(page: &Page, arguments: &[&str]) -> String {
    let told = Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{}", page.port()), "-CAfile", "ca.crt", "-brief"])
        .args(arguments)
        .current_dir(page.folder())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    format!("{}{}", String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr))
}

#[test]
fn curl_and_openssl_are_answered_under_tls() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let page = page_with("");
    assert!(page.url.starts_with("https://"), "{}", page.url);
    assert_eq!(page.status("metrics", &CA), "200");
    assert!(page.curl("metrics", &CA).2.contains("hostkeeper_up 1"));
    assert_eq!(page.status("metrics", &[]), "000", "an authority that is not known");
    for version in ["-tls1_2", "-tls1_3"] {
        let said = handshake(&page, &[version]);
        assert!(said.contains("Verification: OK") && said.contains("CONNECTION ESTABLISHED"), "{version}: {said}");
    }
    // Old versions even when the client would take the weakest of everything.
    let said = handshake(&page, &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]);
    assert!(!said.contains("CONNECTION ESTABLISHED"), "{said}");
    let mut plain = TcpStream::connect(("127.0.0.1", page.port().parse().unwrap())).unwrap();
    plain.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut said = String::new();
    plain.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 400") && said.contains("https://") && !said.contains("hostkeeper_up"), "{said}");
    assert_eq!(page.status("metrics", &[CA[0], CA[1], "-H", "Host: evil.example"]), "421");
}

#[test]
fn versions_and_suites_are_as_configured() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let newest = page_with("  min_version: TLS13\n");
    assert!(!handshake(&newest, &["-tls1_2"]).contains("CONNECTION ESTABLISHED"));
    assert!(handshake(&newest, &["-tls1_3"]).contains("CONNECTION ESTABLISHED"));
    let one = page_with("  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n");
    assert!(!handshake(&one, &["-tls1_3"]).contains("CONNECTION ESTABLISHED"));
    assert!(!handshake(&one, &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]).contains("ESTABLISHED"));
    assert!(handshake(&one, &["-tls1_2"]).contains("ECDHE-ECDSA-AES256-GCM-SHA384"));
}

#[test]
fn a_renewed_certificate_is_shown_at_once_and_half_of_one_is_not() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let mut page = page_with("");
    let key = std::fs::read(page.path("server.key")).unwrap();
    let shown =
        |page: &Page| handshake(page, &[]).lines().find(|line| line.starts_with("Peer certificate")).map(str::to_owned);
    assert_eq!(shown(&page).as_deref(), Some("Peer certificate: CN = server"));
    make_certificate(page.folder(), "renewed", "ca", "DNS:localhost,IP:127.0.0.1");
    // The certificate is replaced first: until the key follows, the earlier pair is in force.
    std::fs::rename(page.path("renewed.crt"), page.path("server.crt")).unwrap();
    assert_eq!(shown(&page).as_deref(), Some("Peer certificate: CN = server"));
    page.wait_for_log("the key is not that of the certificate");
    std::fs::copy(page.path("renewed.key"), page.path("server.key")).unwrap();
    assert_eq!(shown(&page).as_deref(), Some("Peer certificate: CN = renewed"));
    std::fs::write(page.path("server.key"), "-----BEGIN PRIVATE KEY-----\nnonsense\n").unwrap();
    assert_eq!(page.status("metrics", &CA), "200");
    page.wait_for_log("there is no private key in it");
    std::fs::write(page.path("server.key"), key).unwrap();
    assert_eq!(page.status("metrics", &CA), "200", "the key of another certificate changes nothing either");
    assert!(!page.log().contains("PRIVATE"), "{}", page.log());
}

#[test]
fn only_clients_of_the_authority_are_let_in() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let auth = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n";
    let page = page_with(auth);
    let with = |name: &str| {
        let (cert, key) = (format!("{name}.crt"), format!("{name}.key"));
        page.status("metrics", &[CA[0], CA[1], "--cert", &cert, "--key", &key])
    };
    assert_eq!((with("client").as_str(), with("stranger").as_str()), ("200", "000"));
    assert_eq!(page.status("metrics", &CA), "000", "none is not enough");
    // Another authority, and other names, from the next connection on.
    page.configure(&format!("{TLS}{}", auth.replace("ca.crt", "stranger-ca.crt")));
    assert_eq!((with("client").as_str(), with("stranger").as_str()), ("000", "200"));
    page.configure(&format!("{TLS}{auth}  client_allowed_sans: [other.example, prometheus.example]\n"));
    assert_eq!(with("client"), "200");
    page.configure(&format!("{TLS}{auth}  client_allowed_sans: [other.example]\n"));
    assert_eq!(with("client"), "000");
    page.configure(&format!("{TLS}{auth}"));
    assert_eq!(with("client"), "200");
    // To let everybody in takes a restart.
    page.configure(TLS);
    assert_eq!(page.status("metrics", &CA), "000");
}

#[test]
fn policies_that_do_not_verify_let_others_in() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let stranger = [CA[0], CA[1], "--cert", "stranger.crt", "--key", "stranger.key"];
    for (policy, none, strange) in [
        ("RequestClientCert", "200", "200"),
        ("RequireAnyClientCert", "000", "200"),
        ("VerifyClientCertIfGiven\n  client_ca_file: ca.crt", "200", "000"),
    ] {
        let page = page_with(&format!("  client_auth_type: {policy}\n"));
        assert_eq!((page.status("", &CA).as_str(), page.status("", &stranger).as_str()), (none, strange), "{policy}");
    }
}

#[test]
fn silence_and_noise_keep_nobody_out() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let page = page_with("");
    let address = ("127.0.0.1", page.port().parse().unwrap());
    // More than there are places; some begin a handshake, none ends it.
    let mut silent: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(address).unwrap()).collect();
    for (n, stream) in silent.iter_mut().enumerate() {
        let _ = stream.write_all(match n % 3 {
            0 => b"",
            1 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            _ => b"\x16\x03\x01\xff\xff\xff\xff\xff",
        });
    }
    // Their time for a handshake ends; then there is room again.
    let mut status = String::new();
    for _ in 0..60 {
        status = page.status("metrics", &CA);
        if status == "200" {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(status, "200");
}

#[test]
fn it_stays_small_under_tls() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let page = page_with("");
    for _ in 0..100 {
        assert_eq!(page.status("metrics", &CA), "200");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", page.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
    println!("resident under TLS after 100 scrapes: {resident} kB");
    assert!(resident <= 12 * 1024, "{resident} kB resident");
}
