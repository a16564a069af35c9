//! Pure reading and writing of the few netlink messages that are used. Lengths come from the kernel, but every step is
//! checked: a message that is cut short ends the answer as broken.
//! Format: <https://man7.org/linux/man-pages/man7/rtnetlink.7.html>; numbers from `linux/rtnetlink.h`, `linux/if_link.h`.

use super::link::{Link, Stats};

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWNSID: u16 = 88;
const RTM_GETNSID: u16 = 90;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const IFLA_ADDRESS: u16 = 1;
const IFLA_BROADCAST: u16 = 2;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_TXQLEN: u16 = 13;
const IFLA_OPERSTATE: u16 = 16;
const IFLA_LINKMODE: u16 = 17;
const IFLA_IFALIAS: u16 = 20;
const IFLA_STATS64: u16 = 23;
const IFLA_GROUP: u16 = 27;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_PROMISCUITY: u16 = 30;
const IFLA_CARRIER: u16 = 33;
const IFLA_CARRIER_CHANGES: u16 = 35;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_TARGET_NETNSID: u16 = 46;
const IFLA_CARRIER_UP_COUNT: u16 = 47;
const IFLA_CARRIER_DOWN_COUNT: u16 = 48;
const IFLA_ALLMULTI: u16 = 61;
const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;
/// Leaves out the statistics of protocols, which are not read.
const RTEXT_FILTER_SKIP_STATS: u32 = 8;
/// Bits of an attribute's type that are flags.
const NLA_TYPE_MASK: u16 = 0x3fff;
const HEADER: usize = 16;
/// Size of `struct ifinfomsg`.
const IFINFO: usize = 16;

/// What a datagram of answers held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More datagrams follow.
    More,
    Done,
    /// The kernel refused, with this error number.
    Refused(i32),
    /// A message is not as long as it says.
    Broken,
}

fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The attributes in `bytes`: kind and payload.
fn parse_attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(number16(bytes, 0)?);
        let kind = number16(bytes, 2)? & NLA_TYPE_MASK;
        let payload = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, payload))
    })
}

struct Message<'a> {
    kind: u16,
    sequence: u32,
    payload: &'a [u8],
}

/// The first message in `bytes`, and what follows it; `None`: it is cut short.
fn split_message(bytes: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let length = usize::try_from(number32(bytes, 0)?).ok()?;
    let payload = bytes.get(HEADER..length)?;
    let after = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((Message { kind: number16(bytes, 4)?, sequence: number32(bytes, 8)?, payload }, after))
}

/// Adds the links in one datagram of the answer to question `sequence`; answers to another question are passed over.
pub fn parse_links(datagram: &[u8], sequence: u32, links: &mut Vec<Link>) -> End {
    let mut rest = datagram;
    while !rest.is_empty() {
        let Some((message, after)) = split_message(rest) else { return End::Broken };
        rest = after;
        match message.kind {
            _ if message.sequence != sequence => {}
            NLMSG_DONE => return End::Done,
            NLMSG_ERROR => {
                return match number32(message.payload, 0).map(u32::cast_signed) {
                    Some(0) => End::Done,
                    Some(code) => End::Refused(code.saturating_neg()),
                    None => End::Broken,
                };
            }
            RTM_NEWLINK => links.extend(parse_link(message.payload)),
            _ => {}
        }
    }
    End::More
}

/// `ifinfomsg` and its attributes. A link without a name is none.
fn parse_link(payload: &[u8]) -> Option<Link> {
    let mut link = Link {
        kind: number16(payload, 2)?,
        index: number32(payload, 4)?,
        flags: number32(payload, 8)?,
        ..Link::default()
    };
    for (kind, value) in parse_attributes(payload.get(IFINFO..)?) {
        keep_attribute(&mut link, kind, value);
    }
    (!link.name.is_empty()).then_some(link)
}

fn keep_attribute(link: &mut Link, kind: u16, value: &[u8]) {
    let number = number32(value, 0);
    let byte = value.first().copied();
    match kind {
        IFLA_ADDRESS => link.address = hardware_address(value),
        IFLA_BROADCAST => link.broadcast = hardware_address(value),
        IFLA_IFNAME => link.name = text(value),
        IFLA_MTU => link.mtu = number,
        IFLA_LINK => link.peer_index = number,
        IFLA_TXQLEN => link.queue_length = number,
        IFLA_OPERSTATE => link.operstate = byte.unwrap_or(0),
        IFLA_LINKMODE => link.link_mode = byte.unwrap_or(0),
        IFLA_IFALIAS => link.alias = text(value),
        IFLA_STATS64 => link.stats = Stats::parse(value),
        IFLA_GROUP => link.group = number.unwrap_or(0),
        IFLA_PROMISCUITY => link.promiscuity = number.unwrap_or(0),
        IFLA_CARRIER => link.carrier = byte,
        IFLA_CARRIER_CHANGES => link.carrier_changes = number,
        IFLA_LINK_NETNSID => link.peer_namespace = number.map(u32::cast_signed),
        IFLA_CARRIER_UP_COUNT => link.carrier_up = number,
        IFLA_CARRIER_DOWN_COUNT => link.carrier_down = number,
        IFLA_ALLMULTI => link.allmulti = number,
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

/// A C string.
fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// The number of a name space in the answer to question `sequence`; `None`: it has none, so that no link of ours leads
/// there.
pub fn parse_namespace(datagram: &[u8], sequence: u32) -> Option<i32> {
    let (message, _) = split_message(datagram)?;
    if message.kind != RTM_NEWNSID || message.sequence != sequence {
        return None;
    }
    // `struct rtgenmsg` is one byte, padded to four.
    let (_, value) = parse_attributes(message.payload.get(4..)?).find(|(kind, _)| *kind == NETNSA_NSID)?;
    number32(value, 0).map(u32::cast_signed).filter(|number| *number >= 0)
}

fn render_message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend_from_slice(&length.to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
    message.extend_from_slice(&sequence.to_ne_bytes());
    message.extend_from_slice(&[0; 4]); // port: the kernel's
    message.extend_from_slice(body);
    message
}

fn push_attribute(body: &mut Vec<u8>, kind: u16, value: u32) {
    body.extend_from_slice(&8u16.to_ne_bytes());
    body.extend_from_slice(&kind.to_ne_bytes());
    body.extend_from_slice(&value.to_ne_bytes());
}

/// Asks for all links, as question `sequence`.
pub fn render_list_links(sequence: u32) -> Vec<u8> {
    let mut body = vec![0; IFINFO];
    push_attribute(&mut body, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    render_message(RTM_GETLINK, NLM_F_DUMP, sequence, &body)
}

/// Asks for link `index` of name space `namespace`, as question `sequence`.
pub fn render_ask_link(index: u32, namespace: i32, sequence: u32) -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend_from_slice(&index.to_ne_bytes());
    body.extend_from_slice(&[0; 8]);
    push_attribute(&mut body, IFLA_TARGET_NETNSID, namespace.cast_unsigned());
    render_message(RTM_GETLINK, 0, sequence, &body)
}

/// Asks for our number of the name space that `descriptor` is open on, as question `sequence`.
pub fn render_ask_namespace(descriptor: i32, sequence: u32) -> Vec<u8> {
    let mut body = vec![0; 4];
    push_attribute(&mut body, NETNSA_FD, descriptor.cast_unsigned());
    render_message(RTM_GETNSID, 0, sequence, &body)
}
