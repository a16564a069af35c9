//! `storage reclaim` by the real program and a real Docker: what is listed is what nothing uses, and nothing else is ever
//! removed.
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
#[path = "support/dockerd.rs"]
#[allow(dead_code)]
mod dockerd;
#[path = "support/fake_docker.rs"]
#[allow(dead_code)]
mod fake_docker;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output};

use agent::Agent;
use dockerd::{Dockerd, IMAGE};
use fake_docker::{FakeDocker, Reply};
use nix::sys::signal::Signal;

fn config(socket: &Path) -> String {
    format!(
        "[host]\nmode = \"observe\"\ninterval = \"1s\"\nkill_switch = \"@DIR@/disable\"\n[metrics]\ncompat = []\n\
         [vitals]\ndocker_socket = \"{}\"\n[reclaim]\nevery = \"1h\"\n",
        socket.display()
    )
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Another image of some bytes that no other image has.
fn import(dockerd: &Dockerd, name: &str, megabytes: usize) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("filler"), name.repeat(megabytes * 1_000_000 / name.len())).unwrap();
    let archive = directory.path().with_extension("tar");
    let tar = Command::new("tar").arg("-C").arg(directory.path()).arg("-cf").arg(&archive).arg(".").status();
    assert!(tar.unwrap().success());
    let id = dockerd.docker(&["import", &archive.display().to_string(), name]);
    std::fs::remove_file(archive).unwrap();
    id
}

/// What a Docker of some weeks looks like. Ids by what they are.
struct Scene {
    dockerd: Dockerd,
    untagged: String,
    unused: String,
    left_oneoff: String,
    anonymous: String,
    anonymous_in_use: String,
}

fn last(output: &str) -> String {
    output.lines().last().unwrap_or_default().to_owned()
}

fn make_scene(test: &str) -> Option<Scene> {
    let dockerd = Dockerd::start(test)?;
    let untagged = import(&dockerd, "old/app:1", 3);
    // Its name goes to another image.
    import(&dockerd, "old/app:1", 2);
    dockerd.docker(&["create", "--name", "stopped", "old/app:1", "/nothing"]);
    let unused = import(&dockerd, "spare/tool:2", 4);
    dockerd.docker(&["tag", "spare/tool:2", "spare/tool:latest"]);
    let oneoff = ["--label", "com.docker.compose.oneoff=True", "--label", "com.docker.compose.project=shop"];
    let left_oneoff =
        last(&dockerd.docker(&[&["run", "-d", "--name", "shop-job"][..], &oneoff, &[IMAGE, "true"]].concat()));
    dockerd.docker(&["wait", "shop-job"]);
    dockerd.docker(&[&["run", "-d", "--name", "shop-shell"][..], &oneoff, &[IMAGE, "sleep", "3600"]].concat());
    dockerd.docker(&["run", "-d", "--name", "ordinary", IMAGE, "true"]);
    dockerd.docker(&["wait", "ordinary"]);
    let anonymous = dockerd.docker(&["volume", "create"]);
    dockerd.docker(&[
        "run",
        "--name",
        "writer",
        "-v",
        &format!("{anonymous}:/v"),
        IMAGE,
        "sh",
        "-c",
        "echo much > /v/data",
    ]);
    dockerd.docker(&["rm", "writer"]);
    dockerd.docker(&["volume", "create", "precious"]);
    let composed = "ab".repeat(32);
    dockerd.docker(&["volume", "create", "--label", "com.docker.compose.volume=db", &composed]);
    dockerd.run("db", "shop", "db", &["sleep", "3600"]);
    dockerd.docker(&["create", "--name", "holder", "-v", "/held", IMAGE, "true"]);
    let held = "{{range .Mounts}}{{.Name}}{{end}}";
    let anonymous_in_use = dockerd.docker(&["inspect", "-f", held, "holder"]);
    Some(Scene { dockerd, untagged, unused, left_oneoff, anonymous, anonymous_in_use })
}

/// Everything that Docker has: images by id, names of images, containers and volumes.
fn everything(dockerd: &Dockerd) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for args in [
        &["images", "-aq", "--no-trunc"][..],
        &["images", "--format", "{{.Repository}}:{{.Tag}}"],
        &["ps", "-aq", "--no-trunc"],
        &["volume", "ls", "-q"],
    ] {
        all.extend(dockerd.docker(args).lines().map(str::to_owned));
    }
    all
}

fn listed(agent: &Agent) -> BTreeSet<(String, String)> {
    let shown = agent.json(&["storage", "reclaim", "--fresh"]);
    let word = |thing: &serde_json::Value, key: &str| thing[key].as_str().unwrap().to_owned();
    let things = shown["leftovers"].as_array().unwrap();
    things.iter().map(|thing| (word(thing, "class"), word(thing, "id"))).collect()
}

#[test]
fn what_nothing_uses_is_listed_and_only_what_is_named_goes() {
    let Some(scene) = make_scene("what_nothing_uses_is_listed_and_only_what_is_named_goes") else { return };
    let Scene { dockerd, untagged, unused, left_oneoff, anonymous, anonymous_in_use } = &scene;
    let mut agent = Agent::with_config(&config(&dockerd.socket()));
    agent.start();
    assert!(agent.say(&["storage", "reclaim"]).contains("not asked yet"));
    let before = everything(dockerd);

    let of = |class: &str, id: &String| (class.to_owned(), id.clone());
    let expected = BTreeSet::from([
        of("dangling", untagged),
        of("images", unused),
        of("containers", left_oneoff),
        of("volumes", anonymous),
    ]);
    assert_eq!(listed(&agent), expected);
    let shown = agent.say(&["storage", "reclaim"]);
    for word in ["spare/tool", "shop-job", "shop", "4 containers with a log that has no bound", &anonymous[..12]] {
        assert!(shown.contains(word), "{word} is not in\n{shown}");
    }
    let metrics = agent.metrics();
    for sample in [
        r#"hostkeeper_docker_reclaimable_items{class="dangling",project=""} 1"#,
        r#"hostkeeper_docker_reclaimable_items{class="containers",project="shop"} 1"#,
        r#"hostkeeper_docker_reclaimable_bytes{class="volumes",project=""} 5"#,
        r#"hostkeeper_docker_reclaimable_items{class="cache",project=""} 0"#,
    ] {
        assert!(metrics.contains(sample), "{sample} is not in\n{metrics}");
    }

    refuse_everything_else(&agent, anonymous_in_use);
    assert_eq!(everything(dockerd), before);

    // One image by a name, then the rest by class.
    let done = agent.say(&["storage", "reclaim", "spare/tool:2", "--yes"]);
    assert!(done.contains("remove image spare/tool") && done.contains("1 of 1 removed"), "{done}");
    let rest = agent.say(&["storage", "reclaim", "dangling", "containers", "volumes", "images", "cache", "--yes"]);
    assert!(rest.contains("3 of 3 removed"), "{rest}");
    let gone: BTreeSet<String> = [untagged, unused, left_oneoff, anonymous]
        .into_iter()
        .cloned()
        .chain(tags(&["spare/tool:2", "spare/tool:latest", "<none>:<none>"]))
        .collect();
    assert_eq!(everything(dockerd), before.difference(&gone).cloned().collect());
    assert_eq!(listed(&agent), BTreeSet::new());
    let history = agent.say(&["history", "--keeper", "reclaim"]);
    for word in ["remove one-off container shop-job", "remove anonymous volume", "without a name"] {
        assert!(history.contains(word), "{history}");
    }
}

/// Nobody can answer; nothing of that name; not asked for; the kill switch.
fn refuse_everything_else(agent: &Agent, anonymous_in_use: &str) {
    for (args, exit, word) in [
        (&["storage", "reclaim", "images"][..], 2, "nobody can answer here"),
        (&["storage", "reclaim", "precious", "--yes"], 2, "not among what nothing uses"),
        (&["storage", "reclaim", "abab", "--yes"], 2, "not among what nothing uses"),
        (&["storage", "reclaim", &anonymous_in_use[..12], "--yes"], 2, "not among what nothing uses"),
        (&["storage", "reclaim", "images", "volumes", "--dry-run"], 0, "spare/tool"),
        (&["storage", "reclaim", "volumes", "--project", "shop", "--yes"], 0, "nothing is left"),
    ] {
        let output = agent.cli(args);
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", text(&output));
        assert!(text(&output).contains(word), "{args:?}: {}", text(&output));
    }
    std::fs::write(agent.path("disable"), "").unwrap();
    let stopped = agent.cli(&["storage", "reclaim", "dangling", "--yes"]);
    assert!(stopped.status.code() == Some(2) && text(&stopped).contains("kill switch"), "{}", text(&stopped));
    std::fs::remove_file(agent.path("disable")).unwrap();
}

fn tags(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Between the list and the order somebody takes everything into use, or names it.
#[test]
fn what_came_into_use_since_it_was_shown_is_left() {
    let Some(scene) = make_scene("what_came_into_use_since_it_was_shown_is_left") else { return };
    let Scene { dockerd, untagged, unused, left_oneoff, anonymous, .. } = &scene;
    let mut agent = Agent::with_config(&config(&dockerd.socket()));
    agent.start();
    assert_eq!(listed(&agent).len(), 4);
    dockerd.docker(&["create", "--name", "late", unused, "/nothing"]);
    dockerd.docker(&["tag", untagged, "rescued/app:1"]);
    dockerd.docker(&["create", "--name", "reader", "-v", &format!("{anonymous}:/v"), IMAGE, "true"]);
    let before = everything(dockerd);
    let order = |class: &str, id: &str| {
        let body = format!(r#"{{"things": [{{"class": "{class}", "id": "{id}"}}]}}"#);
        ask(&agent, "/v1/storage/reclaim", &body)
    };
    for (class, id, why) in [
        ("images", unused, "container late uses it"),
        ("dangling", untagged, "it is named rescued/app:1 since it was shown"),
        ("volumes", anonymous, "container reader uses it"),
    ] {
        let answer = order(class, id);
        assert!(answer.contains("0 of 1 removed") && answer.contains(why), "{class}: {answer}");
    }
    assert_eq!(everything(dockerd), before);
    // Not in the list, or in it as something else: not even tried.
    for (class, id) in [("volumes", "precious"), ("images", untagged), ("containers", "../volumes/precious")] {
        let answer = order(class, id);
        assert!(answer.contains("is not among what nothing uses"), "{class} {id}: {answer}");
    }
    dockerd.docker(&["rm", left_oneoff]);
    assert!(order("containers", left_oneoff).contains("already_so"));
    assert_eq!(everything(dockerd).len(), before.len() - 1);
    // Made again by Compose under the very name.
    dockerd.docker(&["rm", "reader"]);
    dockerd.docker(&["volume", "rm", anonymous]);
    dockerd.docker(&["volume", "create", "--label", "com.docker.compose.volume=db", anonymous]);
    assert!(order("volumes", anonymous).contains("it has a name"));
    dockerd.docker(&["volume", "inspect", anonymous]);
}

/// `POST` over the agent's socket; the whole answer.
fn ask(agent: &Agent, path: &str, body: &str) -> String {
    post(&agent.socket(), path, body.as_bytes())
}

/// By BuildKit, which the command of Debian 12 only speaks with a plugin.
fn build(dockerd: &Dockerd, archive: &[u8]) -> String {
    post(&dockerd.socket(), "/build?version=2&t=built/app:1", archive)
}

fn post(socket: &Path, path: &str, body: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\nContent-Length: {length}\r\n");
    stream.write_all(&[head.as_bytes(), b"Content-Type: application/x-tar\r\n\r\n", body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// BuildKit keeps what it built; it goes as a whole.
#[test]
fn the_build_cache_goes_as_a_whole() {
    let Some(dockerd) = Dockerd::start("the_build_cache_goes_as_a_whole") else { return };
    let context = tempfile::tempdir().unwrap();
    std::fs::write(context.path().join("Dockerfile"), "FROM scratch\nCOPY filler /filler\n").unwrap();
    std::fs::write(context.path().join("filler"), vec![7; 3_000_000]).unwrap();
    let archive = context.path().with_extension("tar");
    let tar = Command::new("tar").arg("-C").arg(context.path()).arg("-cf").arg(&archive).arg(".").status();
    assert!(tar.unwrap().success());
    let built = build(&dockerd, &std::fs::read(&archive).unwrap());
    std::fs::remove_file(archive).unwrap();
    assert!(built.contains("Successfully tagged built/app:1"), "{built}");
    dockerd.docker(&["rmi", "built/app:1"]);
    let mut agent = Agent::with_config(&config(&dockerd.socket()));
    agent.start();
    let found = listed(&agent);
    assert!(found.iter().any(|(class, _)| class == "cache"), "{found:?}");
    let done = agent.say(&["storage", "reclaim", "cache", "--yes"]);
    assert!(done.contains("remove the build cache"), "{done}");
    assert!(!listed(&agent).iter().any(|(class, _)| class == "cache"));
}

/// A Docker that holds one image without a name.
fn fake() -> (FakeDocker, String) {
    let docker = FakeDocker::start();
    let id = format!("sha256:{}", "ab".repeat(32));
    docker
        .answer("/system/df", Reply::Json(format!(r#"{{"Images": [{{"Id": "{id}", "Size": 5, "Containers": 0}}]}}"#)));
    docker.answer(&format!("/images/{id}/json"), Reply::Json(format!(r#"{{"Id": "{id}"}}"#)));
    (docker, id)
}

/// An order that was broken off is looked at when the agent is back, and not given again.
#[test]
fn killed_in_a_removal_it_finds_out_what_became_of_it() {
    for (gone, told) in [(true, "found done"), (false, "found undone")] {
        let (docker, id) = fake();
        docker.answer(&format!("/images/{id}"), Reply::Hang);
        let mut agent = Agent::with_config(&config(&docker.socket()));
        agent.start();
        assert_eq!(listed(&agent).len(), 1);
        let mut order = agent.command();
        let mut order = order.args(["storage", "reclaim", "dangling", "--yes"]);
        order = order.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut order = order.spawn().unwrap();
        let removals = || docker.asked().iter().filter(|line| line.starts_with("DELETE")).count();
        agent.wait_for("the removal", |_| removals() == 1);
        agent.signal(Signal::SIGKILL);
        agent.wait_end();
        assert!(!order.wait().unwrap().success());
        if gone {
            let absent = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
            docker.answer(&format!("/images/{id}/json"), Reply::Raw(absent.to_vec()));
        }
        agent.start();
        let history = agent.say(&["history", "--keeper", "reclaim"]);
        assert!(history.contains(told), "{history}");
        assert_eq!(removals(), 1);
    }
}

/// Whatever Docker answers, the rounds go on and the cause is told.
#[test]
fn a_docker_that_does_not_answer_as_it_should_is_told() {
    let (docker, _) = fake();
    let mut agent = Agent::with_config(&config(&docker.socket()));
    agent.start();
    assert_eq!(listed(&agent).len(), 1);
    for (reply, word) in [
        (Reply::Json("[1".into()), "not Docker's JSON"),
        (Reply::Raw(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_vec()), "status 500"),
        (Reply::Flood { byte: b'x', count: 40 << 20 }, "longer than"),
        (Reply::Short { promised: 100, body: b"{".to_vec() }, "disk usage"),
    ] {
        docker.answer("/system/df", reply);
        let looked = agent.cli(&["storage", "reclaim", "--fresh"]);
        assert!(looked.status.code() == Some(3) && text(&looked).contains(word), "{word}: {}", text(&looked));
    }
    docker.answer("/system/df", Reply::Hang);
    let asked = ask(&agent, "/v1/storage/reclaim/look", "{}");
    assert!(asked.contains("Docker is asked"), "{asked}");
    let round = |agent: &Agent| agent.json(&["status"])["round"].as_u64().unwrap();
    let before = round(&agent);
    agent.wait_for("three rounds", |agent| round(agent) >= before + 3);
    // What was found before stands, with its time.
    let shown = agent.say(&["storage", "reclaim"]);
    assert!(shown.contains("abababababab"), "{shown}");
}
