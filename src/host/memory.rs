//! How much memory can still be had, how much waits for it, and a wake-up when tasks stall.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Roots;
use super::cgroups::parse_keyed;
use super::procfs::parse_pressure;

/// The kernel is asked to wake whoever waits when tasks stalled for 150 ms within a second.
const TRIGGER: &[u8] = b"some 150000 1000000\0";

/// The host's memory at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MemoryNow {
    /// Bytes that can still be had, by the kernel's own estimate (`MemAvailable`).
    pub available: u64,
    /// Percent of the last minute in which some task waited for memory; 0 when the kernel does not say.
    pub psi_some_avg60: f64,
    /// Percent of the last ten seconds in which all tasks waited for memory; 0 when the kernel does not say.
    pub psi_full_avg10: f64,
}

/// `None`: the kernel does not say what is available.
pub fn read_memory_now(roots: &Roots) -> Option<MemoryNow> {
    let meminfo = std::fs::read(roots.procfs.join("meminfo")).ok()?;
    let (_, kib) = parse_keyed(&meminfo).find(|(key, _)| *key == b"MemAvailable:")?;
    let stalls = std::fs::read(roots.procfs.join("pressure/memory")).ok();
    let stalls = stalls.and_then(|bytes| parse_pressure(&bytes)).unwrap_or_default();
    Some(MemoryNow {
        available: kib.checked_mul(1024)?,
        psi_some_avg60: stalls.some_minute_percent.unwrap_or_default(),
        psi_full_avg10: stalls.full_percent.unwrap_or_default(),
    })
}

/// A trigger of the kernel's pressure stall information.
#[derive(Debug)]
pub struct Stalls(AsyncFd<std::fs::File>);

impl Stalls {
    /// `None`: this kernel has no triggers, or does not let us have one. Needs a tokio runtime.
    #[allow(unsafe_code)]
    pub fn open(roots: &Roots) -> Option<Stalls> {
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
        let file = options.open(roots.procfs.join("pressure/memory")).ok()?;
        // Refused for a plain file: nothing is written into one.
        // SAFETY: the file is owned here, and nothing takes it out or closes it before it is dropped.
        let file = unsafe { AsyncFd::register_with_interest(file, Interest::PRIORITY) }.ok()?;
        file.get_ref().write_all(TRIGGER).ok()?;
        Some(Stalls(file))
    }

    /// Waits for the next stall; for ever when the trigger is gone.
    pub async fn stalled(&self) {
        match self.0.ready(Interest::PRIORITY).await {
            Ok(mut ready) => ready.clear_ready(),
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(meminfo: &str, pressure: Option<&str>) -> (tempfile::TempDir, Roots) {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("pressure")).unwrap();
        std::fs::write(scratch.path().join("meminfo"), meminfo).unwrap();
        if let Some(text) = pressure {
            std::fs::write(scratch.path().join("pressure/memory"), text).unwrap();
        }
        let roots = Roots { procfs: scratch.path().into(), ..Roots::default() };
        (scratch, roots)
    }

    #[test]
    fn available_memory_and_stalls_are_read() {
        let meminfo = "MemTotal: 4000 kB\nMemFree: 10 kB\nMemAvailable: 1000 kB\n";
        let stalls =
            "some avg10=1.00 avg60=2.50 avg300=0.10 total=5\nfull avg10=40.25 avg60=0.50 avg300=0.00 total=3\n";
        let (_kept, with) = roots(meminfo, Some(stalls));
        let wanted = MemoryNow { available: 1_024_000, psi_some_avg60: 2.5, psi_full_avg10: 40.25 };
        assert_eq!(read_memory_now(&with), Some(wanted));
        let (_kept, without) = roots(meminfo, None);
        assert_eq!(read_memory_now(&without), Some(MemoryNow { available: 1_024_000, ..MemoryNow::default() }));
        let (_kept, old) = roots("MemTotal: 4000 kB\n", None);
        assert_eq!(read_memory_now(&old), None, "a kernel before 3.14");
    }

    #[tokio::test]
    async fn a_plain_file_is_no_trigger_and_stays_as_it_is() {
        let (kept, roots) = roots("", Some("some avg10=0.00\n"));
        assert!(Stalls::open(&roots).is_none());
        assert_eq!(std::fs::read(kept.path().join("pressure/memory")).unwrap(), b"some avg10=0.00\n");
    }
}
