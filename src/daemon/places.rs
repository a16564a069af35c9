//! Where configuration, state and socket are.

use std::path::PathBuf;

/// The three places, chosen by flags, environment or the packaged defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The configuration file; `conf.d/*.toml` beside it belongs to it.
    pub config: PathBuf,
    /// The state directory: ledger and lock.
    pub state: PathBuf,
    /// The API's Unix socket.
    pub socket: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Places {
            config: "/etc/hostkeeper/hostkeeper.toml".into(),
            state: "/var/lib/hostkeeper".into(),
            socket: "/run/hostkeeper/hostkeeper.sock".into(),
        }
    }
}
