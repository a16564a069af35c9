//! Changes wake a round: what is removed by hand is back long before the interval is over.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::agent::Agent;
use crate::{KEPT, keeping};

#[test]
fn what_is_removed_is_back_without_waiting_for_the_interval() {
    let mut agent = Agent::with_config(&KEPT.replace("200ms", "1h"));
    fs::create_dir(agent.path("bulk")).unwrap();
    agent.start();
    agent.wait_for("the directories", |agent| agent.path("bulk/shop/orders").is_dir());
    fs::remove_dir_all(agent.path("bulk/shop")).unwrap();
    agent.wait_for("all of it again", |agent| agent.path("bulk/shop/orders").is_dir());
    let uploads = agent.path("bulk/shop/uploads");
    agent.wait_for("the other one", |_| uploads.is_dir());
    fs::set_permissions(&uploads, fs::Permissions::from_mode(0o777)).unwrap();
    let mode = || fs::metadata(&uploads).unwrap().permissions().mode() & 0o7777;
    agent.wait_for("its mode again", |_| mode() == 0o750);
    // The tier itself goes and comes.
    fs::rename(agent.path("bulk"), agent.path("away")).unwrap();
    agent.wait_for("the concern", |agent| agent.say(&["status"]).contains("does not exist"));
    fs::rename(agent.path("away"), agent.path("bulk")).unwrap();
    agent.wait_for("its end", |agent| !agent.say(&["status"]).contains("does not exist"));
}

#[test]
fn data_written_into_a_directory_wakes_nobody() {
    let mut agent = keeping();
    agent.write_config(&KEPT.replace("200ms", "1h"));
    agent.say(&["reload"]);
    let round = |agent: &mut Agent| agent.json(&["status"])["round"].as_u64().unwrap();
    let mut before = round(&mut agent);
    // The rounds of the start and of the reload end.
    loop {
        std::thread::sleep(std::time::Duration::from_millis(1500));
        let now = round(&mut agent);
        if now == before {
            break;
        }
        before = now;
    }
    for number in 0..500 {
        fs::write(agent.path("bulk/shop/orders").join(number.to_string()), "x").unwrap();
    }
    fs::set_permissions(agent.path("bulk/shop/orders/7"), fs::Permissions::from_mode(0o600)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(round(&mut agent), before);
}
