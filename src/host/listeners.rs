//! Who listens in the host's own network: sockets by `/proc/PID/net/{tcp,tcp6,udp,udp6}`, joined by inode with the
//! processes of containers. Reads only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::cgroups::read_container_of;

/// Bytes of one table: 50 000 sockets.
const TABLE_LIMIT: u64 = 8 * 1024 * 1024;
/// Processes and descriptors that are looked at.
const MOST: usize = 100_000;
/// The kernel's words for states.
const LISTEN: &str = "0A";
const UNCONNECTED: &str = "07";

/// A socket that waits for others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    pub udp: bool,
    pub address: IpAddr,
    pub port: u16,
}

/// What the processes of each container listen on, of those containers of which a main process is given.
pub fn list_listeners(procfs: &Path, containers: &HashMap<String, i32>) -> BTreeMap<String, BTreeSet<Listener>> {
    let mut found: BTreeMap<String, BTreeSet<Listener>> = BTreeMap::new();
    let Some(first) = containers.values().min() else { return found };
    // All of them are in one network: the host's.
    let sockets = read_tables(&procfs.join(first.to_string()).join("net"));
    if sockets.is_empty() {
        return found;
    }
    for pid in list_processes(procfs) {
        let main = containers.iter().find(|(_, main)| u32::try_from(**main) == Ok(pid)).map(|(id, _)| id.clone());
        let Some(id) = main.or_else(|| read_container_of(procfs, pid)).filter(|id| containers.contains_key(id)) else {
            continue;
        };
        let all = found.entry(id).or_default();
        all.extend(list_inodes(procfs, pid).iter().filter_map(|inode| sockets.get(inode)).cloned());
    }
    found
}

fn list_processes(procfs: &Path) -> Vec<u32> {
    let entries = fs::read_dir(procfs).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).take(MOST).collect()
}

/// Inodes of the sockets that a process has open. One that ended meanwhile has none.
fn list_inodes(procfs: &Path, pid: u32) -> BTreeSet<u64> {
    let descriptors = fs::read_dir(procfs.join(pid.to_string()).join("fd")).into_iter().flatten().flatten();
    let inode = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    descriptors.take(MOST).filter_map(inode).collect()
}

fn read_tables(directory: &Path) -> HashMap<u64, Listener> {
    let mut all = HashMap::new();
    for (name, udp) in [("tcp", false), ("tcp6", false), ("udp", true), ("udp6", true)] {
        let mut text = Vec::new();
        let read = File::open(directory.join(name)).and_then(|file| file.take(TABLE_LIMIT).read_to_end(&mut text));
        if read.is_ok() {
            all.extend(parse_sockets(&String::from_utf8_lossy(&text), udp));
        }
    }
    all
}

/// Sockets that wait for others, by inode, of a table such as `/proc/net/tcp6`. Lines that are not understood are left out.
pub fn parse_sockets(text: &str, udp: bool) -> Vec<(u64, Listener)> {
    let wanted = if udp { UNCONNECTED } else { LISTEN };
    let each = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let local = words.nth(1)?;
        let (_remote, state) = (words.next()?, words.next()?);
        if state != wanted {
            return None;
        }
        // Queues, timers, retransmits, user, time-out; then the inode.
        let inode = words.nth(5)?.parse().ok().filter(|inode| *inode != 0)?;
        let (address, port) = local.split_once(':')?;
        let (address, port) = (parse_address(address)?, u16::from_str_radix(port, 16).ok().filter(|port| *port != 0)?);
        Some((inode, Listener { udp, address, port }))
    };
    text.lines().skip(1).filter_map(each).collect()
}

/// The kernel prints words of 32 bits as its own numbers: on a little machine each one backwards.
fn parse_address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for (part, at) in bytes.chunks_exact_mut(4).zip([0, 8, 16, 24]) {
                part.copy_from_slice(&word(at)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n\
        1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0\n\
        2: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0\n\
        torn";

    #[test]
    fn only_sockets_that_listen_are_taken() {
        let found = parse_sockets(TCP, false);
        let listener = |address: &str, port| Listener { udp: false, address: address.parse().unwrap(), port };
        assert_eq!(found, [(4711, listener("127.0.0.1", 8080)), (4712, listener("0.0.0.0", 80))]);
        assert_eq!(parse_sockets(TCP, true), []);
    }

    #[test]
    fn addresses_of_ipv6_and_udp_are_read() {
        let line = "h\n 9: 00000000000000000000000001000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 \
                    00:00000000 00000000     0        0 99 2 0000000000000000 0\n";
        let found = parse_sockets(line, true);
        assert_eq!(found, [(99, Listener { udp: true, address: "::1".parse().unwrap(), port: 5353 })]);
    }

    #[test]
    fn a_listener_of_this_process_is_found() {
        let listener = std::net::TcpListener::bind("[::1]:0").or_else(|_| std::net::TcpListener::bind("127.0.0.1:0"));
        let address = listener.as_ref().unwrap().local_addr().unwrap();
        let pid = i32::try_from(std::process::id()).unwrap();
        let found = list_listeners(Path::new("/proc"), &HashMap::from([("me".to_owned(), pid)]));
        let expected = Listener { udp: false, address: address.ip(), port: address.port() };
        assert!(found["me"].contains(&expected), "{found:?}");
    }
}
