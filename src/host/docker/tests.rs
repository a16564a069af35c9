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
