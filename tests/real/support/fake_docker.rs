//! A server on a Unix socket that answers as it is told: properly, with rubbish, half, or not at all. Remembers what it
//! was asked.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// What is answered to a question.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status 200 and this JSON.
    Json(String),
    /// These bytes, whatever they are, and then the end.
    Raw(Vec<u8>),
    /// A head that promises so many bytes, these, and then the end.
    Short { promised: usize, body: Vec<u8> },
    /// A head, and then this byte so many times.
    Flood { byte: u8, count: usize },
    /// Nothing, for ever.
    Hang,
    /// A head and half an answer, and then nothing, for ever.
    HangHalfWay(Vec<u8>),
}

#[derive(Default)]
struct Script {
    replies: HashMap<String, Reply>,
    asked: Vec<String>,
    held: Vec<UnixStream>,
}

/// The server. Its socket goes with it.
pub struct FakeDocker {
    directory: tempfile::TempDir,
    script: Arc<Mutex<Script>>,
}

impl FakeDocker {
    /// One that knows its version and has no containers.
    pub fn start() -> FakeDocker {
        let directory = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(directory.path().join("docker.sock")).expect("a socket");
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &script));
            }
        });
        let fake = FakeDocker { directory, script };
        fake.answer("/version", Reply::Json(r#"{"Version":"20.10.24","ApiVersion":"1.41"}"#.into()));
        fake.answer("/containers/json", Reply::Json("[]".into()));
        fake.answer("/containers/*/json", Reply::Json(r#"{"State":{"ExitCode":0},"RestartCount":0}"#.into()));
        fake.answer("/events", Reply::Hang);
        fake
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    /// Answers `path` (without the API version) so from now on.
    pub fn answer(&self, path: &str, reply: Reply) {
        self.script.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    /// The request lines so far.
    pub fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }
}

fn serve(mut stream: UnixStream, script: &Mutex<Script>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or_default().to_owned();
    let path = line.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')).map_or(path, |(_, _)| {
        let from = path[1..].find('/').map_or(0, |at| at + 1);
        &path[from..]
    });
    let reply = {
        let mut script = script.lock().unwrap();
        script.asked.push(line.clone());
        let any = script.replies.get("/containers/*/json").filter(|_| path.len() > 64).cloned();
        script.replies.get(path).cloned().or(any)
    };
    let missing = Reply::Raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}".to_vec());
    send(stream, &reply.unwrap_or(missing), script);
}

fn send(mut stream: UnixStream, reply: &Reply, script: &Mutex<Script>) {
    let head = |length: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
    };
    // The other side may have gone away: that is its right.
    let mut put = |parts: &[&[u8]]| parts.iter().all(|bytes| stream.write_all(bytes).is_ok());
    match reply {
        Reply::Json(text) => _ = put(&[head(text.len()).as_bytes(), text.as_bytes()]),
        Reply::Raw(bytes) => _ = put(&[bytes]),
        Reply::Short { promised, body } => _ = put(&[head(*promised).as_bytes(), body]),
        Reply::Flood { byte, count } => {
            let chunk = vec![*byte; 64 * 1024];
            let mut left = *count;
            put(&[head(*count).as_bytes()]);
            while left > 0 && put(&[&chunk[..left.min(chunk.len())]]) {
                left = left.saturating_sub(chunk.len());
            }
        }
        Reply::Hang => script.lock().unwrap().held.push(stream),
        Reply::HangHalfWay(body) => {
            _ = put(&[head(body.len() * 2).as_bytes(), body]);
            script.lock().unwrap().held.push(stream);
        }
    }
}
