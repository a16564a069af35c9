//! The disks below the tiers: what they say of their own health, and whether arrays are whole. Looked at on timers of its
//! own, because a disk may take long to answer.

pub mod config;
pub mod decide;
pub mod metrics;
mod observe;
#[cfg(test)]
mod tests;

pub use observe::{DiskSeen, Disks, DisksSeen, MdArray, Smart};
