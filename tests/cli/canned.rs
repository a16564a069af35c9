//! A house whose rooms answer from files of `canned/`, and a seat whose streams are read afterwards.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hostkeeper::api::audit::AuditShown;
use hostkeeper::api::request::{Method, Request, Response};
use hostkeeper::api::types::SpeedNote;
use hostkeeper::cli::{Ask, ConfigAnswer, ConfigQuestion, Failure, House, Out, Screen, Seat, Unreached, WebOrder};
use hostkeeper::daemon::{BenchOrder, CountOrder, Measured, Places, Unfit};
use jiff::tz::TimeZone;
use serde_json::Value;

/// One canned answer: HTTP status, body.
pub type Canned = (u16, Vec<u8>);

/// What the rooms answer.
#[derive(Clone, Default)]
pub struct Rooms {
    /// By path, without the query.
    pub answers: BTreeMap<String, Canned>,
    /// Why the daemon cannot be asked, when so.
    pub daemon: Option<Unreached>,
    /// Whether a direct look answers.
    pub look: bool,
    pub config: ConfigAnswer,
    /// The data of server-sent events.
    pub events: Vec<Value>,
    /// What is not as declared.
    pub unfit: Unfit,
    /// Every request that was made.
    pub asked: Arc<Mutex<Vec<String>>>,
}

/// The text of a file of `canned/`.
pub fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/canned").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Rooms {
    /// The usual host: two projects, a missing mount, two steps.
    pub fn usual() -> Rooms {
        let mut rooms = Rooms { look: true, ..Rooms::default() };
        for (path, name) in [
            ("/v1/status", "status"),
            ("/v1/status/athena", "project"),
            ("/v1/containers", "containers"),
            ("/v1/plan", "plan"),
            ("/v1/concerns", "concerns"),
            ("/v1/doctor", "doctor"),
            ("/v1/history", "history"),
            ("/v1/explain", "explain"),
            ("/v1/metrics/names", "names"),
            ("/v1/metrics/cost", "cost"),
            ("/v1/apply", "done"),
            ("/v1/reload", "done_text"),
            ("/v1/confirm", "done_text"),
            ("/v1/rollback", "done_text"),
        ] {
            rooms = rooms.with(path, name);
        }
        let page =
            "# HELP hostkeeper_build_info Version.\n# TYPE hostkeeper_build_info gauge\nhostkeeper_build_info 1\n";
        rooms.answers.insert("/v1/metrics".into(), (200, page.into()));
        rooms.config = ConfigAnswer { text: "[host]\nmode = \"observe\"\n".into(), json: Value::Null, good: true };
        rooms
    }

    /// With the answer of `name`.json at `path`.
    pub fn with(self, path: &str, name: &str) -> Rooms {
        let body = file(&format!("{name}.json"));
        self.with_body(path, 200, body)
    }

    pub fn with_body(mut self, path: &str, status: u16, body: impl Into<Vec<u8>>) -> Rooms {
        self.answers.insert(path.into(), (status, body.into()));
        self
    }
}

impl Ask for Rooms {
    fn ask(&self, request: &Request) -> Result<Response, Unreached> {
        let body = String::from_utf8_lossy(&request.body);
        self.asked
            .lock()
            .unwrap()
            .push(format!("{} {} {body}", request.method.as_str(), request.target()).trim().into());
        if let Some(unreached) = &self.daemon {
            return Err(unreached.clone());
        }
        let missing = || {
            let text = r#"{"schema":"hostkeeper.error/1","code":"not_found","text":"nothing is called that","cure":"did you mean athena?"}"#;
            (404, text.into())
        };
        let (status, body) = self.answers.get(&request.path).cloned().unwrap_or_else(missing);
        let orders = request.method == Method::Post;
        let known = ["/v1/apply", "/v1/reload", "/v1/confirm", "/v1/rollback", "/v1/storage/fix"]
            .contains(&request.path.as_str())
            || request.path.starts_with("/v1/limits/")
            || request.path == "/v1/audit/look"
            || request.path.starts_with("/v1/storage/reclaim");
        assert_eq!(orders, known, "{request:?}");
        Ok(Response { status, content_type: "application/json", body })
    }

    fn follow(&self, query: &str, each: &mut dyn FnMut(Value) -> bool) -> Result<(), Unreached> {
        self.asked.lock().unwrap().push(format!("FOLLOW {query}"));
        for event in &self.events {
            if !each(event.clone()) {
                return Ok(());
            }
        }
        Err(Unreached::Broken("the canned stream ends here".into()))
    }
}

impl House for Rooms {
    fn agent(&self, _: &Places) -> Box<dyn Ask> {
        Box::new(self.clone())
    }

    fn look(&self, _: &Places) -> Result<Box<dyn Ask>, Failure> {
        if !self.look {
            let text = "hostkeeper.toml:1:1: nonsense";
            return Err(Failure::new(78, "bad_config", text, "hostkeeper config check"));
        }
        Ok(Box::new(Rooms { daemon: None, ..self.clone() }))
    }

    fn daemon(&self, _: &Places) -> Result<(), Failure> {
        Ok(())
    }

    fn web(&self, _: &Places, order: &WebOrder) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(format!("WEB {}", order.listen.as_deref().unwrap_or("as configured")));
        Ok(())
    }

    fn bench(
        &self,
        _: &Places,
        order: &BenchOrder,
        progress: &mut dyn FnMut(&'static str, u64) -> bool,
    ) -> Result<Measured, Failure> {
        self.asked.lock().unwrap().push(format!("BENCH {order:?}"));
        progress("writing", order.size.0);
        let note = SpeedNote {
            tier: order.tier.clone(),
            device: Some("bcache0".into()),
            size_bytes: order.size.0,
            sequential_write_bytes_per_second: 575_000_000,
            random_reads_per_second: 170,
        };
        Ok(Measured { note, path: "/data".into(), of_expected: [Some(1.0), None] })
    }

    fn count_unfit(
        &self,
        _: &Places,
        order: &CountOrder,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Unfit, Failure> {
        self.asked.lock().unwrap().push(format!("COUNT {order:?}"));
        progress(7000);
        Ok(self.unfit.clone())
    }

    fn audit_compose(&self, _: &Places, file: &Path, _: jiff::Timestamp) -> Result<AuditShown, Failure> {
        self.asked.lock().unwrap().push(format!("COMPOSE {}", file.display()));
        let (_, body) = &self.answers["/v1/audit"];
        Ok(serde_json::from_slice(body).unwrap())
    }

    fn config(&self, _: &Places, question: &ConfigQuestion) -> Result<ConfigAnswer, Failure> {
        self.asked.lock().unwrap().push(format!("CONFIG {question:?}"));
        Ok(self.config.clone())
    }
}

/// A stream that is read afterwards; after `room` bytes its reader is gone.
#[derive(Clone, Default)]
struct Kept {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: Option<usize>,
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.bytes.lock().unwrap();
        if self.room.is_some_and(|room| kept.len() + bytes.len() > room) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        kept.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    pub exit: u8,
    pub out: String,
    pub err: String,
}

/// How a command is run.
#[derive(Clone)]
pub struct Bench {
    pub rooms: Rooms,
    pub screen: Screen,
    /// What the person types; `None`: nobody does.
    pub typed: Option<&'static str>,
    /// Bytes after which the reader of the output is gone.
    pub room: Option<usize>,
}

impl Bench {
    pub fn of(rooms: Rooms) -> Bench {
        Bench { rooms, screen: Screen { width: 80, colour: false, terminal: false }, typed: None, room: None }
    }

    /// Runs `hostkeeper` with these words.
    pub fn run(&self, words: &[&str]) -> Ran {
        let args: Vec<OsString> =
            std::iter::once("hostkeeper").chain(words.iter().copied()).map(OsString::from).collect();
        let (out, err) = (Kept { room: self.room, ..Kept::default() }, Kept::default());
        let mut input = io::Cursor::new(self.typed.unwrap_or_default().as_bytes().to_vec());
        let seat = Seat {
            out: Out::new(Box::new(out.clone()), self.screen),
            err: Out::new(Box::new(err.clone()), self.screen),
            input: &mut input,
            input_terminal: self.typed.is_some(),
            now: "2026-11-21T03:50:08Z".parse().unwrap(),
            zone: TimeZone::UTC,
        };
        let exit = hostkeeper::cli::serve(&args, &self.rooms, seat);
        let text = |kept: Kept| String::from_utf8(kept.bytes.lock().unwrap().clone()).unwrap();
        Ran { exit, out: text(out), err: text(err) }
    }
}

/// Runs on the usual host at 80 columns.
pub fn run(words: &[&str]) -> Ran {
    Bench::of(Rooms::usual()).run(words)
}
