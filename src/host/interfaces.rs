//! Network interfaces from one netlink dump: every interface with its properties and 64-bit counters in two system calls,
//! however many there are. Format: rtnetlink(7), `linux/if_link.h`.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt, socket,
    sockopt,
};
use nix::sys::time::TimeVal;

use super::Error;
use super::procfs::{NETWORK_COUNTERS, NetCounters};

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// An answer that is longer than this is not read to its end.
const LONGEST_DUMP: usize = 16 * 1024 * 1024;

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub name: String,
    pub index: u32,
    /// The index of what it is attached to; its own when nothing.
    pub link: u32,
    /// ARPHRD_*.
    pub kind: u16,
    /// IFF_*, as netlink gives them: running, lower-up and dormant are bits here.
    pub flags: u32,
    pub address: String,
    pub broadcast: String,
    pub alias: String,
    pub mtu: Option<u32>,
    pub queue_length: Option<u32>,
    /// RFC 2863: 6 is up.
    pub operstate: u8,
    pub link_mode: u8,
    pub group: u32,
    pub carrier: Option<u8>,
    pub carrier_changes: Option<u32>,
    pub carrier_up: Option<u32>,
    pub carrier_down: Option<u32>,
    pub promiscuity: u32,
    pub allmulti: Option<u32>,
    /// `rtnl_link_stats64`, in the kernel's order.
    pub stats: Vec<u64>,
}

impl Link {
    /// Its counters, grouped as `/proc/net/dev` groups them.
    pub fn counters(&self) -> NetCounters {
        let at = |index: usize| self.stats.get(index).copied().unwrap_or(0);
        let sum = |indexes: &[usize]| indexes.iter().fold(0_u64, |sum, index| sum.saturating_add(at(*index)));
        let grouped = [
            at(2),
            at(0),
            at(4),
            sum(&[6, 15]),
            at(14),
            sum(&[10, 11, 12, 13]),
            at(21),
            at(8),
            at(3),
            at(1),
            at(5),
            at(7),
            at(18),
            at(9),
            sum(&[17, 16, 19, 20]),
            at(22),
        ];
        let mut values = [None; NETWORK_COUNTERS.len()];
        for (value, counter) in values.iter_mut().zip(grouped) {
            *value = Some(counter);
        }
        if let Some(value) = values.last_mut() {
            *value = self.stats.get(23).copied();
        }
        NetCounters { device: self.name.clone(), values }
    }
}

/// Asks the kernel for all interfaces of our network namespace.
#[derive(Debug, Default)]
pub struct LinkDump {
    socket: Option<OwnedFd>,
    buffer: Vec<u8>,
    sequence: u32,
}

impl LinkDump {
    /// All interfaces now. The socket is kept; after trouble a new one is opened the next time.
    pub fn read(&mut self) -> Result<Vec<Link>, Error> {
        let answer = self.ask();
        if answer.is_err() {
            self.socket = None;
        }
        answer.map_err(|errno| Error::reply("netlink", format!("list of interfaces: {}", errno.desc())))
    }

    fn ask(&mut self) -> Result<Vec<Link>, nix::Error> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => open_socket()?,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let fd = socket.as_raw_fd();
        send(fd, &dump_request(self.sequence), MsgFlags::empty())?;
        self.buffer.resize(64 * 1024, 0);
        let mut links = Vec::new();
        let mut total = 0;
        loop {
            let length = recv(fd, &mut self.buffer, MsgFlags::empty())?;
            total += length;
            let answer = parse_links(self.buffer.get(..length).unwrap_or_default(), self.sequence, &mut links);
            match answer {
                Dump::More if length > 0 && total < LONGEST_DUMP => {}
                Dump::Done => break,
                _ => return Err(nix::Error::EPROTO),
            }
        }
        self.socket = Some(socket);
        Ok(links)
    }
}

fn open_socket() -> Result<OwnedFd, nix::Error> {
    let protocol = SockProtocol::NetlinkRoute;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(1, 0))?;
    Ok(socket)
}

/// `nlmsghdr`, `ifinfomsg`, and a filter that leaves out statistics which are not read.
fn dump_request(sequence: u32) -> Vec<u8> {
    const NLM_F_REQUEST_DUMP: u16 = 0x301;
    const IFLA_EXT_MASK: u16 = 29;
    const RTEXT_FILTER_SKIP_STATS: u32 = 8;
    let mut request = Vec::with_capacity(40);
    request.extend(40_u32.to_ne_bytes());
    request.extend(RTM_GETLINK.to_ne_bytes());
    request.extend(NLM_F_REQUEST_DUMP.to_ne_bytes());
    request.extend(sequence.to_ne_bytes());
    request.extend([0; 4 + 16]);
    request.extend(8_u16.to_ne_bytes());
    request.extend(IFLA_EXT_MASK.to_ne_bytes());
    request.extend(RTEXT_FILTER_SKIP_STATS.to_ne_bytes());
    request
}

/// Whether a dump goes on after a piece of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    More,
    Done,
    Refused,
}

/// Parses one piece of an answer. Messages to another question are passed over, messages that are cut short end the dump.
pub fn parse_links(bytes: &[u8], sequence: u32, links: &mut Vec<Link>) -> Dump {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((kind, number, body, after)) = split_message(rest) else { return Dump::Refused };
        rest = after;
        match kind {
            _ if number != sequence => {}
            NLMSG_DONE => return Dump::Done,
            NLMSG_ERROR => return Dump::Refused,
            RTM_NEWLINK => links.extend(parse_link(body)),
            _ => {}
        }
    }
    Dump::More
}

/// Type, sequence number, body, and what follows.
fn split_message(bytes: &[u8]) -> Option<(u16, u32, &[u8], &[u8])> {
    let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
    let body = bytes.get(16..length)?;
    let after = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((u16_at(bytes, 4)?, u32_at(bytes, 8)?, body, after))
}

/// `ifinfomsg` and its attributes.
fn parse_link(body: &[u8]) -> Option<Link> {
    let mut link = Link { kind: u16_at(body, 2)?, index: u32_at(body, 4)?, flags: u32_at(body, 8)?, ..Link::default() };
    link.link = link.index;
    let mut rest = body.get(16..)?;
    while let (Some(length), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let length = usize::from(length);
        let Some(value) = rest.get(4..length) else { break };
        keep_attribute(&mut link, kind & 0x3fff, value);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    (!link.name.is_empty()).then_some(link)
}

fn keep_attribute(link: &mut Link, kind: u16, value: &[u8]) {
    let number = u32_at(value, 0);
    let byte = value.first().copied();
    match kind {
        1 => link.address = hardware_address(value),
        2 => link.broadcast = hardware_address(value),
        3 => link.name = c_string(value),
        4 => link.mtu = number,
        5 => link.link = number.unwrap_or(link.link),
        13 => link.queue_length = number,
        16 => link.operstate = byte.unwrap_or(0),
        17 => link.link_mode = byte.unwrap_or(0),
        20 => link.alias = c_string(value),
        23 => {
            link.stats =
                value.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok().map(u64::from_ne_bytes)).collect()
        }
        27 => link.group = number.unwrap_or(0),
        30 => link.promiscuity = number.unwrap_or(0),
        33 => link.carrier = byte,
        35 => link.carrier_changes = number,
        47 => link.carrier_up = number,
        48 => link.carrier_down = number,
        61 => link.allmulti = number,
        _ => {}
    }
}

fn hardware_address(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            text.push(':');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('?'));
        }
    }
    text
}

fn c_string(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests;
