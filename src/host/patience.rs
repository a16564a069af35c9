//! Work that may hang in the kernel (a dead file server) done on a thread of its own, with a bound on the waiting and on
//! the threads: who has not answered is not asked again until it has.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::oneshot;

use super::Error;

/// Remembers which work is still under way.
#[derive(Debug, Default)]
pub struct Patience {
    under_way: BTreeMap<String, Weak<()>>,
}

impl Patience {
    /// Does `work` on a thread and waits for it at most `limit`. While an earlier work of the same name hangs, that is
    /// the error, and no thread is started.
    pub async fn wait<T: Send + 'static>(
        &mut self,
        name: &str,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.start(name, work)?.wait(limit).await
    }

    /// Starts `work`; the answer is waited for later, so that several can be under way at once.
    pub fn start<T: Send + 'static>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Waiting<T>, Error> {
        self.under_way.retain(|_, running| running.strong_count() > 0);
        if self.under_way.contains_key(name) {
            return Err(Error::reply(name, "still does not answer an earlier question"));
        }
        let running = Arc::new(());
        self.under_way.insert(name.to_owned(), Arc::downgrade(&running));
        let (give, answer) = oneshot::channel();
        let thread = move || {
            let answer = work();
            // Over before it is told: who has the answer may ask again at once.
            drop(running);
            // Nobody may be waiting any more.
            let _ = give.send(answer);
        };
        let builder = std::thread::Builder::new().name("patience".into()).stack_size(256 * 1024);
        builder.spawn(thread).map_err(|error| Error::reply("cannot start a thread", error))?;
        Ok(Waiting { name: name.to_owned(), answer })
    }
}

impl Patience {
    /// Whether an earlier work of this name is still under way.
    pub fn is_under_way(&self, name: &str) -> bool {
        self.under_way.get(name).is_some_and(|running| running.strong_count() > 0)
    }
}

/// An answer to come.
#[derive(Debug)]
pub struct Waiting<T> {
    name: String,
    answer: oneshot::Receiver<T>,
}

impl<T> Waiting<T> {
    /// Waits at most `limit`; `None`: not yet, ask again. After an answer there is none a second time.
    pub async fn ask(&mut self, limit: Duration) -> Option<Result<T, Error>> {
        let ended = || Error::reply(&self.name, "the thread that asked ended without an answer");
        match tokio::time::timeout(limit, &mut self.answer).await {
            Ok(answer) => Some(answer.map_err(|_| ended())),
            Err(_) => None,
        }
    }

    /// Waits at most `limit`.
    pub async fn wait(self, limit: Duration) -> Result<T, Error> {
        match tokio::time::timeout(limit, self.answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Error::reply(self.name, "the thread that asked ended without an answer")),
            Err(_) => Err(Error::Timeout { what: self.name, limit }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn what_hangs_is_asked_once() {
        let mut patience = Patience::default();
        let (free, hung) = channel::<()>();
        let first = patience.wait("nfs", Duration::from_millis(20), move || hung.recv().is_ok()).await;
        assert!(matches!(first, Err(Error::Timeout { .. })));
        let second = patience.wait("nfs", Duration::from_secs(9), || true).await;
        assert_eq!(second.unwrap_err().to_string(), "nfs: still does not answer an earlier question");
        assert_eq!(patience.wait("ssd", Duration::from_secs(9), || 7).await.unwrap(), 7);
        free.send(()).unwrap();
        while patience.wait("nfs", Duration::from_secs(9), || ()).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_thread_that_panics_is_an_error() {
        let mut patience = Patience::default();
        let work = || -> u8 { panic!("on purpose") };
        let answer = patience.wait("x", Duration::from_secs(9), work).await;
        assert!(answer.unwrap_err().to_string().contains("without an answer"));
    }
}
