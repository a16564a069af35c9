//! What is easily missed, and what must not be found: secrets, sockets served by others, chains of networks, programs by
//! their ports.

use super::*;
use crate::keepers::isolation::ids::IDS;
use crate::values::{MarkKey, SecretMark};

fn secret(name: &str, value: &str, from_image: bool) -> SecretFacts {
    SecretFacts { name: name.into(), mark: SecretMark::of(&MarkKey::new([3; 32]), value), from_image }
}

#[test]
fn secrets_are_told_by_name_where_they_lie_open_and_where_two_projects_have_one() {
    let mut facts = apart();
    facts.containers[0].secrets = vec![secret("DB_PASSWORD", "PLANTED", false), secret("TOKEN", "t", false)];
    facts.containers[1].secrets = vec![secret("PASSWORD", "PLANTED", false)];
    let found = find_all(&facts, &Policy::default());
    let told: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(told, ["secret-in-environment", "secret-in-environment", "secret-reused"]);
    assert_eq!(found[2].other.as_deref(), Some("a"));
    assert_eq!(found[0].evidence[0].value, "DB_PASSWORD, TOKEN");
    assert!(!format!("{found:?}{facts:?}").contains("PLANTED"));
}

#[test]
fn what_an_image_has_built_in_is_told_of_the_image_once() {
    let mut facts = apart();
    for container in &mut facts.containers {
        container.image = "vendor/db:1".into();
        container.secrets = vec![secret("DB_PASSWORD", "default", true)];
    }
    let found = find_all(&facts, &Policy::default());
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!((one.id.as_str(), one.subject.as_str()), ("secret-in-image", "vendor/db:1"));
}

fn file(readable: bool, changed: &str) -> SecretFileFacts {
    SecretFileFacts {
        project: "a".into(),
        path: "/srv/a/.env".into(),
        names: vec!["DB_PASSWORD".into()],
        readable,
        mode: 0o644,
        changed: changed.parse().ok(),
    }
}

#[test]
fn files_with_secrets_are_told_when_others_may_read_them_or_they_are_old() {
    let now = "2026-11-21T12:00:00Z".parse().unwrap();
    let mut facts = apart();
    for (readable, changed, expected) in [
        (true, "2026-11-01T00:00:00Z", vec![of("secret-readable", "a", None)]),
        (false, "2026-11-01T00:00:00Z", vec![]),
        (false, "2026-08-24T00:00:00Z", vec![]),
        (false, "2026-08-22T00:00:00Z", vec![of("secret-old", "a", None)]),
    ] {
        facts.files = vec![file(readable, changed)];
        assert_eq!(found_by(&facts, &Policy { now, ..Policy::default() }), expected, "{changed}");
    }
    // A declared day counts, and not the age of the file.
    for (day, expected) in [((2026, 11, 1), vec![]), ((2026, 8, 1), vec![of("secret-old", "a", None)])] {
        let rotated = Some(jiff::civil::date(day.0, day.1, day.2));
        let policy = ProjectPolicy { rotated, ..ProjectPolicy::default() };
        let policy = Policy { now, projects: [("a".to_owned(), policy)].into(), ..Policy::default() };
        assert_eq!(found_by(&facts, &policy), expected, "{day:?}");
    }
}

#[test]
fn a_socket_served_in_a_shared_volume_leads_to_docker() {
    let mut facts = apart();
    let proxy = ContainerFacts {
        mounts: vec![bind("/var/run/docker.sock", "/run/docker.sock", false), volume("b_db")],
        ..container("b-proxy", "b")
    };
    facts.proxies =
        vec![ProxyFacts { holder: proxy.id.clone(), path: "/var/lib/docker/volumes/b_db/_data/proxy.sock".into() }];
    facts.containers.push(proxy);
    let mut found = found(&facts);
    found.sort();
    assert_eq!(found, [of("docker-proxy", "b", None), of("docker-socket", "b", None)]);
}

#[test]
fn what_belongs_to_nobody_is_told_when_one_of_two_writes_there() {
    for (ours, theirs, is_found) in [
        (bind("/opt/common", "/opt/common", true), bind("/opt/common", "/opt/common", false), true),
        (bind("/opt/common", "/opt/common", false), bind("/opt/common", "/opt/common", false), false),
        (bind("/opt/common/x", "/opt/common/x", false), bind("/opt/common", "/opt/common", true), true),
        (bind("/opt/common", "/opt/common", false), bind("/opt/common/x/y", "/opt/common/x/y", true), true),
        (bind("/opt/common", "/opt/common", true), bind("/opt/commons", "/opt/commons", true), false),
        (volume("nobodys"), volume("nobodys"), true),
        (bind("/etc/localtime", "/etc/localtime", false), bind("/etc/localtime", "/etc/localtime", false), false),
    ] {
        let mut facts = apart();
        facts.volumes.push(VolumeFacts {
            name: "nobodys".into(),
            project: None,
            path: "/var/lib/docker/volumes/n".into(),
        });
        facts.containers[0].mounts.push(ours.clone());
        facts.containers[1].mounts.push(theirs);
        let expected = if is_found { vec![of("shared-path", "b", Some("a"))] } else { vec![] };
        assert_eq!(found(&facts), expected, "{ours:?}");
    }
}

proptest::proptest! {
    /// In whichever order Docker tells of things, the same is found.
    #[test]
    fn the_order_of_what_is_seen_changes_nothing(seed in proptest::collection::vec(0_usize..8, 8)) {
        let mut facts = apart();
        facts.networks.push(network("edge", None, "172.20.9.0/24"));
        for (index, project) in ["a", "b", "c"].into_iter().enumerate() {
            let mut one = container(&format!("{project}-x"), project);
            one.networks.push("edge".into());
            one.mounts.extend([bind("/opt/common", "/opt/common", index == 0), volume("b_db")]);
            one.ports.push(port(Protocol::Tcp, None, 80, Some(80)));
            one.secrets = vec![secret("TOKEN", "same", false)];
            facts.containers.push(one);
        }
        facts.containers.push(ContainerFacts { project: None, ..facts.containers[3].clone() });
        let before = find_all(&facts, &Policy::default());
        for (at, to) in seed.into_iter().enumerate() {
            let (containers, networks) = (facts.containers.len(), facts.networks.len());
            facts.containers.swap(at % containers, to % containers);
            facts.networks.swap(at % networks, to % networks);
        }
        proptest::prop_assert_eq!(before, find_all(&facts, &Policy::default()));
    }
}

#[test]
fn docker_is_found_by_its_own_directory_wherever_that_is() {
    let mut facts = apart();
    facts.docker.directories.push("/data/docker".into());
    facts.containers[0].mounts.push(bind("/data/docker/volumes", "/data/docker/volumes", false));
    assert_eq!(found(&facts), [of("host-path", "a", None)]);
    let mut facts = apart();
    facts.places.push(("a".into(), "/root/a".into()));
    facts.containers[0].mounts.push(bind("/root/a/data", "/root/a/data", true));
    assert_eq!(found(&facts), [], "a project's own directory below root's home");
}

#[test]
fn a_volume_that_is_another_ones_directory_is_found_by_its_path() {
    let mut facts = apart();
    facts.volumes.push(VolumeFacts { name: "a_link".into(), project: Some("a".into()), path: "/srv/b/data".into() });
    facts.containers[0].mounts.push(volume("a_link"));
    assert_eq!(found(&facts), [of("foreign-path", "a", Some("b"))]);
}

fn borrower(name: &str, of: &str) -> ContainerFacts {
    ContainerFacts { network: NetworkMode::Container(of.into()), networks: Vec::new(), ..container(name, "a") }
}

#[test]
fn chains_of_networks_are_followed_to_their_end() {
    let mut facts = apart();
    let b = facts.containers[1].id.clone();
    let middle = ContainerFacts { project: None, ..borrower("middle", &b) };
    facts.containers.push(middle);
    facts.containers.push(borrower("a-side", "middle"));
    let found = find_all(&facts, &Policy::default());
    let told: Vec<(&str, Option<&str>)> =
        found.iter().map(|one| (one.subject.as_str(), one.other.as_deref())).collect();
    assert_eq!(told, [("middle", Some("b")), ("a-side", Some("b"))]);
    facts.containers[1].network = NetworkMode::Host;
    facts.containers[1].project = Some("a".into());
    let ids: Vec<String> = find_all(&facts, &Policy::default())
        .into_iter()
        .filter(|one| one.subject == "a-side")
        .map(|one| one.id)
        .collect();
    assert_eq!(ids, ["host-network"], "by a chain on the host's network");
    // A circle, and an owner that is gone: nothing can be said.
    let mut facts = apart();
    facts.containers.extend([borrower("x", "y"), borrower("y", "x"), borrower("z", &"f".repeat(64))]);
    assert_eq!(super::found(&facts), []);
}

#[test]
fn processes_of_another_project_are_told() {
    let mut facts = apart();
    let b = facts.containers[1].id.clone();
    facts.containers[0].privileges.joins = vec![b];
    assert_eq!(found(&facts), [of("foreign-namespace", "a", Some("b"))]);
    facts.containers[0].privileges.joins = vec!["a-db".into()];
    assert_eq!(found(&facts), []);
}

#[test]
fn programs_are_known_by_port_and_where_it_is_a_common_one_by_name() {
    use Protocol::{Tcp, Udp};
    for (image, inner, protocol, is_found) in [
        ("nginx:1", 8080, Tcp, false),
        ("nginx:1", 8081, Tcp, false),
        ("flink:1.18", 8081, Tcp, true),
        ("zookeeper:3.9", 8080, Tcp, true),
        ("anything", 9200, Tcp, true),
        ("anything", 9092, Tcp, true),
        ("anything", 6379, Udp, false),
        ("snowdreamtech/frpc:0.66", 7400, Tcp, true),
    ] {
        let mut facts = apart();
        facts.containers[0].image = image.into();
        facts.containers[0].ports.push(port(protocol, None, 18000, Some(inner)));
        assert_eq!(!found(&facts).is_empty(), is_found, "{image} {inner}");
    }
    let mut facts = apart();
    facts.containers[0].ports.push(port(Tcp, None, 16379, Some(6379)));
    facts.containers[0].asks_password = true;
    assert_eq!(found(&facts), [], "it asks for a password");
}

#[test]
fn ports_of_one_address_family_meet_only_their_own() {
    use Protocol::Tcp;
    for (ours, theirs, collide) in [("0.0.0.0", "::", false), ("0.0.0.0", "127.0.0.1", true), ("::", "::1", true)] {
        let mut facts = apart();
        facts.containers[0].ports.push(port(Tcp, Some(ours), 80, Some(1)));
        facts.containers[1].ports.push(port(Tcp, Some(theirs), 80, Some(1)));
        assert_eq!(found(&facts).len(), usize::from(collide), "{ours} {theirs}");
    }
    let mut facts = apart();
    let random = PortFacts { random: true, ..port(Tcp, None, 80, Some(1)) };
    facts.containers[0].ports.push(random.clone());
    facts.containers[1].ports.push(random);
    assert_eq!(found(&facts), [], "Docker chose, or will");
}

#[test]
fn every_name_of_a_finding_is_in_the_runbook() {
    let path = format!("{}/docs/runbook.md", env!("CARGO_MANIFEST_DIR"));
    let runbook = std::fs::read_to_string(path).unwrap();
    for id in IDS {
        assert!(runbook.contains(&format!("\n## {id}\n")), "{id}");
    }
}
