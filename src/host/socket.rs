//! The agent's Unix socket: made so that nobody can connect before its rights are set, and who is at the other end.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr};
use nix::unistd::{Gid, Group, Uid, User};

use super::Error;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 64;
/// Supplementary groups of one peer (`NGROUPS_MAX` of Linux).
const MOST_GROUPS: usize = 65_536;

/// Who is at the other end of a connection, as the kernel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerIds {
    pub uid: u32,
    pub gid: u32,
    pub pid: i32,
    /// The supplementary groups of the process that connected.
    pub groups: Vec<u32>,
}

/// Listens at `path`: mode 0660, group `gid` when given and allowed. A socket that nobody serves is replaced; one that is served,
/// and anything that is not a socket, is an error.
pub fn start_listening(path: &Path, gid: Option<u32>) -> Result<UnixListener, Error> {
    let failed = |verb, source| Error::file(verb, path, source);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = std::fs::DirBuilder::new().mode(0o755).create(folder);
        made.or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
            .map_err(|error| Error::file("create the directory", folder, error))?;
    }
    clear_stale(path)?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)
        .map_err(|errno| failed("make a socket for", errno.into()))?;
    let address = UnixAddr::new(path).map_err(|errno| failed("listen at", errno.into()))?;
    socket::bind(fd.as_raw_fd(), &address).map_err(|errno| failed("listen at", errno.into()))?;
    // Until `listen` below, whoever finds the path is refused by the kernel: rights first.
    let given = nix::unistd::chown(path, None, gid.map(Gid::from_raw));
    // Only root and members may give a file to a group; an agent of anybody else keeps its own group.
    given
        .or_else(|errno| if errno == Errno::EPERM && own_uid() != 0 { Ok(()) } else { Err(errno) })
        .map_err(|errno| failed("set the group of", errno.into()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))
        .map_err(|error| failed("set the mode of", error))?;
    let backlog = Backlog::new(BACKLOG).map_err(|errno| failed("listen at", errno.into()))?;
    socket::listen(&fd, backlog).map_err(|errno| failed("listen at", errno.into()))?;
    Ok(UnixListener::from(fd))
}

/// Removes the socket of an agent that has ended.
fn clear_stale(path: &Path) -> Result<(), Error> {
    let kind = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file("look at", path, error)),
    };
    if !kind.is_socket() {
        let text = "something that is not a socket is there; move it away or choose another place with --socket";
        return Err(Error::file("listen at", path, io::Error::new(io::ErrorKind::AlreadyExists, text)));
    }
    match ask_served(path) {
        Err(Errno::ECONNREFUSED) => {
            std::fs::remove_file(path).map_err(|error| Error::file("remove the unserved socket", path, error))
        }
        Err(Errno::ENOENT) => Ok(()),
        // Connected, or its queue is full, or it may not be asked: somebody is there.
        _ => {
            let text = "another agent serves this socket";
            Err(Error::file("listen at", path, io::Error::new(io::ErrorKind::AddrInUse, text)))
        }
    }
}

fn ask_served(path: &Path) -> Result<(), Errno> {
    connect(path).map(drop)
}

/// Connects without waiting. A stream socket of this family is connected at once or not: `WouldBlock` says that its queue
/// is full.
pub fn start_connected(path: &Path) -> io::Result<UnixStream> {
    connect(path).map(UnixStream::from).map_err(io::Error::from)
}

fn connect(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    socket::connect(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(fd)
}

/// Device and inode: names this very socket file.
pub fn read_identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Removes the socket at the end, unless it is another one by now.
pub fn remove_own(path: &Path, identity: Option<(u64, u64)>) {
    if identity.is_some() && read_identity(path) == identity {
        // Nothing depends on it: the next start replaces an unserved socket.
        let _ = std::fs::remove_file(path);
    }
}

/// The group that owns the file at `path`.
pub fn read_group(path: &Path) -> Option<u32> {
    std::fs::metadata(path).ok().map(|meta| meta.gid())
}

/// The number of a group; `None` when there is no such group.
pub fn find_group(name: &str) -> Option<u32> {
    Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw())
}

/// The effective user of this process.
pub fn own_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Who connected.
pub fn read_peer(stream: &impl AsFd) -> io::Result<PeerIds> {
    let ids = socket::getsockopt(stream, socket::sockopt::PeerCredentials)?;
    let groups = read_peer_groups(stream).unwrap_or_default();
    Ok(PeerIds { uid: ids.uid(), gid: ids.gid(), pid: ids.pid(), groups })
}

/// `SO_PEERGROUPS`: the supplementary groups the peer had when it connected. Since Linux 4.13.
#[allow(unsafe_code)]
fn read_peer_groups(stream: &impl AsFd) -> Option<Vec<u32>> {
    let mut groups = vec![0_u32; 64];
    loop {
        let mut bytes = libc::socklen_t::try_from(groups.len() * size_of::<u32>()).ok()?;
        // SAFETY: the descriptor is borrowed for the call; the kernel writes at most `bytes` bytes into `groups`, which
        // owns exactly that many, and writes the needed or used length back into `bytes`.
        let result = unsafe {
            libc::getsockopt(
                stream.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut bytes,
            )
        };
        let count = bytes as usize / size_of::<u32>();
        if result == 0 {
            groups.truncate(count);
            return Some(groups);
        }
        if Errno::last() != Errno::ERANGE || count <= groups.len() || count > MOST_GROUPS {
            return None;
        }
        groups.resize(count, 0);
    }
}

/// The groups that the user database gives a user. May ask the network (LDAP): call it where waiting is allowed.
pub fn list_groups_of(uid: u32) -> Vec<u32> {
    let Some(user) = User::from_uid(Uid::from_raw(uid)).ok().flatten() else { return Vec::new() };
    let Ok(name) = std::ffi::CString::new(user.name) else { return Vec::new() };
    let groups = nix::unistd::getgrouplist(&name, user.gid).unwrap_or_default();
    groups.into_iter().map(Gid::as_raw).collect()
}
