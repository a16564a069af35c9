//! A Docker that hangs, lies, floods, or has containers with hostile names: bounded, named, never a panic, never a POST.

use std::time::{Duration, Instant};

use hostkeeper::keepers::vitals::observe::containers::{ContainersSeen, DockerState};

use crate::exposition::find;
use crate::fake_docker::{FakeDocker, Reply};
use crate::looker::{Looker, error_of, read_page, render};

const PATIENCE: Duration = Duration::from_secs(1);

fn id(number: usize) -> String {
    format!("{number:064x}")
}

/// An entry of the list, with strings as they come.
fn entry(number: usize, name: &str, labels: &[(&str, &str)]) -> serde_json::Value {
    let labels: serde_json::Map<String, serde_json::Value> =
        labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
    serde_json::json!({
        "Id": id(number), "Names": [format!("/{name}")], "Image": "app:1", "ImageID": "sha256:0", "Created": 1,
        "Labels": labels, "State": "exited", "Status": "Exited (0) 1 second ago",
    })
}

async fn look_at(fake: &FakeDocker) -> (ContainersSeen, Duration) {
    let mut looker = Looker::new(&fake.socket(), PATIENCE);
    let started = Instant::now();
    let seen = looker.look().await;
    let posts = fake.asked().into_iter().filter(|line| !line.starts_with("GET ")).collect::<Vec<_>>();
    assert!(posts.is_empty(), "{posts:?}");
    (seen, started.elapsed())
}

#[tokio::test]
async fn hostile_names_and_labels_are_cut_and_escaped() {
    let fake = FakeDocker::start();
    let long = "x".repeat(10_000);
    let evil = "a\"b\\c\nd} 1\n# TYPE evil counter\u{1b}[31m";
    let list = serde_json::json!([
        entry(1, evil, &[("com.docker.compose.project", evil), ("com.docker.compose.service", "s\"\n")]),
        entry(2, &long, &[("com.docker.compose.project", &long), ("com.docker.compose.service", &long)]),
        entry(
            3,
            "a\u{fffd}\u{202e}",
            &[("com.docker.compose.project", "shop"), ("com.docker.compose.depends_on", &long)]
        ),
        entry(4, "", &[("com.docker.compose.project", "UPPER"), ("com.docker.compose.container-number", "-1")]),
    ]);
    fake.answer("/containers/json", Reply::Json(list.to_string()));
    let (seen, _) = look_at(&fake).await;
    assert_eq!(seen.containers.len(), 4);
    let text = render(&seen);
    assert!(!String::from_utf8_lossy(&text).contains(&"x".repeat(300)), "cut");
    assert!(!text.contains(&0x1b), "no control characters");
    let page = read_page(&seen);
    assert_eq!(find(&page, "hostkeeper_container_info", &[]).len(), 4);
    assert!(!page.contains_key("evil"));
    let projects: Vec<&str> = seen.projects.iter().map(|seen| seen.project.as_str()).collect();
    assert_eq!(projects, ["shop"], "what is no project's name is no project");
}

#[tokio::test]
async fn a_docker_that_hangs_is_named_in_bounded_time() {
    let half = br#"[{"Id":"#.to_vec();
    let cases =
        [("/version", Reply::Hang), ("/containers/json", Reply::Hang), ("/containers/json", Reply::HangHalfWay(half))];
    for (path, reply) in cases {
        let fake = FakeDocker::start();
        fake.answer(path, reply.clone());
        let mut looker = Looker::new(&fake.socket(), PATIENCE);
        let first = looker.look().await;
        assert!(error_of(&first, "docker").is_some(), "{path} {reply:?}");
        let failing = |seen: &ContainersSeen| matches!(seen.docker, DockerState::Failing(_));
        let seen = looker.look_until("the failure", failing).await;
        let error = error_of(&seen, "docker").unwrap();
        assert!(error.contains("no answer within"), "{path} {reply:?}: {error}");
    }
}

#[tokio::test]
async fn answers_that_are_none_are_named() {
    let html = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>secret-token</body></html>".to_vec();
    let error = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 12\r\n\r\n<html/>     ".to_vec();
    let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnot a chunk\r\n".to_vec();
    let cases = [
        (Reply::Raw(html), "not Docker's JSON"),
        (Reply::Raw(error), "status 502"),
        (Reply::Raw(chunks), "docker"),
        (Reply::Raw(b"\x00\xff\xfe rubbish".to_vec()), "docker"),
        (Reply::Raw(Vec::new()), "docker"),
        (Reply::Short { promised: 1000, body: b"[".to_vec() }, "docker"),
        (Reply::Json("{\"a\":".into()), "docker"),
        (Reply::Json("[{\"Id\":5}]".into()), "not Docker's JSON"),
        (Reply::Json("[".repeat(100_000)), "docker"),
        (Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[\"\xff\"".to_vec()), "docker"),
        (Reply::Flood { byte: b' ', count: 50 << 20 }, "longer than"),
        (Reply::Flood { byte: b'[', count: 50 << 20 }, "longer than"),
    ];
    for (reply, wanted) in cases {
        for path in ["/version", "/containers/json"] {
            let fake = FakeDocker::start();
            fake.answer(path, reply.clone());
            let (seen, _) = look_at(&fake).await;
            let error = error_of(&seen, "docker").unwrap_or_else(|| panic!("no error: {path} {seen:?}"));
            let brief: String = format!("{reply:?}").chars().take(80).collect();
            assert!(error.contains(wanted), "{path} {brief}: {error}");
            assert!(error.len() < 400 && !error.contains('\n') && !error.contains("secret-token"), "{error}");
            assert!(seen.containers.is_empty());
        }
    }
}

#[tokio::test]
async fn an_inspect_that_fails_blinds_only_its_container() {
    let fake = FakeDocker::start();
    fake.answer(
        "/containers/json",
        Reply::Json(serde_json::json!([entry(1, "a", &[]), entry(2, "b", &[]), entry(3, "c", &[])]).to_string()),
    );
    fake.answer(
        &format!("/containers/{}/json", id(1)),
        Reply::Json(r#"{"State":{"ExitCode":7},"RestartCount":2}"#.into()),
    );
    fake.answer(&format!("/containers/{}/json", id(2)), Reply::Hang);
    let gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}".to_vec();
    fake.answer(&format!("/containers/{}/json", id(3)), Reply::Raw(gone));
    let (seen, _) = look_at(&fake).await;
    let seen = if error_of(&seen, "docker").is_some_and(|error| error.contains("yet")) {
        Looker::new(&fake.socket(), PATIENCE).look_until("an answer", |seen| !seen.containers.is_empty()).await
    } else {
        seen
    };
    let names: Vec<&str> = seen.containers.iter().map(|seen| seen.identity.name.as_str()).collect();
    assert_eq!(names, ["a", "b"], "the third was removed between the two questions");
    assert_eq!(seen.containers[0].life.as_ref().unwrap().exit_code, Some(7));
    assert_eq!(seen.containers[1].life.as_ref().unwrap().exit_code, None);
    assert!(error_of(&seen, "docker").unwrap().contains("inspect"));
}

#[tokio::test]
async fn no_docker_is_data_and_a_docker_that_goes_takes_its_words_along() {
    let mut looker = Looker::new(std::path::Path::new("/nonexistent/docker.sock"), PATIENCE);
    let seen = looker.look().await;
    assert!(matches!(seen.docker, DockerState::Absent(_)));
    assert_eq!(error_of(&seen, "docker"), None);
    looker.config.docker_socket = "tcp://127.0.0.1:2375".into();
    assert!(error_of(&looker.look().await, "docker").unwrap().contains("not a local socket"));
    looker.config.docker_socket = String::new();
    let seen = looker.look().await;
    assert!(seen.docker == DockerState::Unasked && error_of(&seen, "docker").is_none(), "not asked for");

    let fake = FakeDocker::start();
    fake.answer("/containers/json", Reply::Json(serde_json::json!([entry(1, "a", &[])]).to_string()));
    let mut looker = Looker::new(&fake.socket(), PATIENCE);
    looker.config.docker_interval = hostkeeper::values::Every(Duration::from_millis(200));
    assert_eq!(looker.look().await.containers.len(), 1);
    fake.answer("/containers/json", Reply::Raw(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let failing = |seen: &ContainersSeen| matches!(seen.docker, DockerState::Failing(_));
    let seen = looker.look_until("the failure", failing).await;
    assert!(seen.containers.is_empty(), "the last list is not taken for the truth");
    fake.answer("/containers/json", Reply::Json(serde_json::json!([entry(2, "b", &[])]).to_string()));
    let seen = looker.look_until("its return", |seen| !seen.containers.is_empty()).await;
    assert_eq!(seen.containers[0].identity.name, "b");
}

#[tokio::test]
async fn an_old_or_odd_docker_is_refused_by_name() {
    for (version, wanted) in
        [("1.40", "API 1.40"), ("banana", "API version"), ("99999999999999999999.1", "API version")]
    {
        let fake = FakeDocker::start();
        fake.answer("/version", Reply::Json(format!(r#"{{"Version":"x","ApiVersion":"{version}"}}"#)));
        let (seen, _) = look_at(&fake).await;
        let error = error_of(&seen, "docker").unwrap();
        assert!(error.contains(wanted), "{error}");
    }
    let fake = FakeDocker::start();
    fake.answer("/version", Reply::Json(r#"{"Version":"29.0.0","ApiVersion":"1.52"}"#.into()));
    let (seen, _) = look_at(&fake).await;
    assert!(matches!(&seen.docker, DockerState::Up(version) if version.api == "1.52" && version.server == "29.0.0"));
}
