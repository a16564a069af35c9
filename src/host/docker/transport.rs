//! One connection per question over a Unix socket: only what the asker may ask goes out, and no more than `limit` bytes come
//! in. The agent's part that looks cannot change anything at Docker, whatever its callers ask for.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

/// What an asker may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// GET.
    Look,
    /// GET, DELETE, and the pruning of the build cache.
    Remove,
    /// GET, and for single containers: new limits, stop, start.
    Steer,
}

impl Reach {
    fn allows(self, method: &Method, uri: &Uri) -> bool {
        let removes = *method == Method::DELETE || *method == Method::POST && uri.path().ends_with("/build/prune");
        let steers = *method == Method::POST && is_steering(uri.path());
        *method == Method::GET || self == Reach::Remove && removes || self == Reach::Steer && steers
    }
}

/// `/containers/ID/VERB` with a verb that steers a container, with or without a version before it.
fn is_steering(path: &str) -> bool {
    let words: Vec<&str> = path.split('/').collect();
    let words = match words.as_slice() {
        ["", version, rest @ ..] if version.starts_with("v1.") => rest,
        ["", rest @ ..] => rest,
        _ => return false,
    };
    matches!(words, ["containers", id, "update" | "stop" | "start"] if !id.is_empty())
}

/// Bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub reach: Reach,
    pub bytes: u64,
    /// How long the connection may live; `None` for the stream of events, which ends by its bytes.
    pub life: Option<Duration>,
}

/// Sends one request over a new connection.
pub(super) async fn send<B>(
    socket: Arc<PathBuf>,
    bounds: Bounds,
    request: Request<B>,
) -> Result<Response<Incoming>, bollard::errors::Error>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if !bounds.reach.allows(request.method(), request.uri()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "only looking is allowed here").into());
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
fn to_origin_form<B>(mut request: Request<B>) -> Result<Request<B>, bollard::errors::Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_can_change_nothing_who_removes_cannot_stop_and_who_steers_cannot_remove() {
        let uri = |path: &str| path.parse::<Uri>().unwrap();
        for (method, path, looks, removes, steers) in [
            (Method::GET, "/v1.41/containers/json", true, true, true),
            (Method::DELETE, "/v1.41/images/x", false, true, false),
            (Method::POST, "/v1.41/build/prune?all=true", false, true, false),
            (Method::POST, "/v1.41/volumes/prune", false, false, false),
            (Method::POST, "/v1.41/containers/prune", false, false, false),
            (Method::POST, "/v1.41/containers/x/update", false, false, true),
            (Method::POST, "/containers/x/update", false, false, true),
            (Method::POST, "/images/x/update", false, false, false),
            (Method::POST, "/v1.41/volumes/containers/x/update", false, false, false),
            (Method::POST, "/v1.41/containers/x/stop?t=10", false, false, true),
            (Method::POST, "/v1.41/containers/x/start", false, false, true),
            (Method::POST, "/v1.41/containers/x/kill", false, false, false),
            (Method::POST, "/v1.41/containers/x/exec", false, false, false),
            (Method::POST, "/v1.41/containers/x/y/stop", false, false, false),
            (Method::POST, "/v1.41/containers/create", false, false, false),
            (Method::DELETE, "/v1.41/containers/x", false, true, false),
            (Method::PUT, "/v1.41/containers/x/archive", false, false, false),
        ] {
            assert_eq!(Reach::Look.allows(&method, &uri(path)), looks, "{method} {path}");
            assert_eq!(Reach::Remove.allows(&method, &uri(path)), removes, "{method} {path}");
            assert_eq!(Reach::Steer.allows(&method, &uri(path)), steers, "{method} {path}");
        }
    }
}
