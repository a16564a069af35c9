//! `top` on a real terminal of 80x24, in tmux: what is drawn, what keys do, and that the terminal is given back.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::scripted::ScriptedAgent;
use crate::served::{Served, has};

/// A terminal of its own; ends with this value.
struct Tmux<'a> {
    server: &'a Path,
}

impl<'a> Tmux<'a> {
    /// A shell of 80x24 that has run `line` and says how it ended.
    fn start(served: &'a Served, server: &'a Path, line: &str) -> Tmux<'a> {
        let tmux = Tmux { server };
        let socket = served.socket();
        let shell = format!(
            "env PS1='$ ' HOSTKEEPER_SOCKET={} TZ=UTC TERM=screen bash --norc -i -c '{line}; echo ended $?; stty -a | grep -o \"[-]*icanon\"; sleep 60'",
            socket.display()
        );
        tmux.call(&["-f", "/dev/null", "new-session", "-d", "-s", "hk", "-x", "80", "-y", "24", &shell]);
        tmux
    }

    fn call(&self, args: &[&str]) -> String {
        let ran = Command::new("tmux").arg("-S").arg(self.server).args(args).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    fn press(&self, key: &str) {
        self.call(&["send-keys", "-t", "hk", key]);
    }

    /// The screen, once it fits; what it is when it never does.
    fn until(&self, fits: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        for _ in 0..100 {
            screen = self.call(&["capture-pane", "-p", "-t", "hk"]);
            if fits(&screen) {
                return screen;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the screen never came to fit:\n{screen}");
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let _ = Command::new("tmux").arg("-S").arg(self.server).arg("kill-server").output();
    }
}

fn top() -> String {
    format!("{} top", env!("CARGO_BIN_EXE_hostkeeper"))
}

#[test]
fn keys_open_sort_help_and_end() {
    if !has("tmux") {
        return;
    }
    let served = Served::new(ScriptedAgent::new());
    let server = served.dir.path().join("tmux");
    let tmux = Tmux::start(&served, &server, &top());
    let first = tmux.until(|screen| screen.contains("▸ athena") && screen.contains("q end"));
    assert!(first.lines().count() <= 24, "{first}");
    assert!(first.contains("sort: cpu"), "{first}");
    tmux.press("Enter");
    tmux.until(|screen| screen.contains("▾ athena") && screen.contains("    api"));
    tmux.press("s");
    tmux.until(|screen| screen.contains("sort: memory"));
    tmux.press("?");
    tmux.until(|screen| screen.contains(" keys "));
    tmux.press("x");
    tmux.until(|screen| !screen.contains(" keys "));
    tmux.press("Down");
    tmux.call(&["resize-window", "-t", "hk", "-x", "50", "-y", "12"]);
    let small = tmux.until(|screen| screen.lines().count() <= 12 && screen.contains("athena"));
    assert!(small.lines().all(|line| line.chars().count() <= 50), "{small}");
    tmux.press("q");
    let end = tmux.until(|screen| screen.contains("icanon"));
    assert!(end.contains("ended 0") && !end.contains("-icanon") && !end.contains("athena"), "{end}");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    if !has("tmux") {
        return;
    }
    let served = Served::new(ScriptedAgent::new());
    let server = served.dir.path().join("tmux");
    let pid = served.dir.path().join("pid");
    let line = format!("sh -c \"echo \\$\\$ > {}; exec {}\"", pid.display(), top());
    let tmux = Tmux::start(&served, &server, &line);
    tmux.until(|screen| screen.contains("▸ athena"));
    let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM).unwrap();
    let end = tmux.until(|screen| screen.contains("icanon"));
    assert!(end.contains("ended 0") && !end.contains("-icanon") && !end.contains("athena"), "{end}");
}
