//! The built program: real socket, real pipes, real terminal.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::scripted::ScriptedAgent;
use crate::served::{Served, has, program, run_at};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_read_verb_is_answered_by_the_agent() {
    let served = Served::new(ScriptedAgent::new());
    for words in [
        &["status"][..],
        &["status", "athena"],
        &["plan"],
        &["history"],
        &["events"],
        &["top", "--once"],
        &["metrics"],
        &["metrics", "--names"],
        &["metrics", "--cost"],
        &["explain", "athena"],
    ] {
        let ran = run_at(&served.socket(), words);
        assert_eq!(ran.status.code(), Some(0), "{words:?} {ran:?}");
        assert_eq!(text(&ran.stderr), "", "{words:?}");
        assert!(!ran.stdout.is_empty(), "{words:?}");
        let json: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        let ran = run_at(&served.socket(), &json);
        for line in text(&ran.stdout).lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value["schema"].as_str().is_some_and(|schema| schema.starts_with("hostkeeper.")), "{json:?}");
        }
    }
    let doctor = run_at(&served.socket(), &["doctor"]);
    assert!(matches!(doctor.status.code(), Some(0..=2)), "{doctor:?}");
}

#[test]
fn orders_reach_the_agent() {
    let served = Served::new(ScriptedAgent::new());
    let ran = run_at(&served.socket(), &["reload"]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let ran = run_at(&served.socket(), &["apply", "--yes"]);
    assert!(ran.status.code().is_some_and(|code| code < 3), "{ran:?}");
    assert!(served.agent.orders.lock().unwrap().len() >= 2);
}

#[test]
fn a_reader_that_went_away_and_a_full_disk() {
    let served = Served::new(ScriptedAgent::new());
    let socket = served.socket();
    let line = format!("{} metrics | head -c1 >/dev/null; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_hostkeeper"));
    let ran = Command::new("bash").args(["-c", &line]).env("HOSTKEEPER_SOCKET", &socket).output().unwrap();
    assert_eq!((text(&ran.stdout).trim(), text(&ran.stderr).as_str()), ("0", ""));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran = program(&socket).arg("status").stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).contains("No space left on device"), "{ran:?}");
}

#[test]
fn colours_on_a_terminal_unless_refused() {
    if !has("script") {
        return;
    }
    let served = Served::new(ScriptedAgent::new());
    let look = |line: &str, no_color: Option<&str>| {
        let mut script = Command::new("script");
        script.args(["-qec", &format!("{} {line}", env!("CARGO_BIN_EXE_hostkeeper")), "/dev/null"]);
        script.env("HOSTKEEPER_SOCKET", served.socket()).env("TERM", "xterm").env_remove("NO_COLOR");
        no_color.map(|value| script.env("NO_COLOR", value));
        text(&script.stdin(Stdio::null()).output().unwrap().stdout)
    };
    assert!(look("status", None).contains("\x1b["), "{}", look("status", None));
    assert!(look("status", Some("")).contains("\x1b["), "an empty NO_COLOR means nothing");
    assert!(!look("status", Some("1")).contains('\x1b'));
    assert!(!look("status --no-color", None).contains('\x1b'));
}

#[test]
fn a_socket_that_may_not_be_opened_is_3_with_a_cure() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("hk.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&socket, PermissionsExt::from_mode(0o600)).unwrap();
    // The other user may not reach the built program where it is.
    let copy = dir.path().join("hostkeeper");
    std::fs::copy(env!("CARGO_BIN_EXE_hostkeeper"), &copy).unwrap();
    let ran =
        Command::new(copy).arg("status").env("HOSTKEEPER_SOCKET", &socket).uid(65534).gid(65534).output().unwrap();
    assert_eq!(ran.status.code(), Some(3), "{ran:?}");
    assert!(text(&ran.stderr).contains("run as root or join group hostkeeper"), "{ran:?}");
}

#[test]
fn a_daemon_that_hangs_is_3() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("hk.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let ran = run_at(&socket, &["status", "--json"]);
    assert_eq!(ran.status.code(), Some(3), "{ran:?}");
    let error: serde_json::Value = serde_json::from_slice(&ran.stderr).unwrap();
    assert_eq!(error["code"], "timeout");
}

#[test]
fn something_else_behind_the_socket_is_3() {
    for reply in ["", "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"schema\"", "<html>hello</html>", "\0\0\0\0"] {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("hk.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(reply.as_bytes()).unwrap();
        });
        let ran = run_at(&socket, &["status"]);
        serving.join().unwrap();
        assert_eq!(ran.status.code(), Some(3), "{reply:?} {ran:?}");
        assert!(text(&ran.stderr).starts_with("hostkeeper: "), "{ran:?}");
    }
}

#[test]
fn events_are_followed_line_by_line() {
    let served = Served::new(ScriptedAgent::new());
    let mut child = program(&served.socket()).args(["events", "-f", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let count = served.agent.entries.lock().unwrap().len().min(20);
    let past: Vec<String> = lines.by_ref().take(count).map(Result::unwrap).collect();
    assert!(past.iter().all(|line| line.contains("hostkeeper.event/1")), "{past:?}");
    let id = served.agent.happen("read again for the test");
    let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((line["id"].as_i64(), line["text"].as_str()), (Some(id), Some("read again for the test")));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn promtool_and_the_strict_check_agree_on_the_page() {
    let served = Served::new(ScriptedAgent::new());
    let checked = run_at(&served.socket(), &["metrics", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
    if !has("promtool") {
        return;
    }
    let page = run_at(&served.socket(), &["metrics", "--once"]).stdout;
    let mut judge = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn().unwrap();
    judge.stdin.take().unwrap().write_all(&page).unwrap();
    assert!(judge.wait().unwrap().success());
}
