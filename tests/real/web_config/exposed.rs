//! Part of the web configuration tests: beyond loopback only with TLS and authentication, however it comes to listen there.

use std::os::fd::AsRawFd;
use std::process::{Command, Output};

use crate::certificates::make_all;
use crate::have;
use crate::page::{Page, hash_of};

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What is not enough for 0.0.0.0, and what is missing of it.
fn not_enough() -> Vec<(String, &'static str)> {
    vec![
        (String::new(), "has no tls_server_config"),
        (format!("basic_auth_users:\n  ann: {}\n", hash_of("x")), "has no tls_server_config"),
        (TLS.to_owned(), "lets everybody in"),
        (format!("{TLS}  client_auth_type: RequestClientCert\n"), "lets everybody in"),
        (format!("{TLS}  client_auth_type: RequireAnyClientCert\n"), "lets everybody in"),
        (format!("{TLS}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n"), "lets everybody in"),
    ]
}

/// The page with a listener on `address` that came as systemd hands it over.
fn activated(page: &Page, address: &str, arguments: &[&str]) -> Command {
    let listener = std::net::TcpListener::bind(address).unwrap();
    nix::fcntl::fcntl(&listener, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let script = format!("exec 3<&{}; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"", listener.as_raw_fd());
    let real = page.command(arguments);
    let mut command = Command::new("bash");
    command.args(["-c", &script, "bash"]).arg(real.get_program()).args(real.get_args());
    command.env("NO_COLOR", "1").env_remove("JOURNAL_STREAM");
    // It must live until the child has it.
    std::mem::forget(listener);
    command
}

#[test]
fn what_is_not_enough_is_refused_with_its_reason() {
    if !have(&["openssl"]) {
        return;
    }
    let page = Page::prepare();
    make_all(page.folder());
    let told = page.refused(&["--listen", "0.0.0.0:0"]);
    assert_eq!(told.status.code(), Some(78), "{}", said(&told));
    assert!(said(&told).contains("no web configuration is named"), "{}", said(&told));
    let web = page.path("web.yml").display().to_string();
    for (text, reason) in not_enough() {
        page.configure(&text);
        for told in [
            page.refused(&["--listen", "0.0.0.0:0", "--web-config", &web]),
            activated(&page, "0.0.0.0:0", &["--web-config", &web]).output().unwrap(),
        ] {
            assert_eq!(told.status.code(), Some(78), "{text}: {}", said(&told));
            assert!(said(&told).replace("\n", " ").contains(reason), "{text}: {}", said(&told));
        }
    }
    let told = activated(&page, "0.0.0.0:0", &[]).output().unwrap();
    assert_eq!(told.status.code(), Some(78), "{}", said(&told));
}

#[test]
fn what_is_enough_is_served_at_the_address_that_was_reached() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let mut page = Page::prepare();
    make_all(page.folder());
    page.configure(&format!("{TLS}basic_auth_users:\n  ann: {}\n", hash_of("right")));
    let web = page.path("web.yml").display().to_string();
    let command = activated(&page, "0.0.0.0:0", &["--web-config", &web, "--host", "db1.example"]);
    page.spawn(command);
    page.url = page.url.replace("0.0.0.0", "127.0.0.1");
    let ask = |more: &[&str]| page.status("metrics", &[&["--cacert", "ca.crt", "-u", "ann:right"], more].concat());
    assert_eq!(ask(&[]), "200");
    assert_eq!(ask(&["-H", "Host: db1.example"]), "200");
    assert_eq!(ask(&["-H", "Host: evil.example"]), "421");
    let told = page.curl("metrics", &["--cacert", "ca.crt", "-H", "Host: evil.example"]);
    assert_eq!(told.1, "401", "who is not known is not told our names");
    // A change that would open it is not made.
    page.configure(TLS);
    assert_eq!(page.status("metrics", &["--cacert", "ca.crt"]), "401");
}

#[test]
fn wrong_files_end_it_with_their_place() {
    if !have(&["openssl"]) {
        return;
    }
    let page = Page::prepare();
    make_all(page.folder());
    let web = page.path("web.yml").display().to_string();
    std::fs::write(page.path("empty"), "").unwrap();
    std::fs::create_dir(page.path("folder")).unwrap();
    for (cert, key, expected) in [
        ("none.crt", "server.key", "web.yml:2:14: "),
        ("server.crt", "none.key", "web.yml:3:13: "),
        ("empty", "server.key", "web.yml:2:14: there is no certificate in it"),
        ("server.crt", "empty", "web.yml:3:13: there is no private key in it"),
        ("server.crt", "client.key", "web.yml:3:13: the key is not that of the certificate"),
        ("folder", "server.key", "web.yml:2:14: "),
        ("server.key", "server.key", "web.yml:2:14: there is no certificate in it"),
    ] {
        page.configure(&format!("tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n"));
        let told = page.refused(&["--listen", "127.0.0.1:0", "--web-config", &web]);
        assert_eq!(told.status.code(), Some(78), "{cert} {key}: {}", said(&told));
        assert!(said(&told).contains(expected), "{cert} {key}: {}", said(&told));
    }
    let told = page.refused(&["--listen", "127.0.0.1:0", "--web-config", "/nowhere/web.yml"]);
    assert_eq!(told.status.code(), Some(78));
    assert!(said(&told).contains("/nowhere/web.yml: there is no such file"), "{}", said(&told));
}

#[test]
fn a_configuration_that_cannot_be_read_opens_nothing() {
    let page = Page::prepare();
    // It may have named users: without it nobody knows.
    std::fs::write(page.path("hostkeeper.toml"), "[web]\nconfig_file = \"/etc/hostkeeper/web.yml\"\nnonsense = 1\n")
        .unwrap();
    let told = page.refused(&["--listen", "127.0.0.1:0"]);
    assert_eq!(told.status.code(), Some(78), "{}", said(&told));
    std::fs::write(page.path("hostkeeper.toml"), "[web]\nconfig_file = \"/nowhere/web.yml\"\n").unwrap();
    let told = page.refused(&["--listen", "127.0.0.1:0"]);
    assert_eq!(told.status.code(), Some(78), "{}", said(&told));
    assert!(said(&told).contains("/nowhere/web.yml"), "{}", said(&told));
}
