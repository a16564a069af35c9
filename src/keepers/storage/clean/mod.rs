//! Declared `clean` rules: what of a directory may go, found by a walk that no round waits for; deleted oldest first, each
//! file looked at again right before. Deletes nothing that no rule names; a delete has no undo.

mod act;
pub mod config;
mod decide;
mod delete;
pub mod metrics;
mod observe;
mod step;
#[cfg(test)]
mod tests;

pub use act::examine;
pub use decide::decide;
pub use observe::{CleanSeen, Cleans, Found, RuleKey};
pub use step::CleanOrder;
