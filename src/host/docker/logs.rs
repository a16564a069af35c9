//! Which containers write logs without a bound, and how long they are by now.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::ContainerInspectResponse;

use super::answer::{cut, is_id};
use super::{ClientError, Docker, Error, explain};
use crate::host::Roots;
use crate::values::one_line;

/// A log file that grows without a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrowingLog {
    pub path: String,
    pub bytes: u64,
}

impl Docker {
    /// The log of a container, when nothing bounds it; `None` also when the container or the file is gone.
    pub async fn read_unbound_log(&self, id: &str, roots: &Roots) -> Result<Option<GrowingLog>, Error> {
        if !is_id(id) {
            return Err(Error::reply("docker", "not a container id"));
        }
        let asked = tokio::time::timeout(self.patience, self.client.inspect_container(id, None)).await;
        let answer = match asked {
            Ok(Err(ClientError::DockerResponseServerError { status_code: 404, .. })) => return Ok(None),
            asked => explain("inspect", self.patience, asked)?,
        };
        let Some(path) = pick_unbound(answer) else { return Ok(None) };
        let file = roots.rootfs.join(path.trim_start_matches('/'));
        let facts = tokio::task::spawn_blocking(move || std::fs::symlink_metadata(file)).await;
        let bytes = facts.ok().and_then(Result::ok).filter(std::fs::Metadata::is_file).map(|facts| facts.len());
        Ok(bytes.map(|bytes| GrowingLog { path, bytes }))
    }
}

fn pick_unbound(answer: ContainerInspectResponse) -> Option<String> {
    let log = answer.host_config?.log_config?;
    let options = log.config.unwrap_or_default();
    let path = answer.log_path.filter(|path| Path::new(path).is_absolute())?;
    is_unbounded(&cut(log.typ.as_deref()?), &options).then(|| one_line(&path, 4096))
}

/// Whether a log of this kind grows for ever. `local` has a bound of its own; `json-file` has none unless it is given one.
pub fn is_unbounded(driver: &str, options: &HashMap<String, String>) -> bool {
    let bound = options.get("max-size").map(|size| size.trim());
    driver == "json-file" && bound.is_none_or(|size| size.is_empty() || size.starts_with('-'))
}
