//! Part of tests/real/limits.rs: whose processes hold the memory of a GPU. The library is the test's, all else is real.

use crate::agent::Agent;
use crate::dockerd::Dockerd;
use crate::driver::Driver;
use crate::{SLEEP, config, run};

#[test]
fn memory_of_a_gpu_is_told_by_project_and_against_its_budget() {
    let test = "memory_of_a_gpu_is_told_by_project_and_against_its_budget";
    let (Some(dockerd), Some(driver)) = (Dockerd::start(test), Driver::build(test)) else { return };
    run(&dockerd, "train", "train", &[], SLEEP);
    let pid = dockerd.docker(&["inspect", "-f", "{{.State.Pid}}", "train"]);
    // 1 GiB of the first GPU is its.
    driver.set_mode(&format!("n {pid}"));
    let toml = |gpu: &str| {
        let nvml = format!("nvml = \"{}\"\ngpu_interval = \"1s\"\n", driver.library());
        let toml = config(
            &dockerd,
            "observe",
            &format!("[project.athena]\ngpu = {gpu}\n[project.lab]\ngpu = {{ access = \"none\" }}\n"),
        );
        toml.replace("[vitals]\n", &format!("[vitals]\n{nvml}"))
    };
    let mut agent = Agent::with_config(&toml("{ access = \"exclusive\", vram = \"512MiB\", over_hold = \"2s\" }"));
    agent.start();
    let says = |agent: &Agent, word: &str| String::from_utf8_lossy(&agent.cli(&["doctor"]).stdout).contains(word);
    agent.wait_for("the breach", |agent| says(agent, "limits-vram-over"));
    agent.wait_for("who guarantees it", |agent| {
        agent.metrics().contains(r#"hostkeeper_envelope_backing{project="athena",dimension="vram",backing="agent"} 1"#)
    });
    let said = agent.say(&["limits", "athena"]);
    assert!(said.contains("vram") && said.contains("512MiB") && said.contains("1GiB"), "{said}");
    assert_eq!(agent.json(&["status"])["host"]["gpus"][0]["compute_mode"], "exclusive_process");

    // Within its budget, and the last of it.
    agent.write_config(&toml("{ vram = \"1100MiB\" }"));
    agent.say(&["reload"]);
    agent.wait_for("near", |agent| says(agent, "limits-vram-near") && !says(agent, "limits-vram-over"));
    // It may not.
    agent.write_config(&toml("{ access = \"none\" }"));
    agent.say(&["reload"]);
    agent.wait_for("who may not", |agent| says(agent, "limits-gpu-foreign"));
    // The process is gone, and the driver does not know yet.
    dockerd.docker(&["rm", "-f", "train"]);
    agent.wait_for("nobody's", |agent| !says(agent, "limits-gpu-foreign"));
    driver.set_mode("h");
    agent.wait_for("a driver that hangs", |agent| says(agent, "limits-gpu-blind"));
    driver.set_mode("n");
}
