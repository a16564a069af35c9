//! What systemd is told: READY, STATUS, RELOADING, STOPPING, and the watchdog, which lives on real progress only.

use std::sync::Mutex;
use std::time::Duration;

use sd_notify::NotifyState;

/// The line to the service manager. Without one (no `NOTIFY_SOCKET`) every call does nothing.
#[derive(Debug, Default)]
pub struct Systemd {
    status: Mutex<String>,
}

impl Systemd {
    pub fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    /// Between RELOADING and the next READY systemd shows the unit as reloading.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(since) => tell(&[NotifyState::Reloading, since]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    pub fn stopping(&self, limit: Duration) {
        let micros = u32::try_from(limit.as_micros()).unwrap_or(u32::MAX);
        tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(micros)]);
    }

    /// The line of `systemctl status`. Sent only when it changes.
    pub fn status(&self, line: &str) {
        let Ok(mut last) = self.status.lock() else { return };
        if *last != line {
            line.clone_into(&mut last);
            tell(&[NotifyState::Status(line)]);
        }
    }

    /// A sign of progress.
    pub fn alive(&self) {
        tell(&[NotifyState::Watchdog]);
    }

    /// How long the service manager waits for a sign of progress.
    pub fn patience(&self) -> Option<Duration> {
        sd_notify::watchdog_enabled()
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager was not reached");
    }
}
