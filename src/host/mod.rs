//! The only room that touches the machine. Small adapters; no policy, no metric names.

pub mod alone;
pub mod asking;
pub mod bcache;
pub mod bell;
pub mod cgroups;
mod clock;
pub mod compose;
pub mod devices;
pub mod disk_speed;
pub mod docker;
pub mod entries;
pub mod environment;
mod error;
pub mod files;
pub mod gpus;
pub mod kept;
pub mod links;
pub mod listeners;
pub mod lock;
pub mod machine;
pub mod marked;
pub mod memory;
pub mod mounts;
pub mod nvml;
pub mod open_files;
pub mod patience;
pub mod privileges;
pub mod procfs;
pub mod program;
pub mod quota;
pub mod resident;
pub mod secret_files;
pub mod served;
pub mod smartctl;
pub mod socket;
pub mod space;
pub mod sysfs;
pub mod timex;
pub mod transfer;
pub mod units;
pub mod walk;
pub mod watch;

pub use clock::Clock;
pub use error::Error;

use std::path::PathBuf;

/// Where the machine is, for a process that may run in a container or under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    pub procfs: PathBuf,
    pub sysfs: PathBuf,
    /// Prefix of the host's file tree; `/` on a host.
    pub rootfs: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() }
    }
}

impl Roots {
    /// The network's files. `procfs/net` is the reader's own network: elsewhere, the first process has the host's.
    pub fn net(&self) -> PathBuf {
        let first = self.procfs.join("1/net");
        let elsewhere = self.procfs != Roots::default().procfs;
        if elsewhere && first.is_dir() { first } else { self.procfs.join("net") }
    }
}

/// The machine, handed to keepers.
#[derive(Clone, Debug)]
pub struct Host {
    pub roots: Roots,
    /// Rung when something changed that a round should look at.
    pub bell: bell::Bell,
    pub docker: docker::Following,
    pub gpus: gpus::Following,
    pub units: units::Following,
}

impl Host {
    pub fn new(roots: Roots) -> Host {
        let bell = bell::Bell::default();
        let (docker, units) = (docker::Following::new(bell.clone()), units::Following::new(bell.clone()));
        Host { roots, bell, docker, gpus: gpus::Following::default(), units }
    }

    /// The same machine, placed elsewhere: what is followed stays followed.
    pub fn placed(&self, roots: Roots) -> Host {
        Host { roots, ..self.clone() }
    }

    /// Whether something is at `path`, be it a dangling link. What cannot be looked at counts as being there: the
    /// caller asks for switches that stop the agent.
    pub fn is_there(&self, path: &std::path::Path) -> bool {
        match std::fs::symlink_metadata(path) {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory),
        }
    }
}
