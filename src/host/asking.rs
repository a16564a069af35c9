//! The client's end of a connection to the agent: what is written goes out at once, and only reading waits for the
//! kernel. A question fits the socket's buffer, so nobody need be woken to hear that there is room for more of it: of
//! the cost of a scrape that passes through, such wake-ups were the largest part.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::time::Sleep;

/// Until a full buffer is tried again.
const PAUSE: Duration = Duration::from_millis(5);

/// A connected, non-blocking stream.
pub struct Asking {
    stream: AsyncFd<UnixStream>,
    /// Runs while the other end does not read.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Asking {
    pub fn new(stream: UnixStream) -> io::Result<Asking> {
        // SAFETY: the stream owns its descriptor and keeps the same one until it is dropped, which is what the caller of
        // this function has to promise. Nothing here exchanges it or lends it out mutably.
        #[allow(unsafe_code)]
        let stream = unsafe { AsyncFd::register_with_interest(stream, Interest::READABLE) }?;
        Ok(Asking { stream, pause: None })
    }
}

/// Reads into space that nobody wrote to yet: clearing so much of it first would cost more than reading.
#[allow(unsafe_code)]
fn receive(stream: &UnixStream, into: &mut ReadBuf<'_>) -> io::Result<()> {
    // SAFETY: the space is only handed to the kernel to be written to, never read here.
    let space = unsafe { into.unfilled_mut() };
    // SAFETY: pointer and length are those of that space, which is borrowed for the whole call; recv(2) writes at most so
    // many bytes to it.
    let length = unsafe { libc::recv(stream.as_raw_fd(), space.as_mut_ptr().cast(), space.len(), 0) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: recv(2) wrote to the first `length` bytes of it.
    unsafe { into.assume_init(length) };
    into.advance(length);
    Ok(())
}

impl AsyncRead for Asking {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.stream.poll_read_ready(context))?;
            match ready.try_io(|stream| receive(stream.get_ref(), into)) {
                Ok(Ok(())) => return Poll::Ready(Ok(())),
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_nothing_yet) => {}
            }
        }
    }
}

impl AsyncWrite for Asking {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            match self.stream.get_ref().write(from) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.pause = Some(Box::pin(tokio::time::sleep(PAUSE)));
                }
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The other end may have closed already.
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn more_than_fits_the_buffer_goes_out_as_it_is_read() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
        let expected = sent.clone();
        let reader = std::thread::spawn(move || {
            let mut theirs = theirs;
            std::thread::sleep(Duration::from_millis(50));
            let mut got = Vec::new();
            theirs.read_to_end(&mut got).unwrap();
            theirs.write_all(b"thanks").unwrap();
            got
        });
        let mut asking = Asking::new(ours).unwrap();
        asking.write_all(&sent).await.unwrap();
        asking.shutdown().await.unwrap();
        let mut answer = String::new();
        asking.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "thanks");
        assert!(reader.join().unwrap() == expected);
    }

    #[tokio::test]
    async fn an_end_that_closed_is_an_error_and_not_a_wait() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut asking = Asking::new(ours).unwrap();
        drop(theirs);
        assert_eq!(asking.write_all(b"?").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let mut answer = Vec::new();
        assert_eq!(asking.read_to_end(&mut answer).await.unwrap(), 0);
    }
}
