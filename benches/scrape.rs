//! Cost of a scrape beside node_exporter, in one run on one machine: CPU per scrape, latency, resident memory. Reports
//! ratios; asserts nothing, because timing never decides a test. `make bench`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const WARM_UP: usize = 30;

struct Program {
    children: Vec<Child>,
    port: u16,
}

impl Drop for Program {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

struct Cost {
    cpu_ms: f64,
    p50_ms: f64,
    p99_ms: f64,
    series: usize,
    bytes: usize,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("program starts")
}

fn node_exporter() -> Option<Program> {
    let port = free_port();
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    let child = Command::new("prometheus-node-exporter").arg(listen).stderr(Stdio::null()).spawn().ok()?;
    Some(Program { children: vec![child], port })
}

fn hostkeeper(dir: &std::path::Path) -> Program {
    let port = free_port();
    fs::create_dir_all(dir.join("state")).unwrap();
    // Without the packaged group: one that there is everywhere, and a directory of the socket that others may pass.
    fs::write(dir.join("hostkeeper.toml"), "[api]\ngroup = \"nogroup\"\n").unwrap();
    let socket = dir.join("socket/agent.sock");
    fs::create_dir_all(dir.join("socket")).unwrap();
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hostkeeper"));
        command.env("HOSTKEEPER_CONFIG", dir.join("hostkeeper.toml"));
        command.env("HOSTKEEPER_STATE", dir.join("state")).env("HOSTKEEPER_SOCKET", &socket);
        command
    };
    let agent = start(program().arg("daemon"));
    let web = start(program().args(["web", "--listen", &format!("127.0.0.1:{port}")]));
    Program { children: vec![agent, web], port }
}

/// One scrape with a connection of its own; the body.
fn scrape(port: u16, path: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    answer.starts_with(b"HTTP/1.1 200").then_some(answer)
}

fn wait_for(program: &Program) {
    let begun = Instant::now();
    while scrape(program.port, "/metrics").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(30), "port {} does not answer", program.port);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// CPU time of all threads of a process, nanoseconds; ended threads are lost, so long-lived pools are assumed.
fn cpu_ns(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of_task = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split_whitespace().next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0)
    };
    tasks.filter_map(Result::ok).map(of_task).sum()
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Scrapes all programs in turn, so that they share every moment's weather. Each is the first after a pause as often as
/// the others: who is first finds the kernel's code and data cold, and warms them for the next.
fn measure(programs: &[(&Program, &str)], pause: Duration, scrapes: usize) -> Vec<Cost> {
    for (program, path) in programs.iter() {
        (0..WARM_UP).for_each(|_| drop(scrape(program.port, path).unwrap()));
    }
    let before: Vec<u64> = programs.iter().map(|(program, _)| cpu(program)).collect();
    let mut times = vec![Vec::new(); programs.len()];
    let mut bodies = vec![Vec::new(); programs.len()];
    for scrape_number in 0..scrapes {
        std::thread::sleep(pause);
        for place in 0..programs.len() {
            let index = (scrape_number + place) % programs.len();
            let (program, path) = programs[index];
            let begun = Instant::now();
            bodies[index] = scrape(program.port, path).unwrap();
            times[index].push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let cost = |index: usize| {
        let (program, _) = programs[index];
        let times = &mut times[index].clone();
        times.sort_by(f64::total_cmp);
        let text = String::from_utf8_lossy(&bodies[index]).into_owned();
        Cost {
            cpu_ms: (cpu(program) - before[index]) as f64 / 1e6 / scrapes as f64,
            p50_ms: times[scrapes / 2],
            p99_ms: times[scrapes * 99 / 100],
            series: text.lines().filter(|line| !line.starts_with('#') && line.contains(' ')).count(),
            bytes: bodies[index].len(),
        }
    };
    (0..programs.len()).map(cost).collect()
}

fn cpu(program: &Program) -> u64 {
    program.children.iter().map(|child| cpu_ns(child.id())).sum()
}

/// What the program takes while nobody asks (rounds), ms of CPU per second.
fn idle(program: &Program, span: Duration) -> f64 {
    let before = cpu(program);
    std::thread::sleep(span);
    (cpu(program) - before) as f64 / 1e6 / span.as_secs_f64()
}

fn row(name: &str, cost: &Cost) {
    println!(
        "{name:<40} {:>9.3} {:>9.2} {:>9.2} {:>8} {:>9}",
        cost.cpu_ms, cost.p50_ms, cost.p99_ms, cost.series, cost.bytes
    );
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    // The page's process gives root up and must still reach the agent's socket below.
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ours = hostkeeper(dir.path());
    wait_for(&ours);
    let Some(theirs) = node_exporter() else {
        println!("skipped: prometheus-node-exporter is missing");
        return;
    };
    wait_for(&theirs);
    println!("{:<40} {:>9} {:>9} {:>9} {:>8} {:>9}", "one scrape", "CPU ms", "p50 ms", "p99 ms", "series", "bytes");
    // A second apart each scrape looks anew; faster than that the look of the last second is shared.
    let rounds = idle(&ours, Duration::from_secs(30));
    for (title, pause, scrapes) in [("1 s apart", 1010, 60), ("10 ms apart", 10, 200)] {
        let pause = Duration::from_millis(pause);
        let costs = measure(&[(&ours, "/metrics?collect[]=node"), (&theirs, "/metrics")], pause, scrapes);
        let [node, rival] = costs.as_slice() else { return };
        let [all] = measure(&[(&ours, "/metrics")], pause, scrapes).try_into().ok().unwrap();
        row(&format!("hostkeeper, node families, {title}"), node);
        row(&format!("hostkeeper, everything, {title}"), &all);
        row(&format!("node_exporter, {title}"), rival);
        let net = node.cpu_ms - rounds * pause.as_secs_f64();
        println!(
            "CPU per scrape, node families, {title}: 1/{:.1} of node_exporter's; with the agent's rounds 1/{:.1} (bar: 1/8)\n",
            rival.cpu_ms / net,
            rival.cpu_ms / node.cpu_ms
        );
    }
    println!("rounds, while nobody asks: {rounds:.2} ms of CPU per second");
    let memory: Vec<f64> = ours.children.iter().map(|child| resident_kib(child.id()) as f64 / 1024.0).collect();
    println!(
        "resident: agent {:.1} MB (bar 15), page {:.1} MB (bar 8), node_exporter {:.1} MB",
        memory[0],
        memory[1],
        resident_kib(theirs.children[0].id()) as f64 / 1024.0
    );
}
