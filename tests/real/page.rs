//! The page's process as it runs: without rights, small, and as Chromium shows it. The agent behind it is scripted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "../scripted/agent.rs"]
mod scripted;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hostkeeper::api::{Agent, Door, ServeOptions};
use hostkeeper::web::{Failure, WebOptions, run};
use scripted::ScriptedAgent;
use tokio::sync::watch;

const SOCKET: &str = "PAGE_TEST_SOCKET";
const ADDRESS: &str = "PAGE_TEST_ADDRESS";

/// Not a test by itself: the process that the tests below start from this same program.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn web_process() {
    let (Some(socket), Some(address)) = (std::env::var_os(SOCKET), std::env::var_os(ADDRESS)) else { return };
    let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let options = WebOptions { listen, socket: socket.into(), web_config: None, hosts: Vec::new(), user: None };
    // Opened before root is given up, like everything that this process writes to.
    let file = std::fs::File::create(address).unwrap();
    run(&options, |address, _| std::io::Write::write_all(&mut &file, address.to_string().as_bytes()).unwrap()).unwrap();
}

/// A scripted agent on a socket, and the page's process before it.
struct Running {
    folder: tempfile::TempDir,
    agent: Arc<ScriptedAgent>,
    _runtime: tokio::runtime::Runtime,
    _shutdown: watch::Sender<bool>,
    child: Child,
    address: String,
}

impl Running {
    fn start(agent: ScriptedAgent) -> Running {
        Running::start_after(agent, Duration::ZERO)
    }

    /// The agent opens its socket `later` than the page's process starts.
    fn start_after(agent: ScriptedAgent, later: Duration) -> Running {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let told = folder.path().join("address");
        let home = folder.path().join("run");
        let socket = home.join("api.sock");
        let page = || {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "web_process", "--ignored", "--test-threads=1"])
                .env(SOCKET, &socket)
                .env(ADDRESS, &told)
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        };
        let early = (!later.is_zero()).then(page);
        std::thread::sleep(later);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let agent = Arc::new(agent);
        let (shutdown, seen) = watch::channel(false);
        // As packaged: closed to others below a directory that is closed to all but root.
        std::fs::create_dir(&home).unwrap();
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o750)).unwrap();
        std::os::unix::fs::chown(&home, None, hostkeeper::host::socket::find_group("games")).unwrap();
        let options = ServeOptions { socket: socket.clone(), group: Some("games".into()) };
        let door = runtime.block_on(async { Door::open(&options) }).unwrap();
        runtime.spawn(door.serve(Arc::clone(&agent) as Arc<dyn Agent>, seen));
        let child = early.unwrap_or_else(page);
        let mut running =
            Running { folder, agent, _runtime: runtime, _shutdown: shutdown, child, address: String::new() };
        running.address = running.wait_for(&told);
        running
    }

    fn wait_for(&mut self, told: &Path) -> String {
        for _ in 0..600 {
            let text = std::fs::read_to_string(told).unwrap_or_default();
            if text.parse::<SocketAddr>().is_ok() {
                return text;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "the page's process ended");
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the page's process does not listen");
    }

    /// A line of `/proc/PID/status` of the page's process.
    fn status(&self, key: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn get(&self, path: &str, header: &str) -> Vec<u8> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\n{header}\r\n", self.address).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a tool or a right is there; in CI it must be.
fn have(what: &str, there: bool) -> bool {
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "CI needs {what}");
    if !there {
        println!("skipped: {what} is not there");
    }
    there
}

#[test]
fn started_as_root_it_gives_root_up_and_still_reaches_the_agent() {
    if !have("root", hostkeeper::host::socket::own_uid() == 0) {
        return;
    }
    let running = Running::start(ScriptedAgent::new());
    let nobody = "65534 65534 65534 65534";
    assert_eq!(running.status("Uid"), nobody);
    let group = hostkeeper::host::socket::find_group("games").unwrap_or(0);
    assert_eq!(running.status("Gid"), [group.to_string().as_str(); 4].join(" "));
    assert_eq!(running.status("Groups"), group.to_string());
    for sets in ["CapPrm", "CapEff", "CapInh", "CapAmb"] {
        assert_eq!(running.status(sets), "0000000000000000", "{sets}");
    }
    // The directory above the socket's is closed to it, and the socket is reached anyway.
    let told = String::from_utf8_lossy(&running.get("/healthz", "")).into_owned();
    assert!(told.starts_with("HTTP/1.1 200") && told.ends_with("ok\n"), "{told}");
    assert!(running.agent.orders.lock().unwrap().is_empty());
}

#[test]
fn started_as_root_before_the_agent_it_reads_in_the_group_of_the_socket() {
    if !have("root", hostkeeper::host::socket::own_uid() == 0) {
        return;
    }
    let running = Running::start_after(ScriptedAgent::new(), Duration::from_millis(300));
    let group = hostkeeper::host::socket::find_group("games").unwrap_or(0);
    assert_eq!(running.status("Gid"), [group.to_string().as_str(); 4].join(" "));
    let told = String::from_utf8_lossy(&running.get("/healthz", "")).into_owned();
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
}

#[test]
fn a_socket_of_group_root_is_not_read() {
    if !have("root", hostkeeper::host::socket::own_uid() == 0) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let options =
        WebOptions { listen: "127.0.0.1:0".parse().unwrap(), socket, web_config: None, hosts: Vec::new(), user: None };
    let Err(Failure::Host(error)) = run(&options, |_, _| panic!("it listens")) else { panic!("it listens") };
    let error = error.chain();
    assert!(error.contains("groupadd --system hostkeeper"), "{error}");
}

#[test]
fn it_stays_small_after_a_hundred_scrapes_and_pages() {
    let running = Running::start(ScriptedAgent::new());
    let before = cpu(&running);
    for _ in 0..200 {
        running.get("/metrics", "");
    }
    println!("time of the processor for a scrape: {} us", (cpu(&running) - before) / 200_000);
    for round in 0..100 {
        let header = if round % 2 == 0 { "accept-encoding: gzip\r\n" } else { "" };
        assert!(running.get("/metrics", header).starts_with(b"HTTP/1.1 200"));
        if round % 10 == 0 {
            assert!(running.get("/", "").starts_with(b"HTTP/1.1 200"));
        }
    }
    let resident: u64 = running.status("VmRSS").split(' ').next().unwrap().parse().unwrap();
    println!("resident after 100 scrapes of 1500 series and 10 pages: {resident} kB");
    println!("RssAnon {} RssFile {}", running.status("RssAnon"), running.status("RssFile"));
    assert!(resident <= 8 * 1024, "{resident} kB resident");
}

/// Time of the processor that the page's process took so far, nanoseconds.
fn cpu(running: &Running) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", running.child.id())).unwrap();
    let one = |task: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or(0)
    };
    tasks.map(one).sum()
}

#[test]
fn it_takes_a_listener_from_systemd() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let handed = listener.try_clone().unwrap();
    let flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
    nix::fcntl::fcntl(&handed, flags).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("address");
    // As systemd does it: the listener is descriptor 3, and the process is told its own id.
    let fd = std::os::fd::AsRawFd::as_raw_fd(&handed);
    let script = format!("exec 3<&{fd}; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"");
    let mut child = Command::new("bash")
        .args(["-c", &script, "bash"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "web_process", "--ignored", "--test-threads=1"])
        .env(SOCKET, folder.path().join("none.sock"))
        .env(ADDRESS, &told)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let expected = listener.local_addr().unwrap().to_string();
    let mut tries = 0..600;
    while std::fs::read_to_string(&told).unwrap_or_default() != expected && tries.next().is_some() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let address = std::fs::read_to_string(&told).unwrap_or_default();
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), nix::sys::signal::SIGTERM);
    let ended = child.wait().unwrap();
    assert_eq!(address, expected);
    assert!(ended.success(), "SIGTERM ends it in good order: {ended}");
}

#[test]
fn it_does_not_become_root_again_or_nobody_known() {
    if !have("root", hostkeeper::host::socket::own_uid() == 0) {
        return;
    }
    for (user, expected) in [("root", "is root"), ("no-such-user", "there is no user \"no-such-user\"")] {
        let listen = "127.0.0.1:0".parse().unwrap();
        let options = WebOptions {
            listen,
            socket: "/nowhere/x.sock".into(),
            web_config: None,
            hosts: Vec::new(),
            user: Some(user.into()),
        };
        let Err(Failure::Host(error)) = run(&options, |_, _| panic!("it listens")) else { panic!("it listens") };
        let error = error.chain();
        assert!(error.contains(expected), "{error}");
    }
}

fn chromium(profile: &Path, arguments: &[&str]) -> Vec<u8> {
    let told = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(told.status.success(), "chromium ended with {}", told.status);
    told.stdout
}

#[test]
fn chromium_shows_the_page() {
    let there = ["/usr/bin/chromium", "/usr/local/bin/chromium"].iter().any(|path| Path::new(path).exists());
    if !have("chromium", there) {
        return;
    }
    let evil = "\"><img src=x onerror=document.title='taken'><b id=evil>";
    let agent = ScriptedAgent::with(|snapshot| snapshot.containers[8].name = evil.into());
    let running = Running::start(agent);
    let url = format!("http://{}/", running.address);
    let profile = running.folder.path().join("profile");
    let dom = String::from_utf8(chromium(&profile, &["--dump-dom", &url])).unwrap();
    assert!(dom.contains("<title>db1: 2 problems, 2 projects, 10 containers, up 12d</title>"), "{dom:.400}");
    let sections = ["Concerns", "Projects", "Plan", "Storage tiers", "Directories", "Containers", "History"];
    let places: Vec<_> = sections.iter().map(|title| dom.find(&format!("<h2>{title}")).expect(title)).collect();
    assert!(places.is_sorted(), "in this order");
    // 3 concerns, 2 projects, 2 steps, 2 tiers, 2 directories, 10 containers, 3 entries, and 7 heads.
    assert_eq!(dom.matches("<tr>").count(), 31);
    assert!(!dom.contains("<img") && !dom.contains("<b id=") && !dom.contains("taken</title>"));
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let shots = [
        ("page", "1360,1900", "preferredColorScheme=1"),
        ("page-narrow", "500,2600", "preferredColorScheme=1"),
        ("page-dark", "1360,1200", "preferredColorScheme=0"),
    ];
    for (name, size, scheme) in shots {
        let shot = target.join(format!("{name}.png"));
        let _ = std::fs::remove_file(&shot);
        let to = format!("--screenshot={}", shot.display());
        let (size, scheme) = (format!("--window-size={size}"), format!("--blink-settings={scheme}"));
        chromium(&profile, &[&to, &size, &scheme, "--hide-scrollbars", &url]);
        assert!(std::fs::metadata(&shot).unwrap().len() > 20_000, "a picture of something");
    }
}
