//! One connection per question over a Unix socket: only GET goes out, and no more than `limit` bytes come in. The agent's
//! part that looks cannot change anything at Docker, whatever its callers ask for.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bollard::BollardRequest;
use hyper::body::Incoming;
use hyper::{Method, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

/// Bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub bytes: u64,
    /// How long the connection may live; `None` for the stream of events, which ends by its bytes.
    pub life: Option<Duration>,
}

/// Sends one request over a new connection.
pub(super) async fn send(
    socket: Arc<PathBuf>,
    bounds: Bounds,
    request: BollardRequest,
) -> Result<Response<Incoming>, bollard::errors::Error> {
    if request.method() != Method::GET {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "only GET is allowed here").into());
    }
    let stream = UnixStream::connect(socket.as_path()).await?;
    let io = TokioIo::new(Bounded { stream, left: bounds.bytes, limit: bounds.bytes });
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    tokio::spawn(async move {
        // Its errors reach the asker through the response; here only its end matters.
        match bounds.life {
            Some(life) => drop(tokio::time::timeout(life, connection).await),
            None => drop(connection.await),
        }
    });
    Ok(sender.send_request(to_origin_form(request)?).await?)
}

/// A server on a socket wants the path alone, and a `Host`.
fn to_origin_form(mut request: BollardRequest) -> Result<BollardRequest, bollard::errors::Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    *request.uri_mut() = path.parse::<Uri>().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    request.headers_mut().insert(hyper::header::HOST, hyper::header::HeaderValue::from_static("docker"));
    Ok(request)
}

/// A stream that gives at most so many bytes and then an error.
struct Bounded {
    stream: UnixStream,
    left: u64,
    limit: u64,
}

impl AsyncRead for Bounded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            let text = format!("the answer is longer than {} bytes", self.limit);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::FileTooLarge, text)));
        }
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        let read = buf.filled().len().saturating_sub(before);
        self.left = self.left.saturating_sub(read as u64);
        outcome
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
