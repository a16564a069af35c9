mod declared;
mod quiet;

use super::decide::find_all;
use super::decide::ports::{PortPolicy, ProjectPorts};
use super::facts::*;
use super::policy::{Policy, ProjectPolicy};
use crate::round::Severity;

fn container(name: &str, project: &str) -> ContainerFacts {
    ContainerFacts {
        id: name.repeat(8),
        name: name.into(),
        project: Some(project.into()),
        networks: vec![format!("{project}_default")],
        ..ContainerFacts::default()
    }
}

fn bind(written: &str, canonical: &str, writable: bool) -> MountFacts {
    let source = MountSource::Bind { written: written.into(), canonical: canonical.into() };
    MountFacts { source, target: "/mnt".into(), writable }
}

fn volume(name: &str) -> MountFacts {
    MountFacts { source: MountSource::Volume(name.into()), target: "/mnt".into(), writable: true }
}

fn network(name: &str, project: Option<&str>, subnet: &str) -> NetworkFacts {
    let subnets = Subnet::parse(subnet).into_iter().collect();
    NetworkFacts { name: name.into(), project: project.map(str::to_owned), subnets }
}

/// Two projects that have nothing to do with each other.
fn apart() -> Facts {
    let named = |name: &str, project: &str| VolumeFacts {
        name: name.into(),
        project: Some(project.into()),
        path: format!("/var/lib/docker/volumes/{name}/_data"),
    };
    let mount = |path: &str| bind(path, path, true);
    Facts {
        containers: vec![
            ContainerFacts { mounts: vec![mount("/srv/a/data"), volume("a_db")], ..container("a-db", "a") },
            ContainerFacts { mounts: vec![mount("/srv/b"), volume("b_db")], ..container("b-db", "b") },
        ],
        networks: vec![
            network("a_default", Some("a"), "172.20.0.0/16"),
            network("b_default", Some("b"), "172.21.0.0/16"),
            network("bridge", None, "172.17.0.0/16"),
        ],
        volumes: vec![named("a_db", "a"), named("b_db", "b")],
        places: vec![("a".into(), "/srv/a".into()), ("b".into(), "/srv/b".into())],
        ..Facts::default()
    }
}

type Short = (String, Option<String>, Option<String>);

fn found(facts: &Facts) -> Vec<Short> {
    found_by(facts, &Policy::default())
}

fn found_by(facts: &Facts, policy: &Policy) -> Vec<Short> {
    find_all(facts, policy).into_iter().map(|finding| (finding.id, finding.project, finding.other)).collect()
}

fn of(id: &str, project: &str, other: Option<&str>) -> Short {
    (id.into(), Some(project.into()), other.map(str::to_owned))
}

#[test]
fn projects_that_are_apart_have_no_findings() {
    assert_eq!(find_all(&apart(), &Policy::default()), []);
}

/// The five of the specification.
#[test]
fn each_way_into_another_project_is_one_finding() {
    let mut facts = apart();
    let a = &mut facts.containers[0];
    a.networks.push("b_default".into());
    a.mounts.extend([
        bind("/home/a/link", "/srv/b/secret", true),
        bind("/", "/", false),
        volume("b_db"),
        bind("/var/run/docker.sock", "/run/docker.sock", false),
    ]);
    let mut found = found(&facts);
    found.sort();
    assert_eq!(
        found,
        [
            of("docker-socket", "a", None),
            of("foreign-network", "a", Some("b")),
            of("foreign-path", "a", Some("b")),
            of("foreign-volume", "a", Some("b")),
            of("host-path", "a", None),
        ]
    );
}

#[test]
fn a_link_is_told_with_what_it_leads_to() {
    let mut facts = apart();
    facts.containers[0].mounts.push(bind("/home/a/link", "/srv/b/secret", false));
    let found = find_all(&facts, &Policy::default());
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.severity, Severity::Warning);
    let facts: Vec<&str> = finding.evidence.iter().map(|fact| fact.value.as_str()).collect();
    assert_eq!(facts, ["/home/a/link", "/srv/b/secret", "/mnt", "false"]);
}

#[test]
fn the_socket_is_found_behind_its_directory_too() {
    let engines =
        ["/run/docker.sock", "/run", "/run/containerd/containerd.sock", "/opt/engine/docker.sock", "/opt/engine"];
    for path in engines {
        let mut facts = apart();
        facts.docker.sockets.push("/opt/engine/docker.sock".into());
        facts.containers[0].mounts.push(bind(path, path, false));
        assert_eq!(found(&facts), [of("docker-socket", "a", None)], "{path}");
    }
}

#[test]
fn usual_files_of_the_host_are_no_finding_until_they_can_be_written() {
    for path in ["/etc/localtime", "/etc/ssl/certs", "/proc/stat"] {
        let mut facts = apart();
        facts.containers[0].mounts.push(bind(path, path, false));
        assert_eq!(found(&facts), [], "{path}");
        facts.containers[0].mounts.push(bind(path, path, true));
        assert_eq!(found(&facts), [of("host-path", "a", None)], "{path}");
    }
}

#[test]
fn of_nested_places_the_nearer_owner_counts() {
    let mut facts = apart();
    facts.places.push(("a".into(), "/srv/b/for-a".into()));
    facts.containers[0].mounts.push(bind("/srv/b/for-a/x", "/srv/b/for-a/x", true));
    let reached = of("foreign-path", "b", Some("a"));
    assert_eq!(found(&facts), std::slice::from_ref(&reached), "b has all of /srv/b, and so what is a's in it");
    facts.containers[0].mounts.push(bind("/srv", "/srv", true));
    assert_eq!(found(&facts), [of("foreign-path", "a", Some("b")), reached], "what holds another project's directory");
}

#[test]
fn who_has_what_holds_several_projects_touches_each() {
    let mut facts = apart();
    facts.containers.push(ContainerFacts { mounts: vec![bind("/srv", "/srv", false)], ..container("c-backup", "c") });
    assert_eq!(found(&facts), [of("foreign-path", "c", Some("a")), of("foreign-path", "c", Some("b"))]);
}

#[test]
fn a_network_borrowed_within_a_project_is_no_finding() {
    let mut facts = apart();
    let (a, b) = (facts.containers[0].id.clone(), facts.containers[1].id.clone());
    let borrower = |id: String| ContainerFacts {
        network: NetworkMode::Container(id),
        networks: Vec::new(),
        ..container("a-side", "a")
    };
    facts.containers.push(borrower(a));
    assert_eq!(found(&facts), []);
    facts.containers.push(borrower(b));
    assert_eq!(found(&facts), [of("foreign-network", "a", Some("b"))]);
}

#[test]
fn a_bridge_that_nobody_owns_is_told_once_for_each_pair() {
    let mut facts = apart();
    facts.networks.push(network("edge", None, "172.30.0.0/24"));
    for container in &mut facts.containers {
        container.networks.push("edge".into());
    }
    let second = ContainerFacts { networks: vec!["edge".into()], ..container("b-web", "b") };
    facts.containers.push(second);
    assert_eq!(found(&facts), [of("shared-network", "b", Some("a"))]);
}

#[test]
fn networks_without_a_wall_are_told() {
    for (mode, id) in [(NetworkMode::Host, "host-network"), (NetworkMode::Bridge, "default-bridge")] {
        let mut facts = apart();
        facts.containers[0].network = mode;
        assert_eq!(found(&facts), [of(id, "a", None)]);
    }
    let mut facts = apart();
    facts.networks[1] = network("b_default", Some("b"), "172.20.128.0/17");
    assert_eq!(found(&facts), [of("overlapping-subnets", "a", Some("b"))]);
}

fn port(protocol: Protocol, address: Option<&str>, number: u16, inner: Option<u16>) -> PortFacts {
    PortFacts { protocol, address: address.map(|text| text.parse().unwrap()), port: number, inner, random: false }
}

/// Project `a` may have 48000 to 48999 on loopback.
fn policy() -> Policy {
    let ranges = vec![(Protocol::Tcp, 48000..=48999)];
    let a = ProjectPorts { ranges, addresses: vec!["127.0.0.1".parse().unwrap()] };
    let projects = [("a".to_owned(), a)].into_iter().collect();
    Policy {
        ports: PortPolicy { projects, ephemeral: Some(32768..=60999), reserved: vec![48000..=49999] },
        ..Policy::default()
    }
}

#[test]
fn ports_are_held_to_their_project() {
    use Protocol::{Tcp, Udp};
    let loopback = Some("127.0.0.1");
    for (claim, expected) in [
        (port(Tcp, loopback, 48010, Some(80)), vec![]),
        (port(Tcp, loopback, 47010, Some(80)), vec![of("port-outside", "a", None), of("port-ephemeral", "a", None)]),
        (port(Udp, loopback, 48010, Some(80)), vec![of("port-outside", "a", None)]),
        (port(Tcp, None, 48010, Some(80)), vec![of("port-address", "a", None)]),
        (port(Tcp, Some("::1"), 48010, Some(80)), vec![of("port-address", "a", None)]),
        (port(Tcp, None, 48010, Some(6379)), vec![of("admin-endpoint", "a", None), of("port-address", "a", None)]),
        (port(Tcp, loopback, 48010, Some(6379)), vec![]),
    ] {
        let mut facts = apart();
        facts.containers[0].ports.push(claim.clone());
        let mut found = found_by(&facts, &policy());
        found.sort();
        let mut expected = expected;
        expected.sort();
        assert_eq!(found, expected, "{claim:?}");
    }
}

#[test]
fn two_projects_that_want_one_port_collide_where_their_addresses_meet() {
    use Protocol::{Tcp, Udp};
    for (ours, theirs, collide) in [
        (port(Tcp, None, 80, Some(1)), port(Tcp, Some("10.0.0.1"), 80, Some(1)), true),
        (port(Tcp, Some("10.0.0.1"), 80, Some(1)), port(Tcp, Some("10.0.0.2"), 80, Some(1)), false),
        (port(Tcp, None, 80, Some(1)), port(Udp, None, 80, Some(1)), false),
        (port(Tcp, Some("::1"), 80, Some(1)), port(Tcp, Some("::1"), 80, Some(1)), true),
        (port(Tcp, None, 0, Some(1)), port(Tcp, None, 0, Some(1)), false),
        (port(Tcp, None, 80, None), port(Tcp, None, 80, Some(1)), true),
    ] {
        let mut facts = apart();
        facts.containers[0].ports.push(ours.clone());
        facts.containers[1].ports.push(theirs.clone());
        let expected = if collide { vec![of("port-collision", "b", Some("a"))] } else { vec![] };
        assert_eq!(found(&facts), expected, "{ours:?} {theirs:?}");
    }
}

#[test]
fn privileges_are_told_and_the_finer_rules_where_they_are_asked() {
    let mut facts = apart();
    facts.containers[0].privileges = Privileges {
        added_capabilities: vec!["SYS_ADMIN".into(), "CHOWN".into()],
        host_processes: true,
        root_user: true,
        restart: "always".into(),
        ..Privileges::default()
    };
    assert_eq!(found(&facts), [of("host-processes", "a", None), of("added-capabilities", "a", None)]);
    let hardened = ProjectPolicy { hardened: true, ..ProjectPolicy::default() };
    let policy = Policy { projects: [("a".to_owned(), hardened)].into(), ..Policy::default() };
    let ids: Vec<String> = found_by(&facts, &policy).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["host-processes", "added-capabilities", "restart-always", "root-user"]);
    // What privileged has anyway is not told twice.
    facts.containers[0].privileges.privileged = true;
    let ids: Vec<String> = found(&facts).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["host-processes", "privileged"]);
}
