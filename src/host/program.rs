//! Runs a program and waits for its end, with a bound on the time, on what it may say, and with no shell. There is no way
//! to ask only whether it started.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::Error;

/// Most of a program's complaints that is kept.
const COMPLAINT: u64 = 4096;
const BREATH: Duration = Duration::from_millis(5);

/// Runs `argv` with `input` on its standard input, waits at most `limit`, then ends it and all it started. Its standard
/// output is not read. Anything but exit status 0 is an error with what it said last.
pub fn run(argv: &[String], input: &[u8], limit: Duration) -> Result<(), Error> {
    let Some((program, words)) = argv.split_first() else { return Err(Error::reply("a program", "has no name")) };
    let refused = |error: std::io::Error| Error::file("start", program, error);
    let (stdin, complaints) = (filled(input).map_err(refused)?, bounded().map_err(refused)?);
    let stderr = complaints.try_clone().map_err(refused)?;
    let mut child = Command::new(program)
        .args(words)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir("/")
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(stderr)
        .process_group(0)
        .spawn()
        .map_err(refused)?;
    let status = wait(&mut child, limit).map_err(refused)?;
    match status {
        None => Err(Error::Timeout { what: program.clone(), limit }),
        Some(status) if status.success() => Ok(()),
        Some(status) => {
            let stderr = last_words(&complaints);
            Err(Error::Program { program: program.clone(), status: status.to_string(), stderr })
        }
    }
}

/// The input as a file in memory: a program that does not read it keeps nobody waiting.
fn filled(input: &[u8]) -> std::io::Result<File> {
    let mut file = File::from(memfd_create(c"stdin", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(input)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// A file in memory that cannot grow.
fn bounded() -> std::io::Result<File> {
    let file = File::from(memfd_create(c"stderr", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.set_len(COMPLAINT)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW))?;
    Ok(file)
}

fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            break;
        }
        std::thread::sleep(BREATH);
    }
    // Its own group: the program and what it started, nobody else.
    if let Ok(group) = i32::try_from(child.id()) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    child.wait().map(|_| None)
}

fn last_words(complaints: &File) -> String {
    let mut bytes = vec![0; COMPLAINT as usize];
    let length = complaints.read_at(&mut bytes, 0).unwrap_or(0);
    let said = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
    let line = said.trim_end_matches('\0').trim().lines().next_back().unwrap_or_default().to_owned();
    crate::values::one_line(&line, 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, input: &[u8], limit: Duration) -> Result<(), Error> {
        run(&["/bin/sh".into(), "-c".into(), script.into()], input, limit)
    }

    #[test]
    fn what_it_was_given_what_it_said_and_how_it_ended() {
        let long = Duration::from_secs(60);
        assert!(shell("test \"$(cat)\" = hello", b"hello", long).is_ok());
        let failed = shell("echo first >&2; echo 'no index' >&2; exit 3", b"", long).unwrap_err().to_string();
        assert!(failed.contains("exit status: 3") && failed.ends_with("no index"), "{failed}");
        assert!(run(&["/nonexistent/program".into()], b"", long).unwrap_err().chain().contains("No such file"));
        assert!(run(&[], b"", long).is_err());
    }

    #[test]
    fn who_does_not_end_or_says_too_much_is_ended() {
        let late = shell("sleep 600 & sleep 600", &[b'x'; 300_000], Duration::from_millis(100)).unwrap_err();
        assert!(matches!(late, Error::Timeout { .. }), "{late}");
        let loud = shell("yes >&2; exit 1", b"", Duration::from_secs(60)).unwrap_err();
        assert!(matches!(loud, Error::Program { .. }), "{loud}");
    }
}
