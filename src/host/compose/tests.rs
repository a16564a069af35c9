use super::*;
use crate::host::environment::new_mark_key;

fn composed() -> Composed {
    let path = format!("{}/tests/captured/docker/compose-2.40.3-config.json", env!("CARGO_MANIFEST_DIR"));
    parse_compose(&new_mark_key().unwrap(), &std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn what_compose_2_40_prints_is_understood() {
    let composed = composed();
    assert_eq!(composed.project, "shop");
    let [host, side, web] = &composed.containers[..] else { panic!("{composed:?}") };
    assert_eq!((web.name.as_str(), web.image.as_str(), web.service.as_deref()), ("shop-web-1", "nginx", Some("web")));
    let ports: Vec<_> =
        web.claims.iter().map(|port| (port.inner, port.protocol.as_str(), port.address.as_str(), port.ports)).collect();
    let expected = [
        (80, "tcp", "", Some((8080, 8080))),
        (90, "udp", "127.0.0.1", Some((9000, 9000))),
        (91, "udp", "127.0.0.1", Some((9001, 9001))),
        (53, "udp", "::1", Some((5353, 5353))),
    ];
    assert_eq!(ports, expected, "and not the one that Docker chooses");
    assert_eq!(web.networks, ["shop_default", "edge"]);
    let mounts: Vec<(Option<&str>, &str, bool)> =
        web.mounts.iter().map(|mount| (mount.volume.as_deref(), mount.source.as_str(), mount.writable)).collect();
    let expected = [(None, "/srv/shop/data", false), (Some("shop_db"), "", true), (None, "/var/run/docker.sock", true)];
    assert_eq!(mounts, expected);
    assert!(web.rights.no_new_privileges && web.rights.read_only_root && !web.rights.root_user);
    assert!(!web.rights.unbounded_log && side.rights.unbounded_log);
    assert_eq!((web.rights.restart.as_str(), web.gpus.len()), ("always", 1));
    assert_eq!((side.network_mode.as_str(), side.networks.len()), ("container:shop-web-1", 0));
    assert!(side.rights.privileged && side.gpus.len() == 2 && side.pid_mode == "host" && side.runtime == "nvidia");
    assert_eq!((host.network_mode.as_str(), host.pid_mode.as_str()), ("host", "container:shop-side-1"));
    assert_eq!(host.gpus, [("device rule".to_owned(), "c 195:* rwm".to_owned())]);
}

#[test]
fn what_is_only_used_is_not_what_it_makes() {
    let composed = composed();
    let names: Vec<&str> = composed.networks.iter().map(|network| network.name.as_str()).collect();
    assert_eq!(names, ["shop_default"]);
    let volumes: Vec<(&str, Option<&str>)> =
        composed.volumes.iter().map(|volume| (volume.name.as_str(), volume.device.as_deref())).collect();
    assert_eq!(volumes, [("shop_db", None)]);
}

#[test]
fn a_planted_secret_is_only_a_mark() {
    let composed = composed();
    assert_eq!(composed.containers[2].environment.secrets[0].name, "DB_PASSWORD");
    assert!(!format!("{composed:?}").contains("hunter2"));
}

#[test]
fn what_compose_complains_of_is_told_by_its_line_alone() {
    assert_eq!(find_line("yaml: line 12: mapping values are not allowed: hunter2"), Some(12));
    assert_eq!(find_line("services.web.environment is wrong: hunter2"), None);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(proptest::arbitrary::any::<u8>(), 0..300)) {
        parse_compose(&crate::values::MarkKey::new([7; 32]), &bytes);
    }
}
