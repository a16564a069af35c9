//! Part of the daemon tests: what a newcomer sees with `make run`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::agent::PROGRAM;
use crate::exposition;

/// The demonstration, running; ended with its processes when dropped.
struct Demo {
    child: Child,
    run: tempfile::TempDir,
    port: u16,
    said: String,
}

impl Demo {
    fn start() -> Demo {
        let run = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/etc/demo/run"))
            .arg(run.path())
            .env("HOSTKEEPER_PROGRAM", PROGRAM)
            .env("HOSTKEEPER_DEMO_LISTEN", format!("127.0.0.1:{port}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !said.contains("Ctrl-C stops") {
            assert!(lines.read_line(&mut said).unwrap() > 0, "the demonstration ended:\n{said}");
        }
        // Keeps the pipe open: the script would die of writing to nobody.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Demo { child, run, port, said }
    }

    fn cli(&self, arguments: &[&str]) -> serde_json::Value {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).arg("--json");
        for (name, file) in
            [("CONFIG", "etc/hostkeeper.toml"), ("STATE", "state"), ("SOCKET", "socket/hostkeeper.sock")]
        {
            command.env(format!("HOSTKEEPER_{name}"), self.run.path().join(file));
        }
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error} {output:?}"))
    }

    fn get(&self, path: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        (String::from_utf8_lossy(&answer[..end]).to_lowercase(), answer[end + 4..].to_vec())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

#[test]
fn make_run_shows_address_findings_and_commands_to_try() {
    let demo = Demo::start();
    assert!(demo.said.contains(&format!("http://127.0.0.1:{}/", demo.port)), "{}", demo.said);
    for word in ["library", "shop", "hostkeeper plan", "hostkeeper history", "hostkeeper explain"] {
        assert!(demo.said.contains(word), "no {word} in:\n{}", demo.said);
    }
    let (head, body) = demo.get("/metrics");
    assert!(head.starts_with("http/1.1 200"), "{head}\n{}", String::from_utf8_lossy(&body));
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    exposition::parse(&body).unwrap();
    assert!(demo.get("/").0.starts_with("http/1.1 200"));
    assert!(demo.get("/healthz").0.starts_with("http/1.1 200"));
    assert!(demo.get("/readyz").0.starts_with("http/1.1 200"));
}

#[test]
fn status_plan_explain_and_history_tell_one_story() {
    let demo = Demo::start();
    let lost = demo.run.path().join("bulk/shop/uploads");
    let begun = Instant::now();
    while !lost.is_dir() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} is not made", lost.display());
        std::thread::sleep(Duration::from_millis(20));
    }
    let made = |demo: &Demo| {
        let history = demo.cli(&["history", "--project", "shop"]);
        let entries = history["entries"].as_array().unwrap().clone();
        entries.into_iter().filter(|e| e["subject"] == "shop/uploads" && e["outcome"] == "made").collect::<Vec<_>>()
    };
    let before = made(&demo).len();
    std::fs::remove_dir(&lost).unwrap();
    let begun = Instant::now();
    while !lost.is_dir() || made(&demo).len() == before {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} is not back", lost.display());
        std::thread::sleep(Duration::from_millis(50));
    }
    let newest = made(&demo).remove(0);
    assert!(newest["because"].as_str().is_some_and(|why| !why.is_empty()), "{newest}");
    let explained = demo.cli(&["explain", "shop/uploads"]).to_string();
    assert!(explained.contains(newest["text"].as_str().unwrap()), "{explained}");
    // A project in mode observe: planned, and the plan says why it is not done; status counts the same.
    let plan = demo.cli(&["plan"]);
    let step = plan["steps"].as_array().unwrap().iter().find(|s| s["project"] == "museum").expect("museum is planned");
    assert_eq!(step["gate"]["rule"], "mode");
    let status = demo.cli(&["status"]);
    assert_eq!(status["counts"]["steps"], plan["counts"]["steps"]);
    let ids: Vec<&str> = status["concerns"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert!(ids.iter().any(|id| id.starts_with("tier-")), "{ids:?}");
}
