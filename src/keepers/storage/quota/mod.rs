//! Quotas of declared directories by the project quotas of their file system: the directory and all that is in it carry a
//! project id, and the kernel refuses what is beyond the limit of that id. Where there are none, usage is watched by a
//! walk. A guard rail: root in a container can take the id off its own files, which the next look finds.

pub mod act;
pub mod config;
pub mod decide;
pub mod metrics;
pub mod observe;
pub mod step;
pub mod usage;

#[cfg(test)]
mod tests;
