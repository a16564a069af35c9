//! Answers of the page's process: their headers, and bodies that are whole or pass through as they come.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use flate2::write::GzEncoder;
use hyper::StatusCode;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use tokio::sync::OwnedSemaphorePermit;

use crate::api::wire::{Open, Wire};
use crate::metrics;

/// Only what this process serves itself: no script, no frame, no form.
const POLICY: &str = "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
pub const TEXT: &str = "text/plain; charset=utf-8";
pub const HTML: &str = "text/html; charset=utf-8";
pub const CSS: &str = "text/css; charset=utf-8";

/// Compressed bytes that are sent at once.
const CHUNK: usize = 8 * 1024;

/// An answer.
pub type Reply = hyper::Response<Content>;

/// A whole answer with the headers that every answer has.
pub fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = hyper::Response::new(Content::Whole(Some(body.into())));
    *reply.status_mut() = status;
    set(&mut reply, CONTENT_TYPE, content_type);
    set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut reply, X_FRAME_OPTIONS, "DENY");
    set(&mut reply, REFERRER_POLICY, "no-referrer");
    set(&mut reply, CONTENT_SECURITY_POLICY, POLICY);
    set(&mut reply, CACHE_CONTROL, "no-store");
    reply
}

/// A refusal in plain words.
pub fn refuse(status: StatusCode, text: &str) -> Reply {
    let mut reply = whole(status, TEXT, format!("{text}\n"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        set(&mut reply, ALLOW, "GET, HEAD");
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        set(&mut reply, RETRY_AFTER, "1");
    }
    reply
}

/// The page of metrics as it comes from the agent.
pub fn scrape(flow: Flow, gzip: bool) -> Reply {
    let mut reply = whole(StatusCode::OK, metrics::CONTENT_TYPE, Bytes::new());
    set(&mut reply, VARY, "accept-encoding");
    if gzip {
        set(&mut reply, CONTENT_ENCODING, "gzip");
        let encoder = GzEncoder::new(Vec::with_capacity(2 * CHUNK), flate2::Compression::fast());
        *reply.body_mut() = Content::Zipped(Box::new(Zipped { flow, encoder: Some(encoder) }));
    } else {
        *reply.body_mut() = Content::Plain(Box::new(flow));
    }
    reply
}

pub fn set(reply: &mut Reply, name: HeaderName, value: &'static str) {
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// The agent's answer on its way, and what is held while it lasts.
pub struct Flow {
    body: Incoming,
    /// Closes the way to the agent with the answer.
    _wire: Wire,
    /// Frees the place of this scrape with the answer.
    _place: OwnedSemaphorePermit,
}

impl Flow {
    pub fn new(open: Open, place: OwnedSemaphorePermit) -> Flow {
        Flow { body: open.answer.into_body(), _wire: open.wire, _place: place }
    }
}

/// The agent's answer, compressed as it comes.
pub struct Zipped {
    flow: Flow,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

/// The body of an answer.
pub enum Content {
    Whole(Option<Bytes>),
    Plain(Box<Flow>),
    Zipped(Box<Zipped>),
}

type Broken = Box<dyn std::error::Error + Send + Sync>;
type Next = Option<Result<Frame<Bytes>, Broken>>;

impl Zipped {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        let Some(encoder) = self.encoder.as_mut() else { return Poll::Ready(None) };
        loop {
            match ready!(Pin::new(&mut self.flow.body).poll_frame(context)) {
                Some(Ok(frame)) => {
                    let Some(bytes) = frame.data_ref() else { continue };
                    if let Err(error) = encoder.write_all(bytes) {
                        return Poll::Ready(Some(Err(error.into())));
                    }
                    if encoder.get_ref().len() >= CHUNK {
                        let ready = std::mem::replace(encoder.get_mut(), Vec::with_capacity(2 * CHUNK));
                        return Poll::Ready(Some(Ok(Frame::data(ready.into()))));
                    }
                }
                // The connection is cut rather than ended: half a page must not pass for a whole one.
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => {
                    let rest = self.encoder.take().map(GzEncoder::finish).transpose();
                    return Poll::Ready(match rest {
                        Ok(rest) => rest.map(|rest| Ok(Frame::data(rest.into()))),
                        Err(error) => Some(Err(error.into())),
                    });
                }
            }
        }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Next> {
        match self.get_mut() {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Plain(flow) => {
                let next = ready!(Pin::new(&mut flow.body).poll_frame(context));
                Poll::Ready(next.map(|frame| frame.map_err(Broken::from)))
            }
            Content::Zipped(zipped) => zipped.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Content::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Content::Plain(flow) => flow.body.is_end_stream(),
            Content::Zipped(zipped) => zipped.encoder.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Content::Plain(flow) => flow.body.size_hint(),
            Content::Zipped(_) => SizeHint::default(),
        }
    }
}
