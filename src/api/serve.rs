//! The API on its Unix socket: who may connect, how many, how long. A thin shell around `answer` and the event stream.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::answer::{answer, refuse_rights};
use super::link::{Deadline, ended, serve_one};
use super::request::{Method, Peer, Request, Response, Rights};
use super::routes::{self, Place};
use super::shell::{Reply, busy, read_request, refuse_busy, shell};
use super::types::Caller;
use super::{Agent, Refusal, events};
use crate::host::{self, socket};

const MOST_CONNECTIONS: usize = 64;
const MOST_STREAMS: usize = 16;
/// A question is answered within this; an order may take longer.
const LOOK_LIMIT: Duration = Duration::from_secs(10);
const ORDER_LIMIT: Duration = Duration::from_secs(300);
/// A connection lives this much longer than its answer takes: reading the request, writing the answer.
const WIRE_LIMIT: Duration = Duration::from_secs(20);
/// The user database has so long to say which groups a peer is in.
const GROUPS_LIMIT: Duration = Duration::from_secs(2);
/// Connections under way at the end have so long to finish.
const END_LIMIT: Duration = Duration::from_secs(3);

/// Where the API listens and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    pub socket: PathBuf,
    /// The group that may read; without one (or when it does not exist) the socket keeps the group of this process.
    pub group: Option<String>,
}

/// The open socket. Clients can connect from now on and are answered once `serve` runs.
#[derive(Debug)]
pub struct Door {
    listener: UnixListener,
    socket: PathBuf,
    identity: Option<(u64, u64)>,
    readers: Option<u32>,
}

impl Door {
    /// Opens the socket; call it within a runtime. Fails when another agent serves it or something that is not a socket is in its place.
    pub fn open(options: &ServeOptions) -> Result<Door, host::Error> {
        let gid = options.group.as_deref().and_then(socket::find_group);
        let listener = socket::start_listening(&options.socket, gid)?;
        let listener =
            UnixListener::from_std(listener).map_err(|error| host::Error::file("listen at", &options.socket, error))?;
        Ok(Door {
            listener,
            identity: socket::read_identity(&options.socket),
            readers: socket::read_group(&options.socket),
            socket: options.socket.clone(),
        })
    }

    /// Serves until `shutdown` turns true, lets what is under way finish within a bound, and removes the socket.
    pub async fn serve(self, agent: Arc<dyn Agent>, mut shutdown: watch::Receiver<bool>) {
        let shared = Arc::new(Shared {
            agent,
            readers: self.readers,
            own_uid: socket::own_uid(),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            shutdown: shutdown.clone(),
        });
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                        connections.spawn(Arc::clone(&shared).connection(stream));
                    }
                    Ok((stream, _)) => refuse_busy(&stream, MOST_CONNECTIONS),
                    // Out of descriptors or memory: what is under way will free some.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                },
                Some(_) = connections.join_next() => {}
                () = ended(&mut shutdown) => break,
            }
        }
        drop(self.listener);
        let finish = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(END_LIMIT, finish).await;
        socket::remove_own(&self.socket, self.identity);
    }
}

/// Opens the socket and serves until `shutdown` turns true.
pub async fn serve(
    options: &ServeOptions,
    agent: Arc<dyn Agent>,
    shutdown: watch::Receiver<bool>,
) -> Result<(), host::Error> {
    Door::open(options)?.serve(agent, shutdown).await;
    Ok(())
}

/// What all connections share.
struct Shared {
    agent: Arc<dyn Agent>,
    /// Members of this group may read.
    readers: Option<u32>,
    own_uid: u32,
    streams: Arc<Semaphore>,
    shutdown: watch::Receiver<bool>,
}

impl Shared {
    async fn connection(self: Arc<Self>, stream: UnixStream) {
        let Some(peer) = self.recognise(&stream).await else { return };
        let deadline = Deadline::after(LOOK_LIMIT + WIRE_LIMIT);
        let (peer, within) = (&peer, &deadline);
        let shared = &self;
        serve_one(stream, within, |request| shared.handle(request, peer, within)).await;
    }

    /// Who connected and what that allows; `None` when the kernel does not say.
    async fn recognise(&self, stream: &UnixStream) -> Option<Peer> {
        let ids = socket::read_peer(stream).ok()?;
        let caller = Caller { uid: ids.uid, pid: ids.pid };
        let rights = if ids.uid == 0 || ids.uid == self.own_uid {
            Rights::Order
        } else if let Some(readers) = self.readers {
            let reads = ids.gid == readers || ids.groups.contains(&readers) || is_member(ids.uid, readers).await;
            if reads { Rights::Read } else { Rights::Nothing }
        } else {
            Rights::Nothing
        };
        Some(Peer { caller, rights })
    }

    async fn handle(
        self: &Arc<Self>,
        request: hyper::Request<Incoming>,
        peer: &Peer,
        deadline: &Deadline,
    ) -> hyper::Response<Reply> {
        let begun = std::time::Instant::now();
        let head = request.method() == hyper::Method::HEAD;
        let (label, reply) = match read_request(request).await {
            Err(refusal) => ("other", shell(Response::refuse(&refusal))),
            Ok(asked) => (routes::label(&asked), self.reply(asked, peer, deadline, head).await),
        };
        metrics::histogram!("hostkeeper_api_request_duration_seconds", "route" => label)
            .record(begun.elapsed().as_secs_f64());
        reply
    }

    async fn reply(
        self: &Arc<Self>,
        asked: Request,
        peer: &Peer,
        deadline: &Deadline,
        head: bool,
    ) -> hyper::Response<Reply> {
        let streams = routes::match_route(&asked).is_ok_and(|matched| matched.route.place == Place::Events);
        if streams && refuse_rights(asked.method, peer).is_none() {
            return self
                .stream(&asked, deadline, head)
                .await
                .unwrap_or_else(|refusal| shell(Response::refuse(&refusal)));
        }
        let orders = asked.method == Method::Post;
        let limit = if orders { ORDER_LIMIT } else { LOOK_LIMIT };
        deadline.extend(limit + WIRE_LIMIT);
        // In a task of its own: an order goes on when the client goes away, and a defect is an answer.
        let (agent, peer) = (Arc::clone(&self.agent), peer.clone());
        let work = tokio::spawn(async move { answer(agent.as_ref(), &asked, &peer).await });
        let _question = (!orders).then(|| EndWith(work.abort_handle()));
        shell(match tokio::time::timeout(limit, work).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => Response::refuse(&defect()),
            Err(_) => Response::refuse(&too_long(limit)),
        })
    }

    async fn stream(
        self: &Arc<Self>,
        asked: &Request,
        deadline: &Deadline,
        head: bool,
    ) -> Result<hyper::Response<Reply>, Refusal> {
        let place = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| busy("event streams", MOST_STREAMS))?;
        let query = events::parse_stream(asked)?;
        let body = if head {
            Reply::Whole(None)
        } else {
            let (lines, reader) = mpsc::channel(events::QUEUE);
            let sender = events::Sender {
                agent: Arc::clone(&self.agent),
                query,
                lines,
                deadline: deadline.clone(),
                patience: events::SLOW,
            };
            let mut shutdown = self.shutdown.clone();
            tokio::spawn(async move {
                let _place = place;
                tokio::select! {
                    () = sender.run() => {}
                    () = ended(&mut shutdown) => {}
                }
            });
            Reply::Lines(reader)
        };
        let mut response = hyper::Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(events::CONTENT_TYPE));
        Ok(response)
    }
}

/// Ends a task that nobody waits for any more.
struct EndWith(tokio::task::AbortHandle);

impl Drop for EndWith {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn is_member(uid: u32, group: u32) -> bool {
    let look = tokio::task::spawn_blocking(move || socket::list_groups_of(uid).contains(&group));
    matches!(tokio::time::timeout(GROUPS_LIMIT, look).await, Ok(Ok(true)))
}

fn defect() -> Refusal {
    Refusal {
        code: "failed".into(),
        text: "answering failed by a defect of hostkeeper".into(),
        cure: "see `journalctl -u hostkeeper` and report it".into(),
    }
}

fn too_long(limit: Duration) -> Refusal {
    Refusal {
        code: "timeout".into(),
        text: format!("no answer within {} s; an order that was begun goes on", limit.as_secs()),
        cure: "see hostkeeper history for what came of it".into(),
    }
}
