//! What the audit asks of Docker: containers in full, networks, volumes, the environments of images, and Docker's own
//! directories. Looks only; each answer is bounded in time and bytes, and so is their number.

use std::collections::HashMap;

use serde::Deserialize;

use super::answer::{cut, is_id};
use super::detail::{Daemon, Detail, NetworkDetail, VolumeDetail};
use super::inspect::parse_detail;
use super::space::{is_image_id, is_volume_name};
use super::{Docker, Error};
use crate::host::environment::{Environment, parse_environment};
use crate::values::{MarkKey, one_line};

/// The newest API in which the answers are known to have this shape.
const NEWEST_API: (usize, usize) = (1, 52);
/// Networks and volumes that are kept.
const MOST: usize = 5000;
const PATH_LIMIT: usize = 4096;
const PROJECT_LABEL: &str = "com.docker.compose.project";

impl Docker {
    /// One container in full; `None` when it is gone.
    pub async fn read_detail(&self, key: &MarkKey, id: &str) -> Result<Option<Detail>, Error> {
        if !is_id(id) {
            return Err(Error::reply("docker", "not a container id"));
        }
        let path = format!("containers/{id}/json");
        let Some(body) = self.ask_if_there("inspect", &path, NEWEST_API).await? else { return Ok(None) };
        parse_detail(key, &body).map(Some).ok_or_else(|| strange("inspect"))
    }

    pub async fn list_networks(&self) -> Result<Vec<NetworkDetail>, Error> {
        let body = self.ask_plain("list of networks", "networks", NEWEST_API).await?;
        parse_networks(&body).ok_or_else(|| strange("list of networks"))
    }

    pub async fn list_volumes(&self) -> Result<Vec<VolumeDetail>, Error> {
        let body = self.ask_plain("list of volumes", "volumes", NEWEST_API).await?;
        parse_volumes(&body).ok_or_else(|| strange("list of volumes"))
    }

    /// The environment that every container of an image begins with; `None` when the image is gone.
    pub async fn read_image_environment(&self, key: &MarkKey, id: &str) -> Result<Option<Environment>, Error> {
        if !is_image_id(id) {
            return Ok(None);
        }
        let path = format!("images/{id}/json");
        let Some(body) = self.ask_if_there("image", &path, NEWEST_API).await? else { return Ok(None) };
        parse_image_environment(key, &body).map(Some).ok_or_else(|| strange("image"))
    }

    pub async fn read_daemon(&self) -> Result<Daemon, Error> {
        let body = self.ask_plain("info", "info", NEWEST_API).await?;
        parse_daemon(&body).ok_or_else(|| strange("info"))
    }
}

/// Nothing of the answer is told: it may hold secrets.
fn strange(what: &str) -> Error {
    Error::reply("docker", format!("{what}: the answer is not Docker's JSON"))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkAnswer {
    name: String,
    driver: String,
    #[serde(rename = "IPAM")]
    ipam: Option<IpamAnswer>,
    labels: Option<HashMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct IpamAnswer {
    config: Option<Vec<SubnetAnswer>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SubnetAnswer {
    subnet: String,
}

/// The answer to `/networks`, as it is kept. `None`: it is not that.
pub fn parse_networks(answer: &[u8]) -> Option<Vec<NetworkDetail>> {
    let answers: Vec<NetworkAnswer> = serde_json::from_slice(answer).ok()?;
    let each = |network: NetworkAnswer| NetworkDetail {
        name: cut(&network.name),
        driver: cut(&network.driver),
        project: pick_project(network.labels.as_ref()),
        subnets: {
            let subnets = network.ipam.unwrap_or_default().config.unwrap_or_default();
            subnets.into_iter().take(100).map(|config| cut(&config.subnet)).collect()
        },
    };
    Some(answers.into_iter().filter(|network| !network.name.is_empty()).take(MOST).map(each).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumesAnswer {
    volumes: Option<Vec<VolumeAnswer>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct VolumeAnswer {
    name: String,
    driver: String,
    mountpoint: String,
    labels: Option<HashMap<String, String>>,
    options: Option<HashMap<String, String>>,
}

/// The answer to `/volumes`, as it is kept. `None`: it is not that. Options may hold passwords of file servers: of them only
/// the directory of a bind is taken.
pub fn parse_volumes(answer: &[u8]) -> Option<Vec<VolumeDetail>> {
    let answer: VolumesAnswer = serde_json::from_slice(answer).ok()?;
    let each = |volume: VolumeAnswer| VolumeDetail {
        device: pick_device(&volume.driver, volume.options.as_ref()),
        project: pick_project(volume.labels.as_ref()),
        mountpoint: one_line(&volume.mountpoint, PATH_LIMIT),
        name: volume.name,
    };
    let volumes = answer.volumes.unwrap_or_default();
    Some(volumes.into_iter().filter(|volume| is_volume_name(&volume.name)).take(MOST).map(each).collect())
}

/// The directory that a volume of driver `local` is bound to.
pub fn pick_device(driver: &str, options: Option<&HashMap<String, String>>) -> Option<String> {
    let options = options?;
    let binds = options.get("o").is_some_and(|words| words.split(',').any(|word| word == "bind" || word == "rbind"));
    let device = options.get("device").filter(|device| device.starts_with('/'))?;
    (binds && (driver == "local" || driver.is_empty())).then(|| one_line(device, PATH_LIMIT))
}

fn pick_project(labels: Option<&HashMap<String, String>>) -> Option<String> {
    labels?.get(PROJECT_LABEL).filter(|project| !project.is_empty()).map(|project| cut(project))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageAnswer {
    config: Option<ImageConfigAnswer>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ImageConfigAnswer {
    env: Option<Vec<String>>,
}

/// The answer to `/images/{id}/json`: its environment. `None`: it is not that.
pub fn parse_image_environment(key: &MarkKey, answer: &[u8]) -> Option<Environment> {
    let answer: ImageAnswer = serde_json::from_slice(answer).ok()?;
    let variables = answer.config.unwrap_or_default().env.unwrap_or_default();
    Some(parse_environment(key, variables.iter().map(String::as_str)))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InfoAnswer {
    docker_root_dir: String,
    default_runtime: String,
}

/// The answer to `/info`, as it is kept. `None`: it is not that.
pub fn parse_daemon(answer: &[u8]) -> Option<Daemon> {
    let answer: InfoAnswer = serde_json::from_slice(answer).ok()?;
    Some(Daemon {
        directory: one_line(&answer.docker_root_dir, PATH_LIMIT),
        default_runtime: cut(&answer.default_runtime),
    })
}
