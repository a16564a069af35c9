//! Part of the web configuration tests: the page's process before a scripted agent, and how it is asked.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hostkeeper::api::{Agent, Door, ServeOptions};
use tokio::sync::watch;

use crate::certificates::open_to_all;
use crate::scripted::ScriptedAgent;

/// A scripted agent, a folder for certificates, and the page's process.
pub struct Page {
    folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
    _shutdown: watch::Sender<bool>,
    child: Option<Child>,
    /// What the page wrote to its log.
    log: Arc<Mutex<String>>,
    /// `https://127.0.0.1:41234/`
    pub url: String,
}

impl Page {
    /// The agent alone.
    pub fn prepare() -> Page {
        let folder = tempfile::tempdir().unwrap();
        // The page's process is nobody.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(folder.path().join("hostkeeper.toml"), "").unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (shutdown, seen) = watch::channel(false);
        let options = ServeOptions { socket: folder.path().join("api.sock"), group: Some("games".into()) };
        let door = runtime.block_on(async { Door::open(&options) }).unwrap();
        runtime.spawn(door.serve(Arc::new(ScriptedAgent::new()) as Arc<dyn Agent>, seen));
        let log = Arc::default();
        Page { folder, _runtime: runtime, _shutdown: shutdown, child: None, log, url: String::new() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `web.yml`.
    pub fn configure(&self, text: &str) {
        std::fs::write(self.path("web.yml"), text).unwrap();
        open_to_all(&self.path("web.yml"));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hostkeeper"));
        command.arg("--config").arg(self.path("hostkeeper.toml")).arg("--socket").arg(self.path("api.sock"));
        command.arg("web").args(arguments).env_remove("JOURNAL_STREAM").env("NO_COLOR", "1");
        command
    }

    /// Starts the page on a free loopback port with `web.yml`.
    pub fn start(&mut self) {
        let web = self.path("web.yml");
        let command = self.command(&["--listen", "127.0.0.1:0", "--web-config", web.to_str().unwrap()]);
        self.spawn(command);
    }

    pub fn spawn(&mut self, mut command: Command) {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
        let (lines, log) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&self.log));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                log.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        self.child = Some(child);
        self.wait_for_log("page and metrics at ");
        let log = self.log();
        let told = log.split("page and metrics at ").nth(1).unwrap();
        self.url = told.split_whitespace().next().unwrap().to_owned();
    }

    /// Only started: for one that is to end by itself.
    pub fn refused(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn wait_for_log(&mut self, words: &str) {
        for _ in 0..600 {
            if self.log().contains(words) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("\"{words}\" is not in the log:\n{}", self.log());
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn port(&self) -> &str {
        self.url.trim_end_matches('/').rsplit(':').next().unwrap()
    }

    /// curl with `arguments` asking for `target`: its exit code, the status of HTTP, and the body.
    pub fn curl(&self, target: &str, arguments: &[&str]) -> (i32, String, String) {
        let told = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}"])
            .args(arguments)
            .arg(format!("{}{target}", self.url))
            .current_dir(self.folder())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n').unwrap_or(("", ""));
        (told.status.code().unwrap_or(-1), status.to_owned(), body.to_owned())
    }

    /// The status of HTTP alone; `000` when nothing was agreed on.
    pub fn status(&self, target: &str, arguments: &[&str]) -> String {
        self.curl(target, arguments).1
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A hash as `htpasswd -B` makes it.
pub fn hash_of(password: &str) -> String {
    bcrypt::hash(password, 5).unwrap().replacen("$2b$", "$2y$", 1)
}
