use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn captured(name: &str) -> String {
    let path = format!("{}/tests/captured/docker/20.10.24/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn listed(text: &str, allowed: &[&str]) -> Vec<Listed> {
    let allowed: Vec<String> = allowed.iter().map(|label| (*label).to_owned()).collect();
    parse_list(text.as_bytes(), &allowed).unwrap()
}

fn inspected(text: &str) -> Inspected {
    parse_inspect(text.as_bytes()).unwrap()
}

#[test]
fn addresses_of_local_sockets_are_taken_and_no_others() {
    for address in ["/run/docker.sock", "unix:///run/docker.sock", "unix:/run/docker.sock"] {
        assert_eq!(parse_address(address), Some(PathBuf::from("/run/docker.sock")), "{address}");
    }
    for address in ["", "/", "tcp://127.0.0.1:2375", "unix://", "ssh://host", "run/docker.sock", "unix:run.sock"] {
        assert_eq!(parse_address(address), None, "{address}");
    }
}

#[test]
fn the_list_of_docker_20_10_is_understood() {
    let list = listed(&captured("list.json"), &[]);
    let [job, db] = &list[..] else { panic!("{list:?}") };
    assert_eq!((job.name.as_str(), job.state.as_str(), job.health.as_deref()), ("shop-job-1", "exited", None));
    assert_eq!((db.name.as_str(), db.state.as_str(), db.health.as_deref()), ("shop-db-1", "running", Some("healthy")));
    assert_eq!((db.image.as_str(), db.created), ("test/busybox:1", 1_795_234_883));
    let compose = Compose {
        project: Some("shop".into()),
        service: Some("db".into()),
        number: Some(1),
        working_dir: Some("/srv/shop".into()),
        config_files: Some("/srv/shop/compose.yml".into()),
        ..Compose::default()
    };
    assert_eq!(db.compose, compose);
}

#[test]
fn the_inspects_of_docker_20_10_are_understood() {
    let running = inspected(&captured("inspect-running.json"));
    assert!(running.pid.is_some() && running.started.is_some() && running.finished.is_none());
    assert_eq!((running.health.as_deref(), running.restarts, running.oom_killed), (Some("healthy"), Some(0), false));
    let exited = inspected(&captured("inspect-exited.json"));
    assert_eq!((exited.pid, exited.exit_code), (None, Some(3)));
    assert!(exited.finished.is_some());
}

#[test]
fn secrets_in_environments_and_labels_are_not_kept() {
    let list = listed(&captured("list.json"), &["other.label"]);
    let inspect = inspected(&captured("inspect-running.json"));
    assert!(captured("list.json").contains("PLANTED-LABEL-SECRET"));
    assert!(captured("inspect-running.json").contains("PLANTED-ENV-SECRET"));
    assert!(!format!("{list:?}{inspect:?}").contains("PLANTED"));
    let allowed = listed(&captured("list.json"), &["secret.token", "com.docker.compose.service"]);
    assert_eq!(allowed[1].labels.len(), 2, "what is allowed is kept");
    assert_eq!(allowed[0].labels.len(), 1);
}

#[test]
fn newer_dockers_tell_health_in_a_field_of_its_own() {
    let id = "a".repeat(64);
    let entry = |health: &str| {
        format!(
            r#"[{{"Id":"{id}","Names":["/a","/b/link"],"State":"running","Status":"Up","Health":{{"Status":"{health}"}}}}]"#
        )
    };
    assert_eq!(listed(&entry("unhealthy"), &[])[0].health.as_deref(), Some("unhealthy"));
    assert_eq!(listed(&entry("none"), &[])[0].health, None);
    assert_eq!(listed(&entry("none"), &[])[0].name, "a", "a link of another container is no name");
}

#[test]
fn health_is_read_from_the_status_text() {
    assert_eq!(parse_health("Up 5 minutes (healthy)"), Some("healthy"));
    assert_eq!(parse_health("Up 2 seconds (health: starting)"), Some("starting"));
    assert_eq!(parse_health("Up 2 seconds (unhealthy)"), Some("unhealthy"));
    for none in ["Up 5 minutes", "Exited (137) 2 hours ago", "", "(", "Up (Paused)"] {
        assert_eq!(parse_health(none), None, "{none}");
    }
}

#[test]
fn image_names_lose_digests_and_bare_ids_are_no_names() {
    for (image, name) in [
        ("postgres:15", "postgres:15"),
        ("registry.example:5000/a/b@sha256:0123", "registry.example:5000/a/b"),
        ("sha256:0123", ""),
        ("d54ebf453564", ""),
    ] {
        assert_eq!(parse_image_name(image), name);
    }
}

#[test]
fn entries_without_an_id_are_left_out_and_only_ids_are_asked_for() {
    assert!(listed(r#"[{"Id":"../../images"},{"Names":["/x"]},{"Id":"ABC"}]"#, &[]).is_empty());
    assert!(!is_id("../") && !is_id(&"g".repeat(64)) && is_id(&"0f".repeat(32)));
}

#[test]
fn long_and_odd_text_is_cut_to_one_line() {
    assert_eq!(cut(&"é".repeat(10_000)).chars().count(), 256);
    assert_eq!(cut("a\nb\u{1b}c\0"), "a b c ");
}

proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,300}") {
        parse_list(&bytes, &[]);
        parse_inspect(&bytes);
        parse_image_name(&text);
        parse_health(&text);
        parse_address(&text);
        prop_assert!(cut(&text).chars().count() <= 256);
    }
}

#[test]
fn the_disk_usage_of_docker_20_10_is_understood() {
    let space = parse_space(captured("df.json").as_bytes()).unwrap();
    let [busybox, built] = &space.images[..] else { panic!("{space:?}") };
    assert_eq!(busybox.names[..2], ["test/busybox:1", "test/busybox:latest"]);
    assert!(is_image_id(&busybox.id) && (busybox.size, busybox.shared) == (1_982_277, Some(0)));
    assert_eq!((built.names[0].as_str(), built.created), ("built/app:1", 1_795_281_027));
    assert_eq!((busybox.users, built.users), (Some(1), Some(0)));
    let [job] = &space.containers[..] else { panic!("{space:?}") };
    assert_eq!((job.name.as_str(), job.state.as_str(), job.oneoff), ("shop-job-run-1", "exited", true));
    assert_eq!((job.project.as_deref(), &job.image_id), (Some("shop"), &busybox.id));
    assert_eq!(job.image, "test/busybox:1");
    let volumes: Vec<(bool, Option<u64>)> =
        space.volumes.iter().map(|volume| (volume.anonymous, volume.users)).collect();
    assert_eq!(volumes, [(true, Some(0)), (false, Some(0)), (true, Some(1))]);
    assert!(space.volumes[0].created.is_some() && space.volumes[1].project.as_deref() == Some("shop"));
    assert_eq!(space.cache.iter().filter(|entry| !entry.shared).map(|entry| entry.size).sum::<u64>(), 6_010_593);
    assert!(!format!("{space:?}").contains("hunter2"));
}

#[test]
fn what_is_not_known_of_disk_usage_is_not_made_up() {
    let id = "ab".repeat(32);
    let text = format!(
        r#"{{"Images": [{{"Id": "sha256:{id}", "RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"], "Size": -1,
        "SharedSize": -1}}, {{"Id": "../../x"}}], "Volumes": [{{"Name": "{id}", "Driver": "local", "UsageData": {{"Size": -1,
        "RefCount": -1}}}}, {{"Name": "../etc", "Driver": "local"}}], "Containers": null}}"#
    );
    let space = parse_space(text.as_bytes()).unwrap();
    let [image] = &space.images[..] else { panic!("{space:?}") };
    assert_eq!((image.names.len(), image.size, image.shared), (0, 0, None));
    let [volume] = &space.volumes[..] else { panic!("{space:?}") };
    assert_eq!((volume.size, volume.users), (None, None));
    assert_eq!(parse_space(b"{}"), Some(Space::default()));
    assert_eq!(parse_space(b"[]x"), None);
}

#[test]
fn a_volume_with_a_name_is_never_taken_for_an_anonymous_one() {
    let id = "0f".repeat(32);
    let map = |key: &str| HashMap::from([(key.to_owned(), "x".to_owned())]);
    let (none, anonymous) = (HashMap::new(), map("com.docker.volume.anonymous"));
    assert!(space::is_anonymous(&id, "local", None, None));
    assert!(space::is_anonymous(&id, "local", Some(&none), Some(&anonymous)));
    assert!(!space::is_anonymous("db", "local", None, Some(&anonymous)));
    assert!(!space::is_anonymous(&id.replacen('0', "", 1), "local", None, None));
    assert!(!space::is_anonymous(&id.to_uppercase(), "local", None, None));
    assert!(!space::is_anonymous(&id, "nfs", None, None));
    assert!(!space::is_anonymous(&id, "local", Some(&map("device")), None));
    assert!(!space::is_anonymous(&id, "local", None, Some(&map("com.docker.compose.volume"))));
}

#[test]
fn a_name_without_a_tag_means_the_latest() {
    for (one, other, same) in [
        ("app", "app:latest", true),
        ("host:5000/app", "host:5000/app:latest", true),
        ("host:5000/app:1", "host:5000/app:1", true),
        ("app:1", "app", false),
        ("app", "team/app", false),
        ("", "", false),
    ] {
        assert_eq!(is_same_image(one, other), same, "{one} {other}");
    }
}

#[test]
fn only_a_json_file_without_a_size_grows_for_ever() {
    let with = |size: &str| HashMap::from([("max-size".to_owned(), size.to_owned())]);
    assert!(is_unbounded("json-file", &HashMap::new()));
    assert!(is_unbounded("json-file", &with("-1")) && is_unbounded("json-file", &with("")));
    assert!(!is_unbounded("json-file", &with("10m")));
    assert!(!is_unbounded("local", &HashMap::new()) && !is_unbounded("journald", &HashMap::new()));
}

#[test]
fn names_that_would_lead_elsewhere_are_no_names() {
    let digest = format!("registry.example:5000/team/app@sha256:{}", "ab".repeat(32));
    for name in ["app", "app:1.2", "registry.example:5000/team/app:1", digest.as_str()] {
        assert!(is_image_name(name), "{name}");
    }
    for name in
        ["", "../volumes/db", "app/../../volumes/db", "a//b", "a b", "app?force=1", "app#x", "/app", "a%2e", "é"]
    {
        assert!(!is_image_name(name), "{name}");
    }
    for name in ["", ".", "..", "../x", "a/b", "a?force=1", "-a"] {
        assert!(!is_volume_name(name), "{name}");
    }
}

proptest! {
    #[test]
    fn any_answer_about_disk_usage_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse_space(&bytes);
    }
}
