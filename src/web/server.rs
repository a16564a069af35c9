//! The listener: how many connections, how long, and which path is answered by whom.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use serde::de::DeserializeOwned;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::admit::{self, Hosts, Unfit};
use super::page::{self, Overview};
use super::reply::{self, Reply};
use super::scrape;
use super::secured::{InForce, Secured, Verdict};
use super::wrap;
use crate::api::link::{Deadline, ended, serve_one};
use crate::api::{Client, Refusal, Request};
use crate::host::resident;

const MOST_CONNECTIONS: usize = 64;
const MOST_SCRAPES: usize = 16;
/// Pages being put together at once: each is a few hundred kilobytes of JSON.
const MOST_PAGES: usize = 4;
/// A connection's whole life.
const LIFE: Duration = Duration::from_secs(30);
/// The agent has so long for one answer of the page, and for a sign of life.
const PAGE_LIMIT: Duration = Duration::from_secs(5);
const LIFE_SIGN_LIMIT: Duration = Duration::from_secs(2);
/// Connections under way at the end have so long to finish.
const END_LIMIT: Duration = Duration::from_secs(2);
/// History on the page.
const HISTORY: &str = "/v1/history?limit=20";

const STYLE: &str = include_str!("style.css");

/// What all connections share.
struct Shared {
    client: Client,
    hosts: Hosts,
    secured: Secured,
    scrapes: Arc<Semaphore>,
    pages: Semaphore,
}

/// What connections are let in by.
pub struct Entrance {
    pub hosts: Hosts,
    pub secured: Secured,
}

/// What one request is answered under.
struct Way {
    shared: Arc<Shared>,
    in_force: Arc<InForce>,
    /// The address that the client reached: always one of our names.
    here: Option<IpAddr>,
    deadline: Deadline,
}

/// Serves until `shutdown` turns true.
pub async fn serve(listener: TcpListener, client: Client, entrance: Entrance, mut shutdown: watch::Receiver<bool>) {
    let scrapes = Arc::new(Semaphore::new(MOST_SCRAPES));
    let Entrance { hosts, secured } = entrance;
    let shared = Arc::new(Shared { client, hosts, secured, scrapes, pages: Semaphore::new(MOST_PAGES) });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                    connections.spawn(connect(Arc::clone(&shared), stream));
                }
                Ok((stream, _)) => refuse_busy(&stream, &shared.secured),
                // Out of descriptors or memory: what is under way will free some.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            Some(_) = connections.join_next() => {}
            () = ended(&mut shutdown) => break,
        }
    }
    drop(listener);
    let finish = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(END_LIMIT, finish).await;
}

/// One connection from its first byte to its last.
async fn connect(shared: Arc<Shared>, stream: TcpStream) {
    let in_force = shared.secured.current();
    let here = stream.local_addr().ok().map(|address| address.ip().to_canonical());
    let deadline = Deadline::after(LIFE);
    let handle = |request| {
        let (shared, in_force) = (Arc::clone(&shared), Arc::clone(&in_force));
        greet(Way { shared, in_force, here, deadline: deadline.clone() }, request)
    };
    match &in_force.tls {
        None => serve_one(stream, &deadline, handle).await,
        Some(tls) => {
            if let Some(wrapped) = wrap::start_tls(stream, Arc::clone(tls)).await {
                serve_one(wrapped, &deadline, handle).await;
            }
        }
    }
}

/// Lets the request in, or not, and sets the configured headers on whatever is answered.
async fn greet(way: Way, request: hyper::Request<Incoming>) -> Reply {
    let in_force = Arc::clone(&way.in_force);
    let mut reply = match admit_user(&way, &request).await {
        Some(refusal) => refusal,
        None => answer(way, request).await,
    };
    for (name, value) in &in_force.headers {
        reply.headers_mut().insert(name.clone(), value.clone());
    }
    reply
}

/// The refusal of whoever is not known, where users are configured.
async fn admit_user(way: &Way, request: &hyper::Request<Incoming>) -> Option<Reply> {
    if way.in_force.users.is_empty() {
        return None;
    }
    match way.shared.secured.checks.check(&way.in_force.users, request.headers().get(AUTHORIZATION)).await {
        Verdict::Good => None,
        Verdict::Busy => Some(reply::refuse(StatusCode::SERVICE_UNAVAILABLE, "too many passwords at once: try again")),
        Verdict::Bad => {
            let mut refusal = reply::refuse(StatusCode::UNAUTHORIZED, "a name and a password are needed");
            reply::set(&mut refusal, WWW_AUTHENTICATE, "Basic realm=\"hostkeeper\", charset=\"UTF-8\"");
            Some(refusal)
        }
    }
}

async fn answer(way: Way, request: hyper::Request<Incoming>) -> Reply {
    let Way { shared, here, deadline, .. } = way;
    let unfit = admit::check(request.method(), request.uri(), request.headers(), &shared.hosts.with(here));
    if let Err(unfit) = unfit {
        return refuse(unfit, &shared.hosts);
    }
    match request.uri().path() {
        "/metrics" => {
            let query = request.uri().query().unwrap_or_default();
            scrape::pass(&shared.client, &shared.scrapes, query, request.headers(), &deadline).await
        }
        "/healthz" => life_sign(&shared.client, "/healthz").await,
        "/readyz" => life_sign(&shared.client, "/readyz").await,
        "/" => overview(&shared).await,
        "/style.css" => {
            let mut reply = reply::whole(StatusCode::OK, reply::CSS, STYLE);
            reply::set(&mut reply, CACHE_CONTROL, "max-age=600");
            reply
        }
        "/favicon.ico" => reply::whole(StatusCode::NO_CONTENT, "image/x-icon", ""),
        _ => reply::refuse(StatusCode::NOT_FOUND, "there is only /, /metrics, /healthz and /readyz"),
    }
}

fn refuse(unfit: Unfit, hosts: &Hosts) -> Reply {
    match unfit {
        Unfit::Method => {
            reply::refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered: this page only shows")
        }
        Unfit::NoHost => reply::refuse(StatusCode::BAD_REQUEST, "the request needs one Host header"),
        Unfit::Body => reply::refuse(StatusCode::PAYLOAD_TOO_LARGE, "no request here takes a body"),
        Unfit::OtherHost => {
            let text = format!("this is not the host that was asked for; it answers to: {}", hosts.list());
            reply::refuse(StatusCode::MISDIRECTED_REQUEST, &text)
        }
    }
}

/// Whether this process and the agent behind it answer.
async fn life_sign(client: &Client, path: &str) -> Reply {
    match client.clone().within(LIFE_SIGN_LIMIT).ask(&Request::get(path)).await {
        Ok(response) if response.is_ok() => reply::whole(StatusCode::OK, reply::TEXT, "ok\n"),
        Ok(_) => reply::refuse(StatusCode::SERVICE_UNAVAILABLE, "the agent has not finished its first round"),
        Err(error) => reply::refuse(StatusCode::SERVICE_UNAVAILABLE, &scrape::words(&error.refusal())),
    }
}

async fn overview(shared: &Shared) -> Reply {
    let Ok(_place) = shared.pages.try_acquire() else {
        return reply::refuse(StatusCode::SERVICE_UNAVAILABLE, "too many pages at once: try again in a second");
    };
    let reply = match read_overview(&shared.client.clone().within(PAGE_LIMIT)).await {
        Ok(overview) => {
            let page = page::render_overview(&overview, shared.secured.trouble().as_deref());
            reply::whole(StatusCode::OK, reply::HTML, page)
        }
        Err(refusal) => reply::whole(StatusCode::SERVICE_UNAVAILABLE, reply::HTML, page::render_trouble(&refusal)),
    };
    // Pages are rare and run a lot of code that scrapes do not: it need not stay.
    resident::release_code();
    reply
}

async fn read_overview(client: &Client) -> Result<Overview, Refusal> {
    Ok(Overview {
        status: ask(client, "/v1/status").await?,
        containers: ask(client, "/v1/containers").await?,
        plan: ask(client, "/v1/plan").await?,
        history: ask(client, HISTORY).await?,
    })
}

async fn ask<T: DeserializeOwned>(client: &Client, target: &str) -> Result<T, Refusal> {
    client.ask(&Request::get(target)).await.map_err(|error| error.refusal())?.json()
}

/// Says that there are too many connections, without waiting for the client. Under TLS there is nothing to say it in.
fn refuse_busy(stream: &TcpStream, secured: &Secured) {
    if secured.has_tls() {
        return;
    }
    let text = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\nretry-after: 1\r\n\
        connection: close\r\ncontent-length: 45\r\n\r\ntoo many connections: try again in a second.\n";
    // Reading first what has come already lets the close be a plain one.
    let mut request = [0_u8; 1024];
    let _ = stream.try_read(&mut request);
    let _ = stream.try_write(text);
}
