//! `/proc/net/ip_vs` and `/proc/net/ip_vs_stats`: the kernel's load balancer.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::text::{hex, lines, number, text, words};

/// `/proc/net/ip_vs_stats`, totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpvsTotals {
    pub connections: u64,
    pub incoming_packets: u64,
    pub outgoing_packets: u64,
    pub incoming_bytes: u64,
    pub outgoing_bytes: u64,
}

/// Parses `/proc/net/ip_vs_stats`: two lines of heads, one of hexadecimal totals.
pub fn parse_ipvs_totals(bytes: &[u8]) -> Option<IpvsTotals> {
    let mut values = words(lines(bytes).nth(2)?).map_while(hex);
    Some(IpvsTotals {
        connections: values.next()?,
        incoming_packets: values.next()?,
        outgoing_packets: values.next()?,
        incoming_bytes: values.next()?,
        outgoing_bytes: values.next()?,
    })
}

/// A real server behind a virtual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpvsBackend {
    pub protocol: String,
    /// Empty when it is chosen by firewall mark.
    pub local_address: String,
    pub local_port: u16,
    pub local_mark: String,
    pub remote_address: String,
    pub remote_port: u16,
    pub weight: u64,
    pub active: u64,
    pub inactive: u64,
}

/// Parses `/proc/net/ip_vs`.
pub fn parse_ipvs_backends(bytes: &[u8]) -> Option<Vec<IpvsBackend>> {
    let mut all = lines(bytes);
    all.next().filter(|head| head.starts_with(b"IP Virtual Server"))?;
    let mut backends = Vec::new();
    let mut local: Option<IpvsBackend> = None;
    for line in all {
        let fields: Vec<&[u8]> = words(line).collect();
        match fields.as_slice() {
            [b"->", remote, _, weight, active, inactive] => {
                backends.extend(local.as_ref().and_then(|local| backend(local, remote, [weight, active, inactive])));
            }
            [protocol @ (b"TCP" | b"UDP" | b"SCTP"), address, ..] => local = virtual_server(protocol, address),
            [b"FWM", mark, ..] => {
                local = virtual_server(b"FWM", b"").map(|server| IpvsBackend { local_mark: text(mark), ..server });
            }
            _ => {}
        }
    }
    Some(backends)
}

fn virtual_server(protocol: &[u8], address: &[u8]) -> Option<IpvsBackend> {
    let (local_address, local_port) = if address.is_empty() { (String::new(), 0) } else { parse_address(address)? };
    Some(IpvsBackend {
        protocol: text(protocol),
        local_address,
        local_port,
        local_mark: String::new(),
        remote_address: String::new(),
        remote_port: 0,
        weight: 0,
        active: 0,
        inactive: 0,
    })
}

fn backend(local: &IpvsBackend, remote: &[u8], counts: [&[u8]; 3]) -> Option<IpvsBackend> {
    let (remote_address, remote_port) = parse_address(remote)?;
    let [weight, active, inactive] = counts.map(number);
    let counts = (weight?, active?, inactive?);
    let (weight, active, inactive) = counts;
    Some(IpvsBackend { remote_address, remote_port, weight, active, inactive, ..local.clone() })
}

/// `C0A80016:0CEA` or `[2620:0000:…]:0050`.
fn parse_address(field: &[u8]) -> Option<(String, u16)> {
    let colon = field.iter().rposition(|byte| *byte == b':')?;
    let (address, port) = field.split_at_checked(colon)?;
    let port = u16::try_from(hex(port.strip_prefix(b":")?)?).ok()?;
    if let Some(inner) = address.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")) {
        let address: Ipv6Addr = std::str::from_utf8(inner).ok()?.parse().ok()?;
        return Some((address.to_string(), port));
    }
    let bits = hex(address).filter(|_| address.len() == 8)?;
    Some((Ipv4Addr::from_bits(u32::try_from(bits).ok()?).to_string(), port))
}
