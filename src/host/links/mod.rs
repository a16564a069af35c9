//! Network links by netlink: one dump gives the counters of every veth on the host side, without one `/proc/PID/net` file
//! held open (that would pin the name space of a container that is gone). Which veth belongs to which container is told
//! by the number that our name space has for the container's: asked once per container, nothing is entered.

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{End, Link, parse_links, parse_namespace, render_ask_link, render_ask_namespace, render_list_links};

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use crate::host::Error;

/// The kernel answers at once; this is for the case that it does not.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(2);
/// Links kept of one dump.
const MAX_LINKS: usize = 16_384;
/// The kernel's own size of a dump's datagram is 32 KiB at most.
const DATAGRAM: usize = 64 * 1024;

/// A kept netlink socket.
#[derive(Debug)]
pub struct Links {
    socket: OwnedFd,
    datagram: Vec<u8>,
}

impl Links {
    pub fn open() -> Result<Links, Error> {
        let failed = |error: nix::Error| Error::reply("netlink", error.desc());
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket =
            socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute).map_err(failed)?;
        let wait = TimeVal::new(i64::try_from(LIMIT.as_secs()).unwrap_or(2), 0);
        setsockopt(&socket, sockopt::ReceiveTimeout, &wait).map_err(failed)?;
        Ok(Links { socket, datagram: vec![0; DATAGRAM] })
    }

    /// All links of our name space, into `links`.
    pub fn list_links(&mut self, links: &mut Vec<Link>) -> Result<(), Error> {
        links.clear();
        self.ask(&render_list_links())?;
        loop {
            let datagram = self.receive()?;
            match parse_links(datagram, links) {
                End::More if datagram.is_empty() => return Err(Error::reply("netlink", "an empty answer")),
                End::More if links.len() < MAX_LINKS => {}
                End::More => return Err(Error::reply("netlink", format!("more than {MAX_LINKS} links"))),
                End::Done => return Ok(()),
                End::Refused(code) => return Err(refused("list links", code)),
            }
        }
    }

    /// Our number for the network name space of process `pid`. `None`: no link of ours leads there (the host's own, or
    /// one without a network), or the process is gone.
    pub fn ask_namespace(&mut self, procfs: &Path, pid: i32) -> Result<Option<i32>, Error> {
        let Ok(namespace) = File::open(procfs.join(pid.to_string()).join("ns/net")) else { return Ok(None) };
        self.ask(&render_ask_namespace(namespace.as_raw_fd()))?;
        Ok(parse_namespace(self.receive()?))
    }

    /// The name that link `index` has inside name space `namespace`.
    pub fn ask_name(&mut self, index: u32, namespace: i32) -> Result<Option<String>, Error> {
        self.ask(&render_ask_link(index, namespace))?;
        let mut links = Vec::new();
        match parse_links(self.receive()?, &mut links) {
            End::Refused(code) => Err(refused("name of a container's link", code)),
            End::More | End::Done => Ok(links.pop().map(|link| link.name).filter(|name| !name.is_empty())),
        }
    }

    fn ask(&self, message: &[u8]) -> Result<(), Error> {
        send(self.socket.as_raw_fd(), message, MsgFlags::empty())
            .map(|_| ())
            .map_err(|error| Error::reply("netlink", error.desc()))
    }

    fn receive(&mut self) -> Result<&[u8], Error> {
        match recv(self.socket.as_raw_fd(), &mut self.datagram, MsgFlags::empty()) {
            Ok(length) => Ok(self.datagram.get(..length).unwrap_or_default()),
            Err(nix::Error::EAGAIN) => Err(Error::Timeout { what: "netlink".into(), limit: LIMIT }),
            Err(error) => Err(Error::reply("netlink", error.desc())),
        }
    }
}

fn refused(what: &str, code: i32) -> Error {
    Error::reply("netlink", format!("{what}: {}", nix::Error::from_raw(code).desc()))
}
