//! Asks a running agent over its socket: bounded in time and size. Used by the command line and the page's process.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;

use super::request::{JSON, Method, Request, Response};
use super::stream::Events;
use super::wire::{ClientError, MOST_ANSWER, Open, Wire};
use crate::host::asking::Asking;
use crate::host::socket::start_connected;

/// Read at once from the socket: as a rule the whole page of `/metrics`, which then is passed on in one write, too.
const BUFFER: usize = 128 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// Between two tries to connect to an agent whose queue is full.
const CONNECT_PAUSE: Duration = Duration::from_millis(20);
const LOOK_LIMIT: Duration = Duration::from_secs(15);
const ORDER_LIMIT: Duration = Duration::from_secs(310);

/// The way to an agent. Each question is a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    other_way: Option<PathBuf>,
    limit: Option<Duration>,
}

impl Client {
    pub fn new(socket: impl Into<PathBuf>) -> Client {
        Client { socket: socket.into(), other_way: None, limit: None }
    }

    /// A second way to the same socket, for when the first is closed to this process.
    pub fn or_by(self, path: impl Into<PathBuf>) -> Client {
        Client { other_way: Some(path.into()), ..self }
    }

    /// Waits at most `limit` for each whole answer, instead of 15 s (310 s for orders).
    pub fn within(self, limit: Duration) -> Client {
        Client { limit: Some(limit), ..self }
    }

    /// Asks, and takes the whole answer.
    pub async fn ask(&self, request: &Request) -> Result<Response, ClientError> {
        let usual = if request.method == Method::Post { ORDER_LIMIT } else { LOOK_LIMIT };
        let limit = self.limit.unwrap_or(usual);
        let whole = async {
            let open = self.open(request).await?;
            self.take(open).await
        };
        tokio::time::timeout(limit, whole).await.map_err(|_| self.late(limit))?
    }

    /// The whole of an open answer.
    async fn take(&self, open: Open) -> Result<Response, ClientError> {
        let (status, content_type) = (open.status(), open.content_type());
        let body = Limited::new(open.answer.into_body(), MOST_ANSWER).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                return ClientError::TooLarge;
            }
            self.broken(&error)
        })?;
        Ok(Response { status, content_type, body: Vec::from(body.to_bytes()) })
    }

    /// Asks, and leaves the body to be read as it comes. Time limits on the whole are the caller's.
    pub async fn open(&self, request: &Request) -> Result<Open, ClientError> {
        let stream = self.connect().await?;
        let mut builder = http1::Builder::new();
        builder.read_buf_exact_size(Some(BUFFER));
        let (mut sender, connection) =
            builder.handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.map_err(|error| self.broken(&error))?;
        let wire = Wire::drive(async move {
            // What goes wrong on the wire shows where the answer is read.
            let _ = connection.await;
        });
        let asked = hyper::Request::builder()
            .method(request.method.as_str())
            .uri(request.target())
            .header(HOST, "hostkeeper")
            .header(CONTENT_TYPE, JSON)
            .body(Full::new(Bytes::from(request.body.clone())))
            .map_err(|error| self.broken(&error))?;
        let answer = sender.send_request(asked).await.map_err(|error| self.broken(&error))?;
        Ok(Open { answer, wire })
    }

    /// The stream of events. `query`: `after=17&project=athena`, or empty.
    pub async fn events(&self, query: &str) -> Result<Events, ClientError> {
        let target = if query.is_empty() { "/v1/events".to_owned() } else { format!("/v1/events?{query}") };
        let limit = self.limit.unwrap_or(LOOK_LIMIT);
        let open = tokio::time::timeout(limit, self.open(&Request::get(&target))).await;
        let open = open.map_err(|_| self.late(limit))??;
        if open.status() != 200 {
            let response = tokio::time::timeout(limit, self.take(open)).await.map_err(|_| self.late(limit))??;
            let refusal = response.json::<serde_json::Value>().err().map(|refusal| refusal.text).unwrap_or_default();
            let what = format!("the stream was refused (HTTP status {}): {refusal}", response.status);
            return Err(ClientError::Broken { socket: self.socket.clone(), what });
        }
        Ok(Events::new(open, self.socket.clone()))
    }

    async fn connect(&self) -> Result<Asking, ClientError> {
        let first = self.connect_by(&self.socket).await;
        match (&self.other_way, first) {
            (Some(way), Err(ClientError::NoDaemon { .. } | ClientError::Forbidden { .. })) => {
                self.connect_by(way).await
            }
            (_, first) => first,
        }
    }

    async fn connect_by(&self, path: &Path) -> Result<Asking, ClientError> {
        let until = tokio::time::Instant::now() + CONNECT_LIMIT;
        loop {
            match start_connected(path).and_then(Asking::new) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                connected => return connected.map_err(|source| self.unconnected(source)),
            }
            if tokio::time::Instant::now() >= until {
                return Err(self.late(CONNECT_LIMIT));
            }
            tokio::time::sleep(CONNECT_PAUSE).await;
        }
    }

    fn unconnected(&self, source: io::Error) -> ClientError {
        let socket = self.socket.clone();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NoDaemon { socket, source },
            io::ErrorKind::PermissionDenied => ClientError::Forbidden { socket, source },
            _ => self.broken(&source),
        }
    }

    fn late(&self, limit: Duration) -> ClientError {
        ClientError::Timeout { socket: self.socket.clone(), limit }
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> ClientError {
        ClientError::Broken { socket: self.socket.clone(), what: error.to_string() }
    }
}
