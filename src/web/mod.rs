//! `hostkeeper web`: a second process without rights that shows the agent: `/metrics`, `/healthz`, `/readyz` and one page.
//! It only reads from the agent's socket and keeps nothing; `GET` and `HEAD` only. Beyond loopback only with TLS and
//! authentication.

mod admit;
mod html;
mod page;
mod reply;
mod scrape;
mod secured;
mod server;
mod wrap;

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

use secured::Secured;
use server::Entrance;

pub use admit::{Hosts, parse_gzip, parse_scrape_limit};
pub use html::escape;
pub use secured::{Faults, check_file, parse_basic, parse_web_file};

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
    /// TLS, users, headers in the format of Prometheus' exporters.
    pub web_config: Option<PathBuf>,
    /// Names under which the page may be asked for, beside localhost and the addresses it is reached at.
    pub hosts: Vec<String>,
    /// Who to become when started as root; `None`: `nobody`.
    pub user: Option<String>,
}

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// The web configuration is wrong, or not enough for the address: trying again changes nothing.
    Config(String),
    Host(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Host(error)
    }
}

/// Listens, gives root up, and serves until SIGTERM or SIGINT. Blocks; call it before any thread is started.
/// `started` is told the address once requests are answered, and whether they come under TLS.
pub fn run(options: &WebOptions, started: impl FnOnce(SocketAddr, bool)) -> Result<(), Failure> {
    privileges::keep_heap_small();
    let inherited = privileges::take_inherited_listener()?;
    if inherited.is_none() && options.web_config.is_none() {
        // Said before the port is open at all.
        refuse_public(options.listen, &Secured::open(), None)?;
    }
    let listener = match inherited {
        Some(listener) => note_other_address(listener, options.listen)?,
        None => privileges::start_tcp(options.listen)?,
    };
    let address = read_address(&listener)?;
    let doorway = give_root_up(options)?;
    let secured = secure(options.web_config.as_deref(), address).inspect_err(|_| turn_away(&listener))?;
    let client = Client::new(&options.socket);
    let client = match &doorway {
        Some(doorway) => client.or_by(&doorway.path),
        // The directory is made by the agent, which is not there yet: the plain path will do or say why not.
        None => client,
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(2).build();
    let runtime = runtime.map_err(|error| Error::reply("kernel", format!("start the page: {error}")))?;
    runtime.block_on(async {
        let shutdown = listen_for_end()?;
        started(address, secured.has_tls());
        resident::release_code();
        let entrance = Entrance { hosts: Hosts::new(address, &options.hosts), secured };
        // As a task: the main future of this runtime is woken through the kernel.
        let serving = tokio::spawn(async move { serve_on(listener, client, entrance, shutdown).await });
        Ok(serving.await.map_err(|error| Error::reply("the page", error))??)
    })
}

/// What protects the page, read as whom it runs: what can be read now can be read again when it changes.
fn secure(file: Option<&Path>, address: SocketAddr) -> Result<Secured, Failure> {
    let secured = match file {
        Some(path) => Secured::load(path).map_err(|faults| Failure::Config(faults.to_string()))?,
        None => Secured::open(),
    };
    refuse_public(address, &secured, file)?;
    Ok(secured)
}

/// Closes what waits at a listener that nobody will serve: systemd would start this process for it again and again.
fn turn_away(listener: &TcpListener) {
    if listener.set_nonblocking(true).is_ok() {
        while listener.accept().is_ok() {}
    }
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

/// Serves on `listener`, which is on a loopback address, until `shutdown` turns true.
pub async fn serve(
    listener: TcpListener,
    client: Client,
    hosts: &[String],
    shutdown: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let address = read_address(&listener)?;
    let secured = Secured::open();
    refuse_public(address, &secured, None)?;
    let entrance = Entrance { hosts: Hosts::new(address, hosts), secured };
    Ok(serve_on(listener, client, entrance, shutdown).await?)
}

async fn serve_on(
    listener: TcpListener,
    client: Client,
    entrance: Entrance,
    shutdown: watch::Receiver<bool>,
) -> Result<(), Error> {
    let broken = |error: std::io::Error| Error::reply("kernel", format!("listen: {error}"));
    listener.set_nonblocking(true).map_err(broken)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(broken)?;
    server::serve(listener, client, entrance, shutdown).await;
    Ok(())
}

fn read_address(listener: &TcpListener) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(|error| Error::reply("socket activation", format!("not a TCP listener: {error}")))
}

/// Under socket activation the address is the socket's: says so where another one is configured.
fn note_other_address(listener: TcpListener, configured: SocketAddr) -> Result<TcpListener, Error> {
    let address = read_address(&listener)?;
    if address != configured && configured.to_string() != DEFAULT_LISTEN {
        tracing::warn!(
            "systemd hands {address} over, so listen = \"{configured}\" is not used: \
             systemctl edit hostkeeper-web.socket"
        );
    }
    Ok(listener)
}

/// Whoever reaches the page reads everything about the host: beyond loopback only under TLS, and only who is known.
fn refuse_public(address: SocketAddr, secured: &Secured, file: Option<&Path>) -> Result<(), Failure> {
    let ip: IpAddr = address.ip().to_canonical();
    let named = file.map(|file| file.display().to_string());
    let lacks = match (&named, secured.has_tls(), secured.current().authenticates()) {
        _ if ip.is_loopback() => return Ok(()),
        (_, true, true) => return Ok(()),
        (None, ..) => "no web configuration is named ([web] config_file, or --web-config)".to_owned(),
        (Some(file), false, _) => format!("{file} has no tls_server_config with cert_file and key_file"),
        (Some(file), true, false) => {
            format!("{file} lets everybody in: it has no basic_auth_users and requires no client certificate")
        }
    };
    Err(Failure::Config(format!(
        "will not listen on {address}: beyond this host the page needs TLS and authentication, and {lacks}; \
         else use 127.0.0.1 or [::1], and a reverse proxy or ssh -L to reach it from elsewhere"
    )))
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
