//! The cache of a tier that stands on bcache: kept in the declared mode, watched for everything that can be wrong with
//! it. Never attached, detached, registered or formatted.

pub mod act;
pub mod config;
pub mod decide;
pub mod metrics;
pub mod observe;
pub mod show;
pub mod step;

#[cfg(test)]
mod tests;
