//! What the command line needs of the agent: an answer to a request. Over the socket or in process; tests can it.

use std::path::Path;

use serde_json::Value;

use super::failure::{BAD_CONFIG, BLOCKED, FAILED, Failure, UNCHECKED};
use crate::api::Refusal;
use crate::api::request::{Request, Response};

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// Nobody listens there.
    NoDaemon,
    /// The socket may not be opened by this user.
    Denied,
    /// Connected, but no answer in time.
    Silent,
    /// Anything else, in words.
    Broken(String),
}

/// Somebody who answers the API's routes. Every wait inside has a time-out.
pub trait Ask {
    /// One request, one answer.
    fn ask(&self, request: &Request) -> Result<Response, Unreached>;

    /// Reads server-sent events, the data of each as JSON, until the stream ends or `each` says stop (`false`).
    fn follow(&self, query: &str, each: &mut dyn FnMut(Value) -> bool) -> Result<(), Unreached>;
}

impl Unreached {
    /// In the words of a failed verb.
    pub fn failure(&self, socket: &Path) -> Failure {
        let socket = socket.display();
        let (code, text, cure) = match self {
            Unreached::NoDaemon => (
                "no_daemon",
                format!("no daemon at {socket}"),
                "start it: systemctl start hostkeeper (or in the foreground: hostkeeper daemon)",
            ),
            Unreached::Denied => (
                "denied",
                format!("cannot open {socket}: permission denied"),
                "run as root or join group hostkeeper: sudo usermod -aG hostkeeper $USER",
            ),
            Unreached::Silent => (
                "timeout",
                format!("the daemon at {socket} took the question and did not answer in time"),
                "look at it: systemctl status hostkeeper; journalctl -u hostkeeper -n 50",
            ),
            Unreached::Broken(why) => (
                "broken_answer",
                format!("cannot talk to the daemon at {socket}: {why}"),
                "look at what listens there: ss -xlp; journalctl -u hostkeeper -n 50",
            ),
        };
        Failure::new(UNCHECKED, code, text, cure)
    }
}

/// A refusal of the agent in the words of a failed verb.
pub fn refused(refusal: Refusal) -> Failure {
    Failure::new(exit_of(&refusal.code), &refusal.code, refusal.text, refusal.cure)
}

/// A stable word of the API as an exit code: 2 where asking otherwise helps, 3 where nobody could look, else 1.
fn exit_of(code: &str) -> u8 {
    match code {
        "bad_config" => BAD_CONFIG,
        "no_daemon" | "not_ready" | "busy" | "timeout" => UNCHECKED,
        "bad_request" | "forbidden" | "not_found" | "method" | "too_large" => BLOCKED,
        "blocked" | "stale_plan" | "conflict" => BLOCKED,
        _ => FAILED,
    }
}
