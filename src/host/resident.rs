//! What of this process stays in memory. Start-up runs a lot of code that never runs again (arguments, configuration,
//! first looks), and the kernel keeps each page of it, with its neighbours, counted as ours.

use std::ffi::c_void;
use std::fs;

/// Lets go of the pages of the program's own code, after start or after something rare; what is still needed comes back from the page cache at its next use.
/// Nothing is lost: only executable, never writable mappings of a file are let go. Failing is harmless and silent.
pub fn release_code() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for (from, length) in maps.lines().filter_map(parse_code_mapping) {
        // SAFETY: the range was just read from the kernel as a private, executable, not writable file mapping of this
        // process. Its pages are clean copies of the file, and MADV_DONTNEED on such a mapping only makes the next
        // access read them again (madvise(2)). No pointer into it changes its meaning.
        #[allow(unsafe_code)]
        let _ = unsafe { libc::madvise(from as *mut c_void, length, libc::MADV_DONTNEED) };
    }
}

/// Start and length of a mapping of executable code of a file: `55d0…-55d1… r-xp 0000 08:01 42 /usr/bin/hostkeeper`.
fn parse_code_mapping(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    let file = words.nth(3)?;
    if rights != "r-xp" || !file.starts_with('/') {
        return None;
    }
    let (from, to) = range.split_once('-')?;
    let number = |digits: &str| usize::from_str_radix(digits, 16).ok();
    let from = number(from)?;
    Some((from, number(to)?.checked_sub(from)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_is_let_go() {
        let code = "55d000001000-55d000003000 r-xp 00001000 08:01 42   /usr/bin/hostkeeper";
        assert_eq!(parse_code_mapping(code), Some((0x55d0_0000_1000, 0x2000)));
        for other in [
            "55d000001000-55d000003000 r--p 00001000 08:01 42   /usr/bin/hostkeeper",
            "55d000001000-55d000003000 rwxp 00001000 08:01 42   /usr/bin/hostkeeper",
            "7ffd4e1d6000-7ffd4e1d8000 r-xp 00000000 00:00 0    [vdso]",
            "7ffd4e1d6000-7ffd4e1d8000 r-xp 00000000 00:00 0",
            "rubbish",
            "",
        ] {
            assert_eq!(parse_code_mapping(other), None, "{other}");
        }
    }

    #[test]
    fn the_process_goes_on() {
        release_code();
        assert_eq!(format!("{}", 6 * 7), "42");
    }
}
