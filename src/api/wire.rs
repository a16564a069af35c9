//! What the client has of a connection: an answer still on the wire, or why there is none.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use tokio::task::JoinHandle;

use super::Refusal;
use super::events;
use super::request::JSON;
use crate::metrics;

/// The largest answer that is taken.
pub(super) const MOST_ANSWER: usize = 16 * 1024 * 1024;

/// Why there is no answer. An answer that refuses is an answer: see `Response::json`.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody serves the socket: look without a daemon.
    #[error("no agent answers at {}", socket.display())]
    NoDaemon {
        socket: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the socket {} may not be used by this user", socket.display())]
    Forbidden {
        socket: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the agent at {} gave no answer within {limit:?}", socket.display())]
    Timeout { socket: PathBuf, limit: Duration },
    #[error("the agent's answer is larger than {MOST_ANSWER} bytes")]
    TooLarge,
    #[error("talking to the agent at {} failed: {what}", socket.display())]
    Broken { socket: PathBuf, what: String },
}

impl ClientError {
    /// As the error that is shown.
    pub fn refusal(&self) -> Refusal {
        let (code, cure) = match self {
            ClientError::NoDaemon { .. } => ("no_daemon", "systemctl start hostkeeper"),
            ClientError::Forbidden { .. } => {
                ("forbidden", "use sudo, or join the group of the socket and log in again")
            }
            ClientError::Timeout { .. } => ("timeout", "see `journalctl -u hostkeeper`, then try again"),
            ClientError::TooLarge => ("failed", "ask for less: one project, or a smaller limit"),
            ClientError::Broken { .. } => ("failed", "see `journalctl -u hostkeeper`, then try again"),
        };
        let mut text = self.to_string();
        if let Some(source) = std::error::Error::source(self) {
            text.push_str(&format!(": {source}"));
        }
        Refusal { code: code.into(), text, cure: cure.into() }
    }
}

/// An answer whose body is still on the wire.
#[derive(Debug)]
pub struct Open {
    pub answer: hyper::Response<Incoming>,
    /// Keeps the connection; dropping it closes it.
    pub wire: Wire,
}

impl Open {
    pub fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// The content type, as one of those this API has.
    pub fn content_type(&self) -> &'static str {
        let known = [JSON, metrics::CONTENT_TYPE, events::CONTENT_TYPE];
        let given = self.answer.headers().get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
        known.into_iter().find(|known| known.as_bytes() == given).unwrap_or("application/octet-stream")
    }
}

/// The task that drives a connection, ended with its owner.
#[derive(Debug)]
pub struct Wire(JoinHandle<()>);

impl Wire {
    pub(super) fn drive(connection: impl Future<Output = ()> + Send + 'static) -> Wire {
        Wire(tokio::spawn(connection))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.abort();
    }
}
