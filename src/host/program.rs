//! Runs another program to its end: the one place that does. What it returns cannot say "it started". The program gets no
//! terminal, no shell, a plain environment, a limit on its time and on what it may print.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::Error;
use crate::values::one_line;

/// Where programs without a path are looked for; the agent's own environment is nobody else's business.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most bytes of standard error that are kept.
const COMPLAINTS: usize = 64 * 1024;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Order {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub input: Vec<u8>,
    /// Within this it must have ended, or it and its children are killed.
    pub limit: Duration,
    /// Most bytes of standard output; more is an error.
    pub most: usize,
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

/// Kills the program's process group, unless it has ended.
struct Leash(Option<Pid>);

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Nobody left in the group: it has ended.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Runs it to its end. `Ok(None)`: there is no such program.
pub async fn run(order: Order) -> Result<Option<Ended>, Error> {
    let name = order.program.display().to_string();
    let mut command = Command::new(&order.program);
    command.args(&order.arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("run", &order.program, error)),
    };
    let mut leash = Leash(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
    let (input, output, complaints) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let work = async {
        let feed = async {
            if let Some(mut input) = input {
                // Who does not read its input closes it: that is its own affair.
                let _ = input.write_all(&order.input).await;
            }
        };
        let ((), output, complaints) =
            tokio::join!(feed, read_bounded(output, order.most), read_bounded(complaints, COMPLAINTS));
        (child.wait().await, output, complaints)
    };
    let answer = tokio::time::timeout(order.limit, work).await;
    let (status, output, complaints) = answer.map_err(|_| Error::Timeout { what: name.clone(), limit: order.limit })?;
    let status = status.map_err(|error| Error::file("wait for", &order.program, error))?;
    leash.0 = None;
    let (output, whole) = output;
    if !whole {
        return Err(Error::reply(name, format!("printed more than {} bytes", order.most)));
    }
    let text = String::from_utf8_lossy(&complaints.0);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    let complaint = match status.signal() {
        Some(signal) if last.is_empty() => format!("killed by signal {signal}"),
        _ => one_line(last, 200),
    };
    Ok(Some(Ended { code: status.code(), output, complaint }))
}

/// Reads to the end; keeps at most `most` bytes. `false`: there was more, which was read and dropped, so that the writer
/// ends by itself.
async fn read_bounded(from: Option<impl AsyncRead + Unpin>, most: usize) -> (Vec<u8>, bool) {
    let (mut kept, mut whole) = (Vec::new(), true);
    let Some(mut from) = from else { return (kept, whole) };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let room = most.saturating_sub(kept.len());
        kept.extend_from_slice(buffer.get(..length.min(room)).unwrap_or_default());
        whole &= length <= room;
    }
    (kept, whole)
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
        }
    }

    #[tokio::test]
    async fn a_program_is_run_to_its_end() {
        let ended = run(order("cat; echo $HOME$0; echo a >&2; echo why >&2; exit 3")).await.unwrap().unwrap();
        assert_eq!((ended.code, ended.output.as_slice(), ended.complaint.as_str()), (Some(3), &b"insh\n"[..], "why"));
        let error = ended.success("sh").unwrap_err();
        assert_eq!(error.to_string(), "sh ended with exit status 3: why");
        let killed = run(order("kill -9 $$")).await.unwrap().unwrap();
        assert_eq!((killed.code, killed.complaint.as_str()), (None, "killed by signal 9"));
        assert_eq!(run(Order { program: "/none/such".into(), ..order("") }).await.unwrap(), None);
    }

    #[tokio::test]
    async fn time_and_output_are_bounded() {
        let error = run(order("yes | head -c 100000")).await.unwrap_err();
        assert_eq!(error.to_string(), "sh: printed more than 1000 bytes");
        let directory = tempfile::tempdir().unwrap();
        let pid = directory.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        let slow = Order { limit: Duration::from_millis(500), ..order(&script) };
        assert!(matches!(run(slow).await, Err(Error::Timeout { .. })));
        let child: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        let gone = || match std::fs::read_to_string(format!("/proc/{child}/stat")) {
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while !gone() {
            assert!(std::time::Instant::now() < end, "the child of the killed program still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
