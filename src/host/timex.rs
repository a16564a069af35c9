//! The kernel's view of its clock's quality, from `adjtimex(2)`. Only asks; never changes the clock.

use super::Error;

/// What the kernel knows of the clock. Raw units of the system call; `nanoseconds` says which `offset` and `jitter` have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timex {
    pub synchronized: bool,
    /// `offset` and `jitter` are in nanoseconds, not microseconds.
    pub nanoseconds: bool,
    pub offset: i64,
    /// Parts per million, times 65536.
    pub frequency: i64,
    /// Microseconds.
    pub max_error: i64,
    pub estimated_error: i64,
    pub status: i32,
    pub time_constant: i64,
    /// Microseconds.
    pub tick: i64,
    pub pps_frequency: i64,
    pub pps_jitter: i64,
    pub pps_shift: i32,
    pub pps_stability: i64,
    pub pps_jitter_count: i64,
    pub pps_calibrations: i64,
    pub pps_errors: i64,
    pub pps_stability_exceeded: i64,
    pub tai_offset: i32,
}

/// Asks the kernel.
pub fn read_timex() -> Result<Timex, Error> {
    let (state, raw) = adjtimex().map_err(|error| Error::reply("adjtimex", error))?;
    Ok(Timex {
        synchronized: state != nix::libc::TIME_ERROR,
        nanoseconds: raw.status & nix::libc::STA_NANO != 0,
        offset: raw.offset,
        frequency: raw.freq,
        max_error: raw.maxerror,
        estimated_error: raw.esterror,
        status: raw.status,
        time_constant: raw.constant,
        tick: raw.tick,
        pps_frequency: raw.ppsfreq,
        pps_jitter: raw.jitter,
        pps_shift: raw.shift,
        pps_stability: raw.stabil,
        pps_jitter_count: raw.jitcnt,
        pps_calibrations: raw.calcnt,
        pps_errors: raw.errcnt,
        pps_stability_exceeded: raw.stbcnt,
        tai_offset: raw.tai,
    })
}

#[allow(unsafe_code)]
fn adjtimex() -> Result<(i32, nix::libc::timex), std::io::Error> {
    // SAFETY: `timex` is a C struct of integers, for which all bits zero are a value. `modes` 0 asks without changing
    // anything, and the call writes only into the struct, which lives until after it.
    let (state, raw) = unsafe {
        let mut raw: nix::libc::timex = std::mem::zeroed();
        (nix::libc::adjtimex(&mut raw), raw)
    };
    if state < 0 { Err(std::io::Error::last_os_error()) } else { Ok((state, raw)) }
}
