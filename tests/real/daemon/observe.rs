//! Part of the daemon tests: observe means observe.

use crate::agent::{Agent, have};
use crate::fake_docker::FakeDocker;

const CHANGING: &str = "trace=openat,openat2,open,creat,mkdir,mkdirat,rmdir,unlink,unlinkat,rename,renameat,renameat2,\
    link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,truncate,ftruncate,utimensat,mknod,\
    mknodat,mount,umount2,setxattr,fsetxattr,removexattr,execve,fork,vfork,kill,ptrace,reboot,sethostname";

#[test]
fn twenty_rounds_write_only_to_state_and_socket_and_only_ask_docker() {
    if !have("strace", "twenty rounds under strace") {
        return;
    }
    let docker = FakeDocker::start();
    let mut agent = Agent::with_config(&format!(
        "[host]\nmode = \"observe\"\ninterval = \"100ms\"\nkill_switch = \"@DIR@/disable\"\n\
         [vitals]\ndocker_socket = \"{}\"\ndocker_interval = \"1s\"\n\
         [storage.tier.bulk]\npath = \"@DIR@/bulk\"\n[project.shop.dir.uploads]\ntier = \"bulk\"\npath = \"uploads\"\n",
        docker.socket().display()
    ));
    std::fs::create_dir(agent.path("bulk")).unwrap();
    let trace = agent.path("trace");
    let trace_text = trace.display().to_string();
    let mut command = agent.command_under(&["strace", "-f", "-y", "-qq", "-o", &trace_text, "-e", CHANGING]);
    command.arg("daemon");
    agent.spawn(command);
    agent.wait_for("20 rounds", |agent| {
        let status =
            agent.get("/v1/status").and_then(|(_, body)| serde_json::from_str::<serde_json::Value>(&body).ok());
        status.is_some_and(|status| status["round"].as_u64().unwrap() >= 20)
    });
    agent.metrics();
    let plan = agent.json(&["plan"]);
    assert_eq!(plan["steps"][0]["gate"]["rule"], "mode", "a step is planned and not done: {plan}");
    end_traced(&mut agent);
    let changes = changes_outside(&std::fs::read_to_string(&trace).unwrap(), &agent);
    assert!(changes.is_empty(), "{}", changes.join("\n"));
    assert!(std::fs::read_dir(agent.path("bulk")).unwrap().next().is_none(), "something was made in the tier");
    let asked = docker.asked();
    assert!(!asked.is_empty(), "Docker was never asked");
    let other: Vec<&String> = asked.iter().filter(|line| !line.starts_with("GET ")).collect();
    assert!(other.is_empty(), "{other:?}");
}

/// strace passes SIGTERM to nobody: the daemon itself is told.
fn end_traced(agent: &mut Agent) {
    let pid = agent.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let daemon: i32 = children.split_whitespace().next().expect("strace has a child").parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(daemon), nix::sys::signal::Signal::SIGTERM).unwrap();
    agent.wait_end();
}

/// Lines of the trace that change something outside the state directory and the socket's place.
fn changes_outside(trace: &str, agent: &Agent) -> Vec<String> {
    let own = [agent.path("state"), agent.socket()].map(|path| path.display().to_string());
    let harmless = |line: &str| {
        let opened = line.contains("open")
            && !line.contains("O_WRONLY")
            && !line.contains("O_RDWR")
            && !line.contains("O_CREAT");
        let failed = line.contains("= -1 E");
        let first = line.contains("execve(");
        let terminal = line.contains("/dev/null") || line.contains("/dev/tty");
        opened || failed || first || terminal || own.iter().any(|path| line.contains(path.as_str()))
    };
    trace
        .lines()
        .filter(|line| line.contains('(') && !line.contains("resumed>") && !harmless(line))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_steady_scrape_opens_no_process_file_and_starts_no_program() {
    if !have("strace", "a scrape under strace") {
        return;
    }
    let mut agent = Agent::with_config("[host]\ninterval = \"1h\"\n[vitals]\ndocker_socket = \"\"\n");
    let trace = agent.path("trace");
    let trace_text = trace.display().to_string();
    let mut command = agent.command_under(&[
        "strace",
        "-f",
        "-y",
        "-qq",
        "-o",
        &trace_text,
        "-e",
        "trace=openat,open,openat2,execve",
    ]);
    command.arg("daemon");
    agent.spawn(command);
    agent.wait_ready();
    let scrape = |agent: &Agent| {
        std::thread::sleep(std::time::Duration::from_millis(1100));
        agent.metrics();
    };
    scrape(&agent);
    scrape(&agent);
    let before = std::fs::read_to_string(&trace).unwrap().lines().count();
    for _ in 0..5 {
        scrape(&agent);
    }
    let after: Vec<String> = std::fs::read_to_string(&trace).unwrap().lines().skip(before).map(str::to_owned).collect();
    let opened: Vec<&String> =
        after.iter().filter(|line| line.contains("\"/proc") || line.contains("execve(")).collect();
    assert!(opened.is_empty(), "{opened:?}");
    end_traced(&mut agent);
}
