//! A scripted agent behind a real socket, and the built program beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use hostkeeper::api::{Door, ServeOptions};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::scripted::ScriptedAgent;

/// A served agent; ends with this value.
pub struct Served {
    pub dir: tempfile::TempDir,
    pub agent: Arc<ScriptedAgent>,
    stop: watch::Sender<bool>,
    runtime: Option<Runtime>,
}

impl Served {
    pub fn new(agent: ScriptedAgent) -> Served {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let agent = Arc::new(agent);
        let options = ServeOptions { socket: dir.path().join("hk.sock"), group: None };
        let serving = Arc::clone(&agent);
        let door = runtime.block_on(async { Door::open(&options).unwrap() });
        runtime.spawn(async move { door.serve(serving, stopped).await });
        Served { dir, agent, stop, runtime: Some(runtime) }
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("hk.sock")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The built program with this socket and no state or configuration of this machine.
pub fn program(socket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostkeeper"));
    let nowhere = socket.with_file_name("nowhere");
    command.env("HOSTKEEPER_SOCKET", socket).env("HOSTKEEPER_STATE", &nowhere);
    command.env("HOSTKEEPER_CONFIG", nowhere.join("hostkeeper.toml"));
    command.env_remove("NO_COLOR").env_remove("COLUMNS").env("TZ", "UTC");
    command
}

/// Runs it with these words.
pub fn run_at(socket: &Path, words: &[&str]) -> Output {
    program(socket).args(words).output().unwrap()
}

/// Whether `name` can be started; a missing one is an error in CI and a named skip elsewhere.
pub fn has(name: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {name} >/dev/null")]).status();
    let found = found.is_ok_and(|status| status.success());
    assert!(found || std::env::var("CI").as_deref() != Ok("true"), "{name} is missing");
    if !found {
        eprintln!("skipped: {name} is missing");
    }
    found
}
