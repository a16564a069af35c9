//! `hostkeeper web`: a second process without rights that shows the agent on a loopback address: `/metrics`, `/healthz`,
//! `/readyz` and one page. It only reads from the agent's socket and keeps nothing; `GET` and `HEAD` only.

mod admit;
mod html;
mod page;
mod reply;
mod scrape;
mod server;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::api::Client;
use crate::host::privileges::Doorway;
use crate::host::{Error, privileges, resident, socket};

pub use admit::{Hosts, parse_gzip, parse_scrape_limit};
pub use html::escape;

/// Where the page listens when nothing else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:9733";
/// The group that may read from the agent, when its socket does not say (it is not there yet).
const READERS: &str = "hostkeeper";
/// Started as root beside the agent, its socket is waited for so long: it says which group may read.
const SOCKET_LIMIT: Duration = Duration::from_secs(5);
const SOCKET_PAUSE: Duration = Duration::from_millis(20);

/// What the page's process works from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOptions {
    /// Where to listen; not used when systemd hands a listener over.
    pub listen: SocketAddr,
    /// The agent's socket.
    pub socket: PathBuf,
    /// Names under which the page may be asked for, beside localhost and the address it listens on.
    pub hosts: Vec<String>,
    /// Who to become when started as root; `None`: `nobody`.
    pub user: Option<String>,
}

/// Listens, gives root up, and serves until SIGTERM or SIGINT. Blocks; call it before any thread is started.
/// `started` is told the address once requests are answered.
pub fn run(options: &WebOptions, started: impl FnOnce(SocketAddr)) -> Result<(), Error> {
    privileges::keep_heap_small();
    let listener = match privileges::take_inherited_listener()? {
        Some(listener) => listener,
        None => {
            refuse_public(options.listen)?;
            privileges::start_tcp(options.listen)?
        }
    };
    let address = read_address(&listener)?;
    let doorway = give_root_up(options)?;
    let client = Client::new(&options.socket);
    let client = match &doorway {
        Some(doorway) => client.or_by(&doorway.path),
        // The directory is made by the agent, which is not there yet: the plain path will do or say why not.
        None => client,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.map_err(|error| Error::reply("kernel", format!("start the page: {error}")))?;
    runtime.block_on(async {
        let shutdown = listen_for_end()?;
        started(address);
        resident::release_start_up_code();
        let hosts = options.hosts.clone();
        // As a task: the main future of this runtime is woken through the kernel.
        let serving = tokio::spawn(async move { serve(listener, client, &hosts, shutdown).await });
        serving.await.map_err(|error| Error::reply("the page", error))?
    })
}

/// Keeps only the right to read from the agent, and a way to its socket.
fn give_root_up(options: &WebOptions) -> Result<Option<Doorway>, Error> {
    if !privileges::is_root() {
        privileges::forbid_new_privileges()?;
        return Ok(privileges::open_doorway(&options.socket).ok());
    }
    let user = privileges::find_unprivileged(options.user.as_deref().unwrap_or("nobody"))?;
    let readers = find_readers(&options.socket)?;
    let doorway = privileges::open_doorway(&options.socket).ok();
    privileges::drop_root(&user, readers)?;
    Ok(doorway)
}

/// Serves on `listener` until `shutdown` turns true. The listener must be on a loopback address.
pub async fn serve(
    listener: TcpListener,
    client: Client,
    hosts: &[String],
    shutdown: watch::Receiver<bool>,
) -> Result<(), Error> {
    let address = read_address(&listener)?;
    let broken = |error: std::io::Error| Error::reply("kernel", format!("listen on {address}: {error}"));
    listener.set_nonblocking(true).map_err(broken)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(broken)?;
    server::serve(listener, client, Hosts::new(address, hosts), shutdown).await;
    Ok(())
}

fn read_address(listener: &TcpListener) -> Result<SocketAddr, Error> {
    let address = listener
        .local_addr()
        .map_err(|error| Error::reply("socket activation", format!("not a TCP listener: {error}")))?;
    refuse_public(address)?;
    Ok(address)
}

/// Beyond loopback there would have to be TLS and users, and there are none yet.
fn refuse_public(address: SocketAddr) -> Result<(), Error> {
    let ip: IpAddr = address.ip().to_canonical();
    if ip.is_loopback() {
        return Ok(());
    }
    let what = format!(
        "will not listen on {address}: the page has no TLS and no users yet, so it stays on this host; \
         use 127.0.0.1 or [::1], and a reverse proxy or ssh -L to reach it from elsewhere"
    );
    Err(Error::reply("hostkeeper web", what))
}

/// The group whose members may read: the one of the socket, else (when no agent comes within a bound) the packaged one.
/// Never root's: with it the page could read what is kept from everybody else.
fn find_readers(path: &Path) -> Result<Option<u32>, Error> {
    let end = Instant::now() + SOCKET_LIMIT;
    loop {
        match socket::read_group(path) {
            Some(0) => return Err(refuse_root_group(path)),
            Some(group) => return Ok(Some(group)),
            None if Instant::now() >= end => return Ok(socket::find_group(READERS)),
            None => std::thread::sleep(SOCKET_PAUSE),
        }
    }
}

fn refuse_root_group(path: &Path) -> Error {
    let what = format!(
        "will not read as group root: the agent's socket {} belongs to it, because the group of [api] group does not \
         exist; create it (groupadd --system {READERS}) and start the agent again",
        path.display()
    );
    Error::reply("hostkeeper web", what)
}

fn listen_for_end() -> Result<watch::Receiver<bool>, Error> {
    let failed = |error: std::io::Error| Error::reply("kernel", format!("wait for signals: {error}"));
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    let (end, ended) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        end.send_replace(true);
    });
    Ok(ended)
}
