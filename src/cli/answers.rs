//! Two who answer: the daemon behind its socket, and an agent inside this process. Each question is waited for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::ask::{Ask, Unreached};
use crate::api::{self, Agent, Client, ClientError, Method, Peer, Request, Response};

/// A daemon that does not answer a question in this time hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// The daemon behind a socket.
pub struct OverSocket {
    socket: PathBuf,
    runtime: io::Result<Runtime>,
}

impl OverSocket {
    pub fn new(socket: &Path) -> OverSocket {
        OverSocket { socket: socket.to_owned(), runtime: new_runtime() }
    }

    fn runtime(&self) -> Result<&Runtime, Unreached> {
        self.runtime.as_ref().map_err(|error| Unreached::Broken(error.to_string()))
    }
}

/// What a question to an agent waits on.
pub fn new_runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

impl Ask for OverSocket {
    fn ask(&self, request: &Request) -> Result<Response, Unreached> {
        let client = Client::new(&self.socket);
        // An order takes as long as its steps take; the client bounds that too.
        let client = if request.method == Method::Get { client.within(PATIENCE) } else { client };
        self.runtime()?.block_on(client.ask(request)).map_err(unreached)
    }

    fn follow(&self, query: &str, each: &mut dyn FnMut(Value) -> bool) -> Result<(), Unreached> {
        let client = Client::new(&self.socket).within(PATIENCE);
        self.runtime()?.block_on(async {
            let mut events = client.events(query).await.map_err(unreached)?;
            while let Some(event) = events.next().await.map_err(unreached)? {
                let data = serde_json::from_str(&event.data);
                let data = data.map_err(|error| Unreached::Broken(format!("an event that is not JSON: {error}")))?;
                if !each(data) {
                    break;
                }
            }
            Ok(())
        })
    }
}

fn unreached(error: ClientError) -> Unreached {
    match error {
        ClientError::NoDaemon { .. } => Unreached::NoDaemon,
        ClientError::Forbidden { .. } => Unreached::Denied,
        ClientError::Timeout { .. } => Unreached::Silent,
        ClientError::TooLarge => Unreached::Broken(error.to_string()),
        ClientError::Broken { what, .. } => Unreached::Broken(what),
    }
}

/// An agent inside this process, on the runtime it was made on.
pub struct InProcess {
    agent: Arc<dyn Agent>,
    runtime: Runtime,
}

impl InProcess {
    pub fn new(agent: Arc<dyn Agent>, runtime: Runtime) -> InProcess {
        InProcess { agent, runtime }
    }
}

impl Ask for InProcess {
    fn ask(&self, request: &Request) -> Result<Response, Unreached> {
        Ok(self.runtime.block_on(api::answer(&*self.agent, request, &Peer::in_process())))
    }

    fn follow(&self, _: &str, _: &mut dyn FnMut(Value) -> bool) -> Result<(), Unreached> {
        Err(Unreached::NoDaemon)
    }
}
