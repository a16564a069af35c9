//! hostkeeper: one root agent that keeps several Docker Compose projects safe on one Linux server.
//! The rooms and their rules are in `docs/architecture.md`.

pub mod api;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod host;
pub mod keepers;
pub mod ledger;
pub mod metrics;
pub mod round;
pub mod values;
pub mod web;

// The fake agent below is shared with the tests outside the library, which know it by this name.
#[cfg(test)]
extern crate self as hostkeeper;

#[cfg(test)]
#[path = "../tests/scripted/agent.rs"]
mod scripted;
