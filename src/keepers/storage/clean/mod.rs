//! Declared `clean` rules: what of a directory may go, found by a walk that no round waits for; deleted oldest first, each
//! file looked at again right before. Deletes nothing that no rule names; a delete has no undo.

mod act;
mod clock;
pub mod config;
mod decide;
mod delete;
pub mod metrics;
mod observe;
mod show;
mod step;
#[cfg(test)]
mod tests;

pub use act::examine;
pub use decide::decide;
pub use observe::{CleanSeen, Cleans, Deleted, Found, RuleKey};
pub use show::show;
pub use step::CleanOrder;
