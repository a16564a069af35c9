//! Ports of the host that lead to containers: whose they are, and who may reach them. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::facts::{ContainerFacts, Facts, PortFacts, Protocol};
use super::finding::Finding;
use crate::round::{Evidence, Severity};

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

/// Programs that nobody should reach from outside without a password, by the port they listen on.
const ADMIN: [(u16, &str); 12] = [
    (2181, "ZooKeeper"),
    (5601, "Kibana"),
    (6379, "Redis"),
    (7500, "frp's dashboard"),
    (8080, "ZooKeeper's admin server"),
    (8081, "Flink's dashboard"),
    (8083, "Kafka Connect"),
    (9092, "Kafka"),
    (9200, "Elasticsearch or OpenSearch"),
    (9333, "SeaweedFS"),
    (11211, "memcached"),
    (27017, "MongoDB"),
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

/// Whether two claims cannot both be served: every address holds the others.
fn collide(one: &PortFacts, other: &PortFacts) -> bool {
    let meet = match (one.address, other.address) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    one.protocol == other.protocol && one.port == other.port && one.port != 0 && meet
}

fn collisions(facts: &Facts) -> Vec<Finding> {
    let claims: Vec<(&ContainerFacts, &PortFacts)> = facts
        .containers
        .iter()
        .flat_map(|container| container.ports.iter().map(move |port| (container, port)))
        .collect();
    let mut all = Vec::new();
    for (index, (container, port)) in claims.iter().enumerate() {
        let other = claims.iter().take(index).find(|(other, beside)| {
            // A container claims IPv4 and IPv6 of one port.
            other.id != container.id && other.project != container.project && collide(port, beside)
        });
        let Some((other, _)) = other else { continue };
        let text = format!("{} and {} both want {}", container.name, other.name, words(port));
        let mut finding = finding("port-collision", Severity::Critical, container, port, text);
        finding.other = other.project.clone();
        finding.cure = "give one of them another port".into();
        all.push(finding);
    }
    all
}

fn outside(container: &ContainerFacts, port: &PortFacts, policy: &PortPolicy) -> Option<Finding> {
    let ports = policy.projects.get(container.project.as_deref()?)?;
    let declared =
        ports.ranges.iter().any(|(protocol, range)| *protocol == port.protocol && range.contains(&port.port));
    if declared || ports.ranges.is_empty() {
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
    if ports.addresses.is_empty() || port.address.is_some_and(|address| ports.addresses.contains(&address)) {
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
    let (_, what) = ADMIN.iter().find(|(known, _)| *known == inner)?;
    if port.address.is_some_and(|address| address.is_loopback()) {
        return None;
    }
    let text = format!("{what} of {} can be reached from outside at {}", container.name, words(port));
    let mut finding = finding("admin-endpoint", Severity::Warning, container, port, text);
    finding.cure = format!("publish it as \"127.0.0.1:{}:{inner}\", or not at all", port.port);
    Some(finding)
}

fn words(port: &PortFacts) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    match port.address {
        Some(IpAddr::V6(address)) => format!("[{address}]:{}/{protocol}", port.port),
        Some(address) => format!("{address}:{}/{protocol}", port.port),
        None => format!("{}/{protocol} on every address", port.port),
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
    }
}
