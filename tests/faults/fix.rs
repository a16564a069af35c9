//! `storage fix` by the real program: counted first, asked, ordered in parts, in the ledger; killed and given again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout
)] // A test says so.

#[path = "../support/agent.rs"]
#[allow(dead_code)]
mod agent;
#[path = "mounted.rs"]
mod mounted;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Output, Stdio};

use agent::Agent;
use mounted::{Tmpfs, may_mount};
use nix::sys::signal::Signal;

const CONFIG: &str = r#"
[host]
mode = "observe"
interval = "1s"
kill_switch = "@DIR@/disable"
[metrics]
compat = []
[storage.tier.one]
path = "@DIR@/one"
[project.athena.dir.pg]
tier = "one"
path = "pg"
mode = "0750"
"#;

fn make(agent: &Agent, files: usize) {
    std::fs::create_dir_all(agent.path("one/pg/below")).unwrap();
    for index in 0..files {
        let path = agent.path("one/pg/below").join(index.to_string());
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    }
}

fn wrong(agent: &Agent) -> usize {
    let files = std::fs::read_dir(agent.path("one/pg/below")).unwrap();
    files.filter(|file| file.as_ref().unwrap().metadata().unwrap().mode() & 0o7777 != 0o640).count()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const FIX: [&str; 6] = ["storage", "fix", "pg", "-r", "--file-mode", "0640"];

#[test]
fn counted_first_then_mended_on_a_persons_word() {
    let mut agent = Agent::with_config(CONFIG);
    make(&agent, 6000);
    agent.start();
    let refused = agent.cli(&FIX);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("nobody can answer here"), "{}", text(&refused));
    let counted = agent.json(&[&FIX[..], &["--dry-run"]].concat());
    assert_eq!((counted["unfit"].as_u64(), counted["wrong_mode"].as_u64()), (Some(6002), Some(6002)));
    let shown = agent.say(&[&FIX[..], &["--dry-run"]].concat());
    assert!(shown.contains("6002 would be changed"), "{shown}");
    assert_eq!(wrong(&agent), 6000);
    std::fs::write(agent.path("disable"), "").unwrap();
    let stopped = agent.cli(&[&FIX[..], &["--yes"]].concat());
    assert_eq!((stopped.status.code(), wrong(&agent)), (Some(2), 6000));
    assert!(text(&stopped).contains("kill switch"), "{}", text(&stopped));
    std::fs::remove_file(agent.path("disable")).unwrap();
    let done = agent.say(&[&FIX[..], &["--yes"]].concat());
    assert!(done.contains("6002 of 6002 changed"), "{done}");
    assert_eq!(wrong(&agent), 0);
    let history = agent.say(&["history"]);
    assert_eq!(history.matches("everything in").count(), 3, "an order and two steps:\n{history}");
    assert!(
        agent.metrics().contains(r#"hostkeeper_datadir_fix_entries{project="athena",dir="pg",result="changed"} 6002"#)
    );
    assert!(agent.say(&[&FIX[..], &["--yes"]].concat()).contains("everything is as declared"));
    // What the agent has in force is what counts.
    agent.write_config(&CONFIG.replace("0750", "0700"));
    let other = agent.cli(&[&FIX[..], &["--yes"]].concat());
    assert!(text(&other).contains("mode 0700 was meant, the agent has 0750"), "{}", text(&other));
    assert_eq!(std::fs::metadata(agent.path("one/pg")).unwrap().mode() & 0o7777, 0o750);
}

#[test]
fn killed_in_the_middle_it_can_be_given_again() {
    let mut agent = Agent::with_config(CONFIG);
    make(&agent, 60_000);
    agent.start();
    let mut fix = agent.command();
    let mut fix = fix.args(FIX).arg("--yes").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    agent.wait_for("the first part", |agent| wrong(agent) < 60_000);
    agent.signal(Signal::SIGKILL);
    agent.wait_end();
    assert!(!fix.wait().unwrap().success() || wrong(&agent) == 0);
    let left = wrong(&agent);
    agent.start();
    agent.say(&["history"]);
    let done = agent.say(&[&FIX[..], &["--yes"]].concat());
    assert_eq!(wrong(&agent), 0, "{left} were left: {done}");
}

#[test]
fn what_is_mounted_below_is_left_alone() {
    if !may_mount("what_is_mounted_below_is_left_alone") {
        return;
    }
    let mut agent = Agent::with_config(CONFIG);
    make(&agent, 3);
    let put = |below: &str| {
        std::fs::write(agent.path(below), "x").unwrap();
        std::fs::set_permissions(agent.path(below), std::fs::Permissions::from_mode(0o666)).unwrap();
    };
    let _disk = Tmpfs::mount(&agent.path("one/pg/disk"), "size=1m,mode=0755");
    std::fs::create_dir(agent.path("one/pg/disk/inner")).unwrap();
    put("one/pg/disk/file");
    put("outside");
    let _same = Tmpfs::bind(&agent.path("outside"), &agent.path("one/pg/below/bound"));
    let _other = Tmpfs::bind(&agent.path("one/pg/disk/file"), &agent.path("one/pg/below/elsewhere"));
    agent.start();
    let done = agent.say(&[&FIX[..], &["--yes"]].concat());
    let mode = |below: &str| std::fs::metadata(agent.path(below)).unwrap().mode() & 0o7777;
    assert_eq!((mode("one/pg/below/0"), mode("one/pg/below"), mode("one/pg")), (0o640, 0o750, 0o750), "{done}");
    assert_eq!((mode("outside"), mode("one/pg/disk/file")), (0o666, 0o666), "{done}");
    assert_eq!((mode("one/pg/disk"), mode("one/pg/disk/inner")), (0o755, 0o755), "{done}");
}
