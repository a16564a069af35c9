//! Project quotas of ext4 and xfs: the project id of a directory or file, what the kernel counts for an id, and its
//! limit. Speaks only about descriptors that are open: nothing is resolved by path, but the device on kernels before 5.14.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::files::Directory;
use super::{Error, Roots};

/// To which project an inode is counted, and whether what is made in a directory inherits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub id: u32,
    pub inherit: bool,
}

/// Whether a file system counts by project, and whether it refuses what is beyond a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Support {
    pub counts: bool,
    pub enforces: bool,
}

/// What is counted for an id. Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub bytes: u64,
    pub files: u64,
    /// `None`: without a limit.
    pub limit: Option<u64>,
}

/// The kernel counts in these.
const BLOCK: u64 = 512;

const PROJECT: u32 = 2;
const GET_QUOTA: u32 = (b'X' as u32) << 8 | 3;
const SET_LIMIT: u32 = (b'X' as u32) << 8 | 4;
const GET_STATE: u32 = (b'X' as u32) << 8 | 8;
const COUNTS_PROJECTS: u16 = 1 << 4;
const ENFORCES_PROJECTS: u16 = 1 << 5;
const SOFT_AND_HARD_BLOCKS: u16 = 1 << 2 | 1 << 3;
const INHERITS: u32 = 0x200;

/// `struct fsxattr`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Fsxattr {
    xflags: u32,
    extsize: u32,
    nextents: u32,
    projid: u32,
    cowextsize: u32,
    pad: [u8; 8],
}

/// `struct fs_disk_quota`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct FsDiskQuota {
    version: i8,
    flags: i8,
    fieldmask: u16,
    id: u32,
    blk_hardlimit: u64,
    blk_softlimit: u64,
    ino_hardlimit: u64,
    ino_softlimit: u64,
    bcount: u64,
    icount: u64,
    rest: [u64; 7],
}

/// `struct fs_quota_statv`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct FsQuotaStatv {
    version: i8,
    pad: u8,
    flags: u16,
    incore: u32,
    rest: [u64; 19],
}

const _: () = assert!(
    size_of::<Fsxattr>() == 28 && size_of::<FsDiskQuota>() == 112 && size_of::<FsQuotaStatv>() == 160,
    "the kernel's structures have these sizes"
);

/// `_IOR('X', 31, struct fsxattr)` and `_IOW('X', 32, struct fsxattr)`.
const FS_GET_XATTR: libc::Ioctl = 0x801c_581f;
const FS_SET_XATTR: libc::Ioctl = 0x401c_5820;

/// The project of a directory; `None`: its file system knows none.
pub fn read_directory_mark(directory: &Directory) -> Result<Option<Mark>, Error> {
    read_mark(directory.as_fd()).map_err(|errno| refused("read the project of", directory.path(), errno))
}

/// Gives a directory itself to a project.
pub fn write_directory_mark(directory: &Directory, mark: Mark) -> Result<(), Error> {
    write_mark(directory.as_fd(), mark).map_err(|errno| refused("set the project of", directory.path(), errno))
}

/// As [`read_directory_mark`], for a regular file.
pub(super) fn read_file_mark(file: &File) -> nix::Result<Option<Mark>> {
    read_mark(file.as_fd())
}

/// As [`write_directory_mark`], for a regular file, which passes nothing on.
pub(super) fn write_file_mark(file: &File, id: u32) -> nix::Result<()> {
    write_mark(file.as_fd(), Mark { id, inherit: false })
}

fn read_mark(fd: BorrowedFd<'_>) -> nix::Result<Option<Mark>> {
    match read_fsxattr(fd) {
        Ok(attributes) => Ok(Some(Mark { id: attributes.projid, inherit: attributes.xflags & INHERITS != 0 })),
        Err(Errno::ENOTTY | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn write_mark(fd: BorrowedFd<'_>, mark: Mark) -> nix::Result<()> {
    let mut attributes = read_fsxattr(fd)?;
    attributes.projid = mark.id;
    attributes.xflags = if mark.inherit { attributes.xflags | INHERITS } else { attributes.xflags & !INHERITS };
    write_fsxattr(fd, &attributes)
}

#[allow(unsafe_code)]
fn read_fsxattr(fd: BorrowedFd<'_>) -> nix::Result<Fsxattr> {
    let mut attributes = Fsxattr::default();
    // SAFETY: the descriptor is open as long as it is borrowed, and the kernel fills a `struct fsxattr`, whose size is
    // asserted above and whose fields are integers.
    let answer = unsafe { libc::ioctl(fd.as_raw_fd(), FS_GET_XATTR, &raw mut attributes) };
    Errno::result(answer).map(|_| attributes)
}

#[allow(unsafe_code)]
fn write_fsxattr(fd: BorrowedFd<'_>, attributes: &Fsxattr) -> nix::Result<()> {
    // SAFETY: the descriptor is open as long as it is borrowed, and the kernel only reads a `struct fsxattr`, whose size
    // is asserted above.
    let answer = unsafe { libc::ioctl(fd.as_raw_fd(), FS_SET_XATTR, &raw const *attributes) };
    Errno::result(answer).map(drop)
}

/// The file system that a directory is on, to be asked about projects.
#[derive(Debug)]
pub struct Projects<'d> {
    directory: &'d Directory,
    /// For kernels that cannot be asked through a descriptor.
    device: Option<PathBuf>,
}

impl<'d> Projects<'d> {
    /// `device`: the kernel's name of the block device that the file system is on.
    pub fn of(roots: &Roots, directory: &'d Directory, device: Option<&str>) -> Projects<'d> {
        Projects { directory, device: device.map(|name| roots.rootfs.join("dev").join(name)) }
    }

    /// What the file system does for projects. One that knows nothing of them does nothing.
    pub fn read_support(&self) -> Result<Support, Error> {
        let mut state = FsQuotaStatv { version: 1, ..FsQuotaStatv::default() };
        match self.ask(GET_STATE, 0, &raw mut state as *mut libc::c_void) {
            Ok(()) => Ok(Support {
                counts: state.flags & COUNTS_PROJECTS != 0,
                enforces: state.flags & ENFORCES_PROJECTS != 0,
            }),
            Err(Errno::ENOSYS | Errno::ESRCH | Errno::EINVAL | Errno::ENOTBLK | Errno::EOPNOTSUPP) => {
                Ok(Support::default())
            }
            Err(errno) => Err(refused("ask for the quotas of", self.directory.path(), errno)),
        }
    }

    /// What is counted for an id; nothing for an id that was never used.
    pub fn read_counted(&self, id: u32) -> Result<Counted, Error> {
        let mut quota = FsDiskQuota::default();
        match self.ask(GET_QUOTA, id, &raw mut quota as *mut libc::c_void) {
            Ok(()) => {}
            Err(Errno::ENOENT) => return Ok(Counted::default()),
            Err(errno) => return Err(refused("ask for the quota of", self.directory.path(), errno)),
        }
        let limit = quota.blk_hardlimit.saturating_mul(BLOCK);
        Ok(Counted {
            bytes: quota.bcount.saturating_mul(BLOCK),
            files: quota.icount,
            limit: (limit > 0).then_some(limit),
        })
    }

    /// Sets the limit of an id, or takes it away.
    pub fn write_limit(&self, id: u32, limit: Option<u64>) -> Result<(), Error> {
        let mut quota = FsDiskQuota {
            version: 1,
            flags: 2,
            fieldmask: SOFT_AND_HARD_BLOCKS,
            id,
            blk_hardlimit: limit.unwrap_or(0) / BLOCK,
            ..FsDiskQuota::default()
        };
        let answer = self.ask(SET_LIMIT, id, &raw mut quota as *mut libc::c_void);
        answer.map_err(|errno| refused("set the quota of", self.directory.path(), errno))
    }

    /// `argument` points to the structure that belongs to `command`.
    #[allow(unsafe_code)]
    fn ask(&self, command: u32, id: u32, argument: *mut libc::c_void) -> nix::Result<()> {
        let command = libc::c_long::from(command << 8 | PROJECT);
        let id = libc::c_long::from(id);
        let fd = libc::c_long::from(self.directory.as_fd().as_raw_fd());
        // SAFETY: the descriptor is open as long as its directory is borrowed; `argument` is one of the structures above,
        // writable, and of the size that the kernel reads and writes for the command.
        let answer = unsafe { libc::syscall(libc::SYS_quotactl_fd, fd, command, id, argument) };
        match (Errno::result(answer), &self.device) {
            (Err(Errno::ENOSYS), Some(device)) if !knows_quotactl_fd() => ask_device(command, device, id, argument),
            (answer, _) => answer.map(drop),
        }
    }
}

/// Whether the kernel has the call at all (Linux 5.14): a descriptor that is none tells.
#[allow(unsafe_code)]
fn knows_quotactl_fd() -> bool {
    let (none, command) = (-1 as libc::c_long, libc::c_long::from(GET_STATE << 8 | PROJECT));
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel refuses a descriptor that is none before it looks at the null pointer.
    let answer = unsafe { libc::syscall(libc::SYS_quotactl_fd, none, command, 0 as libc::c_long, nothing) };
    Errno::result(answer) != Err(Errno::ENOSYS)
}

#[allow(unsafe_code)]
fn ask_device(command: libc::c_long, device: &Path, id: libc::c_long, argument: *mut libc::c_void) -> nix::Result<()> {
    let Ok(device) = std::ffi::CString::new(device.as_os_str().as_encoded_bytes()) else { return Err(Errno::ENOTBLK) };
    // SAFETY: `device` is a C string that outlives the call; `argument` is as `Projects::ask` demands it.
    let answer = unsafe { libc::syscall(libc::SYS_quotactl, command, device.as_ptr(), id, argument) };
    Errno::result(answer).map(drop)
}

fn refused(verb: &'static str, path: &Path, errno: Errno) -> Error {
    Error::file(verb, path, errno.into())
}

/// The directories that an administrator gave project ids to, as `/etc/projects` says: id and path.
pub fn read_claims(roots: &Roots) -> Vec<(u32, String)> {
    let bytes = std::fs::read(roots.rootfs.join("etc/projects")).unwrap_or_default();
    parse_projects(&bytes)
}

/// Parses `/etc/projects`: `42:/srv/data`, `#` begins a comment. Lines that are not so are left out.
pub fn parse_projects(bytes: &[u8]) -> Vec<(u32, String)> {
    let parse = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        let (id, path) = line.trim().split_once(':')?;
        let id = id.trim().parse().ok()?;
        path.starts_with('/').then(|| (id, path.trim_end_matches('/').to_owned()))
    };
    bytes.split(|byte| *byte == b'\n').filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::super::files::{Found, open_root};
    use super::*;

    #[test]
    fn claims_are_read_line_by_line() {
        let text = b"# comment\n42:/srv/data/\n 7 : /x\n9:relative\nx:/y\n43\n44:/a:b\n4294967296:/z\n\xff:/q";
        assert_eq!(parse_projects(text), [(42, "/srv/data".into()), (44, "/a:b".into())]);
    }

    #[test]
    fn a_file_system_without_projects_says_so() {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let Found::There(opened) = open_root(Path::new("/"), directory.path()).unwrap() else { panic!("is there") };
        let projects = Projects::of(&Roots::default(), &opened, Some("nothing"));
        assert_eq!(projects.read_support().unwrap(), Support::default());
        assert!(projects.write_limit(7, Some(1 << 20)).is_err());
        match read_directory_mark(&opened).unwrap() {
            None => assert!(write_directory_mark(&opened, Mark { id: 7, inherit: true }).is_err()),
            Some(mark) => assert_eq!(mark, Mark::default()),
        }
    }
}
