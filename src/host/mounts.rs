//! What is mounted where, from the kernel's mount table. Reads and parses only; decides nothing.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

pub use super::space::{Place, Space, StatWatch, read_space};
use super::{Error, Roots};

/// One line of the mount table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub id: u32,
    pub parent: u32,
    /// Major and minor number; equal to `st_dev` of its files, except on btrfs.
    pub device: (u32, u32),
    /// The directory of the filesystem that is mounted: `/`, or another one for a bind mount.
    pub root: PathBuf,
    /// Where it is mounted, as seen from the first process.
    pub mount_point: PathBuf,
    /// Options of this mount, such as `rw,relatime`.
    pub options: String,
    /// Propagation, such as `shared:1`.
    pub optional: Vec<String>,
    pub fstype: String,
    /// The device or server as the kernel shows it.
    pub source: OsString,
    /// Options of the filesystem itself.
    pub super_options: String,
}

impl Mount {
    /// Whether nothing can be written here: the mount or its filesystem is read-only.
    pub fn read_only(&self) -> bool {
        has_option(&self.options, "ro") || has_option(&self.super_options, "ro")
    }

    /// Whether another machine or a program answers for it, so that a question may never be answered.
    pub fn answers_from_afar(&self) -> bool {
        const AFAR: [&str; 21] = [
            "9p",
            "afs",
            "autofs",
            "beegfs",
            "ceph",
            "cifs",
            "coda",
            "gfs2",
            "glusterfs",
            "gpfs",
            "lustre",
            "ncpfs",
            "nfs",
            "nfs4",
            "ocfs2",
            "orangefs",
            "pvfs2",
            "smb3",
            "smbfs",
            "virtiofs",
            "vboxsf",
        ];
        self.fstype.starts_with("fuse") && self.fstype != "fusectl" || AFAR.contains(&self.fstype.as_str())
    }
}

fn has_option(options: &str, wanted: &str) -> bool {
    options.split(',').any(|option| option == wanted)
}

/// Reads the mount table of the first process, so that a namespace of our own hides nothing; without right to it, ours.
pub fn read_mounts(roots: &Roots) -> Result<Vec<Mount>, Error> {
    let first = roots.procfs.join("1/mountinfo");
    let bytes = std::fs::read(&first).or_else(|_| {
        let ours = roots.procfs.join("self/mountinfo");
        std::fs::read(&ours).map_err(|error| Error::file("read", ours, error))
    })?;
    Ok(parse_mountinfo(&bytes))
}

/// The mount that holds `path` (absolute, without links): the deepest one, and of several on one spot the last.
pub fn mount_of<'m>(mounts: &'m [Mount], path: &Path) -> Option<&'m Mount> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.mount_point));
    above.max_by_key(|mount| mount.mount_point.components().count())
}

/// Parses `/proc/PID/mountinfo`. Lines that are not whole are left out.
pub fn parse_mountinfo(bytes: &[u8]) -> Vec<Mount> {
    bytes.split(|byte| *byte == b'\n').filter_map(parse_line).collect()
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 - ext3 /dev/root rw,errors=continue`
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = number(fields.next()?)?;
    let parent = number(fields.next()?)?;
    let device = text(fields.next()?);
    let (major, minor) = device.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let root = PathBuf::from(decode(fields.next()?));
    let mount_point = PathBuf::from(decode(fields.next()?));
    let options = text(fields.next()?);
    let optional = fields.by_ref().take_while(|field| *field != b"-").map(text).collect();
    let fstype = text(fields.next()?);
    let source = decode(fields.next()?);
    let super_options = text(fields.next()?);
    let whole = mount_point.is_absolute() && !fstype.is_empty();
    whole.then_some(Mount { id, parent, device, root, mount_point, options, optional, fstype, source, super_options })
}

fn number(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(&decode_bytes(field)).into_owned()
}

fn decode(field: &[u8]) -> OsString {
    OsString::from_vec(decode_bytes(field))
}

/// The kernel writes blanks, newlines, backslashes and `#` as `\` and three octal digits.
fn decode_bytes(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = if first == b'\\' { after.split_first_chunk::<3>().and_then(octal) } else { None };
        match escaped {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    bytes
}

fn octal<'r>((digits, after): (&[u8; 3], &'r [u8])) -> Option<(u8, &'r [u8])> {
    let mut value = 0_u32;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value = value * 8 + u32::from(digit);
    }
    Some((u8::try_from(value).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
22 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,errors=remount-ro
23 22 0:21 / /proc rw,nosuid - proc proc rw
40 22 0:44 /sub /srv/two\\040words\\134 ro - nfs4 10.0.0.1:/a\\040b rw,vers=4.2
41 22 0:45 / /mnt/s3 rw - fuse.rclone remote:bucket rw
garbage
42 22 0:46 / /half rw";

    #[test]
    fn lines_are_read_whole_or_not_at_all() {
        let mounts = parse_mountinfo(TABLE);
        assert_eq!(mounts.len(), 4);
        let root = &mounts[0];
        assert_eq!((root.id, root.parent, root.device), (22, 1, (254, 0)));
        assert_eq!(root.optional, ["shared:1", "master:2"]);
        assert_eq!((root.fstype.as_str(), root.super_options.as_str()), ("ext4", "rw,errors=remount-ro"));
        let nfs = &mounts[2];
        assert_eq!(nfs.mount_point, Path::new("/srv/two words\\"));
        assert_eq!(nfs.source, "10.0.0.1:/a b");
        assert_eq!(nfs.root, Path::new("/sub"));
        assert!(nfs.read_only() && !root.read_only());
        let afar: Vec<bool> = mounts.iter().map(Mount::answers_from_afar).collect();
        assert_eq!(afar, [false, false, true, true]);
    }

    #[test]
    fn every_prefix_of_a_real_table_is_survived() {
        let real = std::fs::read("/proc/self/mountinfo").unwrap();
        for table in [TABLE, &real] {
            for end in 0..table.len() {
                parse_mountinfo(&table[..end]);
            }
        }
        assert!(!parse_mountinfo(&real).is_empty());
    }

    #[test]
    fn escapes_that_are_none_stay_as_they_are() {
        for (field, decoded) in [
            (&b"a\\040b"[..], &b"a b"[..]),
            (b"a\\04", b"a\\04"),
            (b"\\999", b"\\999"),
            (b"\\777", b"\\777"),
            (b"\\", b"\\"),
            (b"\\134040", b"\\040"),
        ] {
            assert_eq!(decode_bytes(field), decoded);
        }
    }

    #[test]
    fn the_deepest_mount_holds_a_path() {
        let mut mounts = parse_mountinfo(TABLE);
        let over = Mount { id: 99, mount_point: "/mnt/s3".into(), ..mounts[0].clone() };
        mounts.push(over);
        assert_eq!(mount_of(&mounts, Path::new("/mnt/s3/x")).unwrap().id, 99);
        assert_eq!(mount_of(&mounts, Path::new("/mnt/s3x")).unwrap().id, 22);
        assert_eq!(mount_of(&[], Path::new("/")), None);
    }
}
