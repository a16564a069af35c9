//! `audit` by the real program and a real Docker: each way from one project into another is found, with the right parties;
//! a clean pair has no findings; and no secret is in any output.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::print_stdout
)] // A test says so.

#[path = "../support/agent.rs"]
#[allow(dead_code)]
mod agent;
#[path = "isolation/compose.rs"]
mod compose;
#[path = "support/dockerd.rs"]
#[allow(dead_code)]
mod dockerd;
#[path = "support/compose.rs"]
mod plugin;
#[path = "isolation/scene.rs"]
mod scene;

use std::collections::BTreeSet;
use std::path::Path;

use scene::{DECLARED, Scene, Short, config, short};

fn set<const N: usize>(all: [Short; N]) -> BTreeSet<Short> {
    all.into()
}

/// Two projects that have nothing to do with each other: also with ports, and with a container that is stopped.
fn run_clean_pair(scene: &Scene) {
    let dir = |project: &str| format!("{}:/d", scene.dir(project).display());
    scene.run("alpha", "db", &["-v", &dir("alpha"), "-v", "alpha_data:/v", "-p", "127.0.0.1:18010:80"], &[]);
    scene.run("beta", "db", &["-v", &dir("beta"), "-v", "beta_data:/v", "-v", "/etc/hosts:/h:ro"], &[]);
    scene.run(
        "beta",
        "job",
        &["-p", "127.0.0.1:18100:80/udp", "-e", "GPG_KEY=A035C8C1", "-e", "TOKEN_TTL=5"],
        &["true"],
    );
}

#[test]
fn a_clean_pair_has_no_findings_with_and_without_an_agent() {
    let Some(mut scene) = Scene::start("a_clean_pair_has_no_findings_with_and_without_an_agent") else { return };
    run_clean_pair(&scene);
    let (value, exit) = scene.audit(&["--fail-on", "info"]);
    assert_eq!((scene::shorts(&value), exit, &value["daemon"]), (set([]), Some(0), &false.into()), "{value}");
    scene.agent.start();
    let (value, exit) = scene.audit(&["--fail-on", "info"]);
    assert_eq!((scene::shorts(&value), exit, &value["daemon"]), (set([]), Some(0), &true.into()), "{value}");
    assert!(scene.agent.say(&["audit"]).contains("nothing found"));
    let metrics = scene.agent.metrics();
    assert!(
        metrics.contains(r#"hostkeeper_isolation_findings{project="",other="",severity="critical"} 0"#),
        "{metrics}"
    );
}

/// The five of the specification, chains of networks, and namespaces.
#[test]
fn each_way_into_another_project_is_found() {
    let Some(mut scene) = Scene::start("each_way_into_another_project_is_found") else { return };
    run_clean_pair(&scene);
    let link = scene.dir("alpha").join("link");
    std::os::unix::fs::symlink(scene.dir("beta"), &link).unwrap();
    let socket = scene.dockerd.socket();
    let (link, socket) = (format!("{}:/b", link.display()), format!("{}:/var/run/docker.sock:ro", socket.display()));
    scene.run("alpha", "linked", &["-v", &link], &[]);
    scene.run("alpha", "rooted", &["-v", "/:/host:ro"], &[]);
    scene.run("alpha", "volume", &["-v", "beta_data:/b"], &[]);
    scene.run("alpha", "socket", &["-v", &socket], &[]);
    scene.run_on("beta_default", ("alpha", "guest"), &[], &[]);
    scene.run_on("container:beta-db-1", ("beta", "side"), &[], &[]);
    scene.run_on("container:beta-side-1", ("alpha", "chain"), &[], &[]);
    scene.run("alpha", "nosy", &["--pid", "container:beta-db-1"], &[]);
    scene.create("alpha", "mighty", &["--privileged", "--pid", "host", "--ipc", "host"]);
    scene.network("edge", None, 2);
    scene.run_on("edge", ("alpha", "edge"), &[], &[]);
    scene.run_on("edge", ("beta", "edge"), &[], &[]);
    let mut expected = set([
        short("foreign-path", "alpha", "beta", "alpha-linked-1"),
        short("host-path", "alpha", "-", "alpha-rooted-1"),
        short("foreign-volume", "alpha", "beta", "alpha-volume-1"),
        short("docker-socket", "alpha", "-", "alpha-socket-1"),
        short("foreign-network", "alpha", "beta", "alpha-guest-1"),
        short("foreign-network", "alpha", "beta", "alpha-chain-1"),
        short("foreign-namespace", "alpha", "beta", "alpha-nosy-1"),
        short("privileged", "alpha", "-", "alpha-mighty-1"),
        short("host-processes", "alpha", "-", "alpha-mighty-1"),
        short("host-ipc", "alpha", "-", "alpha-mighty-1"),
        short("shared-network", "beta", "alpha", "beta-edge-1"),
    ]);
    scene.agent.start();
    assert_eq!(scene.found(&[]), expected);
    let text = scene.agent.say(&["audit"]);
    for words in ["alpha and beta", "alpha and the host", "which is = ", "next: "] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    // Only what is about a project; what two share is about both.
    let (value, exit) = scene.audit(&["beta", "--fail-on", "critical"]);
    expected.retain(|(_, project, other, _)| project == "beta" || other == "beta");
    assert_eq!((scene::shorts(&value), exit), (expected, Some(1)));
    let unknown = scene.agent.cli(&["audit", "gamma"]);
    assert_eq!(unknown.status.code(), Some(2), "a wrong name is no good news: {unknown:?}");
    let concerns = scene.agent.get("/v1/concerns").unwrap().1;
    assert!(concerns.contains("foreign-network") && concerns.contains("alpha-chain-1"), "{concerns}");
    let metrics = scene.agent.metrics();
    let sample = r#"hostkeeper_isolation_findings{project="alpha",other="beta",severity="critical"} 5"#;
    assert!(metrics.contains(sample), "{metrics}");
}

#[test]
fn ports_are_found_whichever_way_they_are_opened() {
    let Some(scene) = Scene::start("ports_are_found_whichever_way_they_are_opened") else { return };
    // In order: outside by UDP, only IPv6, one that Docker chooses, a range, and every address.
    scene.run("alpha", "udp", &["-p", "127.0.0.1:18200:53/udp"], &[]);
    scene.run("alpha", "six", &["-p", "[::1]:18201:80"], &[]);
    scene.run("alpha", "any", &["-p", "127.0.0.1:0:80"], &[]);
    scene.run("alpha", "range", &["-p", "127.0.0.1:18098-18099:98-99", "-p", "127.0.0.1:18100:100"], &[]);
    scene.run("alpha", "open", &["-p", "18020:80"], &[]);
    scene.run("alpha", "cache", &["-p", "18021:6379"], &[]);
    scene.run("beta", "stopped", &["-p", "18030:80"], &["true"]);
    // Its end is told before its port is free; who looks at it then waits for both.
    scene.dockerd.docker(&["wait", "beta-stopped-1"]);
    scene.dockerd.docker(&["inspect", "beta-stopped-1"]);
    scene.run("alpha", "same", &["-p", "127.0.0.1:18030:80"], &[]);
    let ports = [("host", "127.0.0.1:18210"), ("host-six", "[::1]:18211")];
    for (service, at) in ports {
        scene.run_on("host", ("alpha", service), &[], &["httpd", "-f", "-p", at, "-h", "/bin"]);
    }
    let program = format!("{}:/bin/waits:ro", scene.udp_program().display());
    scene.run_on("host", ("alpha", "host-udp"), &["-v", &program], &["waits", "18212"]);
    scene.run_on("host", ("beta", "host-idle"), &[], &[]);
    scene.run_on(
        "container:alpha-host-1",
        ("alpha", "side"),
        &[],
        &["httpd", "-f", "-p", "127.0.0.1:18213", "-h", "/bin"],
    );
    let outside = |service: &str| short("port-outside", "alpha", "-", &format!("alpha-{service}-1"));
    let on_host = |project: &str, service: &str| short("host-network", project, "-", &format!("{project}-{service}-1"));
    let expected = set([
        outside("udp"),
        outside("six"),
        outside("any"),
        outside("range"),
        short("port-address", "alpha", "-", "alpha-open-1"),
        short("port-address", "alpha", "-", "alpha-cache-1"),
        short("admin-endpoint", "alpha", "-", "alpha-cache-1"),
        short("port-collision", "beta", "alpha", "beta-stopped-1"),
        outside("host"),
        outside("host-six"),
        outside("host-udp"),
        outside("side"),
        on_host("alpha", "host"),
        on_host("alpha", "host-six"),
        on_host("alpha", "host-udp"),
        on_host("beta", "host-idle"),
        on_host("alpha", "side"),
    ]);
    wait_for_listeners(&scene);
    check_ports(&scene, &expected);
}

fn check_ports(scene: &Scene, expected: &BTreeSet<Short>) {
    let (value, _) = scene.audit(&[]);
    let found = scene::shorts(&value);
    assert_eq!(found, *expected, "{value}");
    let text = value.to_string();
    for port in
        ["127.0.0.1:18200/udp", "[::1]:18201/tcp", "127.0.0.1:18100/tcp", "[::1]:18211/tcp", "127.0.0.1:18212/udp"]
    {
        assert!(text.contains(port), "{port} is not in\n{text}");
    }
    assert!(!text.contains("18098") && !text.contains("18099"), "within the range");
}

/// Until the programs in the host's network listen: their sockets are in the kernel's tables.
fn wait_for_listeners(scene: &Scene) {
    let begun = std::time::Instant::now();
    let listens = |port: u16| {
        let hex = format!(":{port:04X} ");
        ["tcp", "tcp6", "udp"]
            .iter()
            .any(|table| std::fs::read_to_string(format!("/proc/net/{table}")).is_ok_and(|text| text.contains(&hex)))
    };
    while ![18210, 18211, 18212, 18213].into_iter().all(listens) {
        let logs = ["host", "host-six", "host-udp", "side"].map(|service| {
            let output = scene.dockerd.try_docker(&["logs", &format!("alpha-{service}-1")]);
            String::from_utf8_lossy(&output.stderr).into_owned()
        });
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "nobody listens: {logs:?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn a_proxy_of_docker_in_a_shared_volume_is_found() {
    let Some(scene) = Scene::start("a_proxy_of_docker_in_a_shared_volume_is_found") else { return };
    let socket = format!("{}:/engine.sock", scene.dockerd.socket().display());
    scene.dockerd.docker(&["volume", "create", "sockets"]);
    scene.run("beta", "proxy", &["-v", &socket, "-v", "sockets:/s"], &[]);
    scene.run("alpha", "reader", &["-v", "sockets:/s:ro"], &[]);
    let mounted = scene.dockerd.docker(&["volume", "inspect", "-f", "{{.Mountpoint}}", "sockets"]);
    let _proxy = std::os::unix::net::UnixListener::bind(Path::new(&mounted).join("proxy.sock")).unwrap();
    let data = scene.dockerd.docker(&["info", "-f", "{{.DockerRootDir}}"]);
    scene.run("alpha", "thief", &["-v", &format!("{data}/volumes:/x:ro")], &[]);
    let expected = set([
        short("docker-socket", "beta", "-", "beta-proxy-1"),
        short("docker-proxy", "alpha", "beta", "alpha-reader-1"),
        short("shared-path", "beta", "alpha", "beta-proxy-1"),
        short("host-path", "alpha", "-", "alpha-thief-1"),
    ]);
    assert_eq!(scene.found(&[]), expected);
}

const PLANTED: &str = "PLANTED-c0rrect-horse";

#[test]
fn a_planted_secret_is_found_and_is_in_no_output() {
    let Some(mut scene) = Scene::start("a_planted_secret_is_found_and_is_in_no_output") else { return };
    let url = format!("DATABASE_URL=postgres://shop:{PLANTED}@db/shop");
    scene.run("alpha", "api", &["-e", &format!("DB_PASSWORD={PLANTED}"), "-e", "NVIDIA_VISIBLE_DEVICES=all"], &[]);
    scene.run("beta", "api", &["-e", &url], &[]);
    let env = scene.dir("beta").join(".env");
    std::fs::write(&env, format!("DB_PASSWORD={PLANTED}\n")).unwrap();
    let mode = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    mode(scene.place.path(), 0o755);
    mode(&env, 0o644);
    let expected = set([
        short("secret-in-environment", "alpha", "-", "alpha-api-1"),
        short("secret-in-environment", "beta", "-", "beta-api-1"),
        short("secret-reused", "beta", "alpha", "beta-api-1"),
        short("secret-readable", "beta", "-", &env.display().to_string()),
        short("gpu-silent", "alpha", "-", "alpha-api-1"),
    ]);
    scene.agent.start();
    assert_eq!(scene.found(&[]), expected);
    let mut outputs = vec![("metrics".to_owned(), scene.agent.metrics()), ("log".to_owned(), scene.agent.log())];
    for words in [
        &["audit"][..],
        &["audit", "--json"],
        &["doctor"],
        &["status", "--json"],
        &["history"],
        &["explain", "alpha-api-1"],
    ] {
        let output = scene.agent.cli(words);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        outputs.push((words.join(" "), text));
    }
    for path in ["/v1/audit", "/v1/status", "/v1/concerns", "/v1/containers"] {
        outputs.push((path.to_owned(), scene.agent.get(path).unwrap().1));
    }
    scene.agent.stop();
    for entry in std::fs::read_dir(scene.agent.path("state")).unwrap().flatten() {
        let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into_owned();
        outputs.push((entry.path().display().to_string(), text));
    }
    for (what, text) in &outputs {
        assert!(!text.contains("PLANTED") && !text.contains("horse"), "a secret is in {what}:\n{text}");
    }
    assert!(outputs.iter().any(|(_, text)| text.contains("DB_PASSWORD")), "the variable is named");
}

/// What is allowed stays in the list; what happens at Docker is seen without an order; a reload judges anew.
#[test]
fn what_is_allowed_is_told_and_what_happens_is_seen() {
    let Some(mut scene) = Scene::start("what_is_allowed_is_told_and_what_happens_is_seen") else { return };
    let allow = |until: &str| {
        format!(
            "{DECLARED}[[isolation.allow]]\nfinding = \"host-network\"\ncontainer = \"alpha-meter-1\"\n\
             reason = \"measures the host\"\nuntil = \"{until}\"\n"
        )
    };
    scene.agent.write_config(&config(&scene.dockerd.socket(), &allow("2999-12-31")));
    scene.run_on("host", ("alpha", "meter"), &[], &[]);
    scene.agent.start();
    let (value, exit) = scene.audit(&["--fail-on", "info"]);
    assert_eq!((exit, &value["findings"][0]["allowed"]["reason"]), (Some(0), &"measures the host".into()), "{value}");
    let text = scene.agent.say(&["audit"]);
    assert!(text.contains("measures the host (until 2999-12-31)") && text.contains("1 allowed"), "{text}");
    scene.agent.write_config(&config(&scene.dockerd.socket(), &allow("2020-12-31")));
    scene.agent.say(&["reload"]);
    let expected =
        set([short("host-network", "alpha", "-", "alpha-meter-1"), short("allow-expired", "-", "-", "alpha-meter-1")]);
    assert_eq!(scene.found(&[]), expected);
    scene.run_on("beta_default", ("alpha", "late"), &[], &[]);
    let seen = |agent: &mut agent::Agent| agent.get("/v1/audit").is_some_and(|(_, text)| text.contains("alpha-late-1"));
    scene.agent.wait_for("the new container", seen);
}
