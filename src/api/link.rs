//! One HTTP/1 connection within bounds: header size and time, body size and time, one deadline over all. Used by the
//! API's socket and by the page's process.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

/// Request line and header together, bytes.
pub const MOST_HEADER: usize = 8 * 1024;
/// A client has so long to send its header, and again so long for its body.
pub const READ_LIMIT: Duration = Duration::from_secs(5);

/// The moment at which a connection is cut. Shared by the connection and whoever writes its answer.
#[derive(Clone, Debug)]
pub struct Deadline(Arc<watch::Sender<Instant>>);

impl Deadline {
    pub fn after(span: Duration) -> Deadline {
        Deadline(Arc::new(watch::Sender::new(Instant::now() + span)))
    }

    /// The connection may live for `span` from now.
    pub fn extend(&self, span: Duration) {
        self.0.send_replace(Instant::now() + span);
    }

    /// The connection is cut now.
    pub fn end(&self) {
        self.0.send_replace(Instant::now());
    }

    async fn passed(&self) {
        let mut changes = self.0.subscribe();
        loop {
            let until = *changes.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                _ = changes.changed() => {}
            }
        }
    }
}

/// Serves one request on `io`, then closes. Whatever goes wrong on the wire ends the connection and nothing else.
pub async fn serve_one<I, H, F, B>(io: I, deadline: &Deadline, handle: H)
where
    I: AsyncRead + AsyncWrite + Unpin,
    H: Fn(hyper::Request<Incoming>) -> F,
    F: Future<Output = hyper::Response<B>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = hyper::service::service_fn(|request| {
        let answer = handle(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(READ_LIMIT);
    builder.max_buf_size(MOST_HEADER).max_header_size(MOST_HEADER).max_headers(64);
    // A client that has sent its request may close its side and still gets the answer.
    builder.keep_alive(false).half_close(true);
    let connection = builder.serve_connection(TokioIo::new(io), service);
    tokio::select! {
        _ = connection => {}
        () = deadline.passed() => {}
    }
}

/// Resolves when `shutdown` turns true, or when nobody can say so any more.
pub async fn ended(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|end| *end).await;
}

/// Why a request's body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    TooLarge,
    TooSlow,
    Broken,
}

/// The whole body, of at most `most` bytes, within the time for reading.
pub async fn read_body(body: Incoming, most: usize) -> Result<Bytes, BodyError> {
    match tokio::time::timeout(READ_LIMIT, Limited::new(body, most).collect()).await {
        Err(_) => Err(BodyError::TooSlow),
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Broken),
    }
}
