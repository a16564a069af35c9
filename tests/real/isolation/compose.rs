//! Part of tests/real/isolation.rs: Compose files before they are deployed, read by the real Compose.

use std::path::Path;
use std::process::Output;

use crate::plugin::compose;
use crate::scene::{Scene, short, shorts};
use crate::set;

fn audit(scene: &Scene, plugins: &Path, file: &Path, words: &[&str]) -> Output {
    let mut command = scene.agent.command();
    command.env("DOCKER_CONFIG", plugins).env("FROM_SHELL", "PLANTED-shell").arg("audit").arg("--compose").arg(file);
    command.args(words).output().unwrap()
}

const FILE: &str = "name: alpha
services:
  web:
    image: test/busybox:1
    environment: { DB_PASSWORD: PLANTED-file, API_TOKEN: \"${FROM_SHELL}\" }
    ports: [\"18300:80\", \"127.0.0.1:18001:81\"]
    volumes: [\"../beta:/b\", \"taken:/v\", \"own:/o\", \"./data:/d\"]
    networks: [default, other]
  side:
    image: test/busybox:1
    network_mode: container:beta-db-1
networks:
  default: { ipam: { config: [{ subnet: 10.99.0.0/24 }] } }
  other: { external: true, name: beta_default }
volumes:
  own:
  taken: { external: true, name: beta_data }
";

#[test]
fn a_file_is_audited_before_it_is_deployed() {
    let test = "a_file_is_audited_before_it_is_deployed";
    let (Some(scene), Some(plugins)) = (Scene::start(test), compose(test)) else { return };
    scene.run("beta", "db", &["-p", "127.0.0.1:18300:5432"], &[]);
    // What runs of the project now is replaced by the file.
    scene.run("alpha", "old", &["-v", "/:/host"], &[]);
    let file = scene.dir("alpha").join("compose.yml");
    std::fs::write(&file, FILE).unwrap();
    let output = audit(&scene, &plugins, &file, &["--json", "--fail-on", "critical"]);
    let text = String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let expected = set([
        short("port-collision", "beta", "alpha", "beta-db-1"),
        short("port-outside", "alpha", "-", "alpha-web-1"),
        short("port-address", "alpha", "-", "alpha-web-1"),
        short("foreign-path", "alpha", "beta", "alpha-web-1"),
        short("foreign-volume", "alpha", "beta", "alpha-web-1"),
        short("foreign-network", "alpha", "beta", "alpha-web-1"),
        short("foreign-network", "alpha", "beta", "alpha-side-1"),
        short("secret-in-environment", "alpha", "-", "alpha-web-1"),
    ]);
    assert_eq!(shorts(&crate::scene::parse(&output)), expected);
    assert!(!text.contains("PLANTED") && text.contains("DB_PASSWORD") && text.contains("API_TOKEN"), "{text}");
    let running = String::from_utf8_lossy(&scene.agent.cli(&["audit"]).stdout).into_owned();
    assert!(running.contains("alpha-old-1") && !running.contains("alpha-web-1"), "{running}");

    std::fs::write(
        &file,
        "name: alpha\nservices:\n  web: { image: test/busybox:1, volumes: [\"own:/o\"] }\nvolumes: { own: }\n",
    )
    .unwrap();
    let clean = audit(&scene, &plugins, &file, &["--fail-on", "info"]);
    assert_eq!(clean.status.code(), Some(0), "{clean:?}");
}

#[test]
fn a_file_that_compose_does_not_take_and_a_docker_without_compose_say_so() {
    let test = "a_file_that_compose_does_not_take_and_a_docker_without_compose_say_so";
    let (Some(scene), Some(plugins)) = (Scene::start(test), compose(test)) else { return };
    let file = scene.dir("alpha").join("compose.yml");
    for wrong in
        ["services:\n  web: [PLANTED\n", "services:\n  web:\n    environment: { X: \"${PLANTED-horse\" }\n", "x"]
    {
        std::fs::write(&file, wrong).unwrap();
        let refused = audit(&scene, &plugins, &file, &[]);
        let text = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{text}");
        assert!(text.contains("docker compose") && !text.contains("PLANTED"), "{text}");
    }
    let empty = scene.dir("beta");
    let missing = audit(&scene, &empty, &file, &["--fail-on", "critical"]);
    let text = String::from_utf8_lossy(&missing.stderr).into_owned();
    // A host may have Compose for everybody.
    if !Path::new("/usr/libexec/docker/cli-plugins/docker-compose").exists() {
        assert!(
            missing.status.code() == Some(2) && text.contains("Docker has no Compose") && text.contains("next: "),
            "{text}"
        );
    }
    let none = audit(&scene, &plugins, Path::new("/none/compose.yml"), &[]);
    assert_eq!(none.status.code(), Some(2));
}
