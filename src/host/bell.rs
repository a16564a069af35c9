//! Rung by whoever in this room notices that something changed; the rounds wait for it. A hint and nothing more: who is
//! woken looks again.

use std::sync::Arc;

use tokio::sync::Notify;

/// A bell. Clones are the same bell.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits until it is rung. A ring that came before is not lost.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}
