//! Network links by netlink: one dump gives every link of our name space with its properties and 64-bit counters, in a
//! few system calls however many there are. The counters of containers are read from the host's ends of their links,
//! without one `/proc/PID/net` file held open (that would pin the name space of a container that is gone). Which link
//! belongs to which container is told by the number that our name space has for the container's: asked once per
//! container, nothing is entered.

mod link;
mod parse;
#[cfg(test)]
mod tests;

pub use link::Link;
pub use parse::{End, parse_links, parse_namespace, render_ask_link, render_ask_namespace, render_list_links};

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use crate::host::Error;

/// The kernel answers at once; this is for the case that it does not.
const LIMIT: Duration = Duration::from_secs(2);
/// Links kept of one dump.
const MAX_LINKS: usize = 16_384;
/// The kernel's own size of a dump's datagram is 32 KiB at most.
const DATAGRAM: usize = 64 * 1024;

/// A netlink socket, opened by the first question and kept. One that failed may hold half an answer: it is closed, and
/// the next question gets a new one.
#[derive(Debug, Default)]
pub struct Links {
    socket: Option<OwnedFd>,
    datagram: Vec<u8>,
    sequence: u32,
}

impl Links {
    /// All links of our name space, into `links`; after an error there is none.
    pub fn list_links(&mut self, links: &mut Vec<Link>) -> Result<(), Error> {
        links.clear();
        let listed = self.ask(render_list_links, |datagram, sequence| {
            let end = parse_links(datagram, sequence, links);
            let full = end == End::More && links.len() > MAX_LINKS;
            if full { Err(format!("more than {MAX_LINKS} links")) } else { end.settled("list of links") }
        });
        listed.inspect_err(|_| links.clear())
    }

    /// Our number for the network name space of process `pid`. `None`: no link of ours leads there (the host's own, or
    /// one without a network), or the process is gone.
    pub fn ask_namespace(&mut self, procfs: &Path, pid: i32) -> Result<Option<i32>, Error> {
        let Ok(namespace) = File::open(procfs.join(pid.to_string()).join("ns/net")) else { return Ok(None) };
        let mut number = None;
        let question = |sequence| render_ask_namespace(namespace.as_raw_fd(), sequence);
        self.ask(question, |datagram, sequence| {
            number = parse_namespace(datagram, sequence);
            Ok(true)
        })?;
        Ok(number)
    }

    /// The name that link `index` has inside name space `namespace`.
    pub fn ask_name(&mut self, index: u32, namespace: i32) -> Result<Option<String>, Error> {
        let mut links = Vec::new();
        let question = |sequence| render_ask_link(index, namespace, sequence);
        self.ask(question, |datagram, sequence| {
            let end = parse_links(datagram, sequence, &mut links);
            // One answer, not a list: nothing follows it.
            end.settled("name of a container's link").map(|_| true)
        })?;
        Ok(links.pop().map(|link| link.name))
    }

    /// Sends a question and gives the datagrams of its answer to `take`, until that says that it was the last.
    fn ask(
        &mut self,
        question: impl FnOnce(u32) -> Vec<u8>,
        mut take: impl FnMut(&[u8], u32) -> Result<bool, String>,
    ) -> Result<(), Error> {
        let socket = self.socket.take().map_or_else(open_socket, Ok)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.datagram.resize(DATAGRAM, 0);
        send(socket.as_raw_fd(), &question(self.sequence), MsgFlags::empty()).map_err(failed)?;
        loop {
            let length = match recv(socket.as_raw_fd(), &mut self.datagram, MsgFlags::empty()) {
                Ok(0) => return Err(Error::reply("netlink", "an empty answer")),
                Ok(length) => length,
                Err(nix::Error::EAGAIN) => return Err(Error::Timeout { what: "netlink".into(), limit: LIMIT }),
                Err(error) => return Err(failed(error)),
            };
            let datagram = self.datagram.get(..length).unwrap_or_default();
            if take(datagram, self.sequence).map_err(|what| Error::reply("netlink", what))? {
                self.socket = Some(socket);
                return Ok(());
            }
        }
    }
}

impl End {
    /// Whether the answer to the question for `what` is whole.
    fn settled(self, what: &str) -> Result<bool, String> {
        match self {
            End::More => Ok(false),
            End::Done => Ok(true),
            End::Refused(code) => Err(format!("{what}: {}", nix::Error::from_raw(code).desc())),
            End::Broken => Err(format!("{what}: a message that is cut short")),
        }
    }
}

fn open_socket() -> Result<OwnedFd, Error> {
    let protocol = SockProtocol::NetlinkRoute;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol).map_err(failed)?;
    let wait = TimeVal::new(i64::try_from(LIMIT.as_secs()).unwrap_or(2), 0);
    setsockopt(&socket, sockopt::ReceiveTimeout, &wait).map_err(failed)?;
    Ok(socket)
}

fn failed(error: nix::Error) -> Error {
    Error::reply("netlink", error.desc())
}
