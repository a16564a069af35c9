//! Part of the web configuration tests: Prometheus itself scrapes the page with a password and a certificate.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::certificates::make_all;
use crate::have;
use crate::page::{Page, hash_of};

struct Prometheus {
    child: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    fn start(page: &Page) -> Prometheus {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus")
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=tsdb")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(page.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Prometheus { child, port }
    }

    /// What a query gives, once it gives anything.
    fn ask(&self, query: &str) -> String {
        for _ in 0..240 {
            let told = Command::new("curl")
                .args(["--silent", "--max-time", "10", "--get", "--data-urlencode", &format!("query={query}")])
                .arg(format!("http://127.0.0.1:{}/api/v1/query", self.port))
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&told.stdout).into_owned();
            if text.contains("\"value\"") {
                return text;
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        panic!("{query} gives nothing");
    }
}

#[test]
fn prometheus_scrapes_with_password_and_certificate() {
    if !have(&["curl", "openssl", "prometheus", "promtool"]) {
        return;
    }
    let mut page = Page::prepare();
    make_all(page.folder());
    page.configure(&format!(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_ca_file: ca.crt\n  \
         client_auth_type: RequireAndVerifyClientCert\nbasic_auth_users:\n  prometheus: {}\n",
        hash_of("right")
    ));
    page.start();
    let job = |name: &str, password: &str, cert: &str| {
        format!(
            "- job_name: {name}\n  scheme: https\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  \
             basic_auth: {{ username: prometheus, password: {password} }}\n  \
             tls_config: {{ ca_file: ca.crt, cert_file: {cert}.crt, key_file: {cert}.key }}\n  \
             static_configs: [{{ targets: ['127.0.0.1:{}'] }}]\n",
            page.port()
        )
    };
    let jobs =
        [job("good", "right", "client"), job("password", "wrong", "client"), job("stranger", "right", "stranger")];
    std::fs::write(page.path("prometheus.yml"), format!("scrape_configs:\n{}", jobs.concat())).unwrap();
    let checked =
        Command::new("promtool").args(["check", "config", "prometheus.yml"]).current_dir(page.folder()).output();
    assert!(checked.unwrap().status.success());
    let prometheus = Prometheus::start(&page);
    let up = |job: &str| prometheus.ask(&format!("max_over_time(up{{job=\"{job}\"}}[1m])"));
    assert!(prometheus.ask("hostkeeper_up{job=\"good\"} == 1").contains("\"1\"]"));
    assert!(up("good").contains("\"1\"]"), "{}", up("good"));
    assert!(up("password").contains("\"0\"]"), "{}", up("password"));
    assert!(up("stranger").contains("\"0\"]"), "{}", up("stranger"));
}
