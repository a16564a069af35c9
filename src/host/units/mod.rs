//! systemd's units, as far as slices go: their properties over D-Bus, what is written of them, and the signal
//! that everything was read again. Never reloads the manager, never stops a unit: a stopped slice kills its containers.

mod bus;
mod dropins;
mod property;

pub use bus::{Bus, Following};
pub use dropins::{Written, list_written, parse_value, read_written, remove_written};
pub use property::Property;

use super::Roots;

/// Whether systemd is the first process of this host. Source: sd_booted(3).
pub fn is_booted(roots: &Roots) -> bool {
    roots.rootfs.join("run/systemd/system").is_dir()
}
