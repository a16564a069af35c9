//! Cost of a scrape beside node_exporter, in one run on one machine: CPU per scrape, latency, resident memory. Reports
//! ratios; asserts nothing, because timing never decides a test. `make bench`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const WARM_UP: usize = 30;
const SCRAPES: usize = 200;

struct Program {
    name: &'static str,
    children: Vec<Child>,
    port: u16,
    path: &'static str,
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
    Some(Program { name: "node_exporter", children: vec![child], port, path: "/metrics" })
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
    Program { name: "hostkeeper", children: vec![agent, web], port, path: "/metrics" }
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
    while scrape(program.port, program.path).is_none() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} does not answer", program.name);
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

fn measure(program: &Program, path: &str) -> Cost {
    for _ in 0..WARM_UP {
        scrape(program.port, path).unwrap();
    }
    let cpu = || program.children.iter().map(|child| cpu_ns(child.id())).sum::<u64>();
    let before = cpu();
    let mut times = Vec::new();
    let mut body = Vec::new();
    for _ in 0..SCRAPES {
        // Slower than the agent's one second of freshness would hide the cost of looking.
        std::thread::sleep(Duration::from_millis(if program.name == "hostkeeper" { 1010 } else { 5 }) / divisor());
        let begun = Instant::now();
        body = scrape(program.port, path).unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let cpu_ms = (cpu() - before) as f64 / 1e6 / SCRAPES as f64;
    times.sort_by(f64::total_cmp);
    let text = String::from_utf8_lossy(&body).into_owned();
    let series = text.lines().filter(|line| !line.starts_with('#') && line.contains(' ')).count();
    Cost { cpu_ms, p50_ms: times[SCRAPES / 2], p99_ms: times[SCRAPES * 99 / 100], series, bytes: body.len() }
}

/// `HOSTKEEPER_BENCH_FAST=1` spares the waiting for freshness: for a quick look only.
fn divisor() -> u32 {
    if std::env::var_os("HOSTKEEPER_BENCH_FAST").is_some() { 100 } else { 1 }
}

fn row(name: &str, cost: &Cost) {
    println!(
        "{name:<34} {:>9.3} {:>9.2} {:>9.2} {:>8} {:>9}",
        cost.cpu_ms, cost.p50_ms, cost.p99_ms, cost.series, cost.bytes
    );
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let ours = hostkeeper(dir.path());
    wait_for(&ours);
    println!("{:<34} {:>9} {:>9} {:>9} {:>8} {:>9}", "one scrape", "CPU ms", "p50 ms", "p99 ms", "series", "bytes");
    let node = measure(&ours, "/metrics?collect[]=node");
    row("hostkeeper, node families", &node);
    let all = measure(&ours, "/metrics");
    row("hostkeeper, everything", &all);
    let memory: Vec<u64> = ours.children.iter().map(|child| resident_kib(child.id())).collect();
    let Some(theirs) = node_exporter() else {
        println!("skipped: the comparison (prometheus-node-exporter is missing)");
        return;
    };
    wait_for(&theirs);
    let rival = measure(&theirs, "/metrics");
    row("node_exporter", &rival);
    let rival_memory = resident_kib(theirs.children[0].id());
    println!("\nCPU per scrape, node families: 1/{:.1} of node_exporter's (bar: 1/8)", rival.cpu_ms / node.cpu_ms);
    println!("CPU per scrape, everything:    1/{:.1} of node_exporter's", rival.cpu_ms / all.cpu_ms);
    println!(
        "resident: agent {:.1} MB (bar 15), page {:.1} MB (bar 8), node_exporter {:.1} MB",
        memory[0] as f64 / 1024.0,
        memory[1] as f64 / 1024.0,
        rival_memory as f64 / 1024.0
    );
    println!("The agent's CPU includes its rounds (every 10 s) during the measurement.");
}
