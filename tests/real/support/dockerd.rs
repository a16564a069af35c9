//! A Docker of the test's own: data, socket, bridge and containers in a directory that goes with it. Ends only what it
//! started. Without dockerd a test is skipped by name, and fails in CI.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The image that [`Dockerd::start`] imports: busybox and nothing else.
pub const IMAGE: &str = "test/busybox:1";

/// A running dockerd.
pub struct Dockerd {
    directory: tempfile::TempDir,
    child: Child,
    bridge: Option<String>,
}

/// Says why a test does not run; in CI that is a failure.
fn skip(test: &str, why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{test} cannot run in CI: {why}");
    eprintln!("SKIPPED {test}: {why}");
}

impl Dockerd {
    /// Starts one, with the image imported. `None`, said aloud, where that is not possible.
    pub fn start(test: &str) -> Option<Dockerd> {
        if !nix::unistd::geteuid().is_root() {
            skip(test, "needs root for dockerd");
            return None;
        }
        for program in ["dockerd", "docker", "busybox", "tar"] {
            if !is_there(program) {
                skip(test, &format!("{program} is not installed (apt install docker.io busybox-static)"));
                return None;
            }
        }
        let directory = tempfile::Builder::new().prefix("hkd").tempdir_in("/tmp").expect("a directory for dockerd");
        let bridge = make_bridge();
        if bridge.is_none() {
            eprintln!("{test}: no bridge could be made; network series are not tested");
        }
        let child = spawn(directory.path(), bridge.as_deref());
        let dockerd = Dockerd { directory, child, bridge };
        dockerd.wait_ready();
        dockerd.import_image();
        Some(dockerd)
    }

    /// The path of its socket.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    /// Whether containers get a network of their own.
    pub fn has_network(&self) -> bool {
        self.bridge.is_some()
    }

    /// Runs `docker` with `args` against it; the trimmed output. Panics when that fails.
    pub fn docker(&self, args: &[&str]) -> String {
        let output = self.try_docker(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// As `docker`, whatever comes of it.
    pub fn try_docker(&self, args: &[&str]) -> Output {
        let host = format!("unix://{}", self.socket().display());
        Command::new("docker").env("DOCKER_HOST", host).args(args).stdin(Stdio::null()).output().expect("docker runs")
    }

    /// Starts a container of [`IMAGE`] in a project, as Compose would label it; its id.
    pub fn run(&self, name: &str, project: &str, service: &str, command: &[&str]) -> String {
        let project = format!("com.docker.compose.project={project}");
        let service = format!("com.docker.compose.service={service}");
        let mut args = vec!["run", "-d", "--name", name, "--label", &project, "--label", &service, IMAGE];
        args.extend(command);
        let output = self.docker(&args);
        output.lines().last().unwrap_or_default().to_owned()
    }

    fn wait_ready(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.try_docker(&["version"]).status.success() {
            let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "dockerd does not answer:\n{log}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn import_image(&self) {
        let tree = self.directory.path().join("image");
        std::fs::create_dir_all(tree.join("bin")).expect("an image tree");
        let busybox = which("busybox").expect("busybox was found");
        std::fs::copy(busybox, tree.join("bin/busybox")).expect("busybox is copied");
        for applet in ["sh", "sleep", "cat", "dd", "true", "httpd", "wget", "nc", "seq", "echo", "kill"] {
            std::os::unix::fs::symlink("busybox", tree.join("bin").join(applet)).expect("a link to busybox");
        }
        let archive = self.directory.path().join("image.tar");
        let tar = Command::new("tar").arg("-C").arg(&tree).arg("-cf").arg(&archive).arg(".").status();
        assert!(tar.expect("tar runs").success());
        let archive = archive.display().to_string();
        self.docker(&["import", "--change", "ENV PATH=/bin", "--change", "CMD [\"sh\"]", &archive, IMAGE]);
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        let ids = String::from_utf8_lossy(&self.try_docker(&["ps", "-aq"]).stdout).into_owned();
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if !ids.is_empty() {
            self.try_docker(&[&["rm", "-f"][..], &ids].concat());
        }
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap_or_default());
        if pid.as_raw() > 0 {
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
        let until = Instant::now() + Duration::from_secs(20);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(self.child.kill());
        drop(self.child.wait());
        // Left by containers on the host's network, and it would keep the directory.
        let mounted = self.directory.path().join("exec/netns/default");
        if mounted.exists() {
            drop(Command::new("umount").arg("-l").arg(mounted).stderr(Stdio::null()).status());
        }
        if let Some(bridge) = &self.bridge {
            run_ip(&["link", "delete", bridge]);
        }
    }
}

fn spawn(directory: &Path, bridge: Option<&str>) -> Child {
    let log = std::fs::File::create(directory.join("log")).expect("a log file");
    let at = |name: &str| directory.join(name).display().to_string();
    let mut command = Command::new("dockerd");
    command.args(["--data-root", &at("data"), "--exec-root", &at("exec"), "--pidfile", &at("pid")]);
    command.args(["-H", &format!("unix://{}", at("docker.sock")), "-b", bridge.unwrap_or("none")]);
    command.args(["--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false"]);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("dockerd starts")
}

/// A bridge with an address of its own, so that dockers of several tests do not meet and no firewall is touched.
fn make_bridge() -> Option<String> {
    let number = std::process::id();
    let name = format!("hkt{}", number % 1_000_000);
    let address = format!("10.{}.{}.1/24", 200 + number % 50, number / 50 % 250);
    let made = run_ip(&["link", "add", &name, "type", "bridge"])
        && run_ip(&["address", "add", &address, "dev", &name])
        && run_ip(&["link", "set", &name, "up"]);
    made.then_some(name)
}

fn run_ip(args: &[&str]) -> bool {
    let status = Command::new("ip").args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

fn is_there(program: &str) -> bool {
    which(program).is_some()
}
