//! Containers, projects and Docker as they really are: with a dockerd of our own, and with one that misbehaves.

// Clippy knows tests by their attribute; the helpers of a test crate have none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "containers/docker.rs"]
mod docker;
#[path = "support/dockerd.rs"]
mod dockerd;
#[path = "../support/exposition.rs"]
mod exposition;
#[path = "support/fake_docker.rs"]
mod fake_docker;
#[path = "containers/hostile.rs"]
mod hostile;
#[path = "containers/hundred.rs"]
mod hundred;
#[path = "containers/looker.rs"]
mod looker;
