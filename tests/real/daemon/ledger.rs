//! Part of the daemon tests: without a writable ledger the agent only observes, says so, and comes back by itself.

use std::io::Write;
use std::process::Command;

use crate::KEPT;
use crate::agent::Agent;

/// A small file system for the state directory; unmounted when dropped.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(at: &std::path::Path) -> Option<Small> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2M,mode=0700", "tmpfs"]).arg(at).status();
        let mounted = mounted.is_ok_and(|status| status.success());
        assert!(mounted || std::env::var("CI").as_deref() != Ok("true"), "cannot mount a tmpfs, and this is CI");
        mounted.then(|| Small(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn observing_agent_recovers(spoil: impl Fn(&Agent), mend: impl Fn(&Agent)) {
    let mut agent = Agent::with_config(KEPT);
    let Some(_small) = Small::mount(&agent.path("state")) else {
        println!("skipped: ledger on a small disk (needs root)");
        return;
    };
    std::fs::create_dir(agent.path("bulk")).unwrap();
    agent.start();
    agent.wait_for("the directories", |agent| agent.path("bulk/shop/orders").is_dir());
    spoil(&agent);
    agent.wait_for("the concern", |agent| agent.metrics().contains("hostkeeper_concern{id=\"ledger-unwritable\""));
    assert!(agent.metrics().contains("\nhostkeeper_ledger_writable 0\n"));
    std::fs::remove_dir(agent.path("bulk/shop/orders")).unwrap();
    let planned = |agent: &mut Agent| agent.json(&["plan"])["steps"].as_array().is_some_and(|steps| !steps.is_empty());
    agent.wait_for("the step in the plan", planned);
    let plan = agent.json(&["plan"]);
    assert_eq!(plan["steps"][0]["gate"]["rule"], "ledger", "{plan}");
    assert!(!agent.path("bulk/shop/orders").exists(), "something was done without a ledger");
    let status = agent.cli(&["status"]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("ledger"), "{status:?}");
    assert!(agent.log().contains("the ledger cannot be written"), "{}", agent.log());
    mend(&agent);
    agent.wait_for("the directory again", |agent| agent.path("bulk/shop/orders").is_dir());
    agent.wait_for("the metric", |agent| agent.metrics().contains("\nhostkeeper_ledger_writable 1\n"));
    assert!(agent.stop().success());
}

#[test]
fn a_full_disk() {
    let filler = |agent: &Agent| agent.path("state/filler");
    observing_agent_recovers(
        |agent| {
            let mut file = std::fs::File::create(filler(agent)).unwrap();
            let block = [0; 4096];
            while file.write_all(&block).is_ok() {}
        },
        |agent| std::fs::remove_file(filler(agent)).unwrap(),
    );
}

/// Another disk, read-only, appears over the state directory: what is left of a disk after an error often looks so.
#[test]
fn a_read_only_disk() {
    let run = |program: &str, arguments: &[&str], agent: &Agent| {
        let status = Command::new(program).args(arguments).arg(agent.path("state")).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}");
    };
    observing_agent_recovers(
        |agent| run("mount", &["-t", "tmpfs", "-o", "ro,mode=0700", "tmpfs"], agent),
        |agent| run("umount", &[], agent),
    );
}
