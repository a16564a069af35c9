//! When the host runs short of memory, the least important things go first, one at a time, and come back later.

pub mod config;
pub mod gauge;
pub mod ladder;
#[cfg(test)]
pub mod tests;
pub mod watch;
