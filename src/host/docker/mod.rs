//! Docker through its socket: the list of containers, one container, the version, what it holds, and events that wake; for
//! who asks for a `Remover`, the removal of a single thing; for who asks for a `Steerer`, the limits, stop and start of one
//! container. Every answer is bounded in time and in bytes. What the answers mean is not decided here.

mod answer;
pub mod detail;
mod events;
mod inspect;
mod logs;
mod poller;
mod removal;
mod space;
mod steering;
mod surroundings;
#[cfg(test)]
mod tests;
mod transport;

pub use answer::{
    Compose, Inspected, Listed, Resources, cut, is_id, is_same_image, parse_health, parse_image_name, parse_inspect,
    parse_list,
};
pub use events::{Event, follow_events};
pub use inspect::parse_detail;
pub use logs::{GrowingLog, is_unbounded};
pub use poller::{Answer, Docked, Following, Listing, Poller, Settings};
pub use removal::{Removal, Remover};
pub use space::{
    CacheUse, ContainerUse, ImageUse, Space, VolumeUse, is_image_id, is_image_name, is_volume_name, parse_space,
};
pub use steering::{Quota, Steerer, Update};
pub use surroundings::{parse_daemon, parse_image_environment, parse_networks, parse_volumes, pick_device};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error as ClientError;
use bollard::query_parameters::ListContainersOptionsBuilder;
use http_body_util::BodyExt;

use super::Error;
use transport::{Bounds, Reach};

/// How long one question may take.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of one answer: the list of 1000 containers with long labels is about 5 MB.
const ANSWER_BYTES: u64 = 16 * 1024 * 1024;
/// The oldest API that is spoken: Docker 20.10, Debian 12.
const OLDEST_API: (usize, usize) = (1, 41);

/// What Docker says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Of the server, such as `20.10.24`.
    pub server: String,
    /// The API that is spoken with it, such as `1.41`.
    pub api: String,
}

/// A Docker that has answered.
#[derive(Clone, Debug)]
pub struct Docker {
    client: bollard::Docker,
    socket: Arc<PathBuf>,
    bounds: Bounds,
    patience: Duration,
    version: Version,
}

/// The path of a Docker socket: `/run/docker.sock`, `unix:///run/docker.sock`, `unix:/run/docker.sock`.
/// `None` for anything else (`tcp://…`): only the local socket is looked at.
pub fn parse_address(address: &str) -> Option<PathBuf> {
    let path = address.strip_prefix("unix:").unwrap_or(address);
    let path = if path.starts_with("//") { path.trim_start_matches('/') } else { path };
    let path = if address.starts_with("unix://") { format!("/{path}") } else { path.to_owned() };
    (path.starts_with('/') && path.len() > 1 && !path.contains("://")).then(|| PathBuf::from(path))
}

impl Docker {
    /// Connects and agrees on an API version. `None`: there is no socket, so no Docker.
    pub async fn connect(socket: &Path, patience: Duration) -> Result<Option<Docker>, Error> {
        Docker::connect_for(socket, patience, Reach::Look).await
    }

    async fn connect_for(socket: &Path, patience: Duration, reach: Reach) -> Result<Option<Docker>, Error> {
        if !socket.exists() {
            return Ok(None);
        }
        let bounds = Bounds { reach, bytes: ANSWER_BYTES, life: Some(patience * 2) };
        let client = client(socket, bounds, patience)?;
        let asked = tokio::time::timeout(patience, client.negotiate_version()).await;
        let client = explain("version", patience, asked)?;
        let api = client.client_version();
        if (api.major_version, api.minor_version) < OLDEST_API {
            let text = format!("speaks API {api} at most, 1.41 is needed (Docker 20.10 or newer)");
            return Err(Error::reply("docker", text));
        }
        let asked = tokio::time::timeout(patience, client.version()).await;
        let server = explain("version", patience, asked)?.version.unwrap_or_default();
        let version = Version { server: cut(&server), api: api.to_string() };
        Ok(Some(Docker { client, socket: Arc::new(socket.to_owned()), bounds, patience, version }))
    }

    pub fn version(&self) -> &Version {
        &self.version
    }

    /// All containers, running or not, with Compose's labels and those on the list `allowed`.
    pub async fn list_containers(&self, allowed: &[String]) -> Result<Vec<Listed>, Error> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let asked = tokio::time::timeout(self.patience, self.client.list_containers(Some(options))).await;
        let answer = explain("list of containers", self.patience, asked)?;
        Ok(answer.into_iter().filter_map(|summary| answer::pick_listed(summary, allowed)).collect())
    }

    /// One container; `None` when it is gone.
    pub async fn read_container(&self, id: &str) -> Result<Option<Inspected>, Error> {
        if !is_id(id) {
            return Err(Error::reply("docker", "not a container id"));
        }
        let asked = tokio::time::timeout(self.patience, self.client.inspect_container(id, None)).await;
        match asked {
            Ok(Err(ClientError::DockerResponseServerError { status_code: 404, .. })) => Ok(None),
            asked => Ok(Some(answer::pick_inspected(explain("inspect", self.patience, asked)?))),
        }
    }

    /// How it makes cgroups: `systemd` or `cgroupfs`.
    pub async fn read_driver(&self) -> Result<String, Error> {
        let asked = tokio::time::timeout(self.patience, self.client.info()).await;
        let driver = explain("info", self.patience, asked)?.cgroup_driver;
        Ok(driver.map(|driver| driver.to_string()).unwrap_or_default())
    }

    /// The answer to a GET as it came, asked in the API that is spoken or in `newest`, whichever is older.
    async fn ask_plain(&self, what: &str, path: &str, newest: (usize, usize)) -> Result<bytes::Bytes, Error> {
        explain(what, self.patience, tokio::time::timeout(self.patience, self.get(path, newest)).await)
    }

    /// As `ask_plain`; `None` when there is no such thing.
    async fn ask_if_there(
        &self,
        what: &str,
        path: &str,
        newest: (usize, usize),
    ) -> Result<Option<bytes::Bytes>, Error> {
        match tokio::time::timeout(self.patience, self.get(path, newest)).await {
            Ok(Err(ClientError::DockerResponseServerError { status_code: 404, .. })) => Ok(None),
            asked => explain(what, self.patience, asked).map(Some),
        }
    }

    async fn get(&self, path: &str, newest: (usize, usize)) -> Result<bytes::Bytes, ClientError> {
        let api = self.client.client_version();
        let (major, minor) = (api.major_version, api.minor_version).min(newest);
        let request = hyper::Request::get(format!("http://docker/v{major}.{minor}/{path}"));
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new())?;
        let response = transport::send(Arc::clone(&self.socket), self.bounds, request).await?;
        let status_code = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        if status_code == 200 {
            return Ok(body);
        }
        Err(ClientError::DockerResponseServerError { status_code, message: String::new() })
    }
}

fn client(socket: &Path, bounds: Bounds, patience: Duration) -> Result<bollard::Docker, Error> {
    let socket = Arc::new(socket.to_owned());
    let transport = move |request| transport::send(Arc::clone(&socket), bounds, request);
    let seconds = patience.as_secs().max(1);
    bollard::Docker::connect_with_custom_transport(
        transport,
        Some("http://docker"),
        seconds,
        bollard::API_DEFAULT_VERSION,
    )
    .map_err(|error| Error::reply("docker", explain_error(&error)))
}

fn explain<T>(
    what: &str,
    limit: Duration,
    asked: Result<Result<T, ClientError>, tokio::time::error::Elapsed>,
) -> Result<T, Error> {
    match asked {
        Err(_) | Ok(Err(ClientError::RequestTimeoutError)) => {
            Err(Error::Timeout { what: format!("docker, {what}"), limit })
        }
        Ok(Err(error)) => Err(Error::reply("docker", format!("{what}: {}", explain_error(&error)))),
        Ok(Ok(answer)) => Ok(answer),
    }
}

/// The cause in words, on one line. Of an answer that is not understood only the place is told, never its text: it may
/// hold what a container keeps secret.
fn explain_error(error: &ClientError) -> String {
    match error {
        ClientError::JsonDataError { column, .. } => format!("the answer is not Docker's JSON (at byte {column})"),
        ClientError::JsonSerdeError { err } => format!("the answer is not whole JSON (at byte {})", err.column()),
        ClientError::APIVersionParseError {} => "the answer names no API version".to_owned(),
        ClientError::DockerResponseServerError { status_code, .. } => format!("status {status_code}"),
        other => chain(other),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = error.source();
    }
    crate::values::one_line(&text, 300)
}
