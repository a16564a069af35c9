//! The program as it is shipped: started, used, killed, starved and misconfigured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(clippy::string_slice)]
#![allow(dead_code)] // The support files are shared with other test programs.

#[path = "../../support/agent.rs"]
mod agent;
#[path = "../../support/exposition.rs"]
mod exposition;
#[path = "../support/fake_docker.rs"]
mod fake_docker;

mod bench;
mod crash;
mod first_run;
mod ledger;
mod observe;
mod orders;
mod reload;
mod secrets;
mod systemd;
mod wake;

/// A project with directories on a tier in the scratch directory, kept.
pub const KEPT: &str = r#"
[host]
mode = "enforce"
interval = "200ms"
kill_switch = "@DIR@/disable"
[guard]
boot_grace = "0s"
quiet_period = "0s"
backoff_first = "1s"
[vitals]
docker_socket = ""
[storage.tier.bulk]
path = "@DIR@/bulk"
[project.shop.dir.uploads]
tier = "bulk"
path = "shop/uploads"
mode = "0750"
[project.shop.dir.orders]
tier = "bulk"
path = "shop/orders"
mode = "0700"
"#;

/// An agent that keeps two directories, after its first round.
pub fn keeping() -> agent::Agent {
    let mut agent = agent::Agent::with_config(KEPT);
    std::fs::create_dir(agent.path("bulk")).unwrap();
    agent.start();
    agent.wait_for("the directories", |agent| agent.path("bulk/shop/orders").is_dir());
    agent
}
