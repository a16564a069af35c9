//! Giving root up, and what a process without rights needs from before: a way to a socket in a closed directory, a
//! listener handed over by systemd, a small heap.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::socket::{getsockopt, sockopt};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, User};

use super::Error;

/// Whether this process runs as root.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A user that is not root.
#[derive(Debug)]
pub struct Unprivileged(User);

/// Looks `user` up in the user database.
pub fn find_unprivileged(user: &str) -> Result<Unprivileged, Error> {
    let found = User::from_name(user).ok().flatten();
    let found = found.ok_or_else(|| Error::reply("user database", format!("there is no user \"{user}\"")))?;
    if found.uid.is_root() {
        return Err(Error::reply("user database", format!("user \"{user}\" is root")));
    }
    Ok(Unprivileged(found))
}

/// Becomes `user` with `group` (default: the user's own) as its only group, for good: no way back, no new rights through
/// programs it might run. Call it before any other thread is started.
pub fn drop_root(user: &Unprivileged, group: Option<u32>) -> Result<(), Error> {
    let failed = |what: &'static str| {
        move |errno: nix::errno::Errno| Error::reply("kernel", format!("{what}: {}", errno.desc()))
    };
    let Unprivileged(found) = user;
    let gid = group.map_or(found.gid, Gid::from_raw);
    nix::unistd::setgroups(&[gid]).map_err(failed("set groups"))?;
    nix::unistd::setresgid(gid, gid, gid).map_err(failed("set group"))?;
    nix::unistd::setresuid(found.uid, found.uid, found.uid).map_err(failed("set user"))?;
    forbid_new_privileges()?;
    if nix::unistd::setuid(Uid::from_raw(0)).is_ok() {
        return Err(Error::reply("kernel", "root could be taken back after it was given up"));
    }
    Ok(())
}

/// No program started from here can gain rights.
pub fn forbid_new_privileges() -> Result<(), Error> {
    nix::sys::prctl::set_no_new_privs()
        .map_err(|errno| Error::reply("kernel", format!("forbid new privileges: {}", errno.desc())))
}

/// A way to a file that stays open when the directories above it are closed to this process.
#[derive(Debug)]
pub struct Doorway {
    _folder: OwnedFd,
    /// The same file, reached through the open directory.
    pub path: PathBuf,
}

/// Opens the directory of `path`, to reach the file in it later with fewer rights.
pub fn open_doorway(path: &Path) -> Result<Doorway, Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| {
        Error::file("reach", path, io::Error::new(io::ErrorKind::InvalidInput, "this is not the path of a socket"))
    })?;
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = nix::fcntl::open(folder, flags, Mode::empty())
        .map_err(|errno| Error::file("open the directory", folder, errno.into()))?;
    let path = Path::new("/proc/self/fd").join(fd.as_raw_fd().to_string()).join(name);
    Ok(Doorway { _folder: fd, path })
}

/// The listener that systemd opened for this process (socket activation), when there is one.
#[allow(unsafe_code)]
pub fn take_inherited_listener() -> Result<Option<TcpListener>, Error> {
    let broken = |what: String| Error::reply("socket activation", what);
    let mut fds = sd_notify::listen_fds().map_err(|error| broken(error.to_string()))?;
    let Some(fd) = fds.next() else { return Ok(None) };
    if fds.next().is_some() {
        return Err(broken("more than one socket was handed over; the page needs exactly one".into()));
    }
    // SAFETY: systemd opened this descriptor for this process (LISTEN_PID is our pid) and nothing else has taken it:
    // this function is called once, at start. The borrow ends before ownership is taken.
    let listens = getsockopt(&unsafe { BorrowedFd::borrow_raw(fd) }, sockopt::AcceptConn);
    if !matches!(listens, Ok(true)) {
        return Err(broken(format!("descriptor {fd} is not a listening socket")));
    }
    // SAFETY: as above; from here on the listener owns the descriptor.
    let listener = TcpListener::from(unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(fd) });
    Ok(Some(listener))
}

/// Listens on TCP.
pub fn start_tcp(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).map_err(|error| {
        let cure = match error.kind() {
            io::ErrorKind::AddrInUse => " (another program listens there; choose another address with --listen)",
            _ => "",
        };
        Error::reply("kernel", format!("listen on {address}: {error}{cure}"))
    })
}

/// Keeps the heap of a process with one thread and short-lived buffers small: one arena, freed memory given back.
#[allow(unsafe_code)]
pub fn keep_heap_small() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt only sets parameters of the allocator and may be called at any time; its result (1 or 0) says
    // whether a parameter was taken, and none is needed for correctness.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 256 * 1024);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 256 * 1024);
    }
}
