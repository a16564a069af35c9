//! Part of the daemon tests: a secret in a container's environment or labels is in no output.

use std::process::Command;

use crate::agent::Agent;
use crate::fake_docker::{FakeDocker, Reply};

const SECRETS: [&str; 3] = ["s3cr3t-in-env-4711", "s3cr3t-in-label-4712", "s3cr3t-in-command-4713"];

fn docker_with_secrets() -> FakeDocker {
    let docker = FakeDocker::start();
    let id = "ab".repeat(32);
    let [env, label, command] = SECRETS;
    let labels = format!(
        r#"{{"com.docker.compose.project":"shop","com.docker.compose.service":"api","traefik.auth":"{label}"}}"#
    );
    docker.answer(
        "/containers/json",
        Reply::Json(format!(
            r#"[{{"Id":"{id}","Names":["/shop-api-1"],"Image":"shop/api:1","ImageID":"sha256:{id}","Command":"run --password {command}",
            "Created":1700000000,"State":"exited","Status":"Exited (1) 2 hours ago","Labels":{labels}}}]"#
        )),
    );
    docker.answer(
        &format!("/containers/{id}/json"),
        Reply::Json(format!(
            r#"{{"Id":"{id}","Name":"/shop-api-1","RestartCount":3,"Args":["--password","{command}"],
            "State":{{"Status":"exited","ExitCode":1,"Running":false,"StartedAt":"2026-01-01T00:00:00Z"}},
            "Config":{{"Env":["DATABASE_PASSWORD={env}"],"Labels":{labels},"Image":"shop/api:1"}},"HostConfig":{{}}}}"#
        )),
    );
    docker
}

#[test]
fn planted_secrets_are_in_no_output() {
    let docker = docker_with_secrets();
    let mut agent = Agent::with_config(&format!(
        "[host]\ninterval = \"200ms\"\n[vitals]\ndocker_socket = \"{}\"\n",
        docker.socket().display()
    ));
    let mut command = agent.command();
    command.arg("daemon").env("HOSTKEEPER_LOG", "trace");
    agent.spawn(command);
    agent.wait_ready();
    agent.wait_for("the container", |agent| agent.metrics().contains("shop-api-1"));
    let mut said: Vec<(String, Vec<u8>)> = Vec::new();
    for path in [
        "/metrics",
        "/v1/status",
        "/v1/status/shop",
        "/v1/projects",
        "/v1/containers",
        "/v1/plan",
        "/v1/concerns",
        "/v1/history",
        "/v1/doctor",
        "/v1/explain?what=shop-api-1",
        "/v1/explain?what=shop",
        "/v1/metrics/names",
    ] {
        said.push((path.into(), agent.get(path).unwrap().1.into_bytes()));
    }
    let bundle = agent.path("bundle.tar.gz");
    agent.say(&["support-bundle", "--output", bundle.to_str().unwrap()]);
    let unpacked = Command::new("tar").arg("-xzOf").arg(&bundle).output().unwrap();
    assert!(unpacked.status.success() && !unpacked.stdout.is_empty());
    said.push(("support bundle".into(), unpacked.stdout));
    said.push(("config init".into(), agent.cli(&["config", "init"]).stdout));
    said.push(("journal".into(), agent.log().into_bytes()));
    agent.stop();
    for entry in std::fs::read_dir(agent.path("state")).unwrap() {
        let path = entry.unwrap().path();
        said.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    for (where_, text) in &said {
        for secret in SECRETS {
            let found = text.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {where_}");
        }
    }
    assert!(said.iter().any(|(_, text)| text.windows(10).any(|window| window == b"shop-api-1")));
}
