//! What is changed at a single container: its limits, and whether it runs. Docker answers 200 to much that it does not do: whoever
//! changes something reads it back from the kernel.

use std::time::Duration;

use bollard::errors::Error as ClientError;
use bollard::models::ContainerUpdateBody;
use bollard::query_parameters::{StartContainerOptions, StopContainerOptions};

use super::transport::Reach;
use super::{Docker, Error, Inspected, Listed, explain, is_id, parse_address};
use crate::values::one_line;

/// For each question but those that wait for a container.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a container may take to stop or start; less than any step may take.
const STOP_LIMIT: Duration = Duration::from_secs(65);

/// A Docker whose containers may be given other limits.
#[derive(Clone, Debug)]
pub struct Steerer {
    docker: Docker,
}

/// The two ways in which Docker bounds CPU time; a container keeps the one it has for its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Billionths of a core.
    Nano(u64),
    /// Microseconds within a period of so many; -1: as many as there are.
    Period { quota: i64, period: u64 },
}

/// New limits of a container. `None` leaves what there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Bytes of memory, and of memory and swap together: always both, because Docker refuses one that does not fit the
    /// other it has.
    pub memory: Option<(u64, u64)>,
    /// Bytes.
    pub reservation: Option<u64>,
    pub cpus: Option<Quota>,
    /// Tasks; -1: as many as there may be.
    pub pids: Option<i64>,
}

impl Steerer {
    /// Connects to the Docker at `address`, as it is configured. Without one that is an error: something is to be changed.
    pub async fn connect(address: &str) -> Result<Steerer, Error> {
        let socket = parse_address(address).ok_or_else(|| Error::reply("docker", "there is no local socket"))?;
        let docker = Docker::connect_for(&socket, PATIENCE, Reach::Steer).await?;
        let docker =
            docker.ok_or_else(|| Error::reply("docker", format!("there is no socket {}", socket.display())))?;
        Ok(Steerer { docker })
    }

    /// One container; `None` when it is gone.
    pub async fn read_container(&self, id: &str) -> Result<Option<Inspected>, Error> {
        self.docker.read_container(id).await
    }

    /// All containers, running or not.
    pub async fn list_containers(&self) -> Result<Vec<Listed>, Error> {
        self.docker.list_containers(&[]).await
    }

    /// Stops a container in its own time, then by force, as Docker does. Whether it ran.
    pub async fn stop(&self, id: &str) -> Result<bool, Error> {
        check(id)?;
        let work = self.docker.client.stop_container(id, None::<StopContainerOptions>);
        changed("stop", STOP_LIMIT, tokio::time::timeout(STOP_LIMIT, work).await)
    }

    /// Starts a container. Whether it did not run.
    pub async fn start(&self, id: &str) -> Result<bool, Error> {
        check(id)?;
        let work = self.docker.client.start_container(id, None::<StartContainerOptions>);
        changed("start", STOP_LIMIT, tokio::time::timeout(STOP_LIMIT, work).await)
    }

    /// Gives a container other limits.
    pub async fn update(&self, id: &str, update: &Update) -> Result<(), Error> {
        check(id)?;
        let asked = self.docker.client.update_container(id, render_body(update));
        let asked = tokio::time::timeout(self.docker.patience, asked).await;
        if let Ok(Err(ClientError::DockerResponseServerError { status_code, message })) = &asked {
            // Of limits Docker says what is wrong in words, and these hold nothing that a container keeps secret.
            let text = format!("update: status {status_code}: {}", one_line(message, 300));
            return Err(Error::reply("docker", text));
        }
        explain("update", self.docker.patience, asked).map(drop)
    }
}

type Asked = Result<Result<(), ClientError>, tokio::time::error::Elapsed>;

fn check(id: &str) -> Result<(), Error> {
    if is_id(id) { Ok(()) } else { Err(Error::reply("docker", "not a container id")) }
}

/// 304: it was so already.
fn changed(what: &str, limit: Duration, asked: Asked) -> Result<bool, Error> {
    match asked {
        Ok(Err(ClientError::DockerResponseServerError { status_code: 304, .. })) => Ok(false),
        asked => explain(what, limit, asked).map(|()| true),
    }
}

fn render_body(update: &Update) -> ContainerUpdateBody {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut body = ContainerUpdateBody {
        memory: update.memory.map(|(memory, _)| number(memory)),
        memory_swap: update.memory.map(|(_, both)| number(both)),
        memory_reservation: update.reservation.map(number),
        pids_limit: update.pids,
        ..ContainerUpdateBody::default()
    };
    match update.cpus {
        Some(Quota::Nano(nano)) => body.nano_cpus = Some(number(nano)),
        Some(Quota::Period { quota, period }) => {
            (body.cpu_quota, body.cpu_period) = (Some(quota), Some(number(period)))
        }
        None => {}
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_never_goes_without_swap_and_nothing_else_is_touched() {
        let update = Update { memory: Some((8 << 30, 9 << 30)), ..Update::default() };
        let body = serde_json::to_value(render_body(&update)).unwrap();
        assert_eq!(body, serde_json::json!({"Memory": 8_u64 << 30, "MemorySwap": 9_u64 << 30}));
        let update = Update {
            cpus: Some(Quota::Period { quota: 150_000, period: 100_000 }),
            pids: Some(-1),
            reservation: Some(1 << 20),
            ..Update::default()
        };
        let body = serde_json::to_value(render_body(&update)).unwrap();
        let expected = serde_json::json!({
            "CpuQuota": 150_000, "CpuPeriod": 100_000, "PidsLimit": -1, "MemoryReservation": 1 << 20,
        });
        assert_eq!(body, expected);
    }
}
