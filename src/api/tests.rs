mod answers;
mod described;
mod doctor;
mod explain;
mod hostile;
mod peers;
mod queries;
mod streams;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use crate::api::{Agent, Client, Door, Peer, Request, Response, ServeOptions, answer};
use crate::scripted::ScriptedAgent;

/// Asks without a socket, as root.
async fn ask(agent: &ScriptedAgent, target: &str) -> Response {
    answer(agent, &Request::get(target), &Peer::in_process()).await
}

async fn ask_json(agent: &ScriptedAgent, target: &str) -> Value {
    let response = ask(agent, target).await;
    assert_eq!(response.status, 200, "{target}: {}", String::from_utf8_lossy(&response.body));
    serde_json::from_slice(&response.body).unwrap()
}

/// The API served on a socket in a directory of its own, ended and joined with `end`.
pub(crate) struct Served {
    pub folder: tempfile::TempDir,
    pub agent: Arc<ScriptedAgent>,
    pub shutdown: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    pub async fn start(agent: ScriptedAgent) -> Served {
        Served::start_for(agent, None).await
    }

    async fn start_for(agent: ScriptedAgent, group: Option<&str>) -> Served {
        let folder = tempfile::tempdir().unwrap();
        let agent = Arc::new(agent);
        let (shutdown, seen) = watch::channel(false);
        let options = ServeOptions { socket: folder.path().join("api.sock"), group: group.map(str::to_owned) };
        let door = Door::open(&options).unwrap();
        let task = tokio::spawn(door.serve(Arc::clone(&agent) as Arc<dyn Agent>, seen));
        Served { folder, agent, shutdown, task }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }

    pub fn client(&self) -> Client {
        Client::new(self.socket())
    }

    pub async fn end(self) {
        self.shutdown.send_replace(true);
        self.task.await.unwrap();
        assert!(!self.folder.path().join("api.sock").exists(), "the socket is removed at the end");
    }
}
