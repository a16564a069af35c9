//! Requests and answers between HTTP and data: what is asked in, what is answered out. No rights, no policy.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::Refusal;
use super::link::{BodyError, MOST_HEADER, read_body};
use super::request::{Method, Request, Response, encode_query};

const MOST_BODY: usize = 64 * 1024;

/// The request as data. `Last-Event-ID` becomes the parameter `after`, where a stream is taken up again.
pub async fn read_request(request: hyper::Request<Incoming>) -> Result<Request, Refusal> {
    let method = match request.method().as_str() {
        "GET" | "HEAD" => Method::Get,
        "POST" => Method::Post,
        _ => {
            let cure = "use GET, HEAD or POST".into();
            return Err(Refusal { code: "method".into(), text: "this verb is not answered here".into(), cure });
        }
    };
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let resumed = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let query = match resumed.filter(|_| path == "/v1/events") {
        Some(id) => format!("{query}&{}", encode_query(&[("after", &id)])),
        None => query,
    };
    let body = read_body(request.into_body(), MOST_BODY).await.map_err(|error| match error {
        BodyError::TooLarge => Refusal {
            code: "too_large".into(),
            text: format!("the body is larger than {MOST_BODY} bytes"),
            cure: "name fewer steps in one order".into(),
        },
        BodyError::TooSlow | BodyError::Broken => Refusal {
            code: "bad_request".into(),
            text: "the body did not arrive whole within 5 s".into(),
            cure: "send it at once".into(),
        },
    })?;
    Ok(Request { method, path, query, body: body.to_vec() })
}

/// Too many of something at once.
pub fn busy(what: &str, most: usize) -> Refusal {
    Refusal {
        code: "busy".into(),
        text: format!("{most} {what} are open already"),
        cure: "try again in a second".into(),
    }
}

/// An answer in HTTP.
pub fn shell(response: Response) -> hyper::Response<Reply> {
    let allow = response.status == 405;
    let mut shelled = hyper::Response::new(Reply::Whole(Some(Bytes::from(response.body))));
    *shelled.status_mut() = hyper::StatusCode::from_u16(response.status).unwrap_or_default();
    shelled.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(response.content_type));
    if allow {
        shelled.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    shelled
}

/// Says that there are too many connections, without waiting for the client.
pub fn refuse_busy(stream: &UnixStream, most: usize) {
    let body = Response::refuse(&busy("connections", most)).body;
    let mut text = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    text.extend_from_slice(&body);
    // Reading first what has come already lets the close be a plain one.
    let mut request = [0_u8; MOST_HEADER];
    let _ = stream.try_read(&mut request);
    let _ = stream.try_write(&text);
}

/// The body of an answer: whole, or lines as they come.
pub enum Reply {
    Whole(Option<Bytes>),
    Lines(mpsc::Receiver<Bytes>),
}

impl Body for Reply {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Reply::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Reply::Lines(lines) => lines.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Reply::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Reply::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Reply::Lines(_) => SizeHint::default(),
        }
    }
}
