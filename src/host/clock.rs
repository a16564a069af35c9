//! The clocks of the machine: wall time, time since boot (suspend included), and the name of this boot.

use std::time::Duration;

use crate::values::Now;

/// Reads the present moment. One per process: the boot id is read once.
#[derive(Clone, Debug)]
pub struct Clock {
    boot: String,
}

impl Clock {
    /// A clock of this boot. Without a readable boot id, ages are taken from the wall clock across restarts.
    pub fn of_this_boot() -> Clock {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = boot.trim().to_owned();
        let boot = if boot.is_empty() { format!("process-{}", std::process::id()) } else { boot };
        Clock { boot }
    }

    pub fn now(&self) -> Now {
        let up = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
        Now { wall: jiff::Timestamp::now(), up, boot: self.boot.clone() }
    }
}
