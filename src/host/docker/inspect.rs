//! Docker's full answer about one container, and what is kept of it for the audit.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::answer::{cut, is_id, parse_image_name};
use super::detail::{
    Detail, MountDetail, PortDetail, Rights, is_asking, is_gpu_device, is_no_new_privileges, is_root, parse_capability,
    parse_ports,
};
use super::is_unbounded;
use crate::host::environment::parse_environment;
use crate::values::{MarkKey, one_line};

/// Things of one kind that are kept of one container.
const MOST: usize = 500;
const PATH_LIMIT: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    image: String,
    state: Option<StateAnswer>,
    config: Option<ConfigAnswer>,
    host_config: Option<HostAnswer>,
    mounts: Option<Vec<MountAnswer>>,
    network_settings: Option<NetworkAnswer>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct StateAnswer {
    running: bool,
    pid: i32,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ConfigAnswer {
    image: String,
    user: String,
    env: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    labels: Option<HashMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostAnswer {
    network_mode: String,
    pid_mode: String,
    ipc_mode: String,
    privileged: bool,
    readonly_rootfs: bool,
    runtime: String,
    cap_add: Option<Vec<String>>,
    security_opt: Option<Vec<String>>,
    port_bindings: Option<BTreeMap<String, Option<Vec<BindingAnswer>>>>,
    restart_policy: Option<RestartAnswer>,
    log_config: Option<LogAnswer>,
    device_requests: Option<Vec<RequestAnswer>>,
    devices: Option<Vec<DeviceAnswer>>,
    device_cgroup_rules: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BindingAnswer {
    host_ip: String,
    host_port: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RestartAnswer {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LogAnswer {
    r#type: String,
    config: Option<HashMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RequestAnswer {
    driver: String,
    count: i64,
    #[serde(rename = "DeviceIDs")]
    device_ids: Option<Vec<String>>,
    capabilities: Option<Vec<Vec<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DeviceAnswer {
    path_on_host: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MountAnswer {
    r#type: String,
    name: String,
    source: String,
    destination: String,
    #[serde(rename = "RW")]
    writable: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkAnswer {
    networks: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    ports: Option<BTreeMap<String, Option<Vec<BindingAnswer>>>>,
}

/// The answer to `/containers/{id}/json`, as the audit keeps it. `None`: it is not that.
pub fn parse_detail(key: &MarkKey, answer: &[u8]) -> Option<Detail> {
    let answer: Answer = serde_json::from_slice(answer).ok().filter(|answer: &Answer| is_id(&answer.id))?;
    let (config, host) = (answer.config.unwrap_or_default(), answer.host_config.unwrap_or_default());
    let network = answer.network_settings.unwrap_or_default();
    let state = answer.state.unwrap_or_default();
    let labels = config.labels.unwrap_or_default();
    let label = |name: &str| labels.get(&format!("com.docker.compose.{name}")).filter(|value| !value.is_empty());
    let variables = config.env.unwrap_or_default();
    let command: Vec<String> = [config.entrypoint, config.cmd].into_iter().flatten().flatten().collect();
    Some(Detail {
        name: cut(answer.name.trim_start_matches('/')),
        project: label("project").map(|value| cut(value)),
        service: label("service").map(|value| cut(value)),
        working_dir: label("project.working_dir").map(|value| one_line(value, PATH_LIMIT)),
        files: ["project.config_files", "project.environment_file"]
            .into_iter()
            .filter_map(label)
            .flat_map(|list| list.split(','))
            .take(MOST)
            .map(|path| one_line(path, PATH_LIMIT))
            .collect(),
        image: parse_image_name(&config.image),
        image_id: cut(&answer.image),
        pid: Some(state.pid).filter(|pid| state.running && *pid > 0),
        mounts: answer.mounts.unwrap_or_default().into_iter().take(MOST).filter_map(pick_mount).collect(),
        networks: network.networks.unwrap_or_default().into_keys().take(MOST).map(|name| cut(&name)).collect(),
        claims: pick_ports(host.port_bindings.as_ref()),
        published: pick_ports(network.ports.as_ref()),
        rights: pick_rights(&host, &config.user),
        gpus: pick_gpus(&host),
        network_mode: cut(&host.network_mode),
        pid_mode: cut(&host.pid_mode),
        ipc_mode: cut(&host.ipc_mode),
        runtime: cut(&host.runtime),
        environment: parse_environment(key, variables.iter().map(String::as_str)),
        asks_password: is_asking(&command),
        id: answer.id,
    })
}

fn pick_mount(mount: MountAnswer) -> Option<MountDetail> {
    let volume = match mount.r#type.as_str() {
        "bind" => None,
        "volume" => Some(cut(&mount.name)),
        _ => return None,
    };
    let (source, target) = (one_line(&mount.source, PATH_LIMIT), one_line(&mount.destination, PATH_LIMIT));
    Some(MountDetail { volume, source, target, writable: mount.writable })
}

/// `{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}`.
fn pick_ports(ports: Option<&BTreeMap<String, Option<Vec<BindingAnswer>>>>) -> Vec<PortDetail> {
    let each = |(inner, bindings): (&String, &Option<Vec<BindingAnswer>>)| -> Vec<PortDetail> {
        let (inner, protocol) = inner.split_once('/').unwrap_or((inner, "tcp"));
        let Some(inner) = inner.parse().ok() else { return Vec::new() };
        let bindings = bindings.iter().flatten().map(|binding| PortDetail {
            inner,
            protocol: cut(protocol),
            address: cut(&binding.host_ip),
            ports: parse_ports(&binding.host_port),
        });
        bindings.collect()
    };
    ports.into_iter().flatten().flat_map(each).take(MOST).collect()
}

fn pick_rights(host: &HostAnswer, user: &str) -> Rights {
    let log = host.log_config.as_ref();
    let options = |log: &LogAnswer| is_unbounded(&log.r#type, log.config.as_ref().unwrap_or(&HashMap::new()));
    Rights {
        privileged: host.privileged,
        added_capabilities: host.cap_add.iter().flatten().take(MOST).map(|word| parse_capability(word)).collect(),
        root_user: is_root(user),
        read_only_root: host.readonly_rootfs,
        no_new_privileges: host.security_opt.iter().flatten().any(|option| is_no_new_privileges(option)),
        unbounded_log: log.is_some_and(options),
        restart: host.restart_policy.as_ref().map(|policy| cut(&policy.name)).unwrap_or_default(),
    }
}

/// Each way by which it asks for a GPU. The environment is another one.
fn pick_gpus(host: &HostAnswer) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for request in host.device_requests.iter().flatten().take(MOST) {
        let ids = request.device_ids.as_ref().filter(|ids| !ids.is_empty()).map(|ids| ids.join(", "));
        let asks = request.driver == "nvidia"
            || request.capabilities.iter().flatten().flatten().any(|word| word == "gpu" || word == "nvidia");
        if request.driver == "cdi" {
            let gpu = ids.filter(|ids| ids.contains("nvidia") || ids.contains("gpu"));
            all.extend(gpu.map(|ids| ("CDI device".to_owned(), cut(&ids))));
        } else if asks {
            let count = if request.count < 0 { "all".to_owned() } else { request.count.to_string() };
            all.push(("device request".to_owned(), cut(&ids.unwrap_or(count))));
        }
    }
    let devices = host.devices.iter().flatten().map(|device| ("device", &device.path_on_host));
    let rules = host.device_cgroup_rules.iter().flatten().map(|rule| ("device rule", rule));
    let direct = devices.chain(rules).filter(|(_, text)| is_gpu_device(text)).take(MOST);
    all.extend(direct.map(|(how, text)| (how.to_owned(), cut(text))));
    all
}
