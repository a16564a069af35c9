//! The connection to systemd. Made when it is first needed, and again after it broke.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinHandle;
use zbus::zvariant::OwnedValue;

use super::property::{Property, on_the_bus};
use crate::host::bell::Bell;
use crate::host::{Error, Roots};

/// How long systemd may take for one answer: a manager that reads everything again answers late.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The part of `org.freedesktop.systemd1.Manager` that is used.
#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1",
    gen_blocking = false
)]
trait Manager {
    fn subscribe(&self) -> zbus::Result<()>;
    fn set_unit_properties(&self, name: &str, runtime: bool, properties: &[(&str, OwnedValue)]) -> zbus::Result<()>;
    #[zbus(signal)]
    fn reloading(&self, active: bool) -> zbus::Result<()>;
}

/// An open connection.
#[derive(Clone, Debug)]
pub struct Bus {
    connection: zbus::Connection,
}

impl Bus {
    /// Connects to the system's bus below `roots`. `None`: there is none.
    pub async fn connect(roots: &Roots) -> Result<Option<Bus>, Error> {
        let socket = socket_of(roots);
        if !socket.exists() {
            return Ok(None);
        }
        let address = format!("unix:path={}", socket.display());
        let connecting = async { zbus::connection::Builder::address(address.as_str())?.build().await };
        let connected = tokio::time::timeout(CONNECT, connecting).await;
        let connection = connected.map_err(|_| Error::Timeout { what: "D-Bus".into(), limit: CONNECT })?;
        Ok(Some(Bus { connection: connection.map_err(explain)? }))
    }

    /// Sets properties of `unit` at once and without a reload; `runtime`: until the next boot only.
    pub async fn set_properties(&self, unit: &str, runtime: bool, properties: &[Property]) -> Result<(), Error> {
        let values = on_the_bus(properties).map_err(|error| Error::reply("systemd", error))?;
        let setting =
            async { ManagerProxy::new(&self.connection).await?.set_unit_properties(unit, runtime, &values).await };
        match tokio::time::timeout(PATIENCE, setting).await {
            Err(_) => Err(Error::Timeout { what: format!("systemd, properties of {unit}"), limit: PATIENCE }),
            Ok(set) => set.map_err(explain),
        }
    }
}

/// Listens for systemd having read its units again: much that others set is lost then.
#[derive(Clone, Debug)]
pub struct Following {
    bell: Bell,
    listening: Arc<Mutex<Option<(PathBuf, Listening)>>>,
}

#[derive(Debug)]
struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Following {
    /// Rings `bell` after each reload.
    pub fn new(bell: Bell) -> Following {
        Following { bell, listening: Arc::default() }
    }

    /// Begins to listen, once. Needs a tokio runtime.
    pub fn listen(&self, roots: &Roots) {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = socket_of(roots);
        if listening.as_ref().is_some_and(|(same, _)| *same == socket) {
            return;
        }
        let task = tokio::spawn(follow(roots.clone(), self.bell.clone()));
        *listening = Some((socket, Listening(task)));
    }
}

async fn follow(roots: Roots, bell: Bell) {
    let mut wait = FIRST_WAIT;
    loop {
        if follow_once(&roots, &bell).await.unwrap_or(false) {
            wait = FIRST_WAIT;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// One connection. Whether any signal came over it.
async fn follow_once(roots: &Roots, bell: &Bell) -> Result<bool, Error> {
    let Some(bus) = Bus::connect(roots).await? else { return Ok(false) };
    let open = async {
        let manager = ManagerProxy::new(&bus.connection).await?;
        let signals = manager.receive_reloading().await?;
        manager.subscribe().await?;
        Ok(signals)
    };
    let opened = tokio::time::timeout(PATIENCE, open).await;
    let opened = opened.map_err(|_| Error::Timeout { what: "systemd, signals".into(), limit: PATIENCE })?;
    let mut signals = opened.map_err(explain)?;
    // What was read again before the connection stood is looked for now.
    bell.ring();
    let mut any = false;
    while let Some(signal) = signals.next().await {
        any = true;
        if signal.args().is_ok_and(|args| !args.active) {
            bell.ring();
        }
    }
    Ok(any)
}

fn socket_of(roots: &Roots) -> PathBuf {
    roots.rootfs.join("run/dbus/system_bus_socket")
}

fn explain(error: zbus::Error) -> Error {
    let text = match &error {
        zbus::Error::MethodError(name, Some(text), _) => format!("{name}: {text}"),
        other => other.to_string(),
    };
    Error::reply("systemd", crate::values::one_line(&text, 300))
}
