//! Runs another program to its end: the one place that does. What it returns cannot say "it started". The program gets no
//! terminal, no shell, a plain environment, a limit on its time and on what it may print. Blocks its thread.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::Error;
use crate::values::one_line;

/// Where programs without a path are looked for; the agent's own environment is nobody else's business.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most of a program's complaints that is kept.
const COMPLAINT: u64 = 4096;
const BREATH: Duration = Duration::from_millis(5);
/// How long the last of the output may take to come after the program has ended.
const LINGER: Duration = Duration::from_secs(5);

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Order {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub input: Vec<u8>,
    /// Within this it must have ended, or it and its children are killed.
    pub limit: Duration,
    /// Most bytes of standard output; more is an error. 0: nobody reads it.
    pub most: u64,
    /// Beside PATH and LC_ALL, which are set; usually nothing.
    pub environment: Vec<(OsString, OsString)>,
}

/// A program that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// `None`: by a signal.
    pub code: Option<i32>,
    pub output: Vec<u8>,
    /// Its last words, on one line, for messages.
    pub complaint: String,
}

impl Ended {
    /// The output of a program that ended with 0; else the error that says what it said.
    pub fn success(self, program: &str) -> Result<Vec<u8>, Error> {
        if self.code == Some(0) {
            return Ok(self.output);
        }
        let status = self.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit status {code}"));
        Err(Error::Program { program: program.to_owned(), status, stderr: self.complaint })
    }
}

/// Runs it to its end. `Ok(None)`: there is no such program.
pub fn run(order: &Order) -> Result<Option<Ended>, Error> {
    let name = order.program.display().to_string();
    let refused = |error: std::io::Error| Error::file("run", &order.program, error);
    let complaints = bounded(COMPLAINT).map_err(refused)?;
    let mut command = Command::new(&order.program);
    command.args(&order.arguments).env_clear().envs(order.environment.iter().map(|(name, value)| (name, value)));
    command.env("PATH", PATH).env("LC_ALL", "C").current_dir("/").process_group(0);
    command.stdin(filled(&order.input).map_err(refused)?).stderr(complaints.try_clone().map_err(refused)?);
    command.stdout(if order.most == 0 { Stdio::null() } else { Stdio::piped() });
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    let output = child.stdout.take().map(|output| listen(output, order.most));
    let status = wait(&mut child, order.limit).map_err(refused)?;
    let Some(status) = status else { return Err(Error::Timeout { what: name, limit: order.limit }) };
    let silent = || Error::reply(&name, "left its output open to a program that did not end");
    let output = output.map(|heard| heard.recv_timeout(LINGER).map_err(|_| silent())).transpose()?.unwrap_or_default();
    if output.len() as u64 > order.most {
        return Err(Error::reply(name, format!("printed more than {} bytes", order.most)));
    }
    let said = written(&complaints).map_err(refused)?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    let complaint = match status.signal() {
        Some(signal) if last.is_empty() => format!("killed by signal {signal}"),
        _ => one_line(last, 300),
    };
    Ok(Some(Ended { code: status.code(), output, complaint }))
}

/// The input as a file in memory: a program that does not read it keeps nobody waiting.
fn filled(input: &[u8]) -> std::io::Result<File> {
    let mut file = File::from(memfd_create(c"stdin", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(input)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Reads to the end, in a thread of its own; keeps one byte more than `most`, and drops the rest so that the writer ends.
fn listen(mut from: ChildStdout, most: u64) -> Receiver<Vec<u8>> {
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        // A broken pipe is an end, too; what came before it counts.
        let _ = from.by_ref().take(most + 1).read_to_end(&mut kept);
        let _ = std::io::copy(&mut from, &mut std::io::sink());
        // Nobody may be waiting any more.
        let _ = tell.send(kept);
    });
    heard
}

/// A file in memory that cannot grow.
fn bounded(most: u64) -> std::io::Result<File> {
    let file = File::from(memfd_create(c"output", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.set_len(most)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW))?;
    Ok(file)
}

/// What the program wrote: both of us have one position in the file.
fn written(mut file: &File) -> std::io::Result<Vec<u8>> {
    let length = usize::try_from(file.stream_position()?).unwrap_or_default();
    let mut bytes = vec![0; length];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// `None`: it did not end in time, and was ended with all that it started.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn order(script: &str) -> Order {
        Order {
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            input: b"in".to_vec(),
            limit: Duration::from_secs(30),
            most: 1000,
            environment: Vec::new(),
        }
    }

    #[test]
    fn a_program_is_run_to_its_end() {
        let ended = run(&order("cat; echo $HOME$0; echo a >&2; echo why >&2; exit 3")).unwrap().unwrap();
        assert_eq!((ended.code, ended.output.as_slice(), ended.complaint.as_str()), (Some(3), &b"insh\n"[..], "why"));
        let error = ended.success("sh").unwrap_err();
        assert_eq!(error.to_string(), "sh ended with exit status 3: why");
        let killed = run(&order("kill -9 $$")).unwrap().unwrap();
        assert_eq!((killed.code, killed.complaint.as_str()), (None, "killed by signal 9"));
        assert_eq!(run(&Order { program: "/none/such".into(), ..order("") }).unwrap(), None);
        let unread = run(&Order { input: vec![b'x'; 300_000], most: 0, ..order("echo unread") }).unwrap().unwrap();
        assert_eq!((unread.code, unread.output.len()), (Some(0), 0));
    }

    #[test]
    fn time_and_output_are_bounded() {
        let error = run(&order("yes | head -c 100000")).unwrap_err();
        assert_eq!(error.to_string(), "sh: printed more than 1000 bytes");
        let loud = run(&order("yes >&2; exit 1")).unwrap().unwrap();
        assert!(loud.code == Some(1) && loud.complaint.len() <= 300, "{loud:?}");
        let directory = tempfile::tempdir().unwrap();
        let pid = directory.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        let slow = Order { limit: Duration::from_millis(500), ..order(&script) };
        assert!(matches!(run(&slow), Err(Error::Timeout { .. })));
        let child: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        let gone = || std::fs::read_to_string(format!("/proc/{child}/stat")).map_or(true, |stat| stat.contains(") Z "));
        let end = Instant::now() + Duration::from_secs(10);
        while !gone() {
            assert!(Instant::now() < end, "the child of the killed program still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
