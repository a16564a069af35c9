//! A small file system of the test's own, mounted while the test runs. Needs root: without it the test is skipped by
//! name, or fails where `CI=true` says that everything must run.

use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// Whether the test can mount; says so when it cannot.
pub fn may_mount(test: &str) -> bool {
    if nix::unistd::geteuid().is_root() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{test} needs root in CI");
    eprintln!("skipped: {test} needs root to mount");
    false
}

/// A tmpfs, unmounted when dropped.
pub struct Tmpfs {
    pub path: PathBuf,
}

impl Tmpfs {
    /// Mounts one at `path` with `options` such as `size=1m`.
    pub fn mount(path: &Path, options: &str) -> Tmpfs {
        std::fs::create_dir_all(path).unwrap();
        mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some(options)).unwrap();
        Tmpfs { path: path.to_owned() }
    }

    /// Shows the file `from` at the file `at`, too.
    #[allow(dead_code)] // Not by every test that mounts.
    pub fn bind(from: &Path, at: &Path) -> Tmpfs {
        std::fs::write(at, "").unwrap();
        mount(Some(from), at, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        Tmpfs { path: at.to_owned() }
    }

    #[allow(dead_code)] // Not by every test that mounts.
    pub fn remount(&self, flags: MsFlags) {
        mount(None::<&str>, &self.path, None::<&str>, MsFlags::MS_REMOUNT | flags, None::<&str>).unwrap();
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}
