mod admitted;
mod hostile;
mod pages;
mod served;

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::api::Client;
use crate::api::tests::Served;
use crate::scripted::ScriptedAgent;

/// The page's server before an agent that is served too.
struct Shown {
    api: Served,
    address: SocketAddr,
    shutdown: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Shown {
    async fn start(agent: ScriptedAgent) -> Shown {
        let api = Served::start(agent).await;
        let (address, shutdown, task) = start_web(api.client()).await;
        Shown { api, address, shutdown, task }
    }

    /// A whole request with our host; `more` are header lines.
    async fn get(&self, target: &str, more: &str) -> Told {
        let host = self.address;
        send(self.address, format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n{more}\r\n").as_bytes()).await
    }

    async fn end(self) {
        self.shutdown.send_replace(true);
        self.task.await.unwrap();
        self.api.end().await;
    }
}

async fn start_web(client: Client) -> (SocketAddr, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, seen) = watch::channel(false);
    let serving = async move { super::serve(listener, client, &["Page.Example".into()], seen).await.unwrap() };
    (address, shutdown, tokio::spawn(serving))
}

/// An answer as it came.
struct Told {
    head: String,
    body: Vec<u8>,
}

impl Told {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("none")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{name}: "));
        self.head.lines().find(named).and_then(|line| line.split_once(": ")).map(|(_, value)| value)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends `bytes`, closes the sending side, and reads to the end. Chunked bodies are put together.
async fn send(address: SocketAddr, bytes: &[u8]) -> Told {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(std::time::Duration::from_secs(40), reading).await.expect("an end");
    let split = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..split]).into_owned();
    let body = answer.get(split + 4..).unwrap_or_default().to_vec();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Told { body: if chunked { dechunked(&body) } else { body }, head }
}

fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
        if size == 0 {
            return whole;
        }
    }
    panic!("the last chunk is missing");
}
