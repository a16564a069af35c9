//! Ports of the host that lead to containers: whose they are, and who may reach them. Pure.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::super::facts::{ContainerFacts, Facts, PortFacts, Protocol};
use crate::round::{Evidence, Finding, Severity};

/// What is declared of ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortPolicy {
    /// By project; a project without an entry may publish anything.
    pub projects: BTreeMap<String, ProjectPorts>,
    /// The kernel takes ports of this range for outgoing connections; `None`: not known.
    pub ephemeral: Option<RangeInclusive<u16>>,
    /// Of these, the ones that it leaves alone.
    pub reserved: Vec<RangeInclusive<u16>>,
}

/// The ports of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectPorts {
    pub ranges: Vec<(Protocol, RangeInclusive<u16>)>,
    /// Addresses on which it may listen; empty: any.
    pub addresses: Vec<IpAddr>,
}

/// A program that nobody should reach from outside without a password.
struct Admin {
    /// In the container.
    port: u16,
    /// Words in the names of image, service or container. Empty: nothing else uses the port.
    words: &'static [&'static str],
    what: &'static str,
}

const fn admin_at(port: u16, words: &'static [&'static str], what: &'static str) -> Admin {
    Admin { port, words, what }
}

const ADMIN: [Admin; 15] = [
    admin_at(2181, &[], "ZooKeeper"),
    admin_at(5601, &[], "Kibana"),
    admin_at(6379, &[], "Redis"),
    admin_at(7400, &["frp"], "frpc's web server"),
    admin_at(7500, &["frp"], "frp's dashboard"),
    admin_at(8080, &["zookeeper", "zk"], "ZooKeeper's admin server"),
    admin_at(8081, &["flink", "jobmanager", "taskmanager"], "Flink's dashboard"),
    admin_at(8083, &["connect", "debezium"], "Kafka Connect"),
    admin_at(9092, &[], "Kafka"),
    admin_at(9093, &["kafka"], "Kafka's controller"),
    admin_at(9200, &[], "Elasticsearch or OpenSearch"),
    admin_at(9300, &["elastic", "opensearch"], "Elasticsearch or OpenSearch"),
    admin_at(9333, &["seaweed", "weed"], "SeaweedFS"),
    admin_at(11211, &[], "memcached"),
    admin_at(27017, &[], "MongoDB"),
];

/// Everything about ports.
pub fn find(facts: &Facts, policy: &PortPolicy) -> Vec<Finding> {
    let mut all = collisions(facts);
    for container in &facts.containers {
        for port in &container.ports {
            all.extend(outside(container, port, policy));
            all.extend(wide_open(container, port, policy));
            all.extend(ephemeral(container, port, policy));
            all.extend(admin(container, port));
        }
    }
    all
}

/// Whether two claims of one port cannot both be served.
fn collide(one: &PortFacts, other: &PortFacts) -> bool {
    match (one.address, other.address) {
        (Some(one), Some(other)) => {
            let whole = one.is_ipv4() == other.is_ipv4() && (one.is_unspecified() || other.is_unspecified());
            one == other || whole
        }
        _ => true,
    }
}

fn collisions(facts: &Facts) -> Vec<Finding> {
    let mut claims: BTreeMap<(Protocol, u16), Vec<(&ContainerFacts, &PortFacts)>> = BTreeMap::new();
    for container in &facts.containers {
        for port in container.ports.iter().filter(|port| port.port != 0 && !port.random) {
            claims.entry((port.protocol, port.port)).or_default().push((container, port));
        }
    }
    let mut all: Vec<Finding> = Vec::new();
    for same in claims.values() {
        for (index, (container, port)) in same.iter().enumerate() {
            let clash = |(other, beside): &&(&ContainerFacts, &PortFacts)| {
                other.id != container.id && other.project != container.project && collide(port, beside)
            };
            let Some((other, _)) = same.iter().take(index).find(clash) else { continue };
            let (container, other) = super::tell_of(container, other);
            // A container claims IPv4 and IPv6 of one port.
            let known = |known: &Finding| known.subject == container.name && known.other == other.project;
            if all.iter().any(|one| known(one) && claims_same(one, port)) {
                continue;
            }
            let text = format!("{} and {} both want {}", container.name, other.name, words(port));
            let mut finding = finding("port-collision", Severity::Critical, container, port, text);
            finding.other = other.project.clone();
            finding.cure = "give one of them another port".into();
            all.push(finding);
        }
    }
    all
}

fn claims_same(known: &Finding, port: &PortFacts) -> bool {
    let tail = format!(":{}/{}", port.port, protocol_word(port.protocol));
    known.evidence.first().is_some_and(|fact| fact.value.ends_with(&tail))
}

fn outside(container: &ContainerFacts, port: &PortFacts, policy: &PortPolicy) -> Option<Finding> {
    let ports = policy.projects.get(container.project.as_deref()?)?;
    let declared =
        ports.ranges.iter().any(|(protocol, range)| *protocol == port.protocol && range.contains(&port.port));
    if declared || ports.ranges.is_empty() || port.port == 0 {
        return None;
    }
    let text = format!("{} publishes {}, outside its project's ports", container.name, words(port));
    let mut finding = finding("port-outside", Severity::Warning, container, port, text);
    let owner = policy.projects.iter().find(|(name, other)| {
        Some(name.as_str()) != container.project.as_deref()
            && other.ranges.iter().any(|(protocol, range)| *protocol == port.protocol && range.contains(&port.port))
    });
    finding.other = owner.map(|(name, _)| name.clone());
    finding.cure = "publish it inside the declared range, or declare it".into();
    Some(finding)
}

fn wide_open(container: &ContainerFacts, port: &PortFacts, policy: &PortPolicy) -> Option<Finding> {
    let ports = policy.projects.get(container.project.as_deref()?)?;
    let may = |address: IpAddr| {
        let any = |kind: fn(&IpAddr) -> bool| ports.addresses.iter().any(kind);
        ports.addresses.contains(&address)
            || address.is_ipv4() && any(|allowed| allowed.is_ipv4() && allowed.is_unspecified())
            || address.is_ipv6() && any(|allowed| allowed.is_ipv6() && allowed.is_unspecified())
    };
    let everywhere = [true, false]
        .iter()
        .all(|v4| ports.addresses.iter().any(|allowed| allowed.is_ipv4() == *v4 && allowed.is_unspecified()));
    if ports.addresses.is_empty() || port.address.map_or(everywhere, may) {
        return None;
    }
    let text = format!("{} listens on {}, which its project may not", container.name, words(port));
    let mut finding = finding("port-address", Severity::Warning, container, port, text);
    let least = ports.addresses.first().map(ToString::to_string).unwrap_or_default();
    finding.cure = format!("publish it as \"{least}:{}:…\"", port.port);
    Some(finding)
}

fn ephemeral(container: &ContainerFacts, port: &PortFacts, policy: &PortPolicy) -> Option<Finding> {
    let range = policy.ephemeral.as_ref().filter(|range| range.contains(&port.port) && !port.random)?;
    if policy.reserved.iter().any(|reserved| reserved.contains(&port.port)) {
        return None;
    }
    let text = format!(
        "{} publishes {}, which the kernel may give away to any outgoing connection ({} to {})",
        container.name,
        words(port),
        range.start(),
        range.end()
    );
    let mut finding = finding("port-ephemeral", Severity::Info, container, port, text);
    finding.cure = format!("sysctl net.ipv4.ip_local_reserved_ports={}, or a port below {}", port.port, range.start());
    Some(finding)
}

fn admin(container: &ContainerFacts, port: &PortFacts) -> Option<Finding> {
    let inner = port.inner.unwrap_or(port.port);
    let service = container.service.as_deref().unwrap_or_default();
    let names = [container.image.as_str(), service, container.name.as_str()].map(str::to_ascii_lowercase);
    let fits = |admin: &&Admin| {
        let named = admin.words.iter().any(|word| names.iter().any(|name| name.contains(word)));
        admin.port == inner && port.protocol == Protocol::Tcp && (admin.words.is_empty() || named)
    };
    let what = ADMIN.iter().find(fits)?.what;
    let loopback = port.address.is_some_and(|address| address.to_canonical().is_loopback());
    if loopback || container.asks_password {
        return None;
    }
    let text = format!("{what} of {} can be reached from outside at {}", container.name, words(port));
    let mut finding = finding("admin-endpoint", Severity::Warning, container, port, text);
    finding.cure = format!("publish it as \"127.0.0.1:{}:{inner}\", or not at all", port.port);
    Some(finding)
}

fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

/// As Docker writes it: `0.0.0.0:80/tcp`, `[::]:80/tcp`; `*:80/tcp` on every address.
fn words(port: &PortFacts) -> String {
    let protocol = protocol_word(port.protocol);
    match port.address {
        Some(IpAddr::V6(address)) => format!("[{address}]:{}/{protocol}", port.port),
        Some(address) => format!("{address}:{}/{protocol}", port.port),
        None => format!("*:{}/{protocol}", port.port),
    }
}

fn finding(id: &str, severity: Severity, container: &ContainerFacts, port: &PortFacts, text: String) -> Finding {
    let source = if port.inner.is_some() {
        format!("docker inspect {}", container.name)
    } else {
        format!("sockets of the processes of {}", container.name)
    };
    Finding {
        id: id.into(),
        severity,
        project: container.project.clone(),
        other: None,
        subject: container.name.clone(),
        text,
        evidence: vec![Evidence::new("port", words(port), source)],
        cure: String::new(),
        allowed: None,
    }
}
