//! The real program under test: a daemon on a configuration of its own in a scratch directory, and the command line
//! pointed at it. Ends what it started when it is dropped.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hostkeeper");

/// A scratch place with configuration, state and socket; with or without a running daemon.
pub struct Agent {
    pub dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Agent {
    /// A place with this main configuration; `@DIR@` in it is the scratch directory. Nothing is started.
    pub fn with_config(toml: &str) -> Agent {
        let agent = Agent { dir: tempfile::tempdir().unwrap(), child: None };
        fs::create_dir_all(agent.path("etc/conf.d")).unwrap();
        fs::create_dir_all(agent.path("state")).unwrap();
        agent.write_config(toml);
        agent
    }

    /// As `with_config`, and the daemon runs and has made its first round.
    pub fn started(toml: &str) -> Agent {
        let mut agent = Agent::with_config(toml);
        agent.start();
        agent
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    pub fn write_config(&self, toml: &str) {
        let toml = toml.replace("@DIR@", &self.dir.path().display().to_string());
        fs::write(self.path("etc/hostkeeper.toml"), toml).unwrap();
    }

    pub fn socket(&self) -> PathBuf {
        self.path("agent.sock")
    }

    /// The program with its places, ready for arguments.
    pub fn command(&self) -> Command {
        self.command_under(&[])
    }

    /// As `command`, run by another program such as strace.
    pub fn command_under(&self, wrapper: &[&str]) -> Command {
        let mut command = match wrapper.split_first() {
            None => Command::new(PROGRAM),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(PROGRAM);
                command
            }
        };
        command
            .env("HOSTKEEPER_CONFIG", self.path("etc/hostkeeper.toml"))
            .env("HOSTKEEPER_STATE", self.path("state"))
            .env("HOSTKEEPER_SOCKET", self.socket())
            .env("NO_COLOR", "1")
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM");
        command
    }

    pub fn start(&mut self) {
        let mut command = self.command();
        command.arg("daemon");
        self.spawn(command);
        self.wait_ready();
    }

    /// Starts a prepared command as the daemon. Its words go to `agent.log`.
    pub fn spawn(&mut self, mut command: Command) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("agent.log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
        self.child = Some(child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")));
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("no daemon was started").id()
    }

    /// Waits until the daemon has made a round.
    pub fn wait_ready(&mut self) {
        self.wait_for("the first round", |agent| agent.get("/readyz").is_some_and(|(status, _)| status == 200));
    }

    /// Waits for something, at most a minute: a bound against hanging, never an assertion on speed.
    pub fn wait_for(&mut self, what: &str, mut is_so: impl FnMut(&mut Agent) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(begun.elapsed() < Duration::from_secs(60), "no {what} within a minute\n{}", self.log());
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().unwrap()) {
                panic!("the daemon ended with {status} while waiting for {what}\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the daemon said on stderr.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("agent.log")).unwrap_or_default()
    }

    /// Runs one verb.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs one verb that must succeed; its output.
    pub fn say(&self, arguments: &[&str]) -> String {
        let output = self.cli(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{errors}\n{}", output.status, self.log());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs one verb with `--json`; its object whatever the exit code.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.cli(&[arguments, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{arguments:?}: {error}: {text}\n{}", String::from_utf8_lossy(&output.stderr))
        })
    }

    /// GET on the agent's socket: status and body. `None`: nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// The page of metrics from the socket.
    pub fn metrics(&self) -> String {
        let (status, body) = self.get("/metrics").expect("the agent does not answer");
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Sends a signal to the daemon.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid() as i32), signal).unwrap();
    }

    /// Waits for the end of the daemon; its exit status.
    pub fn wait_end(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("no daemon was started");
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if begun.elapsed() > Duration::from_secs(60) {
                let _ = child.kill();
                panic!("the daemon did not end within a minute\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGTERM, and the end of it.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        self.wait_end()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether `program` is there. In CI a missing one is an error; elsewhere the test says that it is skipped.
pub fn have(program: &str, test: &str) -> bool {
    let found = std::env::var("PATH").unwrap_or_default().split(':').any(|dir| Path::new(dir).join(program).exists())
        || Path::new("/usr/sbin").join(program).exists();
    assert!(found || std::env::var("CI").as_deref() != Ok("true"), "{program} is missing, and this is CI");
    if !found {
        println!("skipped: {test} ({program} is missing)");
    }
    found
}
