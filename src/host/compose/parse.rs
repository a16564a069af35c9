//! What `docker compose config --format json` prints, as containers, networks and volumes. Pure.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;

use crate::host::docker::detail::{
    Detail, MountDetail, NetworkDetail, PortDetail, Rights, VolumeDetail, is_asking, is_gpu_device,
    is_no_new_privileges, is_root, parse_capability, parse_ports,
};
use crate::host::docker::{cut, is_unbounded, parse_image_name, pick_device};
use crate::host::environment::parse_environment;
use crate::values::{MarkKey, one_line};

/// Services, and things of one kind in one.
const MOST: usize = 1000;
const PATH_LIMIT: usize = 4096;

/// A project as it would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Composed {
    pub project: String,
    /// One for each service.
    pub containers: Vec<Detail>,
    /// What it makes itself; what it only uses is there already.
    pub networks: Vec<NetworkDetail>,
    pub volumes: Vec<VolumeDetail>,
}

#[derive(Deserialize)]
struct Answer {
    name: String,
    #[serde(default)]
    services: BTreeMap<String, Service>,
    #[serde(default)]
    networks: BTreeMap<String, Option<Network>>,
    #[serde(default)]
    volumes: BTreeMap<String, Option<Volume>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Service {
    image: Option<String>,
    container_name: Option<String>,
    command: Option<Value>,
    environment: Option<BTreeMap<String, Option<Value>>>,
    ports: Vec<Port>,
    volumes: Vec<Mount>,
    networks: Option<BTreeMap<String, Value>>,
    network_mode: Option<String>,
    pid: Option<String>,
    ipc: Option<String>,
    privileged: bool,
    cap_add: Vec<String>,
    security_opt: Vec<String>,
    user: Option<String>,
    read_only: bool,
    restart: Option<String>,
    logging: Option<Logging>,
    runtime: Option<String>,
    devices: Vec<Device>,
    device_cgroup_rules: Vec<String>,
    gpus: Vec<Request>,
    deploy: Option<Deploy>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Port {
    target: u16,
    published: Option<String>,
    protocol: Option<String>,
    host_ip: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Mount {
    r#type: String,
    source: Option<String>,
    target: String,
    read_only: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Logging {
    driver: Option<String>,
    options: Option<HashMap<String, Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Device {
    source: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    driver: Option<String>,
    count: Option<Value>,
    device_ids: Vec<String>,
    capabilities: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Deploy {
    resources: Option<Resources>,
    restart_policy: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    reservations: Option<Reservations>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reservations {
    devices: Vec<Request>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Network {
    name: Option<String>,
    external: bool,
    driver: Option<String>,
    ipam: Option<Ipam>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ipam {
    config: Option<Vec<Pool>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pool {
    subnet: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Volume {
    name: Option<String>,
    external: bool,
    driver: Option<String>,
    driver_opts: Option<HashMap<String, String>>,
}

/// `None`: it is not what Compose prints.
pub fn parse_compose(key: &MarkKey, answer: &[u8]) -> Option<Composed> {
    let answer: Answer = serde_json::from_slice(answer).ok().filter(|answer: &Answer| !answer.name.is_empty())?;
    let project = cut(&answer.name);
    let name_of =
        |key: &str, name: Option<&String>| name.map_or_else(|| format!("{project}_{}", cut(key)), |name| cut(name));
    let networks: BTreeMap<&str, String> = answer
        .networks
        .iter()
        .map(|(key, network)| (key.as_str(), name_of(key, network.as_ref().and_then(|network| network.name.as_ref()))))
        .collect();
    let volumes: BTreeMap<&str, String> = answer
        .volumes
        .iter()
        .map(|(key, volume)| (key.as_str(), name_of(key, volume.as_ref().and_then(|volume| volume.name.as_ref()))))
        .collect();
    let container = |(name, service): (&String, &Service)| {
        let mut detail = pick_container(key, &project, name, service);
        detail.networks = pick_networks(&project, service, &networks);
        detail.mounts = service.volumes.iter().take(MOST).filter_map(|mount| pick_mount(mount, &volumes)).collect();
        detail
    };
    Some(Composed {
        containers: answer.services.iter().take(MOST).map(container).collect(),
        networks: answer.networks.iter().take(MOST).filter_map(|one| pick_network(one, &project, &networks)).collect(),
        volumes: answer.volumes.iter().take(MOST).filter_map(|one| pick_volume(one, &project, &volumes)).collect(),
        project,
    })
}

fn name_container(project: &str, name: &str, service: &Service) -> String {
    service.container_name.as_deref().map_or_else(|| format!("{project}-{}-1", cut(name)), cut)
}

fn pick_container(key: &MarkKey, project: &str, service_name: &str, service: &Service) -> Detail {
    let name = name_container(project, service_name, service);
    let variables: Vec<String> = service.environment.iter().flatten().filter_map(pick_variable).collect();
    Detail {
        id: name.clone(),
        name,
        project: Some(project.to_owned()),
        service: Some(cut(service_name)),
        image: service.image.as_deref().map(parse_image_name).unwrap_or_default(),
        network_mode: refer(project, service.network_mode.as_deref()),
        pid_mode: refer(project, service.pid.as_deref()),
        ipc_mode: refer(project, service.ipc.as_deref()),
        claims: service.ports.iter().take(MOST).filter_map(pick_port).collect(),
        rights: pick_rights(service),
        gpus: pick_gpus(service),
        runtime: service.runtime.as_deref().map(cut).unwrap_or_default(),
        asks_password: is_asking(&pick_words(service.command.as_ref())),
        environment: parse_environment(key, variables.iter().map(String::as_str)),
        ..Detail::default()
    }
}

/// `service:db` means that service's container.
fn refer(project: &str, mode: Option<&str>) -> String {
    let mode = mode.unwrap_or_default();
    match mode.strip_prefix("service:") {
        Some(service) => format!("container:{project}-{}-1", cut(service)),
        None => cut(mode),
    }
}

fn pick_words(command: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match command {
        Some(Value::Array(words)) => words.iter().filter_map(text).collect(),
        Some(Value::String(line)) => vec![line.clone()],
        _ => Vec::new(),
    }
}

/// Compose doubles each `$` of what it prints.
fn pick_variable((name, value): (&String, &Option<Value>)) -> Option<String> {
    let value = match value.as_ref()? {
        Value::String(text) => text.replace("$$", "$"),
        other => other.to_string(),
    };
    Some(format!("{name}={value}"))
}

fn pick_port(port: &Port) -> Option<PortDetail> {
    let ports = port.published.as_deref().and_then(parse_ports)?;
    Some(PortDetail {
        inner: port.target,
        protocol: cut(port.protocol.as_deref().unwrap_or("tcp")),
        address: cut(port.host_ip.as_deref().unwrap_or_default()),
        ports: Some(ports),
    })
}

fn pick_mount(mount: &Mount, volumes: &BTreeMap<&str, String>) -> Option<MountDetail> {
    let source = mount.source.as_deref()?;
    let volume = match mount.r#type.as_str() {
        "bind" => None,
        "volume" => Some(volumes.get(source).cloned().unwrap_or_else(|| cut(source))),
        _ => return None,
    };
    let path = if volume.is_none() { one_line(source, PATH_LIMIT) } else { String::new() };
    Some(MountDetail { volume, source: path, target: one_line(&mount.target, PATH_LIMIT), writable: !mount.read_only })
}

/// Without any, and without a mode, a service is on its project's own network.
fn pick_networks(project: &str, service: &Service, names: &BTreeMap<&str, String>) -> Vec<String> {
    let keys = service.networks.iter().flatten().map(|(key, _)| key.as_str()).take(MOST);
    let mut all: Vec<String> = keys.map(|key| names.get(key).cloned().unwrap_or_else(|| cut(key))).collect();
    if all.is_empty() && service.network_mode.is_none() {
        all.push(names.get("default").cloned().unwrap_or_else(|| format!("{project}_default")));
    }
    all
}

fn pick_network(
    (key, network): (&String, &Option<Network>),
    project: &str,
    names: &BTreeMap<&str, String>,
) -> Option<NetworkDetail> {
    let network = network.as_ref();
    if network.is_some_and(|network| network.external) {
        return None;
    }
    let pools = network.and_then(|network| network.ipam.as_ref()?.config.as_ref());
    Some(NetworkDetail {
        name: names.get(key.as_str()).cloned().unwrap_or_default(),
        driver: network.and_then(|network| network.driver.as_deref()).map_or_else(|| "bridge".to_owned(), cut),
        project: Some(project.to_owned()),
        subnets: pools.into_iter().flatten().filter_map(|pool| pool.subnet.as_deref()).take(100).map(cut).collect(),
    })
}

fn pick_volume(
    (key, volume): (&String, &Option<Volume>),
    project: &str,
    names: &BTreeMap<&str, String>,
) -> Option<VolumeDetail> {
    let volume = volume.as_ref();
    if volume.is_some_and(|volume| volume.external) {
        return None;
    }
    let driver = volume.and_then(|volume| volume.driver.as_deref()).unwrap_or_default();
    Some(VolumeDetail {
        name: names.get(key.as_str()).cloned().unwrap_or_default(),
        project: Some(project.to_owned()),
        mountpoint: String::new(),
        device: pick_device(driver, volume.and_then(|volume| volume.driver_opts.as_ref())),
    })
}

fn pick_rights(service: &Service) -> Rights {
    let log = service.logging.as_ref();
    let options = log.and_then(|log| log.options.as_ref()).into_iter().flatten();
    let options: HashMap<String, String> = options
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let driver = log.and_then(|log| log.driver.as_deref()).unwrap_or("json-file");
    Rights {
        privileged: service.privileged,
        added_capabilities: service.cap_add.iter().take(MOST).map(|word| parse_capability(word)).collect(),
        // The image may say otherwise, but the file does not.
        root_user: is_root(service.user.as_deref().unwrap_or_default()),
        read_only_root: service.read_only,
        no_new_privileges: service.security_opt.iter().any(|option| is_no_new_privileges(option)),
        unbounded_log: is_unbounded(driver, &options),
        restart: match (&service.restart, &service.deploy) {
            (Some(word), _) => cut(word),
            (None, Some(deploy)) if deploy.restart_policy.is_some() => "on-failure".into(),
            _ => String::new(),
        },
    }
}

fn pick_gpus(service: &Service) -> Vec<(String, String)> {
    let reserved = service.deploy.as_ref().and_then(|deploy| deploy.resources.as_ref()?.reservations.as_ref());
    let reserved = reserved.into_iter().flat_map(|reservations| &reservations.devices);
    let asks = |request: &&Request| {
        request.driver.as_deref() == Some("nvidia")
            || request.capabilities.iter().any(|word| word == "gpu" || word == "nvidia")
    };
    let requests = service.gpus.iter().chain(reserved.filter(asks)).take(MOST).map(|request| {
        let count = match request.count.as_ref() {
            Some(Value::Number(count)) if count.as_i64().is_some_and(|count| count >= 0) => count.to_string(),
            _ => "all".to_owned(),
        };
        let ids = if request.device_ids.is_empty() { count } else { request.device_ids.join(", ") };
        ("device request".to_owned(), cut(&ids))
    });
    let devices = service.devices.iter().map(|device| ("device", device.source.as_str()));
    let rules = service.device_cgroup_rules.iter().map(|rule| ("device rule", rule.as_str()));
    let direct = devices.chain(rules).filter(|(_, text)| is_gpu_device(text)).take(MOST);
    requests.chain(direct.map(|(how, text)| (how.to_owned(), cut(text)))).collect()
}
