//! The few things that are ever taken away from Docker, each asked for by its own name, never by force: what somebody uses
//! Docker itself refuses to remove.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bollard::errors::Error as ClientError;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, PruneBuildOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
    RemoveVolumeOptions,
};

use super::space::{is_anonymous, is_image_id, is_image_name, is_volume_name};
use super::transport::Reach;
use super::{Docker, Error, Listed, explain, is_id, is_same_image};
use crate::values::one_line;

/// What came of asking for a removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    Removed,
    /// It was not there.
    Gone,
    /// Docker refused: somebody uses it. Its words.
    InUse(String),
}

/// A Docker of which things may be removed.
#[derive(Clone, Debug)]
pub struct Remover {
    docker: Docker,
}

impl Remover {
    /// Connects. `None`: there is no Docker. `patience` is for each question.
    pub async fn connect(socket: &Path, patience: Duration) -> Result<Option<Remover>, Error> {
        let docker = Docker::connect_for(socket, patience, Reach::Remove).await?;
        Ok(docker.map(|docker| Remover { docker }))
    }

    /// The names of an image as they are now; `None`: there is no such image. `image`: an id or a name.
    pub async fn read_image(&self, image: &str) -> Result<Option<(String, Vec<String>)>, Error> {
        check(is_image_id(image) || is_image_name(image), "image")?;
        let asked = self.wait(self.docker.client.inspect_image(image)).await;
        let Some(found) = absent_or("image", self.docker.patience, asked)? else { return Ok(None) };
        let names = found.repo_tags.unwrap_or_default().into_iter().chain(found.repo_digests.unwrap_or_default());
        Ok(Some((found.id.unwrap_or_default(), names.filter(|name| is_image_name(name)).collect())))
    }

    /// Whether a volume is one that nobody named; `None`: there is no such volume.
    pub async fn is_anonymous(&self, name: &str) -> Result<Option<bool>, Error> {
        check(is_volume_name(name), "volume")?;
        let asked = self.wait(self.docker.client.inspect_volume(name)).await;
        let found = absent_or("volume", self.docker.patience, asked)?;
        Ok(found.map(|volume| is_anonymous(&volume.name, &volume.driver, Some(&volume.options), Some(&volume.labels))))
    }

    /// Names of the containers, running or not, for which `filter` (`volume`, `id`) is `value`.
    pub async fn list_users(&self, filter: &str, value: &str) -> Result<Vec<String>, Error> {
        let filters = HashMap::from([(filter.to_owned(), vec![value.to_owned()])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let asked = self.wait(self.docker.client.list_containers(Some(options))).await;
        let list = explain("list of containers", self.docker.patience, asked)?;
        let name = |names: Option<Vec<String>>| {
            names.unwrap_or_default().first().map(|name| super::cut(name.trim_start_matches('/')))
        };
        Ok(list.into_iter().map(|container| name(container.names).unwrap_or_default()).collect())
    }

    /// Names of the containers, running or not, that were made of the image `id` or of one of its `names`.
    pub async fn list_image_users(&self, id: &str, names: &[String]) -> Result<Vec<String>, Error> {
        let list = self.docker.list_containers(&[]).await?;
        let uses = |container: &Listed| {
            container.image_id == id || names.iter().any(|name| is_same_image(name, &container.image))
        };
        Ok(list.into_iter().filter(uses).map(|container| container.name).collect())
    }

    /// Removes a name of an image, and with the last one the image; an id removes an image that has at most one name.
    pub async fn remove_image(&self, image: &str) -> Result<Removal, Error> {
        check(is_image_id(image) || is_image_name(image), "image")?;
        let options = RemoveImageOptionsBuilder::new().force(false).build();
        let asked = self.wait(self.docker.client.remove_image(image, Some(options), None)).await;
        outcome("remove image", self.docker.patience, asked.map(|asked| asked.map(drop)))
    }

    /// Removes a container that does not run; its anonymous volumes stay.
    pub async fn remove_container(&self, id: &str) -> Result<Removal, Error> {
        check(is_id(id), "container")?;
        let options = RemoveContainerOptionsBuilder::new().force(false).v(false).build();
        let asked = self.wait(self.docker.client.remove_container(id, Some(options))).await;
        outcome("remove container", self.docker.patience, asked)
    }

    pub async fn remove_volume(&self, name: &str) -> Result<Removal, Error> {
        check(is_volume_name(name), "volume")?;
        let asked = self.wait(self.docker.client.remove_volume(name, None::<RemoveVolumeOptions>)).await;
        outcome("remove volume", self.docker.patience, asked)
    }

    /// Removes the whole build cache but what a build uses now. Bytes that became free.
    pub async fn prune_cache(&self) -> Result<u64, Error> {
        let options = PruneBuildOptionsBuilder::new().all(true).build();
        let asked = self.wait(self.docker.client.prune_build(Some(options))).await;
        let answer = explain("prune the build cache", self.docker.patience, asked)?;
        Ok(answer.space_reclaimed.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default())
    }

    async fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, tokio::time::error::Elapsed> {
        tokio::time::timeout(self.docker.patience, work).await
    }
}

type Asked<T> = Result<Result<T, ClientError>, tokio::time::error::Elapsed>;

fn check(fits: bool, what: &str) -> Result<(), Error> {
    if fits { Ok(()) } else { Err(Error::reply("docker", format!("not the name of a {what}"))) }
}

fn absent_or<T>(what: &str, limit: Duration, asked: Asked<T>) -> Result<Option<T>, Error> {
    match asked {
        Ok(Err(ClientError::DockerResponseServerError { status_code: 404, .. })) => Ok(None),
        asked => explain(what, limit, asked).map(Some),
    }
}

fn outcome(what: &str, limit: Duration, asked: Asked<()>) -> Result<Removal, Error> {
    match asked {
        Ok(Err(ClientError::DockerResponseServerError { status_code: 409, message })) => {
            Ok(Removal::InUse(one_line(&message, 200)))
        }
        asked => Ok(if absent_or(what, limit, asked)?.is_some() { Removal::Removed } else { Removal::Gone }),
    }
}
