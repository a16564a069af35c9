//! Pure reading and writing of the few netlink messages that are used. Lengths come from the kernel, but every step is
//! checked: a truncated message ends the list.
//! Format: <https://man7.org/linux/man-pages/man7/rtnetlink.7.html>; numbers from `linux/rtnetlink.h`, `linux/if_link.h`.

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWNSID: u16 = 88;
const RTM_GETNSID: u16 = 90;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINK: u16 = 5;
const IFLA_STATS64: u16 = 23;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_TARGET_NETNSID: u16 = 46;
const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;
/// Bits of an attribute's type that are flags.
const NLA_TYPE_MASK: u16 = 0x3fff;
const HEADER: usize = 16;
/// Size of `struct ifinfomsg`.
const IFINFO: usize = 16;

/// One network link with its 64-bit counters, as its own name space sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub index: u32,
    pub name: String,
    /// The other end of a veth pair: its index in its own name space.
    pub peer_index: Option<u32>,
    /// Our number for the name space of the other end; `None` when that is ours.
    pub peer_namespace: Option<i32>,
    pub receive_bytes: u64,
    pub receive_packets: u64,
    pub transmit_bytes: u64,
    pub transmit_packets: u64,
}

/// What a datagram of answers held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More datagrams follow.
    More,
    Done,
    /// The kernel refused, with this error number.
    Refused(i32),
}

fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn number64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
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

/// The messages in one datagram: kind and payload.
fn parse_messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::try_from(number32(bytes, 0)?).ok()?;
        let kind = number16(bytes, 4)?;
        let payload = bytes.get(HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, payload))
    })
}

fn parse_end(kind: u16, payload: &[u8]) -> Option<End> {
    match kind {
        NLMSG_DONE => Some(End::Done),
        NLMSG_ERROR => Some(match number32(payload, 0).map(u32::cast_signed) {
            Some(0) => End::Done,
            Some(code) => End::Refused(code.saturating_neg()),
            None => End::Done,
        }),
        _ => None,
    }
}

/// Adds the links in one datagram to `links`.
pub fn parse_links(datagram: &[u8], links: &mut Vec<Link>) -> End {
    for (kind, payload) in parse_messages(datagram) {
        if let Some(end) = parse_end(kind, payload) {
            return end;
        }
        if kind == RTM_NEWLINK {
            links.extend(parse_link(payload));
        }
    }
    End::More
}

fn parse_link(payload: &[u8]) -> Option<Link> {
    let mut link = Link { index: number32(payload, 4)?, ..Link::default() };
    for (kind, value) in parse_attributes(payload.get(IFINFO..)?) {
        match kind {
            IFLA_IFNAME => {
                let name = value.split(|byte| *byte == 0).next().unwrap_or_default();
                link.name = String::from_utf8_lossy(name).into_owned();
            }
            IFLA_LINK => link.peer_index = number32(value, 0),
            IFLA_LINK_NETNSID => link.peer_namespace = number32(value, 0).map(u32::cast_signed),
            IFLA_STATS64 => {
                link.receive_packets = number64(value, 0)?;
                link.transmit_packets = number64(value, 8)?;
                link.receive_bytes = number64(value, 16)?;
                link.transmit_bytes = number64(value, 24)?;
            }
            _ => {}
        }
    }
    Some(link)
}

/// The number of a name space in an answer; `None`: it has none, so that no link of ours leads there.
pub fn parse_namespace(datagram: &[u8]) -> Option<i32> {
    let (_, payload) = parse_messages(datagram).find(|(kind, _)| *kind == RTM_NEWNSID)?;
    // `struct rtgenmsg` is one byte, padded to four.
    let (_, value) = parse_attributes(payload.get(4..)?).find(|(kind, _)| *kind == NETNSA_NSID)?;
    number32(value, 0).map(u32::cast_signed).filter(|number| *number >= 0)
}

fn render_message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend_from_slice(&length.to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
    message.extend_from_slice(&[0; 8]); // sequence and port: one question at a time on a socket of our own
    message.extend_from_slice(body);
    message
}

fn push_attribute(body: &mut Vec<u8>, kind: u16, value: u32) {
    body.extend_from_slice(&8u16.to_ne_bytes());
    body.extend_from_slice(&kind.to_ne_bytes());
    body.extend_from_slice(&value.to_ne_bytes());
}

/// Asks for all links.
pub fn render_list_links() -> Vec<u8> {
    render_message(RTM_GETLINK, NLM_F_DUMP, &[0; IFINFO])
}

/// Asks for link `index` of name space `namespace`.
pub fn render_ask_link(index: u32, namespace: i32) -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend_from_slice(&index.to_ne_bytes());
    body.extend_from_slice(&[0; 8]);
    push_attribute(&mut body, IFLA_TARGET_NETNSID, namespace.cast_unsigned());
    render_message(RTM_GETLINK, 0, &body)
}

/// Asks for our number of the name space that `descriptor` is open on.
pub fn render_ask_namespace(descriptor: i32) -> Vec<u8> {
    let mut body = vec![0; 4];
    push_attribute(&mut body, NETNSA_FD, descriptor.cast_unsigned());
    render_message(RTM_GETNSID, 0, &body)
}
