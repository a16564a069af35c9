//! Sockets in directories: what somebody serves there can be ordered about by who mounts the directory. And paths as they
//! are behind their links. Reads only.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Entries of one directory that are looked at, and how deep.
const MOST: usize = 500;
const DEPTH: usize = 3;

/// `path` of the host without links, as far as it exists; what does not exist is kept as it is written.
pub fn read_canonical(rootfs: &Path, path: &str) -> String {
    let at = rootfs.join(path.trim_start_matches('/'));
    let mut missing: Vec<&std::ffi::OsStr> = Vec::new();
    for above in at.ancestors() {
        if let Ok(found) = fs::canonicalize(above) {
            let whole = missing.iter().rev().fold(found, |path, name| path.join(name));
            let below = whole.strip_prefix(rootfs).map_or_else(|_| whole.clone(), |below| Path::new("/").join(below));
            return below.to_string_lossy().into_owned();
        }
        missing.extend(above.file_name());
    }
    path.to_owned()
}

/// Sockets in a directory and a little below it, as paths of the host.
pub fn list_sockets(rootfs: &Path, directory: &str) -> Vec<String> {
    let (mut open, mut found) = (vec![(PathBuf::from(directory), 0)], Vec::new());
    while let Some((path, depth)) = open.pop() {
        let at = rootfs.join(path.strip_prefix("/").unwrap_or(&path));
        for entry in fs::read_dir(at).into_iter().flatten().flatten().take(MOST) {
            let Ok(kind) = entry.file_type() else { continue };
            let below = path.join(entry.file_name());
            if kind.is_socket() {
                found.push(below.to_string_lossy().into_owned());
            } else if kind.is_dir() && depth + 1 < DEPTH && open.len() < MOST {
                open.push((below, depth + 1));
            }
        }
    }
    found.sort();
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_as_far_as_there_is_something() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir_all(root.join("srv/b")).unwrap();
        std::os::unix::fs::symlink(root.join("srv/b"), root.join("link")).unwrap();
        let path = |below: &str| root.join(below).display().to_string();
        let slash = Path::new("/");
        assert_eq!(read_canonical(slash, &path("link/x/y")), path("srv/b/x/y"));
        assert_eq!(read_canonical(slash, &path("srv/../link")), path("srv/b"));
        assert_eq!(read_canonical(&root, "/srv/b"), "/srv/b");
        assert_eq!(read_canonical(slash, "/none-such/a"), "/none-such/a");
    }

    #[test]
    fn sockets_are_found_below_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("a/b/c")).unwrap();
        let _one = std::os::unix::net::UnixListener::bind(directory.path().join("a/b/proxy.sock")).unwrap();
        let _deep = std::os::unix::net::UnixListener::bind(directory.path().join("a/b/c/deep.sock")).unwrap();
        let path = directory.path().display().to_string();
        assert_eq!(list_sockets(Path::new("/"), &path), [format!("{path}/a/b/proxy.sock")]);
    }
}
